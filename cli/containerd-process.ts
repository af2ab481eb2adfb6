// The containerd process itself: launched apart from our terminal and our life, or one that an earlier run launched;
// how its end is noticed, how it is ended, and how its log stays bounded.
import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, copyFile, mkdir, open, readFile, stat, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../api/clock.ts';
import type { Logger } from '../api/log.ts';
import { searchPath } from './containerd-host.ts';
import { startTimeOf } from './instance.ts';

const WATCH_MS = 200;
const STOP_TIMEOUT_MS = 10_000;

export class ContainerdProcess {
  readonly pid: number;
  readonly adopted: boolean;
  /** Resolves when the process is gone, whoever ended it; never when the watch over it was given up. */
  readonly exited: Promise<void>;
  /** True from the moment its pid may be another's. */
  gone = false;
  readonly #release: () => void;

  private constructor(pid: number, adopted: boolean, exited: Promise<void>, release: () => void) {
    this.pid = pid;
    this.adopted = adopted;
    this.#release = release;
    this.exited = exited.then(() => {
      this.gone = true;
    });
  }

  /** Rejects when it cannot be executed. */
  static async launch(binary: string, configFile: string, logFile: string): Promise<ContainerdProcess> {
    await mkdir(dirname(logFile), { recursive: true, mode: 0o711 });
    // A file and not a pipe: containerd goes on writing when we are killed.
    await using output = await open(logFile, 'a', 0o600);
    await chmod(logFile, 0o600);
    const child = spawn(binary, ['--config', configFile], {
      // Of a session of its own: Ctrl-C on our terminal is for us to handle.
      detached: true,
      stdio: ['ignore', output.fd, output.fd],
      env: childEnvironment(process.env),
    });
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    await spawned(child);
    return new ContainerdProcess(child.pid!, false, exited, () => child.unref());
  }

  static async adopt(pid: number, clock: Clock): Promise<ContainerdProcess> {
    const watch = new AbortController();
    const exited = whenGone(pid, await startTimeOf(String(pid)), clock, watch.signal);
    return new ContainerdProcess(pid, true, exited, () => watch.abort());
  }

  /** Leaves it alone: nothing of us waits for it any more. */
  release(): void {
    this.#release();
  }

  /** SIGTERM, and SIGKILL for one that hangs: containers belong to their shims and do not notice either. */
  async end({ clock, log }: { clock: Clock; log: Logger }): Promise<void> {
    if (this.gone) return;
    const waiting = new AbortController();
    const patience = clock.sleep(STOP_TIMEOUT_MS, waiting.signal).then(
      () => 'late' as const,
      () => 'ended' as const,
    );
    this.#signal('SIGTERM');
    const first = await Promise.race([this.exited.then(() => 'ended' as const), patience]);
    waiting.abort();
    if (first === 'ended') return;
    log.warn({ pid: this.pid, afterMs: STOP_TIMEOUT_MS }, 'containerd did not end on SIGTERM and is killed');
    this.#signal('SIGKILL');
    await this.exited;
  }

  #signal(name: 'SIGTERM' | 'SIGKILL'): void {
    try {
      process.kill(this.pid, name);
    } catch (err) {
      // It may end by itself at any moment.
      if ((err as NodeJS.ErrnoException).code !== 'ESRCH') throw err;
    }
  }
}

function spawned(child: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  child.once('spawn', resolve);
  child.once('error', reject);
  return promise;
}

/** A process that is not our child tells nobody when it ends. */
async function whenGone(pid: number, startedAt: string | undefined, clock: Clock, signal: AbortSignal): Promise<void> {
  while (startedAt !== undefined && (await startTimeOf(String(pid))) === startedAt) {
    const waited = await clock.sleep(WATCH_MS, signal).then(
      () => true,
      () => false,
    );
    if (!waited) return Promise.withResolvers<void>().promise;
  }
}

/** Shims and their containers' runtime inherit it, so nothing of ours that they do not need. */
function childEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const passed = /^(https?_proxy|no_proxy|all_proxy|ssl_cert_file|ssl_cert_dir|lang|tmpdir)$/i;
  return { ...Object.fromEntries(Object.entries(env).filter(([name]) => passed.test(name))), PATH: searchPath() };
}

/** Keeps one older file beside the current one. The writer appends, so its file is emptied, not replaced. */
export async function rotateWithin(file: string, maxBytes: number): Promise<void> {
  const size = await stat(file).then(
    (found) => found.size,
    () => 0,
  );
  if (size <= maxBytes) return;
  await copyFile(file, `${file}.1`);
  await truncate(file);
}

export async function readTail(file: string, bytes: number): Promise<string> {
  const text = await readFile(file).catch(() => Buffer.alloc(0));
  return text.subarray(Math.max(0, text.length - bytes)).toString('utf8');
}
