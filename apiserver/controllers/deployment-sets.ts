// The replica sets of a deployment: which one is the newest version, what a new one is called, and what the
// annotations on them record. Pure.

import type { ResourceDefinition } from '../../api/resource.ts';
import { clone } from '../../api/schema/clone.ts';
import { deepEqual } from '../../api/schema/equal.ts';
import type { New } from '../../api/schema/kind.ts';
import type { Deployment } from '../../api/types/apps/deployment.ts';
import type { ReplicaSet } from '../../api/types/apps/replica-set.ts';
import { deployments } from '../../api/types/apps/resources.ts';
import type { PodTemplateSpec } from '../../api/types/core/pod.ts';
import { maxSurge } from './deployment-limits.ts';
import { ownerReference } from './ownership.ts';
import { templateHash } from './template-hash.ts';
import { parseTime } from './times.ts';

export const HASH_LABEL = 'pod-template-hash';
export const REVISION = 'deployment.kubernetes.io/revision';
const HISTORY = 'deployment.kubernetes.io/revision-history';
const DESIRED = 'deployment.kubernetes.io/desired-replicas';
const MAX = 'deployment.kubernetes.io/max-replicas';
/** Annotations of a deployment that say nothing about its replica sets. */
const NOT_COPIED = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  'deprecated.deployment.rollback.to',
  REVISION,
  HISTORY,
  DESIRED,
  MAX,
]);
const HISTORY_MAX_CHARS = 2000;

export const sizeOf = ({ spec }: ReplicaSet): number => spec.replicas ?? 1;
export const totalSize = (sets: readonly ReplicaSet[]): number => sets.reduce((sum, set) => sum + sizeOf(set), 0);
export const byAge = (a: ReplicaSet, b: ReplicaSet): number =>
  createdAt(a) - createdAt(b) || (a.metadata.name < b.metadata.name ? -1 : 1);
const createdAt = ({ metadata }: ReplicaSet) => parseTime(metadata.creationTimestamp) ?? 0;

/** The set that has the deployment's template. Of several the oldest, so that everybody picks the same. */
export function newSetOf({ spec }: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  const wanted = withoutHash(spec.template);
  return sets.toSorted(byAge).find((set) => deepEqual(withoutHash(set.spec.template), wanted));
}

function withoutHash(template: PodTemplateSpec | undefined): unknown {
  const { [HASH_LABEL]: _, ...labels } = template?.metadata?.labels ?? {};
  return { ...template, metadata: { ...template?.metadata, labels } };
}

export function revisionOf({ metadata }: ReplicaSet | Deployment): number {
  const text = metadata.annotations?.[REVISION] ?? '';
  return /^\d{1,15}$/.test(text) ? Number(text) : 0;
}

/** One more than the highest revision among the older sets. */
export function nextRevision(old: readonly ReplicaSet[]): number {
  return Math.max(0, ...old.map(revisionOf)) + 1;
}

export function desiredSize({ metadata }: ReplicaSet): number | undefined {
  return annotatedNumber(metadata.annotations?.[DESIRED]);
}

export function annotatedMax({ metadata }: ReplicaSet): number | undefined {
  return annotatedNumber(metadata.annotations?.[MAX]);
}

function annotatedNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

/** What a scaled set carries, so that a later change of the deployment's size is noticed. */
export function sizeAnnotations({ spec }: Deployment): Record<string, string> {
  const desired = spec.replicas ?? 1;
  return { [DESIRED]: String(desired), [MAX]: String(desired + maxSurge(spec)) };
}

/** The annotations of the new set: the deployment's own, its revision, and the revisions it had before. */
export function newSetAnnotations(
  deployment: Deployment,
  set: ReplicaSet | undefined,
  revision: number,
): Record<string, string> {
  const annotations: Record<string, string> = { ...set?.metadata.annotations };
  for (const [key, value] of Object.entries(deployment.metadata.annotations ?? {})) {
    if (!NOT_COPIED.has(key)) annotations[key] = value;
  }
  const had = annotations[REVISION];
  if (Number(had ?? 0) >= revision) return annotations;
  annotations[REVISION] = String(revision);
  if (had === undefined) return { ...annotations, ...sizeAnnotations(deployment) };
  const history = [...(annotations[HISTORY] ?? '').split(',').filter((each) => each !== ''), had];
  while (history.join(',').length > HISTORY_MAX_CHARS) history.shift();
  annotations[HISTORY] = history.join(',');
  return annotations;
}

export function freshSet(deployment: Deployment, replicas: number, revision: number): New<ReplicaSet> {
  const { metadata, spec, status } = deployment;
  const hash = templateHash(spec.template, status.collisionCount);
  const template = clone(spec.template) as PodTemplateSpec;
  const labels = { ...template.metadata?.labels, [HASH_LABEL]: hash };
  return {
    metadata: {
      name: `${metadata.name}-${hash}`,
      namespace: metadata.namespace,
      labels,
      annotations: newSetAnnotations(deployment, undefined, revision),
      ownerReferences: [ownerReference(deployment, deployments as unknown as ResourceDefinition)],
    },
    spec: {
      replicas,
      ...(spec.minReadySeconds !== undefined && { minReadySeconds: spec.minReadySeconds }),
      selector: { ...spec.selector, matchLabels: { ...spec.selector.matchLabels, [HASH_LABEL]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}
