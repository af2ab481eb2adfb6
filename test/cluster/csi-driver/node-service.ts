// The node's side, with real mounts: a directory is bound, an image with a file system goes over a loop device, a block
// volume is the loop device itself, an inline volume is memory; so is one with fsType tmpfs, which grows in use also where
// the kernel does not let ext4 (that takes CAP_SYS_RESOURCE). Every call may come again.
import { chmod, chown, mkdir, readFile, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Store } from './store.ts';
import { attachLoop, detachLoops, isMounted, loopsOf, run, unmountAll } from './tools.ts';
import { CODE, type Method, Refusal, type Request } from './types.ts';

export interface NodeOptions {
  readonly store: Store;
  readonly nodeId: string;
  readonly maxVolumes: number;
  readonly topology: Readonly<Record<string, string>> | undefined;
  /** Names of capabilities this instance does not have. */
  readonly without: ReadonlySet<string>;
}

const CAPABILITIES = [
  'STAGE_UNSTAGE_VOLUME',
  'GET_VOLUME_STATS',
  'EXPAND_VOLUME',
  'VOLUME_CONDITION',
  'SINGLE_NODE_MULTI_WRITER',
  'VOLUME_MOUNT_GROUP',
];
const EPHEMERAL = 'csi.storage.k8s.io/ephemeral';

export function nodeService(options: NodeOptions): Record<string, Method> {
  const { store, nodeId, maxVolumes, topology, without } = options;
  const stages = !without.has('STAGE_UNSTAGE_VOLUME');
  return {
    async NodeGetInfo() {
      return {
        nodeId,
        maxVolumesPerNode: maxVolumes,
        ...(topology !== undefined && { accessibleTopology: { segments: topology } }),
      };
    },

    async NodeGetCapabilities() {
      return {
        capabilities: CAPABILITIES.filter((type) => !without.has(type)).map((type) => ({ rpc: { type } })),
      };
    },

    async NodeStageVolume(request) {
      if (!stages) throw new Refusal(CODE.precondition, 'this driver does not stage');
      await mountVolume(request, request.stagingTargetPath, store);
      return {};
    },

    async NodeUnstageVolume({ volumeId, stagingTargetPath }) {
      await unmountAll(stagingTargetPath);
      await detachLoops(store.disk(volumeId)).catch(() => {}); // a directory has none
      return {};
    },

    async NodePublishVolume(request) {
      const { volumeId, targetPath, stagingTargetPath, volumeCapability, volumeContext, readonly } = request;
      if (volumeContext[EPHEMERAL] === 'true') return publishInline(request);
      if (volumeCapability?.block) {
        if (!(await isMounted(targetPath))) await bindFile(await device(volumeId, store), targetPath);
        return {};
      }
      if (await isMounted(targetPath)) {
        await note(targetPath, request); // published again: the tokens may be new
        return {};
      }
      await mkdir(targetPath, { recursive: true });
      if (!stages) await mountVolume(request, targetPath, store);
      else {
        if (!(await isMounted(stagingTargetPath)))
          throw new Refusal(CODE.precondition, `volume ${volumeId} is not staged at ${stagingTargetPath}`);
        await run('mount', '--bind', stagingTargetPath, targetPath);
      }
      await note(targetPath, request);
      if (readonly) await run('mount', '-o', 'remount,bind,ro', targetPath);
      return {};
    },

    async NodeUnpublishVolume({ volumeId, targetPath }) {
      await unmountAll(targetPath);
      await rm(targetPath, { recursive: true, force: true });
      if (!stages) await detachLoops(store.disk(volumeId)).catch(() => {}); // a directory has none
      return {};
    },

    async NodeExpandVolume({ volumeId, volumePath, capacityRange }) {
      const volume = await store.demand(volumeId);
      const capacityBytes = Math.max(volume.capacityBytes, Number(capacityRange?.requiredBytes ?? 0));
      const isFolder = (await stat(volumePath)).isDirectory();
      if (isFolder && (await run('stat', '-f', '-c', '%T', volumePath)) === 'tmpfs') {
        await run('mount', '-o', `remount,size=${capacityBytes}`, volumePath);
        return { capacityBytes };
      }
      const there = await stat(store.disk(volumeId)).catch(() => undefined);
      if (there === undefined) return { capacityBytes };
      await store.sizeDisk(volumeId, capacityBytes);
      for (const loop of await loopsOf(store.disk(volumeId))) {
        await run('losetup', '--set-capacity', loop);
        if (isFolder) await run('resize2fs', loop);
      }
      return { capacityBytes };
    },

    async NodeGetVolumeStats({ volumeId, volumePath }) {
      const found = await stat(volumePath).catch(() => undefined);
      if (found === undefined) throw new Refusal(CODE.notFound, `nothing at ${volumePath}`);
      const message = await readFile(join(store.dir(volumeId), 'abnormal'), 'utf8').catch(() => '');
      const volumeCondition = { abnormal: message !== '', message: message || 'well' };
      if (!found.isDirectory()) {
        const total = (await stat(store.disk(volumeId))).size;
        return { usage: [{ unit: 'BYTES', total }], volumeCondition };
      }
      const fs = await statfs(volumePath);
      return {
        usage: [
          {
            unit: 'BYTES',
            total: fs.blocks * fs.bsize,
            available: fs.bavail * fs.bsize,
            used: (fs.blocks - fs.bfree) * fs.bsize,
          },
          { unit: 'INODES', total: fs.files, available: fs.ffree, used: fs.files - fs.ffree },
        ],
        volumeCondition,
      };
    },
  };
}

async function mountVolume({ volumeId, volumeCapability }: Request, at: string, store: Store): Promise<void> {
  const { id, capacityBytes } = await store.demand(volumeId);
  if (volumeCapability?.block) {
    await store.sizeDisk(id, capacityBytes);
    await attachLoop(store.disk(id));
    return;
  }
  const { fsType = '', mountFlags = [], volumeMountGroup = '' } = volumeCapability?.mount ?? {};
  const options = mountFlags.length > 0 ? ['-o', mountFlags.join()] : [];
  if (!(await isMounted(at))) {
    await mkdir(at, { recursive: true });
    if (fsType === '') {
      await mkdir(store.data(id), { recursive: true });
      await run('mount', '--bind', store.data(id), at);
    } else if (fsType === 'tmpfs') {
      await run('mount', '-t', 'tmpfs', '-o', [`size=${capacityBytes}`, ...mountFlags].join(), `csi-${id}`, at);
    } else {
      await store.sizeDisk(id, capacityBytes);
      const loop = await attachLoop(store.disk(id));
      const made = await run('blkid', '-p', '-o', 'value', '-s', 'TYPE', loop).catch(() => '');
      if (made === '') await run(`mkfs.${fsType}`, '-q', loop);
      await run('mount', ...options, loop, at);
      await run('losetup', '--detach', loop); // in use by now: it goes with the mount
    }
  }
  if (volumeMountGroup !== '') {
    await chown(at, 0, Number(volumeMountGroup));
    await chmod(at, 0o2770);
  }
}

async function device(volumeId: string, store: Store): Promise<string> {
  const { capacityBytes } = await store.demand(volumeId);
  await store.sizeDisk(volumeId, capacityBytes);
  return attachLoop(store.disk(volumeId));
}

async function bindFile(source: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, '');
  await run('mount', '--bind', source, target);
}

/** In memory; what it was told is to be read in it. */
async function publishInline(request: Request): Promise<object> {
  const { targetPath } = request;
  if (!(await isMounted(targetPath))) {
    await mkdir(targetPath, { recursive: true });
    await run('mount', '-t', 'tmpfs', '-o', 'size=4m,mode=0777', 'csi-inline', targetPath);
  }
  await writeFile(join(targetPath, 'context.json'), JSON.stringify(request.volumeContext));
  await writeFile(join(targetPath, 'secrets.json'), JSON.stringify(request.secrets));
  return {};
}

/** Only where tokens were asked for: else the volume has what its pods wrote and nothing more. */
async function note(target: string, { volumeContext }: Request): Promise<void> {
  const tokens = volumeContext['csi.storage.k8s.io/serviceAccount.tokens'];
  if (tokens !== undefined) await writeFile(join(target, 'tokens.json'), tokens);
}
