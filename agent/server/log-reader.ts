// Reads a container's log as its reader takes it: from the wanted line on, over rotations, until the container has
// ended and everything it said is out. Woken by the kernel's file events; a slow look besides catches what they miss.
//
//   read to the end > replaced? go on in the next file > container ended? done > wait for a change
import { type FSWatcher, watch } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Clock } from '../../api/clock.ts';
import { LogFormatter } from './cri-log.ts';
import type { LogOptions } from './log-options.ts';
import { tailOffset } from './log-tail.ts';

const BLOCK_BYTES = 64 * 1024;
const LOOK_AGAIN_MS = 1_000;
/** The runtime writes to the old file until it has opened the new one. */
const CHANGING_OVER_MS = 100;

/** Opened before anything is answered, so that a missing file is an error and not an empty log. */
export async function openLog(path: string, options: LogOptions): Promise<OpenLog> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const from = options.tailLines === undefined ? 0 : await tailOffset(file, size, options.tailLines);
    return new OpenLog(path, file, from, options.follow ? Number.POSITIVE_INFINITY : size);
  } catch (err) {
    await file.close();
    throw err;
  }
}

/** `alive` tells whether more may come; it is asked once in a while when the end of the file is reached. */
export async function* readLog(
  log: OpenLog,
  options: LogOptions,
  alive: (signal: AbortSignal) => Promise<boolean>,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, void> {
  const formatter = new LogFormatter(options);
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  using changes = new Changes(dirname(log.path), clock);
  let ended = false;
  let changingOver = false;
  while (!signal.aborted) {
    const bytes = await log.read(block);
    if (bytes.length > 0) {
      const shown = formatter.push(bytes);
      if (shown.length > 0) yield shown;
      if (formatter.done) return;
      continue;
    }
    if (!options.follow) return;
    if (changingOver) {
      changingOver = false;
      if (await log.next()) {
        formatter.reset();
        continue;
      }
    }
    if (await log.replaced()) {
      changingOver = true;
      await clock.sleep(CHANGING_OVER_MS, signal);
      continue;
    }
    if (ended) return;
    // What was written before the end is read after it: one more round follows.
    if (changes.quiet) ended = !(await alive(signal));
    if (!ended) await changes.wait(signal);
  }
}

/** The file that is being read, which may not be the newest one any more. */
export class OpenLog implements AsyncDisposable {
  readonly path: string;
  readonly #end: number;
  #file: FileHandle;
  #at: number;

  constructor(path: string, file: FileHandle, at: number, end: number) {
    this.path = path;
    this.#file = file;
    this.#at = at;
    this.#end = end;
  }

  async read(into: Buffer): Promise<Buffer> {
    const length = Math.min(into.length, this.#end - this.#at);
    if (length <= 0) return into.subarray(0, 0);
    const { bytesRead } = await this.#file.read(into, 0, length, this.#at);
    this.#at += bytesRead;
    return into.subarray(0, bytesRead);
  }

  /** Whether another file has taken the place of this one, or this one was emptied. */
  async replaced(): Promise<boolean> {
    const { ino, size } = await this.#file.stat();
    if (size < this.#at) {
      this.#at = 0;
      return false;
    }
    const now = await statOf(this.path); // between the old file and the new one there is none
    return now !== undefined && now.ino !== ino;
  }

  /** False when the next file is gone before it could be opened. */
  async next(): Promise<boolean> {
    const { ino } = await this.#file.stat();
    const file = await unlessGone(async () => open(await successorOf(this.path, ino)));
    if (file === undefined) return false;
    await this.#file.close();
    this.#file = file;
    this.#at = 0;
    return true;
  }

  async [Symbol.asyncDispose]() {
    await this.#file.close();
  }
}

/** A reader that is far behind finds rotated files between its own and the newest one. */
async function successorOf(path: string, ino: number): Promise<string> {
  const older = await rotatedLogs(path);
  const plain = older.filter((each) => !each.endsWith('.gz'));
  const inodes = await Promise.all(plain.map(async (each) => (await statOf(each))?.ino));
  // Only the newest rotated file is not compressed yet; without our own among them, all of them are newer.
  return plain[inodes.indexOf(ino) + 1] ?? path;
}

/** What rotation made of this log, oldest first. */
export async function rotatedLogs(path: string): Promise<string[]> {
  const prefix = `${basename(path)}.`;
  const names = await readdir(dirname(path));
  return names
    .filter((name) => name.startsWith(prefix) && /^\d{8}-\d{6}(\.gz)?$/.test(name.slice(prefix.length)))
    .sort()
    .map((name) => join(dirname(path), name));
}

const statOf = (path: string) => unlessGone(() => stat(path));

async function unlessGone<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (err) {
    if ((err as { code?: string }).code === 'ENOENT') return undefined;
    throw err;
  }
}

/** Says that something in a folder changed, or that it has been quiet for a while. */
class Changes implements Disposable {
  readonly #dir: string;
  readonly #clock: Clock;
  #watcher: FSWatcher | undefined;
  #changed = false;
  #wake = () => {};
  /** The last wait ended without a change; so did the time before the first one. */
  quiet = true;

  constructor(dir: string, clock: Clock) {
    this.#dir = dir;
    this.#clock = clock;
  }

  async wait(signal: AbortSignal): Promise<void> {
    this.#watch();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    using _timer = this.#clock.after(LOOK_AGAIN_MS, resolve);
    signal.addEventListener('abort', this.#wake, { once: true });
    if (!this.#changed && !signal.aborted) await promise;
    signal.removeEventListener('abort', this.#wake);
    this.quiet = !this.#changed;
    this.#changed = false;
  }

  [Symbol.dispose]() {
    this.#watcher?.close();
  }

  #watch(): void {
    if (this.#watcher !== undefined) return;
    try {
      this.#watcher = watch(this.#dir, { persistent: false }, () => {
        this.#changed = true;
        this.#wake();
      });
      // The folder is gone, or there are no watches left: the timer alone must do.
      this.#watcher.on('error', () => {});
    } catch {
      this.#watcher = undefined;
    }
    // What was written before the watch began nobody reports.
    this.#changed = true;
  }
}
