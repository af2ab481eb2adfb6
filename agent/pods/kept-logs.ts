// Nothing forgotten: the last megabyte of what a container wrote outlives it for a day, in the agent's own folder
// (`skiff logs --deleted` reads it), bounded in bytes, files and age.
//
//   <dir>/<namespace>_<pod>_<uid>/<container>_<attempt>.log
import { mkdir, open, readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import { DEFAULT_KEPT, expired, type KeptFile, type KeptLimits, wholeLines } from './kept-logs-decide.ts';
import { containerLogPath, type PodFolders, type PodName, podLogDir } from './names.ts';

const TAIL_BYTES = 2 ** 20;
const PRUNE_EVERY_MS = 10 * 60_000;

export interface KeptLog extends KeptFile {
  readonly namespace: string;
  readonly pod: string;
  readonly uid: string;
  readonly container: string;
  readonly attempt: number;
}

export interface KeptLogsDeps {
  readonly folders: PodFolders;
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits?: KeptLimits;
}

export class KeptLogs implements AsyncDisposable {
  readonly #dir: string;
  readonly #deps: KeptLogsDeps;
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;

  constructor(dir: string, deps: KeptLogsDeps) {
    this.#dir = dir;
    this.#deps = deps;
    this.#loop = this.#run(this.#stop.signal);
  }

  /** Puts the end of one instance's log aside and removes the log. A log that cannot be kept holds up nothing. */
  async keep(pod: PodName, container: string, attempt: number): Promise<void> {
    const { folders, log } = this.#deps;
    const path = join(podLogDir(folders, pod), containerLogPath(container, attempt));
    try {
      const text = await tailOf(path);
      // Where there is no room for the end of it, the log itself must not stay either.
      if (text.length > 0) await this.#write(pod, `${container}_${attempt}.log`, text);
      for (const each of [path, ...(await rotationsOf(path))]) await rm(each, { force: true });
    } catch (err) {
      log.warn({ err, path }, 'log of a removed container not kept');
    }
  }

  async #write(pod: PodName, name: string, text: Buffer): Promise<void> {
    const dir = join(this.#dir, `${pod.namespace}_${pod.name}_${pod.uid}`);
    const target = join(dir, name);
    try {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      await writeFile(`${target}.new`, text, { mode: 0o600 });
      await rename(`${target}.new`, target);
    } catch (err) {
      this.#deps.log.warn({ err, target }, 'the end of a log is not kept');
      await rm(`${target}.new`, { force: true });
      await rmdir(dir).catch(() => {}); // others are in it, or it never was made
    }
  }

  /** Everything that is left of a pod's logs. */
  async keepAll(pod: PodName): Promise<void> {
    const dir = podLogDir(this.#deps.folders, pod);
    for (const container of await readdir(dir).catch(() => [])) {
      for (const name of await readdir(join(dir, container)).catch(() => [])) {
        const attempt = /^(\d+)\.log$/.exec(name)?.[1];
        if (attempt !== undefined) await this.keep(pod, container, Number(attempt));
      }
    }
  }

  async prune(): Promise<void> {
    const { clock, limits = DEFAULT_KEPT } = this.#deps;
    for (const { path } of expired(await keptLogs(this.#dir), limits, clock.now())) {
      await rm(path, { force: true });
      await rmdir(dirname(path)).catch(() => {}); // others are in it still
    }
  }

  async [Symbol.asyncDispose]() {
    this.#stop.abort();
    await this.#loop;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps;
    while (!signal.aborted) {
      await this.prune().catch((err) => log.warn({ err }, 'kept logs not pruned'));
      await clock.sleep(PRUNE_EVERY_MS, signal).catch(() => {}); // woken early only to end
    }
  }
}

/** What is kept in this folder, the newest first. */
export async function keptLogs(dir: string): Promise<KeptLog[]> {
  const found: KeptLog[] = [];
  for (const folder of await readdir(dir).catch(() => [])) {
    const [namespace = '', pod = '', uid = ''] = folder.split('_');
    for (const name of await readdir(join(dir, folder)).catch(() => [])) {
      const [, container = '', attempt] = /^(.+)_(\d+)\.log$/.exec(name) ?? [];
      const path = join(dir, folder, name);
      const file = attempt === undefined ? undefined : await stat(path).catch(() => undefined);
      if (file === undefined) continue;
      const of = { namespace, pod, uid, container, attempt: Number(attempt) };
      found.push({ ...of, path, bytes: file.size, keptAtMs: file.mtimeMs });
    }
  }
  return found.sort((a, b) => b.keptAtMs - a.keptAtMs);
}

/** The newest rotated file that is still plain goes before the log itself. */
async function tailOf(path: string): Promise<Buffer> {
  const own = await lastBytes(path, TAIL_BYTES);
  if (own.text.length >= TAIL_BYTES) return wholeLines(own.text, own.cut);
  const older = (await rotationsOf(path)).findLast((each) => !each.endsWith('.gz'));
  if (older === undefined) return own.text;
  const before = await lastBytes(older, TAIL_BYTES - own.text.length);
  return Buffer.concat([wholeLines(before.text, before.cut), own.text]);
}

async function lastBytes(path: string, max: number): Promise<{ text: Buffer; cut: boolean }> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return { text: Buffer.alloc(0), cut: false };
  try {
    const { size } = await file.stat();
    const length = Math.min(size, max);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return { text: buffer.subarray(0, bytesRead), cut: size > length };
  } finally {
    await file.close();
  }
}

async function rotationsOf(path: string): Promise<string[]> {
  const prefix = `${basename(path)}.`;
  const names = await readdir(dirname(path)).catch(() => []);
  return names
    .filter((name) => name.startsWith(prefix))
    .sort()
    .map((name) => join(dirname(path), name));
}
