// Where what belongs to volumes of drivers lies, as upstream lays it out, because drivers and operators look there:
//
//   plugins/kubernetes.io/csi/<driver>/<sha256 of handle>/{vol_data.json,globalmount}     staged file systems
//   plugins/kubernetes.io/csi/volumeDevices/<pv>/data/vol_data.json                       staged devices
//   plugins/kubernetes.io/csi/volumeDevices/{staging/<pv>,publish/<pv>/<pod>}
//   pods/<pod>/volumes/kubernetes.io~csi/<pv>/{vol_data.json,mount}                       published file systems
//   pods/<pod>/volumeDevices/kubernetes.io~csi/<pv> -> the device                         published devices
//
// These files are the only memory there is: each is written before its deed and removed after its undoing, so after a
// crash at any point they name everything that may be there.
import { createHash } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, readlink, rename, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ifAbsent } from '../if-absent.ts';

const ESCAPED = 'kubernetes.io~csi';
const DATA = 'vol_data.json';

/** One volume as a pod of this node uses it. */
export interface Use {
  readonly uid: string;
  /** The persistent volume's name; of an inline volume the name it has in the pod. */
  readonly spec: string;
  readonly driver: string;
  readonly handle: string;
  readonly mode: 'Filesystem' | 'Block';
  readonly lifecycle: 'Persistent' | 'Ephemeral';
  /** What the pod calls it. */
  readonly podVolume: string;
}

/** A volume as this node has it, for however many pods. */
export type Staged = Pick<Use, 'spec' | 'driver' | 'handle' | 'mode'>;

export class Layout {
  readonly #kubeletDir: string;

  constructor(kubeletDir: string) {
    this.#kubeletDir = kubeletDir;
  }

  /** Where the driver is to make it appear for the pod. */
  target({ uid, spec, mode }: Pick<Use, 'uid' | 'spec' | 'mode'>): string {
    if (mode === 'Block') return join(this.#devices(), 'publish', spec, uid);
    return join(this.#podVolumes(uid), spec, 'mount');
  }

  staging({ driver, handle, spec, mode }: Staged): string {
    if (mode === 'Block') return join(this.#devices(), 'staging', spec);
    return join(this.#csi(), driver, sha256(handle), 'globalmount');
  }

  /** What a container is given. */
  deviceLink({ uid, spec }: Pick<Use, 'uid' | 'spec'>): string {
    return join(this.#podDevices(uid), spec);
  }

  /** Folders that only this room fills: what is mounted in them is unmounted by the drivers, never by us. */
  ownFolders(uid: string): string[] {
    return [this.#podVolumes(uid), this.#podDevices(uid)];
  }

  /** `published`: nothing is left to do for the pod to use it. */
  async noteUse(use: Use, node: string, published = false): Promise<void> {
    const file = this.#useFile(use);
    await writeJson(file, {
      specVolID: use.spec,
      volumeHandle: use.handle,
      driverName: use.driver,
      nodeName: node,
      attachmentID: attachmentName(use.driver, use.handle, node),
      volumeLifecycleMode: use.lifecycle,
      podVolume: use.podVolume,
      ...(published && { published: 'true' }),
    });
  }

  async isPublished(use: Use): Promise<boolean> {
    return (await readJson(this.#useFile(use)))?.['published'] === 'true';
  }

  async uses(uid: string): Promise<Use[]> {
    const mounted = await this.#usesIn(uid, this.#podVolumes(uid), 'Filesystem');
    return [...mounted, ...(await this.#usesIn(uid, this.#podDevices(uid), 'Block'))];
  }

  /** Of all pods that left anything here. */
  async allUses(): Promise<Use[]> {
    const uids = await names(join(this.#kubeletDir, 'pods'));
    return (await Promise.all(uids.map((uid) => this.uses(uid)))).flat();
  }

  /** Nothing is mounted there any more. */
  async forgetUse(use: Use): Promise<void> {
    if (use.mode === 'Block') {
      await rm(this.deviceLink(use), { force: true });
      await rm(this.target(use), { force: true });
    } else await removeFolder(this.target(use));
    await removeNote(this.#useFile(use));
    await removeIfEmpty(use.mode === 'Block' ? dirname(this.target(use)) : dirname(this.#useFile(use)));
  }

  async noteStaged(staged: Staged, node: string): Promise<void> {
    await writeJson(this.#stagedFile(staged), {
      specVolID: staged.spec,
      volumeHandle: staged.handle,
      driverName: staged.driver,
      nodeName: node,
      attachmentID: attachmentName(staged.driver, staged.handle, node),
    });
  }

  async forgetStaged(staged: Staged): Promise<void> {
    await removeFolder(this.staging(staged));
    const file = this.#stagedFile(staged);
    await removeNote(file);
    await removeIfEmpty(dirname(file));
    if (staged.mode === 'Block') await removeIfEmpty(dirname(dirname(file)));
  }

  async allStaged(): Promise<Staged[]> {
    const found: Staged[] = [];
    for (const driver of await names(this.#csi())) {
      const isDevices = driver === 'volumeDevices';
      for (const name of await names(join(this.#csi(), driver))) {
        const dir = join(this.#csi(), driver, name);
        const data = await readJson(join(dir, ...(isDevices ? ['data'] : []), DATA));
        if (data?.['volumeHandle'] === undefined || data['driverName'] === undefined) continue;
        found.push({
          spec: data['specVolID'] ?? '',
          driver: data['driverName'],
          handle: data['volumeHandle'],
          mode: isDevices ? 'Block' : 'Filesystem',
        });
      }
    }
    return found;
  }

  async #usesIn(uid: string, dir: string, mode: Use['mode']): Promise<Use[]> {
    const found: Use[] = [];
    for (const name of await names(dir)) {
      const isNote = name.startsWith('.');
      if (mode === 'Block' && !(isNote && name.endsWith('.json'))) continue;
      const spec = isNote ? name.slice('.'.length, -'.json'.length) : name;
      const data = await readJson(this.#useFile({ uid, spec, mode }));
      const { volumeHandle: handle, driverName: driver, podVolume = '' } = data ?? {};
      if (handle === undefined || driver === undefined) continue; // broken off before anything was done
      const lifecycle = data?.['volumeLifecycleMode'] === 'Ephemeral' ? 'Ephemeral' : 'Persistent';
      found.push({ uid, mode, spec, driver, handle, lifecycle, podVolume });
    }
    return found;
  }

  /** No volume's name begins with a dot: beside the link of a device this is its note. */
  #useFile({ uid, spec, mode }: Pick<Use, 'uid' | 'spec' | 'mode'>): string {
    if (mode === 'Block') return join(this.#podDevices(uid), `.${spec}.json`);
    return join(this.#podVolumes(uid), spec, DATA);
  }

  #stagedFile(staged: Staged): string {
    if (staged.mode === 'Block') return join(this.#devices(), staged.spec, 'data', DATA);
    return join(dirname(this.staging(staged)), DATA);
  }

  #csi(): string {
    return join(this.#kubeletDir, 'plugins', 'kubernetes.io', 'csi');
  }

  #devices(): string {
    return join(this.#csi(), 'volumeDevices');
  }

  #podVolumes(uid: string): string {
    return join(this.#kubeletDir, 'pods', uid, 'volumes', ESCAPED);
  }

  #podDevices(uid: string): string {
    return join(this.#kubeletDir, 'pods', uid, 'volumeDevices', ESCAPED);
  }
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Of a driver, a volume and a node there is one attachment. */
export function attachmentName(driver: string, handle: string, node: string): string {
  return `csi-${sha256(`${handle}${driver}${node}`)}`;
}

/** As nodes name a volume in their status. */
export function uniqueName({ driver, handle }: Pick<Staged, 'driver' | 'handle'>): string {
  return `kubernetes.io/csi/${driver}^${handle}`;
}

/** An inline volume is its pod's alone. */
export function inlineHandle(uid: string, podVolume: string): string {
  return `csi-${sha256(`${uid}${podVolume}`)}`;
}

export async function linkDevice(link: string, target: string): Promise<void> {
  if ((await readlink(link).catch(ifAbsent(undefined))) === target) return;
  await mkdir(dirname(link), { recursive: true, mode: 0o750 });
  await rm(link, { force: true });
  await symlink(target, link);
}

/** Also what cannot be looked into, as a mount whose server died. */
export async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (err: NodeJS.ErrnoException) => err.code !== 'ENOENT' && err.code !== 'ENOTDIR',
  );
}

async function names(dir: string): Promise<string[]> {
  return readdir(dir).catch(ifAbsent([]));
}

async function readJson(file: string): Promise<Readonly<Record<string, string>> | undefined> {
  const text = await readFile(file, 'utf8').catch(ifAbsent(undefined));
  try {
    return text === undefined ? undefined : (JSON.parse(text) as Record<string, string>);
  } catch {
    return undefined; // half a file: the machine broke off, and nothing is mounted since
  }
}

async function writeJson(file: string, data: object): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o750 });
  await writeFile(`${file}.new`, JSON.stringify(data), { mode: 0o600 });
  await rename(`${file}.new`, file);
}

async function removeNote(file: string): Promise<void> {
  await rm(`${file}.new`, { force: true });
  await rm(file, { force: true });
}

/** Never with what is in it: that may be somebody's data. */
async function removeFolder(dir: string): Promise<void> {
  await rmdir(dir).catch((err: NodeJS.ErrnoException) => {
    if (err.code !== 'ENOENT') throw err;
  });
}

async function removeIfEmpty(dir: string): Promise<void> {
  await rmdir(dir).catch((err: NodeJS.ErrnoException) => {
    if (err.code !== 'ENOENT' && err.code !== 'ENOTEMPTY') throw err;
  });
}
