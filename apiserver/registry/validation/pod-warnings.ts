// What is allowed in pods and templates and yet not wise: deprecated fields, what hides something, what selects nothing.
import { dns1123Label } from '../../../api/names.ts';
import type { KubeObject } from '../../../api/schema/kind.ts';
import type { StatefulSet } from '../../../api/types/apps/stateful-set.ts';
import type { Affinity } from '../../../api/types/core/affinity.ts';
import type { Container } from '../../../api/types/core/container.ts';
import type { Pod, PodTemplateSpec } from '../../../api/types/core/pod.ts';
import type { PodSpec } from '../../../api/types/core/pod-spec.ts';
import type { Volume } from '../../../api/types/core/volume.ts';
import { isOfProfile } from './pod-annotations.ts';
import { isWhole } from './resources.ts';

type Labels = Readonly<Record<string, string>>;

const NO_SELECTOR = 'a null labelSelector results in matching no pod';

const OLD_LABELS: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
};

const OLD_VOLUMES: Readonly<Partial<Record<keyof Volume, string>>> = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  gitRepo: 'deprecated in v1.11, and disabled by default in v1.33+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
};

const OLD_SOURCES = Object.keys(OLD_VOLUMES) as (keyof Volume)[];

/** Of new pods only: people do not write to pods that are there. */
export function podWarnings({ metadata, spec }: Pod, previous: Pod | undefined): string[] {
  if (previous !== undefined) return [];
  return [
    ...nameWarnings(metadata.name, "the Pod's hostname"),
    ...specWarnings(spec, 'spec'),
    ...annotationWarnings(metadata.annotations, spec, 'metadata'),
  ];
}

function templateWarnings({ metadata, spec }: PodTemplateSpec, path: string): string[] {
  if (spec === undefined) return [];
  return [
    ...specWarnings(spec, `${path}.spec`),
    ...annotationWarnings(metadata?.annotations, spec, `${path}.metadata`),
  ];
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
  const { revisionHistoryLimit: limit = 0, template } = set.spec;
  const why = 'a negative value retains all historical revisions; a value >= 0 is recommended';
  return [...nodePodWarnings(set, previous, template), ...(limit < 0 ? [`spec.revisionHistoryLimit: ${why}`] : [])];
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

function specWarnings(spec: PodSpec, path: string): string[] {
  const warnings: string[] = [];
  if (spec.nodeSelector) warnings.push(...selectorWarnings(spec, path));
  if (spec.topologySpreadConstraints) warnings.push(...spreadWarnings(spec, path));
  if (spec.affinity) warnings.push(...affinityWarnings(spec.affinity, `${path}.affinity`));
  if (spec.volumes) warnings.push(...volumeWarnings(spec.volumes, `${path}.volumes`));
  if (spec.imagePullSecrets) warnings.push(...pullSecretWarnings(spec, `${path}.imagePullSecrets`));
  for (const list of ['initContainers', 'containers'] as const) {
    spec[list]?.forEach((container, i) => {
      warnings.push(...containerWarnings(container, `${path}.${list}[${i}]`));
    });
  }
  if (spec.overhead) warnings.push(...byteWarnings(spec.overhead, `${path}.overhead`));
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

function affinityWarnings({ nodeAffinity, podAffinity, podAntiAffinity }: Affinity, path: string): string[] {
  const warnings: string[] = [];
  const look = (term: { matchExpressions?: readonly { key: string }[] } | undefined, at: string) => {
    for (const [i, { key }] of (term?.matchExpressions ?? []).entries()) {
      const old = OLD_LABELS[key];
      if (old) warnings.push(`${at}.matchExpressions[${i}].key: ${key} is ${old}`);
    }
  };
  const at = `${path}.nodeAffinity`;
  for (const [i, term] of (nodeAffinity?.[HARD]?.nodeSelectorTerms ?? []).entries()) {
    look(term, `${at}.${HARD}.nodeSelectorTerms[${i}]`);
  }
  for (const [i, { preference }] of (nodeAffinity?.[SOFT] ?? []).entries()) {
    look(preference, `${at}.${SOFT}[${i}].preference`);
  }
  for (const [name, of] of Object.entries({ podAffinity, podAntiAffinity })) {
    for (const [i, { labelSelector }] of (of?.[HARD] ?? []).entries()) {
      if (labelSelector === undefined) warnings.push(`${path}.${name}.${HARD}[${i}].labelSelector: ${NO_SELECTOR}`);
    }
    for (const [i, { podAffinityTerm }] of (of?.[SOFT] ?? []).entries()) {
      if (podAffinityTerm?.labelSelector !== undefined) continue;
      warnings.push(`${path}.${name}.${SOFT}[${i}].podAffinityTerm.labelSelector: ${NO_SELECTOR}`);
    }
  }
  return warnings;
}

function volumeWarnings(volumes: readonly Volume[] | undefined, path: string): string[] {
  const warnings: string[] = [];
  volumes?.forEach((volume, i) => {
    for (const source of OLD_SOURCES) {
      if (volume[source] === undefined) continue;
      warnings.push(`${path}[${i}].${source === 'storageos' ? 'storageOS' : source}: ${OLD_VOLUMES[source]}`);
    }
  });
  return warnings;
}

function pullSecretWarnings({ imagePullSecrets }: PodSpec, path: string): string[] {
  const seen = new Set<string>();
  return (imagePullSecrets ?? []).flatMap(({ name = '' }, i) => {
    if (name === '') return [`${path}[${i}].name: invalid empty name ""`];
    if (seen.has(name)) return [`${path}[${i}].name: duplicate name ${JSON.stringify(name)}`];
    seen.add(name);
    return [];
  });
}

function containerWarnings({ env, ports, resources }: Container, path: string): string[] {
  const warnings: string[] = [];
  if (resources?.limits) warnings.push(...byteWarnings(resources.limits, `${path}.resources.limits`));
  if (resources?.requests) warnings.push(...byteWarnings(resources.requests, `${path}.resources.requests`));
  if (env && env.length > 1) warnings.push(...envWarnings(env, path));
  if (ports && ports.length > 1) warnings.push(...portWarnings(ports, path));
  return warnings;
}

function envWarnings(env: NonNullable<Container['env']>, path: string): string[] {
  const warnings: string[] = [];
  const names = new Set<string>();
  for (const [i, { name, value = '' }] of env.entries()) {
    // A later value that is made from the earlier one needs it.
    if (names.has(name) && !value.includes(`$(${name})`)) {
      const why = `hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`;
      warnings.push(`${path}.env[${i}]: ${why}`);
    }
    names.add(name);
  }
  return warnings;
}

function portWarnings(ports: NonNullable<Container['ports']>, path: string): string[] {
  const warnings: string[] = [];
  const known = new Map<string, number>();
  for (const [i, { containerPort, protocol, hostPort = 0, hostIP = '' }] of ports.entries()) {
    const id = `${containerPort}/${protocol}/${hostPort}/${hostIP}`;
    const first = known.get(id);
    if (first !== undefined) {
      warnings.push(`${path}.ports[${i}]: duplicate port definition with ${path}.ports[${first}]`);
    } else known.set(id, i);
  }
  return warnings;
}

const BYTES = ['memory', 'ephemeral-storage', 'storage'];

function byteWarnings(amounts: Labels | undefined, path: string): string[] {
  const warnings: string[] = [];
  for (const name in amounts) {
    const amount = amounts[name]!;
    if (!BYTES.includes(name) || isWhole(amount)) continue;
    warnings.push(`${path}[${name}]: fractional byte value ${JSON.stringify(amount)} is invalid, must be an integer`);
  }
  return warnings;
}

const SECCOMP_POD = 'seccomp.security.alpha.kubernetes.io/pod';
const SECCOMP_CONTAINER = 'container.seccomp.security.alpha.kubernetes.io/';
const APP_ARMOR = 'container.apparmor.security.beta.kubernetes.io/';

function annotationWarnings(annotations: Labels | undefined, spec: PodSpec, path: string): string[] {
  const use = (field: string) => `use the ${JSON.stringify(field)} field instead`;
  return Object.keys(annotations ?? {})
    .filter(isOfProfile)
    .sort()
    .flatMap((key) => {
      const at = `${path}.annotations[${key}]`;
      if (key === SECCOMP_POD && spec.securityContext?.seccompProfile === undefined) {
        return [`${at}: non-functional in v1.27+; ${use('seccompProfile')}`];
      }
      const isOf = (prefix: string, field: 'seccompProfile' | 'appArmorProfile') => {
        const container = key.startsWith(prefix) ? named(spec, key.slice(prefix.length)) : undefined;
        return container !== undefined && container.securityContext?.[field] === undefined;
      };
      if (isOf(SECCOMP_CONTAINER, 'seccompProfile')) {
        return [`${at}: non-functional in v1.27+; ${use('seccompProfile')}`];
      }
      const hasProfile = spec.securityContext?.appArmorProfile !== undefined;
      if (!hasProfile && isOf(APP_ARMOR, 'appArmorProfile')) {
        return [`${at}: deprecated since v1.30; ${use('appArmorProfile')}`];
      }
      return [];
    });
}

function named({ containers, initContainers }: PodSpec, name: string): Container | undefined {
  return [...(containers ?? []), ...(initContainers ?? [])].find((container) => container.name === name);
}
