// Pod security: what a namespace's labels demand of its pods. `enforce` refuses pods; `warn` speaks of pods and of
// whatever makes pods. A namespace that is tightened is told which of its pods would not be let in any more.
import { deepEqual } from '../../api/schema/equal.ts';
import { forbidden, invalid } from '../../api/status.ts';
import type { Namespace } from '../../api/types/core/namespace.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { namespaces, pods } from '../../api/types/core/resources.ts';
import type { RegistryContext } from '../registry/registry.ts';
import { invalidValue } from '../registry/validation/problems.ts';
import type { AdmissionPlugin, Attributes } from './admission.ts';
import { type Level, type PodLike, type Policy, type Violation, violations } from './pod-security-checks.ts';

const PREFIX = 'pod-security.kubernetes.io/';
const LEVELS: readonly Level[] = ['privileged', 'baseline', 'restricted'];
const WORKLOADS = [
  ...['deployments.apps', 'daemonsets.apps', 'statefulsets.apps', 'replicasets.apps', 'jobs.batch', 'cronjobs.batch'],
  ...['replicationcontrollers', 'podtemplates'],
];
/** Of a namespace that is tightened no more pods than these are looked at. */
const LOOKED_AT_MAX = 3000;

type Mode = 'enforce' | 'audit' | 'warn';

export const podSecurity: AdmissionPlugin = {
  name: 'PodSecurity',
  resources: ['pods', ...WORKLOADS],
  operations: ['CREATE', 'UPDATE'],
  subresources: ['', 'ephemeralcontainers', 'resize'],
  validate(attributes, registry) {
    const { namespace, resource, object, old, name, request } = attributes;
    const labels = registry.objects(namespaces).get('', namespace)?.metadata.labels ?? {};
    const warn = policyOf(labels, 'warn');
    if (resource.plural !== 'pods') {
      const template = templateOf(object);
      if (template !== undefined) warnOf(violations(template, warn), labels, request.warnings);
      return;
    }
    const pod = object as unknown as Pod;
    if (old !== undefined && !isSignificant(pod, old as unknown as Pod)) return;
    const found = violations(pod, policyOf(labels, 'enforce'));
    if (found.length > 0)
      throw forbidden(resource, name, `violates PodSecurity ${text(labels, 'enforce')}: ${list(found)}`);
    warnOf(violations(pod, warn), labels, request.warnings);
  },
};

export const podSecurityOfNamespaces: AdmissionPlugin = {
  name: 'PodSecurity',
  resources: ['namespaces'],
  operations: ['CREATE', 'UPDATE'],
  validate(attributes, registry) {
    const { object, old, request } = attributes;
    const labels = (object as unknown as Namespace).metadata.labels ?? {};
    const before = old?.metadata.labels ?? {};
    const problems = labelProblems(labels);
    if (problems.length > 0 && (old === undefined || !deepEqual(problems, labelProblems(before)))) {
      throw invalid({ group: '', kind: 'Namespace' }, attributes.name, problems);
    }
    if (old === undefined) return;
    const policy = policyOf(labels, 'enforce');
    const was = policyOf(before, 'enforce');
    const isTighter = LEVELS.indexOf(policy.level) > LEVELS.indexOf(was.level);
    if (isTighter || (policy.level === was.level && policy.minor !== was.minor && policy.level !== 'privileged')) {
      request.warnings.push(...ofExisting(attributes, policy, labels, registry));
    }
  },
};

function policyOf(labels: Readonly<Record<string, string>>, mode: Mode): Policy {
  const level = labels[`${PREFIX}${mode}`] ?? 'privileged';
  const version = labels[`${PREFIX}${mode}-version`] ?? 'latest';
  const minor = /^v1\.(0|[1-9]\d*)$/.exec(version)?.[1];
  // What cannot be read is taken for the strictest: it was refused when it was written.
  const isKnown = (LEVELS as readonly string[]).includes(level);
  return { level: isKnown ? (level as Level) : 'restricted', minor: minor === undefined ? Infinity : Number(minor) };
}

function text(labels: Readonly<Record<string, string>>, mode: Mode): string {
  const { level, minor } = policyOf(labels, mode);
  return JSON.stringify(`${level}:${minor === Infinity ? 'latest' : `v1.${minor}`}`);
}

const list = (found: readonly Violation[]) => found.map(({ reason, detail }) => `${reason} (${detail})`).join(', ');

function warnOf(found: readonly Violation[], labels: Readonly<Record<string, string>>, warnings: string[]): void {
  if (found.length > 0) warnings.push(`would violate PodSecurity ${text(labels, 'warn')}: ${list(found)}`);
}

/** Status and labels change nothing that matters here. */
function isSignificant(pod: Pod, old: Pod): boolean {
  const images = (spec: Pod['spec']) => ({
    ...spec,
    ...{ tolerations: undefined, activeDeadlineSeconds: undefined, schedulingGates: undefined, nodeName: undefined },
  });
  const apparmor = ({ metadata }: Pod) =>
    Object.entries(metadata.annotations ?? {}).filter(([key]) => key.startsWith('container.apparmor.'));
  return !deepEqual(images(pod.spec), images(old.spec)) || !deepEqual(apparmor(pod), apparmor(old));
}

function templateOf(object: unknown): PodLike | undefined {
  type Workload = {
    readonly template?: Partial<PodLike>;
    readonly spec?: { readonly template?: Partial<PodLike>; readonly jobTemplate?: Workload };
  };
  const { template, spec } = object as Workload;
  const found = template ?? spec?.template ?? spec?.jobTemplate?.spec?.template;
  return found?.spec === undefined ? undefined : { metadata: found.metadata, spec: found.spec };
}

function labelProblems(labels: Readonly<Record<string, string>>) {
  return (['enforce', 'audit', 'warn'] as const).flatMap((mode) => {
    const at = (name: string) => `metadata.labels[${name}]`;
    const level = labels[`${PREFIX}${mode}`];
    const version = labels[`${PREFIX}${mode}-version`];
    return [
      ...(level === undefined || (LEVELS as readonly string[]).includes(level)
        ? []
        : [invalidValue(at(`${PREFIX}${mode}`), level, `must be one of ${LEVELS.join(', ')}`)]),
      ...(version === undefined || /^(latest|v1\.(0|[1-9]\d*))$/.test(version)
        ? []
        : [invalidValue(at(`${PREFIX}${mode}-version`), version, 'must be "latest" or "v1.x"')]),
    ];
  });
}

/** Which pods that are there would not be let in, those with the same faults together. */
function ofExisting(
  { name }: Attributes,
  policy: Policy,
  labels: Readonly<Record<string, string>>,
  registry: RegistryContext,
): string[] {
  const byFault = new Map<string, string[]>();
  let looked = 0;
  for (const pod of registry.objects(pods).list(name)) {
    if (++looked > LOOKED_AT_MAX) break;
    const found = violations(pod, policy);
    if (found.length === 0) continue;
    const fault = found.map(({ reason }) => reason).join(', ');
    byFault.set(fault, [...(byFault.get(fault) ?? []), pod.metadata.name]);
  }
  if (byFault.size === 0) return [];
  const level = text(labels, 'enforce');
  const lines = [...byFault].map(([fault, [first, ...others]]) => {
    const more = others.length === 0 ? '' : ` (and ${others.length} other ${others.length === 1 ? 'pod' : 'pods'})`;
    return `${first}${more}: ${fault}`;
  });
  const head = `existing pods in namespace ${JSON.stringify(name)} violate the new PodSecurity enforce level ${level}`;
  return [head, ...lines.sort()];
}
