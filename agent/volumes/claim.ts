// Storage that outlives its pod: from the claim to its volume to a directory of this node, mounted where the pod's
// other volumes are, or to a storage driver. What is mounted already needs no API: a pod starts again while the server
// is away.
import { chmod, lstat, mkdir, stat } from 'node:fs/promises';
import { matchesTerms } from '../../api/node-selector.ts';
import { ApiError, isNotFound } from '../../api/status.ts';
import type { PersistentVolume } from '../../api/types/core/persistent-volume.ts';
import type { PersistentVolumeClaim } from '../../api/types/core/persistent-volume-claim.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { persistentVolumeClaims, persistentVolumes } from '../../api/types/core/storage-resources.ts';
import type { Volume } from '../../api/types/core/volume.ts';
import type { VolumeContext } from './context.ts';
import { giveToGroup } from './fs-group.ts';
import { setUpHostPath } from './host-path.ts';
import { bindMount, isMounted } from './mounts.ts';
import { VolumeError } from './types.ts';

export interface ClaimReference {
  readonly name: string;
  readonly readOnly: boolean;
  /** Made for this pod alone: it must be this pod's. */
  readonly own: boolean;
}

export function claimReference(pod: Pod, volume: Volume): ClaimReference | undefined {
  const { persistentVolumeClaim: named, ephemeral } = volume;
  if (named !== undefined) return { name: named.claimName, readOnly: named.readOnly === true, own: false };
  if (ephemeral === undefined) return undefined;
  return { name: `${pod.metadata.name}-${volume.name}`, readOnly: false, own: true };
}

export async function setUpClaim(reference: ClaimReference, context: VolumeContext): Promise<void> {
  const { pod, dir, csi, newest } = context;
  if (await isMounted(dir)) return;
  const found = await storageOf(reference, context);
  if (found === 'as it was') return;
  const { claim, volume } = found;
  if (volume.spec.csi !== undefined) {
    return csi.setUp(pod, context.volume.name, { claim, volume, readOnly: reference.readOnly }, newest);
  }
  if (volume.spec.volumeMode === 'Block') return checkDevice(volume, context);
  await mountDirectory(volume, reference, context);
}

/** The API is away, not the object: what a driver mounted before serves a pod that starts again. */
async function storageOf(reference: ClaimReference, context: VolumeContext) {
  try {
    const claim = await claimOf(reference, context);
    return { claim, volume: await volumeOf(claim, context) };
  } catch (err) {
    if (err instanceof VolumeError || err instanceof ApiError) throw err;
    if (await context.csi.adopt(context.pod, context.volume.name)) return 'as it was';
    throw err;
  }
}

/** A device of the node is given as it is. */
async function checkDevice({ metadata, spec }: PersistentVolume, { devices, volume }: VolumeContext): Promise<void> {
  const path = spec.local?.path;
  const isDevice = path !== undefined && (await stat(path).catch(() => undefined))?.isBlockDevice() === true;
  if (!isDevice)
    throw new VolumeError(`volume ${metadata.name} is no block device of this node (${path ?? 'no path'})`);
  devices.set(volume.name, path);
}

async function mountDirectory(volume: PersistentVolume, reference: ClaimReference, context: VolumeContext) {
  const { pod, dir, signal } = context;
  const path = directoryOf(volume);
  const { hostPath } = volume.spec;
  await context.localDirs.note(volume);
  if (hostPath !== undefined) {
    const isNew = (await lstat(path).catch(() => undefined)) === undefined;
    await setUpHostPath(hostPath);
    // Made for a claim: whoever the containers run as may write.
    if (isNew && hostPath.type === 'DirectoryOrCreate') await chmod(path, 0o777);
    if (!hostPath.type) await mkdir(path, { recursive: true }); // as a hostPath without a type is made
  }
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) throw new VolumeError(`path "${path}" of volume ${volume.metadata.name} does not exist`);
  await mkdir(dir, { recursive: true });
  await bindMount(path, dir, signal);
  if (!reference.readOnly) await giveToGroup(dir, pod);
}

async function claimOf({ name, own }: ClaimReference, { client, pod, signal }: VolumeContext) {
  const { namespace, uid } = pod.metadata;
  const claim = await client.get(persistentVolumeClaims, { namespace, name }, {}, signal).catch((err) => {
    if (isNotFound(err)) throw new VolumeError(`persistentvolumeclaim "${name}" not found`, { cause: err });
    throw err;
  });
  if (own && claim.metadata.ownerReferences?.some((owner) => owner.controller && owner.uid === uid) !== true) {
    throw new VolumeError(`PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata.name}`);
  }
  if (claim.metadata.deletionTimestamp !== undefined) {
    throw new VolumeError(`can't start pod because PVC ${namespace}/${name} is being deleted`);
  }
  if (claim.status.phase !== 'Bound' || !claim.spec.volumeName)
    throw new VolumeError(`PVC ${namespace}/${name} is not bound`);
  return claim;
}

async function volumeOf({ metadata, spec }: PersistentVolumeClaim, context: VolumeContext) {
  const { client, signal, node, pod } = context;
  const { name } = context.volume;
  const volume = await client.get(persistentVolumes, { name: spec.volumeName! }, {}, signal);
  const { claimRef, nodeAffinity, volumeMode } = volume.spec;
  const isDevice = volumeMode === 'Block';
  if (claimRef?.uid !== metadata.uid) {
    throw new VolumeError(
      `PV ${volume.metadata.name} is bound to another claim than ${metadata.namespace}/${metadata.name}`,
    );
  }
  if (isDevice !== isGivenAsDevice(pod, name)) {
    throw new VolumeError(
      isDevice
        ? `volume ${name} has volumeMode Block, but is specified in volumeMounts`
        : `volume ${name} has volumeMode Filesystem, but is specified in volumeDevices`,
    );
  }
  const terms = nodeAffinity?.required?.nodeSelectorTerms;
  const here = node();
  if (terms !== undefined && here !== undefined && !matchesTerms(terms, here)) {
    throw new VolumeError('no matching NodeSelectorTerms');
  }
  return volume;
}

/** What volumes of a claim can be here: a directory of the node. */
function directoryOf({ metadata, spec }: PersistentVolume): string {
  const path = spec.local?.path ?? spec.hostPath?.path;
  if (path !== undefined) return path;
  const type = Object.keys(spec).find((key) => key === 'nfs' || key === 'iscsi' || key === 'fc');
  throw new VolumeError(`volume ${metadata.name} is of a type this node cannot mount${type ? ` (${type})` : ''}`);
}

export function isGivenAsDevice({ spec }: Pod, volume: string): boolean {
  return [...spec.containers, ...(spec.initContainers ?? [])].some(({ volumeDevices = [] }) =>
    volumeDevices.some(({ name }) => name === volume),
  );
}
