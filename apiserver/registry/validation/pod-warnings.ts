// What is allowed in pods and templates and yet not wise: deprecated fields, what hides something, what selects nothing.
import { dns1123Label } from '../../../api/names.ts';
import type { KubeObject } from '../../../api/schema/kind.ts';
import type { StatefulSet } from '../../../api/types/apps/stateful-set.ts';
import type { Affinity } from '../../../api/types/core/affinity.ts';
import type { Container } from '../../../api/types/core/container.ts';
import type { Pod, PodTemplateSpec } from '../../../api/types/core/pod.ts';
import type { PodSpec } from '../../../api/types/core/pod-spec.ts';
import { ipWarnings } from './address-warnings.ts';
import { byteWarnings, containerWarnings, eachContainer, portWarnings } from './container-warnings.ts';
import { nodeTermWarnings, OLD_LABELS } from './old-labels.ts';
import { add } from './problems.ts';
import { claimSpecWarnings } from './storage-warnings.ts';
import { volumeWarnings } from './volume-warnings.ts';

type Labels = Readonly<Record<string, string>>;

const NO_SELECTOR = 'a null labelSelector results in matching no pod';

/** Of new pods only: people do not write to pods that are there. */
export function podWarnings({ metadata, spec }: Pod, previous: Pod | undefined): string[] {
  if (previous !== undefined) return [];
  const warnings: string[] = [];
  if (metadata.annotations) {
    // Of pods, profiles are carried over to fields before anything else is looked at.
    const { appArmor } = annotationWarnings(metadata.annotations, spec, 'metadata');
    eachContainer(spec, 'spec', (container) => add(warnings, appArmor(container)));
  }
  add(warnings, nameWarnings(metadata.name, "the Pod's hostname"));
  add(warnings, specWarnings(spec, metadata.annotations, 'spec'));
  return warnings;
}

function templateWarnings({ metadata, spec }: PodTemplateSpec, path: string): string[] {
  return spec === undefined ? [] : specWarnings(spec, metadata?.annotations, `${path}.spec`);
}

/** Of an object that makes pods: its name is part of theirs, and its template is looked at when it may have changed. */
export function workloadWarnings(
  object: KubeObject,
  previous: KubeObject | undefined,
  template: PodTemplateSpec | undefined,
  path = 'spec.template',
): string[] {
  const isSame = previous !== undefined && previous.metadata.generation === object.metadata.generation;
  const names = previous === undefined ? nameWarnings(object.metadata.name, 'Pod names and hostnames') : [];
  return isSame || template === undefined ? names : [...names, ...templateWarnings(template, path)];
}

export function statefulSetWarnings(set: StatefulSet, previous: StatefulSet | undefined): string[] {
  const { revisionHistoryLimit: limit = 0, template, volumeClaimTemplates = [] } = set.spec;
  const why = 'a negative value retains all historical revisions; a value >= 0 is recommended';
  return [
    ...nodePodWarnings(set, previous, template),
    ...volumeClaimTemplates.flatMap(({ spec }, i) => claimSpecWarnings(spec, `spec.volumeClaimTemplates[${i}]`)),
    ...(limit < 0 ? [`spec.revisionHistoryLimit: ${why}`] : []),
  ];
}

/** Of an object whose pods have names that do not come from its own. */
export function nodePodWarnings(
  object: KubeObject,
  previous: KubeObject | undefined,
  template: PodTemplateSpec,
): string[] {
  const isSame = previous !== undefined && previous.metadata.generation === object.metadata.generation;
  return isSame ? [] : templateWarnings(template, 'spec.template');
}

function nameWarnings(name: string | undefined, use: string): string[] {
  const wrong = name ? dns1123Label(name) : [];
  if (wrong.length === 0) return [];
  const why = `which can result in surprising behavior; a DNS label is recommended: [${wrong.join(' ')}]`;
  return [`metadata.name: this is used in ${use}, ${why}`];
}

/** In upstream's order. Most pods are fine, so nothing is made before there is something to look at. */
function specWarnings(spec: PodSpec, annotations: Labels | undefined, path: string): string[] {
  const { affinity } = spec;
  const metadata = path.replace(/spec$/, 'metadata');
  const profiles = annotations && annotationWarnings(annotations, spec, metadata);
  const isPod = path === 'spec';
  const warnings: string[] = [];
  if (spec.nodeSelector) add(warnings, selectorWarnings(spec, path));
  if (affinity?.nodeAffinity) add(warnings, nodeAffinityWarnings(affinity, `${path}.affinity.nodeAffinity`));
  if (spec.topologySpreadConstraints) add(warnings, spreadWarnings(spec, path));
  if (annotations) add(warnings, deprecatedAnnotations(annotations, metadata));
  if (spec.volumes) add(warnings, volumeWarnings(spec.volumes, `${path}.volumes`));
  if (spec.hostAliases) add(warnings, hostAliasWarnings(spec, `${path}.hostAliases`));
  if (spec.imagePullSecrets) add(warnings, pullSecretWarnings(spec, `${path}.imagePullSecrets`));
  if (spec.overhead) add(warnings, byteWarnings(spec.overhead, `${path}.overhead`));
  if (profiles) add(warnings, profiles.pod);
  eachContainer(spec, path, (container, at) => {
    if (profiles) add(warnings, profiles.seccomp(container));
    if (profiles && !isPod) add(warnings, profiles.appArmor(container));
    containerWarnings(container, at, warnings);
  });
  portWarnings(spec, path, warnings);
  if (affinity) add(warnings, podAffinityWarnings(affinity, `${path}.affinity`));
  if (spec.dnsConfig) add(warnings, nameserverWarnings(spec, path));
  return warnings;
}

function selectorWarnings({ nodeSelector }: PodSpec, path: string): string[] {
  return Object.keys(nodeSelector ?? {})
    .filter((key) => OLD_LABELS[key])
    .sort()
    .map((key) => `${path}.nodeSelector[${key}]: ${OLD_LABELS[key]}`);
}

function spreadWarnings({ topologySpreadConstraints }: PodSpec, path: string): string[] {
  return (topologySpreadConstraints ?? []).flatMap(({ topologyKey, labelSelector }, i) => {
    const at = `${path}.topologySpreadConstraints[${i}]`;
    const old = OLD_LABELS[topologyKey];
    return [
      ...(old ? [`${at}.topologyKey: ${topologyKey} is ${old}`] : []),
      ...(labelSelector === undefined ? [`${at}.labelSelector: ${NO_SELECTOR}`] : []),
    ];
  });
}

const HARD = 'requiredDuringSchedulingIgnoredDuringExecution';
const SOFT = 'preferredDuringSchedulingIgnoredDuringExecution';

function nodeAffinityWarnings(affinity: Affinity | undefined, path: string): string[] {
  const { [HARD]: hard, [SOFT]: soft } = affinity?.nodeAffinity ?? {};
  return [
    ...(hard?.nodeSelectorTerms ?? []).flatMap((term, i) =>
      nodeTermWarnings(term, `${path}.${HARD}.nodeSelectorTerms[${i}]`),
    ),
    ...(soft ?? []).flatMap(({ preference }, i) => nodeTermWarnings(preference, `${path}.${SOFT}[${i}].preference`)),
  ];
}

function podAffinityWarnings(affinity: Affinity | undefined, path: string): string[] {
  return (['podAffinity', 'podAntiAffinity'] as const).flatMap((name) => {
    const { [HARD]: hard = [], [SOFT]: soft = [] } = affinity?.[name] ?? {};
    const unset = (at: string) => `${path}.${name}.${at}.labelSelector: ${NO_SELECTOR}`;
    return [
      ...hard.flatMap(({ labelSelector }, i) => (labelSelector === undefined ? [unset(`${HARD}[${i}]`)] : [])),
      ...soft.flatMap(({ podAffinityTerm }, i) =>
        podAffinityTerm?.labelSelector === undefined ? [unset(`${SOFT}[${i}].podAffinityTerm`)] : [],
      ),
    ];
  });
}

function hostAliasWarnings({ hostAliases }: PodSpec, path: string): string[] {
  const seen = new Set<string>();
  const doubled = (hostAliases ?? []).flatMap(({ ip }, i) => {
    if (seen.has(ip)) return [`${path}[${i}].ip: duplicate ip ${JSON.stringify(ip)}`];
    seen.add(ip);
    return [];
  });
  return [...doubled, ...(hostAliases ?? []).flatMap(({ ip }, i) => ipWarnings(`${path}[${i}].ip`, ip))];
}

function nameserverWarnings({ dnsConfig }: PodSpec, path: string): string[] {
  return (dnsConfig?.nameservers ?? []).flatMap((ip, i) => ipWarnings(`${path}.dnsConfig.nameservers[${i}]`, ip));
}

function pullSecretWarnings({ imagePullSecrets = [] }: PodSpec, path: string): string[] {
  const seen = new Set<string>();
  const doubled = imagePullSecrets.flatMap(({ name = '' }, i) => {
    if (seen.has(name)) return [`${path}[${i}].name: duplicate name ${JSON.stringify(name)}`];
    seen.add(name);
    return [];
  });
  const empty = imagePullSecrets.flatMap(({ name }, i) => (name ? [] : [`${path}[${i}].name: invalid empty name ""`]));
  return [...doubled, ...empty];
}

const DEAD_ANNOTATIONS: Readonly<Record<string, string>> = {
  'scheduler.alpha.kubernetes.io/critical-pod': 'non-functional in v1.16+; use the "priorityClassName" field instead',
  'security.alpha.kubernetes.io/sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
  'security.alpha.kubernetes.io/unsafe-sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
};

function deprecatedAnnotations(annotations: Labels | undefined, path: string): string[] {
  return Object.entries(DEAD_ANNOTATIONS)
    .filter(([key]) => annotations?.[key] !== undefined)
    .map(([key, why]) => `${path}.annotations[${key}]: ${why}`);
}

const SECCOMP_POD = 'seccomp.security.alpha.kubernetes.io/pod';
const SECCOMP_CONTAINER = 'container.seccomp.security.alpha.kubernetes.io/';
const APP_ARMOR = 'container.apparmor.security.beta.kubernetes.io/';

/** Of annotations that fields have replaced. */
function annotationWarnings(annotations: Labels | undefined, { securityContext }: PodSpec, path: string) {
  const old = (key: string, field: string, since: string) =>
    annotations?.[key] === undefined
      ? []
      : [`${path}.annotations[${key}]: ${since}; use the ${JSON.stringify(field)} field instead`];
  const pod = securityContext?.seccompProfile ? [] : old(SECCOMP_POD, 'seccompProfile', 'non-functional in v1.27+');
  const seccomp = ({ name, securityContext: own }: Container) =>
    own?.seccompProfile ? [] : old(SECCOMP_CONTAINER + name, 'seccompProfile', 'non-functional in v1.27+');
  const appArmor = ({ name, securityContext: own }: Container) => {
    const hasProfile = own?.appArmorProfile ?? securityContext?.appArmorProfile;
    return hasProfile ? [] : old(APP_ARMOR + name, 'appArmorProfile', 'deprecated since v1.30');
  };
  return { pod, seccomp, appArmor };
}
