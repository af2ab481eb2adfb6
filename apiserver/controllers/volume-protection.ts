// Storage that is asked to go while it is in use goes when nobody uses it any more: claims after their last pod,
// volumes after their claim, classes of attributes after their last volume. Admission puts the finalizers on, these loops take them away.
import { itself, on, runController } from '../../api/client/controller.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import { isNotFound } from '../../api/status.ts';
import type { PersistentVolumeClaim } from '../../api/types/core/persistent-volume-claim.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { pods } from '../../api/types/core/resources.ts';
import { persistentVolumeClaims, persistentVolumes } from '../../api/types/core/storage-resources.ts';
import { volumeAttributesClasses } from '../../api/types/storage/resources.ts';
import { claimsOf } from './claims-of-pod.ts';
import type { Controller } from './deps.ts';
import { isFinished } from './pod-facts.ts';

const CLAIM = 'kubernetes.io/pvc-protection';
const ATTRIBUTES = 'kubernetes.io/vac-protection';
const VOLUME = 'kubernetes.io/pv-protection';

interface Finalized {
  readonly metadata: { readonly deletionTimestamp?: string; readonly finalizers?: readonly string[] };
}

const isLeaving = ({ metadata }: Finalized, finalizer: string): boolean =>
  metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).includes(finalizer);

/** A pod without a node mounts nothing, and will not once the claim is going. */
export function uses(pod: Pod, claim: string): boolean {
  return !isFinished(pod) && !!pod.spec.nodeName && claimsOf(pod).includes(claim);
}

export const claimProtectionController: Controller = ({ client, informers, clock, log }) => {
  const informer = informers.of(persistentVolumeClaims);
  const podInformer = informers.of(pods);

  async function reconcile(key: string, signal: AbortSignal): Promise<Next> {
    const claim = informer.get(key);
    if (claim === undefined || !isLeaving(claim, CLAIM)) return AT_REST;
    const { name, namespace, finalizers = [] } = claim.metadata;
    const inUse = (all: Iterable<Pod>) => [...all].some((pod) => uses(pod, name));
    if (inUse(podInformer.list(namespace))) return AT_REST;
    // The cache may not have a pod yet that was placed a moment ago.
    if (inUse((await client.list(pods, { namespace }, signal)).items)) return AT_REST;
    const metadata = { ...claim.metadata, finalizers: finalizers.filter((finalizer) => finalizer !== CLAIM) };
    await client.update(persistentVolumeClaims, { ...claim, metadata }, {}, signal).catch(unlessGone);
    return AT_REST;
  }

  /** A pod that is over, gone or moved may have been the last. */
  function released(_key: string, now: Pod | undefined, before: Pod | undefined): string[] {
    if (now !== undefined && !isFinished(now)) return [];
    const pod = (now ?? before)!;
    return claimsOf(pod).map((name) => `${pod.metadata.namespace}/${name}`);
  }

  const sources = [on(informer, itself), on(podInformer, released)];
  return (signal) => runController({ name: 'pvc-protection', sources, reconcile, clock, log }, signal);
};

export const volumeProtectionController: Controller = ({ client, informers, clock, log }) => {
  const informer = informers.of(persistentVolumes);

  async function reconcile(name: string, signal: AbortSignal): Promise<Next> {
    const volume = informer.get(name);
    if (volume === undefined || !isLeaving(volume, VOLUME) || volume.status.phase === 'Bound') return AT_REST;
    const { finalizers = [] } = volume.metadata;
    const metadata = { ...volume.metadata, finalizers: finalizers.filter((finalizer) => finalizer !== VOLUME) };
    await client.update(persistentVolumes, { ...volume, metadata }, {}, signal).catch(unlessGone);
    return AT_REST;
  }

  const sources = [on(informer, itself)];
  return (signal) => runController({ name: 'pv-protection', sources, reconcile, clock, log }, signal);
};

export const attributesClassProtectionController: Controller = ({ client, informers, clock, log }) => {
  const informer = informers.of(volumeAttributesClasses);
  const claims = informers.of(persistentVolumeClaims);
  const volumes = informers.of(persistentVolumes);

  async function reconcile(name: string, signal: AbortSignal): Promise<Next> {
    const one = informer.get(name);
    if (one === undefined || !isLeaving(one, ATTRIBUTES)) return AT_REST;
    const claimed = claims.list().some((claim) => attributesOf(claim).includes(name));
    if (claimed || volumes.list().some(({ spec }) => spec.volumeAttributesClassName === name)) return AT_REST;
    const { finalizers = [] } = one.metadata;
    const metadata = { ...one.metadata, finalizers: finalizers.filter((finalizer) => finalizer !== ATTRIBUTES) };
    await client.update(volumeAttributesClasses, { ...one, metadata }, {}, signal).catch(unlessGone);
    return AT_REST;
  }

  const sources = [
    on(informer, itself),
    on(claims, (_key, _now, before) => (before === undefined ? [] : attributesOf(before))),
    on(volumes, (_key, _now, before) => [before?.spec.volumeAttributesClassName ?? '']),
  ];
  return (signal) => runController({ name: 'vac-protection', sources, reconcile, clock, log }, signal);
};

/** What it asks for, what it has, and what it is being changed to. */
function attributesOf({ spec, status }: PersistentVolumeClaim): string[] {
  const names = [
    spec.volumeAttributesClassName,
    status.currentVolumeAttributesClassName,
    status.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ];
  return names.filter((name) => !!name) as string[];
}

function unlessGone(err: unknown): void {
  if (!isNotFound(err)) throw err;
}
