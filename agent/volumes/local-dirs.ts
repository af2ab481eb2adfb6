// Directories that were made here for claims (provisioner skiff.local/dir) and are to go when their volume is given
// back. Only what this node has noted itself is ever removed, and only while the API says that nobody wants it: a
// volume that is simply not there any more leaves its data, for a mistake must not cost any.
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Client } from '../../api/client/client.ts';
import type { Clock } from '../../api/clock.ts';
import { LOCAL_DIR, PROVISIONED_BY } from '../../api/local-dir.ts';
import type { Logger } from '../../api/log.ts';
import { isNotFound } from '../../api/status.ts';
import type { PersistentVolume } from '../../api/types/core/persistent-volume.ts';
import { persistentVolumes } from '../../api/types/core/storage-resources.ts';
import { mountsBelow } from './mounts.ts';

/** Well within the time that the volume stays after its release. */
const LOOK_EVERY_MS = 45_000;
/** The API is not there yet, or away. */
const RETRY_MS = 2_000;

export type DirectoryFate = 'stays' | 'goes' | 'forgotten';

export function fateOf(volume: PersistentVolume | undefined): DirectoryFate {
  if (volume === undefined || volume.metadata.annotations?.[PROVISIONED_BY] !== LOCAL_DIR) return 'forgotten';
  const { spec, status } = volume;
  return status.phase === 'Released' && spec.persistentVolumeReclaimPolicy === 'Delete' ? 'goes' : 'stays';
}

export class LocalDirs implements AsyncDisposable {
  readonly #dir: string;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;

  constructor(dir: string, client: Client, clock: Clock, log: Logger) {
    this.#dir = dir;
    this.#client = client;
    this.#clock = clock;
    this.#log = log;
    this.#loop = this.#run(this.#stop.signal);
  }

  /** Before it is made: a directory that nobody noted would stay for ever. */
  async note({ metadata, spec }: PersistentVolume): Promise<void> {
    const path = spec.hostPath?.path;
    if (metadata.annotations?.[PROVISIONED_BY] !== LOCAL_DIR || path === undefined) return;
    if (basename(path) !== metadata.name) return; // not as we make them: not ours to remove
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const file = join(this.#dir, metadata.name);
    await writeFile(`${file}.new`, path, { mode: 0o600 });
    await rename(`${file}.new`, file);
  }

  async look(signal: AbortSignal): Promise<void> {
    for (const name of await readdir(this.#dir).catch(() => [])) {
      if (name.endsWith('.new')) continue;
      const volume = await this.#client.get(persistentVolumes, { name }, {}, signal).catch((err) => {
        if (isNotFound(err)) return undefined;
        throw err;
      });
      const fate = fateOf(volume);
      if (fate === 'stays') continue;
      const file = join(this.#dir, name);
      const path = await readFile(file, 'utf8');
      if (fate === 'goes') {
        const mounted = await mountsBelow(path);
        if (mounted.length > 0 || basename(path) !== name) continue;
        await rm(path, { recursive: true, force: true });
        this.#log.info({ volume: name, path }, 'directory of a released volume removed');
      } else
        this.#log.warn({ volume: name, path }, 'the volume is gone from the API: its directory is left where it is');
      await rm(file, { force: true });
    }
  }

  async [Symbol.asyncDispose]() {
    this.#stop.abort();
    await this.#loop;
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const looked = await this.look(signal).then(
        () => true,
        (err) => {
          if (!signal.aborted) this.#log.debug({ err }, 'volumes not asked for');
          return false;
        },
      );
      await this.#clock.sleep(looked ? LOOK_EVERY_MS : RETRY_MS, signal).catch(() => {}); // woken early only to end
    }
  }
}
