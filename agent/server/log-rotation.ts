// Keeps container logs bounded: a file that has grown too large is put aside and the runtime opens a new one; of the
// old ones a few are kept, compressed but for the newest, which readers may still be at.
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import { isCri } from '../cri/call.ts';
import type { RuntimeClient } from '../cri/runtime.ts';
import { LABEL } from '../pods/names.ts';
import { rotatedLogs } from './log-reader.ts';

export interface LogLimits {
  readonly maxBytes: number;
  /** The one that is written to included. */
  readonly maxFiles: number;
  readonly lookEveryMs: number;
}

export const DEFAULT_LOG_LIMITS: LogLimits = { maxBytes: 10 * 1024 * 1024, maxFiles: 5, lookEveryMs: 10_000 };

export type Step =
  | { readonly do: 'remove'; readonly path: string }
  | { readonly do: 'compress'; readonly path: string }
  | { readonly do: 'rotate'; readonly path: string; readonly to: string };

/** `rotated` are the files put aside before, oldest first. */
export function planRotation(
  path: string,
  size: number,
  rotated: readonly string[],
  { maxBytes, maxFiles }: LogLimits,
  nowMs: number,
): Step[] {
  if (size < maxBytes) return [];
  // A crash between compressing and removing leaves both.
  const doubled = rotated.filter((each) => rotated.includes(`${each}.gz`));
  const single = rotated.filter((each) => !doubled.includes(each));
  // There will be the new one and the one that is put aside now.
  const excess = single.slice(0, Math.max(0, single.length - (maxFiles - 2)));
  const plain = single.filter((each) => !excess.includes(each) && !each.endsWith('.gz'));
  const stamp = new Date(nowMs).toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  const to = `${path}.${stamp}`;
  // Twice in one second: the next look will do.
  if (rotated.includes(to) || rotated.includes(`${to}.gz`)) return [];
  return [
    ...[...doubled, ...excess].map((each): Step => ({ do: 'remove', path: each })),
    ...plain.map((each): Step => ({ do: 'compress', path: each })),
    { do: 'rotate', path, to },
  ];
}

export interface RotationDeps {
  readonly runtime: RuntimeClient;
  readonly clock: Clock;
  readonly log: Logger;
}

export class LogRotation implements AsyncDisposable {
  readonly #limits: LogLimits;
  readonly #deps: RotationDeps;
  /** Where a container's log lies never changes. */
  readonly #paths = new Map<string, string>();
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;

  constructor(limits: LogLimits, deps: RotationDeps) {
    this.#limits = limits;
    this.#deps = deps;
    this.#loop = this.#run(this.#stop.signal);
  }

  async [Symbol.asyncDispose]() {
    this.#stop.abort();
    await this.#loop;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps;
    while (!signal.aborted) {
      await clock.sleep(this.#limits.lookEveryMs, signal).catch(() => {}); // woken early only to end
      if (signal.aborted) return;
      await this.#look(signal).catch((err) => signal.aborted || log.warn({ err }, 'container logs not looked at'));
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { runtime, log } = this.#deps;
    const containers = await runtime.listContainers({}, signal);
    const running = containers.filter(
      ({ state, labels }) => state === 'CONTAINER_RUNNING' && labels[LABEL.podUid] !== undefined,
    );
    const ids = new Set(running.map(({ id }) => id));
    for (const id of [...this.#paths.keys()]) if (!ids.has(id)) this.#paths.delete(id);
    for (const id of ids) {
      signal.throwIfAborted();
      // One log that cannot be rotated must not keep the others from it.
      await this.#rotate(id, signal).catch((err) => {
        if (!signal.aborted && !isCri(err, 'NOT_FOUND')) log.warn({ err, container: id }, 'container log not rotated');
      });
    }
  }

  async #rotate(id: string, signal: AbortSignal): Promise<void> {
    const { runtime, clock, log } = this.#deps;
    const path = this.#paths.get(id) ?? (await runtime.containerStatus(id, signal)).logPath;
    this.#paths.set(id, path);
    if (path === '') return;
    const size = await sizeOf(path);
    if (size === undefined) {
      // Put aside, and the agent or the runtime ended before there was a new one.
      await runtime.reopenLog(id, signal);
      return;
    }
    if (size < this.#limits.maxBytes) return;
    for (const step of planRotation(path, size, await rotatedLogs(path), this.#limits, clock.now())) {
      await this.#perform(step, id, signal);
    }
    log.debug({ container: id, path, size }, 'container log rotated');
  }

  async #perform(step: Step, id: string, signal: AbortSignal): Promise<void> {
    switch (step.do) {
      case 'remove':
        await rm(step.path, { force: true });
        await rm(halfDone(step.path), { force: true });
        return;
      case 'compress':
        await compress(step.path, signal);
        return;
      case 'rotate':
        await rename(step.path, step.to);
        await this.#deps.runtime.reopenLog(id, signal).catch(async (err) => {
          // The runtime writes to the old file still: under its old name it is found.
          if ((await sizeOf(step.path)) === undefined) await rename(step.to, step.path);
          throw err;
        });
        return;
      default:
        step satisfies never;
    }
  }
}

const halfDone = (path: string) => `${path}.gz.tmp`;

async function compress(path: string, signal: AbortSignal): Promise<void> {
  await pipeline(createReadStream(path), createGzip(), createWriteStream(halfDone(path), { mode: 0o640 }), { signal });
  await rename(halfDone(path), `${path}.gz`);
  await rm(path);
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (err) {
    if ((err as { code?: string }).code === 'ENOENT') return undefined;
    throw err;
  }
}
