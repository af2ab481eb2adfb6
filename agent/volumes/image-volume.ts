// A volume that is an image: a read-only view of its unpacked layers, mounted where the pod's other volumes are. The
// view is containerd's (a snapshot that is kept until the pod goes), the mount is ours.
import { execFile } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { ImageClient } from '../cri/images.ts';
import type { RuntimeClient } from '../cri/runtime.ts';
import type { SnapshotClient, SnapshotMount } from '../cri/snapshots.ts';
import { isMounted } from './mounts.ts';
import { VolumeError } from './types.ts';

const run = promisify(execFile);
const MOUNT_MS = 30_000;
/** As `skiff check node` finds them: with the UID of their pod. */
const KEY_PREFIX = 'skiff-volume';

export interface ImageViewsDeps {
  readonly images: Pick<ImageClient, 'chainId'>;
  readonly runtime: Pick<RuntimeClient, 'status'>;
  readonly snapshots: Pick<SnapshotClient, 'view' | 'remove'>;
}

export class ImageViews {
  readonly #deps: ImageViewsDeps;
  #snapshotter: Promise<string> | undefined;

  constructor(deps: ImageViewsDeps) {
    this.#deps = deps;
  }

  async setUp(uid: string, volume: string, reference: string, dir: string, signal: AbortSignal): Promise<void> {
    if (await isMounted(dir)) return; // what a pod began with it keeps
    const { images, snapshots } = this.#deps;
    const chainId = await images.chainId(reference, signal);
    if (chainId === undefined) throw new VolumeError(`image "${reference}" is not on the node`);
    // The folder first: by it the view is found when the pod goes.
    await mkdir(dir, { recursive: true });
    const mounts = await snapshots.view(await this.#named(signal), keyOf(uid, volume), chainId, signal);
    const [mount] = mounts;
    if (mount === undefined || mounts.length > 1) throw new VolumeError(`image "${reference}" cannot be mounted`);
    await mountView(mount, dir, signal);
  }

  /** After the unmounting; `dir` holds a folder for each volume of this kind. */
  async tearDown(uid: string, dir: string, signal: AbortSignal): Promise<void> {
    const names = await readdir(dir).catch(() => []);
    for (const name of names) {
      await this.#deps.snapshots.remove(await this.#named(signal), keyOf(uid, name), signal);
    }
  }

  /** The one CRI unpacks images with. */
  #named(signal: AbortSignal): Promise<string> {
    this.#snapshotter ??= this.#deps.runtime.status(true, signal).then(
      ({ info }) => {
        const { containerd } = JSON.parse(info['config'] ?? '{}') as { containerd?: { snapshotter?: string } };
        return containerd?.snapshotter ?? 'overlayfs';
      },
      (err) => {
        this.#snapshotter = undefined;
        throw err;
      },
    );
    return this.#snapshotter;
  }
}

function keyOf(uid: string, volume: string): string {
  return `${KEY_PREFIX}-${uid}-${volume}`;
}

async function mountView({ type, source, options }: SnapshotMount, dir: string, signal: AbortSignal): Promise<void> {
  const lowerDirs = options
    .find((each) => each.startsWith('lowerdir='))
    ?.slice('lowerdir='.length)
    .split(':');
  if (type === 'overlay' && lowerDirs !== undefined) {
    // Options fit on one page: names relative to the folder of all layers (.../snapshots/<number>/fs) are short.
    const root = dirname(dirname(lowerDirs[0]!));
    const short = lowerDirs.map((each) =>
      dirname(dirname(each)) === root ? join(basename(dirname(each)), 'fs') : each,
    );
    const others = options.filter((each) => !each.startsWith('lowerdir=') && each !== 'ro');
    return tool(
      ['-t', 'overlay', '-o', ['ro', 'noexec', ...others, `lowerdir=${short.join(':')}`].join(','), 'overlay', dir],
      root,
      signal,
    );
  }
  if (type !== 'bind') throw new VolumeError(`the runtime shows images as ${type}, which is not known here`);
  return tool(['-o', 'bind,ro,noexec', source, dir], '/', signal);
}

async function tool(args: readonly string[], cwd: string, signal: AbortSignal): Promise<void> {
  try {
    await run('mount', args, { cwd, signal, timeout: MOUNT_MS });
  } catch (cause) {
    signal.throwIfAborted();
    const { stderr } = cause as { stderr?: string };
    throw new VolumeError(`mount ${args.at(-1)}: ${(stderr || String(cause)).trim()}`, { cause });
  }
}
