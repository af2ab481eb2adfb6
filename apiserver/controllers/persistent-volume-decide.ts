// Which volume serves which claim, and what is to be done about one claim or one volume. Pure.
//
//   claim:  Pending -> (a volume fits, or one is made for it) -> Bound -> (its volume goes) -> Lost
//   volume: Available -> Bound -> (its claim goes) -> Released -> kept, or given back by who made it

import { selectorMatcher } from '../../api/labels.ts';
import { LOCAL_DIR, PROVISIONED_BY } from '../../api/local-dir.ts';
import { compareQuantities } from '../../api/quantity.ts';
import type { PersistentVolume } from '../../api/types/core/persistent-volume.ts';
import type { PersistentVolumeClaim } from '../../api/types/core/persistent-volume-claim.ts';
import type { StorageClass } from '../../api/types/storage/storage-class.ts';
import { parseTime } from './times.ts';

export const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';
export const BOUND_BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller';
export const SELECTED_NODE = 'volume.kubernetes.io/selected-node';
export const PROVISIONERS = [
  'volume.kubernetes.io/storage-provisioner',
  'volume.beta.kubernetes.io/storage-provisioner',
];
/** After its claim is gone the node has this long to remove the directory. */
export const GIVEN_BACK_MS = 3 * 60_000;
const DEFAULT_CLASS = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];
const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';

type EventText = { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string };

export type ClaimAction =
  /** `chosen`: by us, not by whoever wrote the claim or the volume. */
  | { readonly do: 'bind'; readonly volume: PersistentVolume; readonly chosen: boolean }
  /** The provisioner of this name makes a volume: it is told by annotations. */
  | { readonly do: 'askFor'; readonly provisioner: string; readonly event: EventText }
  /** A directory of this node becomes its volume. */
  | { readonly do: 'provision'; readonly storageClass: StorageClass; readonly node: string }
  /** The class that is the default one by now becomes that of a claim that was made before it. */
  | { readonly do: 'setClass'; readonly name: string }
  | { readonly do: 'phase'; readonly phase: 'Pending' | 'Lost'; readonly event?: EventText };

export interface StorageView {
  readonly volumes: Iterable<PersistentVolume>;
  readonly volume: (name: string) => PersistentVolume | undefined;
  readonly storageClass: (name: string) => StorageClass | undefined;
  readonly classes: Iterable<StorageClass>;
  /** Names of pods that use the claim and have no node yet. */
  readonly waitingPods: (claim: PersistentVolumeClaim) => readonly string[];
}

export function decideClaim(claim: PersistentVolumeClaim, view: StorageView): ClaimAction {
  const { metadata, spec } = claim;
  const completed = metadata.annotations?.[BIND_COMPLETED] !== undefined;
  if (!spec.volumeName) {
    return completed
      ? lost('ClaimLost', 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!')
      : unbound(claim, view);
  }
  const volume = view.volume(spec.volumeName);
  if (volume === undefined) {
    return completed
      ? lost('ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!')
      : { do: 'phase', phase: 'Pending' };
  }
  if (isFor(volume, claim)) {
    const problem = completed ? undefined : mismatch(volume, claim);
    if (problem === undefined) return { do: 'bind', volume, chosen: false };
    return { do: 'phase', phase: 'Pending', event: warning('VolumeMismatch', problem) };
  }
  if (completed) {
    return lost('ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly');
  }
  const message = `volume ${JSON.stringify(volume.metadata.name)} already bound to a different claim.`;
  return { do: 'phase', phase: 'Pending', event: warning('FailedBinding', message) };
}

function unbound(claim: PersistentVolumeClaim, view: StorageView): ClaimAction {
  const className = classOf(claim);
  const sort = className === '' ? undefined : view.storageClass(className);
  const waits = sort?.volumeBindingMode === 'WaitForFirstConsumer';
  const selected = claim.metadata.annotations?.[SELECTED_NODE];
  // What waits for a pod is chosen by the scheduler, who knows the node; only what names the claim is taken here.
  const found = matching(claim, view.volumes, waits);
  if (found !== undefined) return { do: 'bind', volume: found, chosen: true };
  const standard = hasClass(claim) ? undefined : defaultClass(view.classes);
  if (standard !== undefined) return { do: 'setClass', name: standard.metadata.name };
  if (waits && selected === undefined)
    return { do: 'phase', phase: 'Pending', event: waitsFor(view.waitingPods(claim)) };
  if (className === '') {
    const message = 'no persistent volumes available for this claim and no storage class is set';
    return { do: 'phase', phase: 'Pending', event: { type: 'Normal', reason: 'FailedBinding', message } };
  }
  if (sort === undefined) {
    const message = `storageclass.storage.k8s.io "${className}" not found`;
    return { do: 'phase', phase: 'Pending', event: warning('ProvisioningFailed', message) };
  }
  const { provisioner } = sort;
  if (provisioner.startsWith('kubernetes.io/')) {
    const message = `no volume plugin matched name: ${provisioner}`;
    return { do: 'phase', phase: 'Pending', event: warning('ProvisioningFailed', message) };
  }
  if (provisioner === LOCAL_DIR) {
    if (selected !== undefined) return { do: 'provision', storageClass: sort, node: selected };
    const message = `${LOCAL_DIR} makes directories where pods are: its class needs volumeBindingMode WaitForFirstConsumer`;
    return { do: 'phase', phase: 'Pending', event: warning('ProvisioningFailed', message) };
  }
  const message = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`;
  return { do: 'askFor', provisioner, event: { type: 'Normal', reason: 'ExternalProvisioning', message } };
}

function waitsFor(pods: readonly string[]): EventText {
  const reason = pods.length === 0 ? 'WaitForFirstConsumer' : 'WaitForPodScheduled';
  if (pods.length === 0) {
    return { type: 'Normal', reason, message: 'waiting for first consumer to be created before binding' };
  }
  const whom = pods.length === 1 ? `pod ${pods[0]}` : `pods ${pods.join(',')}`;
  return { type: 'Normal', reason, message: `waiting for ${whom} to be scheduled` };
}

/** An empty class is a choice, too: no class at all. */
export function hasClass({ metadata, spec }: PersistentVolumeClaim): boolean {
  return metadata.annotations?.[CLASS_ANNOTATION] !== undefined || spec.storageClassName !== undefined;
}

/** The newest of those that are marked, as admission chooses. */
function defaultClass(classes: Iterable<StorageClass>): StorageClass | undefined {
  const isMarked = ({ metadata }: StorageClass) =>
    DEFAULT_CLASS.some((mark) => metadata.annotations?.[mark] === 'true');
  const newer = ({ metadata: a }: StorageClass, { metadata: b }: StorageClass) =>
    b.creationTimestamp.localeCompare(a.creationTimestamp) || a.name.localeCompare(b.name);
  return [...classes].filter(isMarked).sort(newer)[0];
}

export function classOf({ metadata, spec }: PersistentVolumeClaim | PersistentVolume): string {
  return metadata.annotations?.[CLASS_ANNOTATION] ?? spec.storageClassName ?? '';
}

/** Whether the volume is free for this claim, or this one's already. */
export function isFor({ spec: { claimRef } }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  if (claimRef === undefined) return true;
  if (claimRef.namespace !== metadata.namespace || claimRef.name !== metadata.name) return false;
  return !claimRef.uid || claimRef.uid === metadata.uid;
}

/** The volume that names the claim, or the smallest that is large enough. */
function matching(
  claim: PersistentVolumeClaim,
  volumes: Iterable<PersistentVolume>,
  onlyNamed: boolean,
): PersistentVolume | undefined {
  const selects = claim.spec.selector && selectorMatcher(claim.spec.selector);
  let best: PersistentVolume | undefined;
  for (const volume of volumes) {
    const { metadata, spec, status } = volume;
    if (metadata.deletionTimestamp !== undefined || !isFor(volume, claim)) continue;
    if (mismatch(volume, claim) !== undefined) continue;
    if (spec.claimRef !== undefined) return volume;
    if (onlyNamed || status.phase !== 'Available') continue;
    if (selects !== undefined && !selects(metadata.labels ?? {})) continue;
    if (best === undefined || compareQuantities(sizeOf(volume), sizeOf(best)) < 0) best = volume;
  }
  return best;
}

const sizeOf = ({ spec }: PersistentVolume) => spec.capacity?.['storage'] ?? '0';

/** Why the volume cannot serve the claim. */
function mismatch(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  const { spec } = claim;
  const cannot = `Cannot bind to requested volume "${volume.metadata.name}":`;
  if (compareQuantities(sizeOf(volume), spec.resources?.requests?.['storage'] ?? '0') < 0) {
    return `${cannot} requested PV is too small`;
  }
  if (classOf(volume) !== classOf(claim)) return `${cannot} storageClassName does not match`;
  if ((volume.spec.volumeAttributesClassName ?? '') !== (spec.volumeAttributesClassName ?? '')) {
    return `${cannot} volumeAttributesClassName does not match`;
  }
  if ((volume.spec.volumeMode ?? 'Filesystem') !== (spec.volumeMode ?? 'Filesystem')) {
    return `${cannot} incompatible volumeMode`;
  }
  const has = volume.spec.accessModes ?? [];
  return (spec.accessModes ?? []).every((mode) => has.includes(mode)) ? undefined : `${cannot} incompatible accessMode`;
}

function lost(reason: string, message: string): ClaimAction {
  return { do: 'phase', phase: 'Lost', event: warning(reason, message) };
}

function warning(reason: string, message: string): EventText {
  return { type: 'Warning', reason, message };
}

export type VolumePhase = 'Available' | 'Bound' | 'Released' | 'Failed';
export type VolumeAction =
  | { readonly do: 'phase'; readonly phase: VolumePhase; readonly message?: string; readonly event?: EventText }
  /** Chosen for a claim that took another one meanwhile. */
  | { readonly do: 'unbind' }
  /** Its directory is being removed by the node. */
  | { readonly do: 'deleteAfter'; readonly ms: number }
  | undefined;

export function decideVolume(
  volume: PersistentVolume,
  claim: PersistentVolumeClaim | undefined,
  nowMs: number,
): VolumeAction {
  const { metadata, spec, status } = volume;
  const { claimRef, persistentVolumeReclaimPolicy: policy } = spec;
  // A reference without a UID is a wish of whoever made the volume.
  if (claimRef === undefined || !claimRef.uid) return { do: 'phase', phase: 'Available' };
  if (claim === undefined || claim.metadata.uid !== claimRef.uid) {
    if (policy !== 'Delete' && policy !== 'Recycle') return { do: 'phase', phase: 'Released' };
    const maker = metadata.annotations?.[PROVISIONED_BY];
    if (maker === LOCAL_DIR && policy === 'Delete' && status.phase === 'Released') {
      const sinceMs = parseTime(status.lastPhaseTransitionTime) ?? nowMs;
      return { do: 'deleteAfter', ms: Math.max(0, sinceMs + GIVEN_BACK_MS - nowMs) };
    }
    // Whoever made it watches for Released volumes of its own and removes them.
    if (maker !== undefined) return { do: 'phase', phase: 'Released' };
    if (status.phase !== 'Released' && status.phase !== 'Failed') return { do: 'phase', phase: 'Released' };
    const what = policy === 'Delete' ? 'deletable' : 'recyclable';
    const doer = policy === 'Delete' ? 'deleter' : 'recycler';
    const message =
      policy === 'Delete'
        ? `error getting ${doer} volume plugin for volume "${metadata.name}": no ${what} volume plugin matched`
        : 'No recycler plugin found for the volume!';
    const reason = policy === 'Delete' ? 'VolumeFailedDelete' : 'VolumeFailedRecycle';
    return { do: 'phase', phase: 'Failed', message, event: warning(reason, message) };
  }
  if (claim.spec.volumeName === metadata.name) return { do: 'phase', phase: 'Bound' };
  // The pass of the claim goes on from here.
  if (!claim.spec.volumeName) return undefined;
  return metadata.annotations?.[BOUND_BY_CONTROLLER] === undefined
    ? { do: 'phase', phase: 'Available' }
    : { do: 'unbind' };
}

const DEFAULT_BASE = '/var/lib/skiff/volumes';

/** The volume of a claim: a directory that the node makes when it is first mounted. */
export function localDirectory(
  { metadata, spec }: PersistentVolumeClaim,
  { metadata: sort, parameters, reclaimPolicy, mountOptions }: StorageClass,
  hostname: string,
) {
  const name = `pvc-${metadata.uid}`;
  const onNode = { key: 'kubernetes.io/hostname', operator: 'In' as const, values: [hostname] };
  return {
    metadata: { name, annotations: { [PROVISIONED_BY]: LOCAL_DIR } },
    spec: {
      capacity: { storage: spec.resources?.requests?.['storage'] ?? '0' },
      accessModes: spec.accessModes,
      volumeMode: 'Filesystem' as const,
      persistentVolumeReclaimPolicy: reclaimPolicy ?? ('Delete' as const),
      storageClassName: sort.name,
      ...(mountOptions && { mountOptions }),
      claimRef: {
        ...{ kind: 'PersistentVolumeClaim', apiVersion: 'v1' },
        ...{ namespace: metadata.namespace, name: metadata.name, uid: metadata.uid },
      },
      hostPath: { path: `${parameters?.['path'] ?? DEFAULT_BASE}/${name}`, type: 'DirectoryOrCreate' as const },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [onNode] }] } },
    },
  };
}
