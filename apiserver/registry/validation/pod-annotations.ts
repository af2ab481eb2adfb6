// Annotations by which pods said things before there were fields for them: they are still looked at, and where field
// and annotation both speak they must say the same.
import type { FieldProblem } from '../../../api/status.ts';
import type { PodSpec } from '../../../api/types/core/pod-spec.ts';
import { localDescendingPath } from './paths.ts';
import { forbidden, invalidValue } from './problems.ts';

type Annotations = Readonly<Record<string, string>>;

export const MIRROR = 'kubernetes.io/config.mirror';
const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';
const SECCOMP_POD = 'seccomp.security.alpha.kubernetes.io/pod';
const SECCOMP_CONTAINER = 'container.seccomp.security.alpha.kubernetes.io/';
const APP_ARMOR = 'container.apparmor.security.beta.kubernetes.io/';
const LOCALHOST = 'localhost/';
const DEFAULTS = ['runtime/default', 'docker/default'];
const INT32_MAX = 2147483647;

/** In order, those that say something of profiles: few pods have any. */
function profilesIn(annotations: Annotations): [string, string][] {
  const found: [string, string][] = [];
  for (const key in annotations) if (isOfProfile(key)) found.push([key, annotations[key]!]);
  return found.sort(([a], [b]) => (a < b ? -1 : 1));
}

export const isOfProfile = (key: string) =>
  key === SECCOMP_POD || key.startsWith(SECCOMP_CONTAINER) || key.startsWith(APP_ARMOR);
const sorted = (annotations: Annotations) => Object.entries(annotations).sort(([a], [b]) => (a < b ? -1 : 1));

/** All containers with their place, in the order in which upstream looks at them. */
function containersOf(spec: PodSpec) {
  return (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((list) =>
    (spec[list] ?? []).map((container, i) => ({ container, at: `${list}[${i}]` })),
  );
}

export function podAnnotationProblems(annotations: Annotations = {}, spec: PodSpec, path: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const mirror = annotations[MIRROR];
  if (mirror !== undefined && !spec.nodeName) {
    problems.push(invalidValue(`${path}[${MIRROR}]`, mirror, 'must set spec.nodeName if mirror pod annotation is set'));
  }
  const cost = annotations[DELETION_COST];
  if (cost !== undefined && !isInt32(cost)) {
    problems.push(invalidValue(`${path}[${DELETION_COST}]`, cost, 'must be a 32bit integer'));
  }
  const profiles = profilesIn(annotations);
  if (profiles.length === 0) return problems;
  for (const [key, profile] of profiles) {
    if (key !== SECCOMP_POD && !key.startsWith(SECCOMP_CONTAINER)) continue;
    problems.push(...seccompProblems(`${path}.${key}`, profile));
  }
  const names = new Set(containersOf(spec).map(({ container }) => container.name));
  for (const [key, profile] of profiles) {
    if (!key.startsWith(APP_ARMOR)) continue;
    const name = key.slice(APP_ARMOR.length);
    if (!names.has(name)) problems.push(invalidValue(`${path}[${key}]`, name, 'container not found'));
    if (!['', 'runtime/default', 'unconfined'].includes(profile) && !profile.startsWith(LOCALHOST)) {
      const why = `invalid AppArmor profile name: ${JSON.stringify(profile)}`;
      problems.push(invalidValue(`${path}[${key}]`, profile, why));
    }
  }
  return problems;
}

function isInt32(text: string): boolean {
  return /^(0|-?[1-9]\d{0,9})$/.test(text) && Number(text) >= -INT32_MAX - 1 && Number(text) <= INT32_MAX;
}

function seccompProblems(path: string, profile: string): FieldProblem[] {
  if (DEFAULTS.includes(profile) || profile === 'unconfined') return [];
  if (profile.startsWith(LOCALHOST)) return localDescendingPath(path, profile.slice(LOCALHOST.length));
  return [invalidValue(path, profile, 'must be a valid seccomp profile')];
}

/** Of a pod that is there neither a mirror's mark nor a profile comes, changes or goes. */
export function annotationUpdateProblems(next: Annotations = {}, current: Annotations = {}): FieldProblem[] {
  const problems: FieldProblem[] = [];
  for (const [key, value] of sorted(current)) {
    if (next[key] === value) continue;
    const at = `metadata.annotations[${key}]`;
    if (key.startsWith(APP_ARMOR)) problems.push(forbidden(at, 'may not remove or update AppArmor annotations'));
    if (key === MIRROR) problems.push(forbidden(at, 'may not remove or update mirror pod annotation'));
  }
  for (const [key] of sorted(next)) {
    if (Object.hasOwn(current, key)) continue;
    const at = `metadata.annotations[${key}]`;
    if (key.startsWith(APP_ARMOR)) problems.push(forbidden(at, 'may not add AppArmor annotations'));
    if (key === MIRROR) problems.push(forbidden(at, 'may not add mirror pod annotation'));
  }
  return problems;
}

type Profile = NonNullable<NonNullable<PodSpec['securityContext']>['seccompProfile']>;

export function profilesMatchProblems(annotations: Annotations = {}, spec: PodSpec, path: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (profilesIn(annotations).length === 0) return problems;
  const context = spec.securityContext ?? {};
  const compare = (key: string, profile: Profile | undefined, at: string, of: 'seccomp' | 'apparmor') => {
    const annotation = annotations[key];
    if (annotation !== undefined && profile) problems.push(...mismatch(annotation, profile, at, of));
  };
  compare(SECCOMP_POD, context.seccompProfile, `${path}.securityContext.seccompProfile`, 'seccomp');
  for (const { container, at } of containersOf(spec)) {
    const where = `${path}.${at}.securityContext.seccompProfile`;
    compare(`${SECCOMP_CONTAINER}${container.name}`, container.securityContext?.seccompProfile, where, 'seccomp');
  }
  if (spec.os?.name === 'windows') return problems;
  for (const { container, at } of containersOf(spec)) {
    const profile = container.securityContext?.appArmorProfile ?? context.appArmorProfile;
    compare(`${APP_ARMOR}${container.name}`, profile, `${path}.${at}.securityContext.appArmorProfile`, 'apparmor');
  }
  return problems;
}

function mismatch(
  annotation: string,
  { type, localhostProfile }: Profile,
  path: string,
  of: 'seccomp' | 'apparmor',
): FieldProblem[] {
  const typeDiffers = () => [forbidden(`${path}.type`, `${of} type in annotation and field must match`)];
  const defaults = of === 'seccomp' ? DEFAULTS : DEFAULTS.slice(0, 1);
  if (type === 'Unconfined') return annotation === 'unconfined' ? [] : typeDiffers();
  if (type === 'RuntimeDefault') return defaults.includes(annotation) ? [] : typeDiffers();
  if (type !== 'Localhost') return [];
  if (!annotation.startsWith(LOCALHOST)) return typeDiffers();
  if (annotation.slice(LOCALHOST.length) === localhostProfile) return [];
  return [forbidden(`${path}.localhostProfile`, `${of} profile in annotation and field must match`)];
}
