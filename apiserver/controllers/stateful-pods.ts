// What makes a pod a member of a stateful set: its ordinal, its name that lasts, and its own storage. Pure.

import type { ResourceDefinition } from '../../api/resource.ts';
import { clone } from '../../api/schema/clone.ts';
import type { New } from '../../api/schema/kind.ts';
import { statefulSets } from '../../api/types/apps/resources.ts';
import type { StatefulSet } from '../../api/types/apps/stateful-set.ts';
import type { PersistentVolumeClaim } from '../../api/types/core/persistent-volume-claim.ts';
import type { Pod, PodTemplateSpec } from '../../api/types/core/pod.ts';
import { ownerReference } from './ownership.ts';

export const REVISION = 'controller-revision-hash';
const POD_NAME = 'statefulset.kubernetes.io/pod-name';
const POD_INDEX = 'apps.kubernetes.io/pod-index';

export const firstOrdinal = ({ spec }: StatefulSet): number => spec.ordinals?.start ?? 0;

/** The ordinal in a pod's name; undefined if the name is not one of the set's. */
export function ordinalOf({ metadata }: StatefulSet, name: string): number | undefined {
  const prefix = `${metadata.name}-`;
  const digits = name.startsWith(prefix) ? name.slice(prefix.length) : '';
  return /^(0|[1-9]\d{0,9})$/.test(digits) ? Number(digits) : undefined;
}

export function isInRange(set: StatefulSet, ordinal: number): boolean {
  const first = firstOrdinal(set);
  return ordinal >= first && ordinal < first + (set.spec.replicas ?? 1);
}

export function claimName({ metadata }: StatefulSet, template: string, ordinal: number): string {
  return `${template}-${metadata.name}-${ordinal}`;
}

export function newMember(set: StatefulSet, template: PodTemplateSpec, revision: string, ordinal: number): New<Pod> {
  const name = `${set.metadata.name}-${ordinal}`;
  const { labels, annotations, finalizers } = template.metadata ?? {};
  const spec = clone(template.spec!) as Pod['spec'];
  const claims = (set.spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name);
  const own = claims.map((claim) => ({
    name: claim,
    persistentVolumeClaim: { claimName: claimName(set, claim, ordinal) },
  }));
  const others = (spec.volumes ?? []).filter((volume) => !claims.includes(volume.name));
  return {
    metadata: {
      name,
      generateName: `${set.metadata.name}-`,
      namespace: set.metadata.namespace,
      labels: { ...labels, [POD_NAME]: name, [POD_INDEX]: String(ordinal), [REVISION]: revision },
      ...(annotations && { annotations: { ...annotations } }),
      ...(finalizers && { finalizers: [...finalizers] }),
      ownerReferences: [ownerReference(set, statefulSets as unknown as ResourceDefinition)],
    },
    spec: {
      ...spec,
      hostname: name,
      ...(set.spec.serviceName && { subdomain: set.spec.serviceName }),
      ...(own.length + others.length > 0 && { volumes: [...own, ...others] }),
    },
  };
}

/** Labels a member should have and lacks: one that was taken over may. */
export function missingLabels({ metadata }: Pod, ordinal: number): Record<string, string> | undefined {
  if (metadata.labels?.[POD_NAME] === metadata.name) return undefined;
  return { [POD_NAME]: metadata.name, [POD_INDEX]: String(ordinal) };
}

export function newClaim(
  set: StatefulSet,
  template: NonNullable<StatefulSet['spec']['volumeClaimTemplates']>[number],
  ordinal: number,
): New<PersistentVolumeClaim> {
  const { name, labels, annotations } = template.metadata;
  return {
    metadata: {
      name: claimName(set, name, ordinal),
      namespace: set.metadata.namespace,
      labels: { ...labels, ...set.spec.selector?.matchLabels },
      ...(annotations && { annotations: { ...annotations } }),
    },
    spec: clone(template.spec) as PersistentVolumeClaim['spec'],
  };
}

type Owners = NonNullable<PersistentVolumeClaim['metadata']['ownerReferences']>;

/**
 * Who a claim goes with: with the set when it is deleted, with its pod when the set shrinks, as the policy says.
 * Undefined when that is so already.
 */
export function claimOwners(
  set: StatefulSet,
  claim: PersistentVolumeClaim,
  pod: Pod | undefined,
  isShrunk: boolean,
): Owners | undefined {
  const { whenDeleted, whenScaled } = set.spec.persistentVolumeClaimRetentionPolicy ?? {};
  const wantsPod = whenScaled === 'Delete' && isShrunk && pod !== undefined;
  const wantsSet = whenDeleted === 'Delete' && !wantsPod;
  const known = claim.metadata.ownerReferences ?? [];
  const others = known.filter(
    ({ kind, name, uid }) =>
      uid !== set.metadata.uid && uid !== pod?.metadata.uid && !(kind === 'Pod' && ordinalOf(set, name) !== undefined),
  );
  const has = (uid: string | undefined) => known.some((reference) => reference.uid === uid);
  const expected = (wantsPod ? 1 : 0) + (wantsSet ? 1 : 0);
  const isSo =
    known.length === others.length + expected &&
    (!wantsPod || has(pod?.metadata.uid)) &&
    (!wantsSet || has(set.metadata.uid));
  if (isSo) return undefined;
  const podReference = pod && { apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name, uid: pod.metadata.uid };
  return [
    ...others,
    ...(wantsPod ? [{ ...podReference!, controller: true, blockOwnerDeletion: true }] : []),
    ...(wantsSet ? [ownerReference(set, statefulSets as unknown as ResourceDefinition)] : []),
  ];
}

/** A claim that goes with a pod that is not there any more is on its way out: its name is not free yet. */
export function isStale({ metadata }: PersistentVolumeClaim, pod: Pod | undefined): boolean {
  if (metadata.deletionTimestamp !== undefined) return true;
  return (metadata.ownerReferences ?? []).some(({ kind, uid }) => kind === 'Pod' && uid !== pod?.metadata.uid);
}
