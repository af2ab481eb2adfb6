// The volumes of the pods of this node: sets them up, says what a container sees of them, takes them down. Nothing is
// remembered: what is there is found on disk and in the kernel's list of mounts.
import { lstat, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ApiError } from '../../api/status.ts';
import type { Container, VolumeMount } from '../../api/types/core/container.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { Volume } from '../../api/types/core/volume.ts';
import type { Device, Mount } from '../cri/types.ts';
import type { PodVolumes } from '../pods/deps.ts';
import { expand } from '../pods/expand.ts';
import { type PodFolders, podDir, volumesDir } from '../pods/names.ts';
import { isPopulated, type Payload, writeAtomically } from './atomic-writer.ts';
import { claimReference, setUpClaim } from './claim.ts';
import { fsGroupOf, type VolumeContext, type VolumeDeps } from './context.ts';
import { setUpEmptyDir } from './empty-dir.ts';
import { setUpHostPath } from './host-path.ts';
import { isMounted, mountsBelow, mountTmpfs, unmount } from './mounts.ts';
import { configMapPayload, downwardPayload, projectedPayload, secretPayload } from './payloads.ts';
import { mountSubPath, readInside } from './sub-path.ts';
import { VolumeError, VolumePending, volumeType } from './types.ts';

/** Folder names as upstream has them, because other software looks there. */
const FOLDERS: Readonly<Record<string, string>> = {
  emptyDir: 'kubernetes.io~empty-dir',
  configMap: 'kubernetes.io~configmap',
  secret: 'kubernetes.io~secret',
  projected: 'kubernetes.io~projected',
  downwardAPI: 'kubernetes.io~downward-api',
  persistentVolumeClaim: 'kubernetes.io~local-volume',
  ephemeral: 'kubernetes.io~local-volume',
  csi: 'kubernetes.io~csi',
  image: 'kubernetes.io~image',
};
/** Made of objects: the agent writes them, containers only read. */
const PAYLOADS: readonly string[] = ['configMap', 'secret', 'projected', 'downwardAPI'];
/** What must never lie on a disk. */
const IN_MEMORY: readonly string[] = ['secret', 'projected'];

export class Volumes implements PodVolumes {
  readonly #deps: VolumeDeps;
  readonly #folders: PodFolders;
  /** Devices of the node, by pod and the pod's name for them. */
  readonly #devices = new Map<string, Map<string, string>>();

  constructor(folders: PodFolders, deps: VolumeDeps) {
    this.#folders = folders;
    this.#deps = deps;
  }

  async setUp(pod: Pod, newest: boolean, signal: AbortSignal): Promise<void> {
    await mkdir(podDir(this.#folders, pod.metadata.uid), { recursive: true, mode: 0o750 });
    const mounted = new Set(
      [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].flatMap(
        ({ volumeMounts = [], volumeDevices = [] }) => [...volumeMounts, ...volumeDevices].map(({ name }) => name),
      ),
    );
    await Promise.all(
      (pod.spec.volumes ?? [])
        .filter(({ name }) => mounted.has(name)) // what nobody looks at need not be there
        .map(async (volume) => {
          try {
            await this.#setUpOne(pod, volume, newest, signal);
          } catch (cause) {
            signal.throwIfAborted();
            if (cause instanceof VolumePending) throw cause;
            const said = cause instanceof Error ? cause.message : String(cause);
            throw new VolumeError(`MountVolume.SetUp failed for volume "${volume.name}" : ${said}`, { cause });
          }
        }),
    );
  }

  /** Whether the pod has volumes whose content may change. */
  refreshes(pod: Pod): boolean {
    if (this.#deps.csi.republishes(pod)) return true;
    return (pod.spec.volumes ?? []).some((volume) => PAYLOADS.includes(volumeType(volume)));
  }

  async mounts(
    pod: Pod,
    container: Container,
    env: ReadonlyMap<string, string>,
    signal: AbortSignal,
  ): Promise<Mount[]> {
    const mounts: Mount[] = [];
    for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
      const volume = pod.spec.volumes?.find(({ name }) => name === mount.name);
      if (volume === undefined) throw new VolumeError(`volume "${mount.name}" is not among the pod's volumes`);
      // Its mount is read-only and runs no programs: a runtime told so again would keep only the former.
      const isImage = volume.image !== undefined;
      mounts.push({
        containerPath: mount.mountPath.startsWith('/') ? mount.mountPath : `/${mount.mountPath}`,
        hostPath: await this.#source(pod, container, volume, mount, index, env, signal),
        readonly:
          !isImage &&
          (mount.readOnly === true ||
            PAYLOADS.includes(volumeType(volume)) ||
            claimReference(pod, volume)?.readOnly === true ||
            volume.csi?.readOnly === true),
        ...(this.#deps.recursiveReadOnly && !isImage && wantsRecursiveReadOnly(mount) && { recursiveReadOnly: true }),
        propagation: PROPAGATION[mount.mountPropagation ?? 'None'],
      });
    }
    return mounts;
  }

  async fileIn(pod: Pod, volumeName: string, path: string): Promise<string | undefined> {
    const volume = pod.spec.volumes?.find(({ name }) => name === volumeName);
    if (volume?.emptyDir === undefined) throw new VolumeError(`volume "${volumeName}" is not an emptyDir of the pod`);
    return readInside(this.dirOf(pod, volume), path);
  }

  /** The block devices a container sees. */
  devices(pod: Pod, { volumeDevices = [] }: Container): Device[] {
    return volumeDevices.map(({ name, devicePath }) => {
      const { uid } = pod.metadata;
      const hostPath = this.#deps.csi.pathOf(uid, name) ?? this.#devices.get(uid)?.get(name);
      if (hostPath === undefined) throw new VolumeError(`volume "${name}" is no device here`);
      const volume = pod.spec.volumes?.find((each) => each.name === name);
      const isReadOnly = volume !== undefined && claimReference(pod, volume)?.readOnly === true;
      return { containerPath: devicePath, hostPath, permissions: isReadOnly ? 'r' : 'mrw' };
    });
  }

  async tearDown(uid: string, signal: AbortSignal): Promise<void> {
    const dir = podDir(this.#folders, uid);
    // Parts of volumes first, then drivers take down what is theirs, then what is ours.
    for (const point of await mountsBelow(join(dir, 'volume-subpaths'))) await unmount(point, signal);
    await this.#deps.csi.tearDown(uid);
    const theirs = this.#deps.csi.ownFolders(uid);
    for (const point of await mountsBelow(dir)) {
      if (!theirs.some((folder) => point.startsWith(`${folder}/`))) await unmount(point, signal);
    }
    // Never delete through a mount: it may be somebody's data.
    const left = await mountsBelow(dir);
    if (left.length > 0) throw new VolumeError(`still mounted: ${left.join(', ')}`);
    await this.#deps.imageViews.tearDown(uid, join(volumesDir(this.#folders, uid), FOLDERS['image']!), signal);
    await rm(join(dir, 'volume-subpaths'), { recursive: true, force: true });
    await rm(volumesDir(this.#folders, uid), { recursive: true, force: true });
    await rm(join(dir, 'volumeDevices'), { recursive: true, force: true });
    this.#devices.delete(uid);
    this.#deps.tokens.forget(uid);
  }

  /** Where the volume is, or will be. */
  dirOf(pod: Pod, volume: Volume): string {
    const type = volumeType(volume);
    if (type === 'hostPath') return volume.hostPath!.path;
    const byDriver = this.#deps.csi.pathOf(pod.metadata.uid, volume.name);
    if (byDriver !== undefined) return byDriver;
    return join(volumesDir(this.#folders, pod.metadata.uid), FOLDERS[type]!, volume.name);
  }

  async #setUpOne(pod: Pod, volume: Volume, newest: boolean, signal: AbortSignal): Promise<void> {
    const dir = this.dirOf(pod, volume);
    const { uid } = pod.metadata;
    const devices = this.#devices.get(uid) ?? new Map<string, string>();
    this.#devices.set(uid, devices);
    const context: VolumeContext = { ...this.#deps, pod, volume, dir, devices, newest, signal };
    const type = volumeType(volume);
    if (type === 'csi') return this.#deps.csi.setUpInline(pod, volume, newest);
    if (type === 'emptyDir') return setUpEmptyDir(context);
    if (volume.image !== undefined) {
      return this.#deps.imageViews.setUp(uid, volume.name, volume.image.reference ?? '', dir, signal);
    }
    if (type === 'hostPath') return setUpHostPath(volume.hostPath!);
    const claim = claimReference(pod, volume);
    if (claim !== undefined) return setUpClaim(claim, context);
    let payload: Payload;
    try {
      payload = await payloadOf(context);
    } catch (err) {
      // The API is away, not the object: what was written earlier still serves a pod that starts again.
      if (err instanceof VolumeError || err instanceof ApiError || !(await isPopulated(dir))) throw err;
      return;
    }
    await mkdir(dir, { recursive: true });
    if (IN_MEMORY.includes(type) && !(await isMounted(dir))) await mountTmpfs(dir, ['mode=0755'], signal);
    const { clock, random } = this.#deps;
    const stamp = new Date(clock.now()).toISOString().slice(0, 19).replace(/[-T:]/g, '_');
    const gid = fsGroupOf(pod);
    const version = `..${stamp}.${random.bytes(4).toString('hex')}`;
    await writeAtomically(dir, payload, { version, ...(gid !== undefined && { gid }) });
  }

  async #source(
    pod: Pod,
    { name }: Container,
    volume: Volume,
    mount: VolumeMount,
    index: number,
    env: ReadonlyMap<string, string>,
    signal: AbortSignal,
  ): Promise<string> {
    const dir = this.dirOf(pod, volume);
    const subPath = mount.subPathExpr ? expand(mount.subPathExpr, (key) => env.get(key)) : mount.subPath;
    if (volumeType(volume) === 'hostPath' && (await lstat(dir).catch(() => undefined)) === undefined && !subPath) {
      await mkdir(dir, { recursive: true }); // a path without a type is made, as the runtime would
    }
    if (!subPath) return dir;
    const target = join(podDir(this.#folders, pod.metadata.uid), 'volume-subpaths', volume.name, name, String(index));
    return mountSubPath({ volume: dir, subPath, target }, signal);
  }
}

function wantsRecursiveReadOnly({ readOnly, recursiveReadOnly }: VolumeMount): boolean {
  return readOnly === true && (recursiveReadOnly === 'Enabled' || recursiveReadOnly === 'IfPossible');
}

const PROPAGATION = {
  None: 'PROPAGATION_PRIVATE',
  HostToContainer: 'PROPAGATION_HOST_TO_CONTAINER',
  Bidirectional: 'PROPAGATION_BIDIRECTIONAL',
} as const;

function payloadOf(context: VolumeContext): Payload | Promise<Payload> {
  const { configMap, secret, projected, downwardAPI } = context.volume;
  if (configMap !== undefined) return configMapPayload(configMap, context);
  if (secret !== undefined) return secretPayload(secret, context);
  if (projected !== undefined) return projectedPayload(projected, context);
  return downwardPayload(downwardAPI ?? {}, context);
}
