// A process of ours that is kept running: started, started again with back-off when it dies, ended on request. It has
// a session of its own, so that Ctrl-C reaches only us, and a channel to us, so that it ends when we are killed.
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { assetPath } from '../api/assets.ts';
import type { Clock } from '../api/clock.ts';
import { readTail, rotateWithin } from './containerd-process.ts';
import { NODE_FLAGS } from './process-memory.ts';

export interface ChildOptions {
  readonly name: string;
  readonly command: readonly [program: string, ...args: string[]];
  /** Beside our own environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly logFile: string;
  readonly logMaxBytes: number;
  /** Descriptors that each process gets, from 3 on. */
  readonly fds?: readonly number[];
}

export interface ChildDeps {
  readonly clock: Clock;
  readonly say: (line: string) => void;
}

const BACK_OFF_MAX_MS = 30_000;
const STEADY_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;
const ROTATE_EVERY_MS = 10_000;
const TAIL_BYTES = 16 * 1024;

export class Child implements AsyncDisposable {
  /** Times in a row that it died young. */
  failures = 0;
  /** What it said before it died. */
  lastWords = '';
  readonly #options: ChildOptions;
  readonly #deps: ChildDeps;
  readonly #stop = new AbortController();
  readonly #loops: Promise<unknown>;
  #process: ChildProcess | undefined;

  constructor(options: ChildOptions, deps: ChildDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#loops = Promise.all([this.#keep(this.#stop.signal), this.#boundLog(this.#stop.signal)]);
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  async #keep(signal: AbortSignal): Promise<void> {
    const { clock, say } = this.#deps;
    const { name, logFile } = this.#options;
    while (!signal.aborted) {
      const startedAt = clock.monotonic();
      const how = await this.#runOnce(signal);
      if (signal.aborted) return;
      this.failures = clock.monotonic() - startedAt > STEADY_MS ? 0 : this.failures + 1;
      this.lastWords = lastWords(await readTail(logFile, TAIL_BYTES));
      const waitMs = backOffMs(this.failures);
      say(
        `the ${name} ended (${how})${this.lastWords && `: ${this.lastWords}`}; starting it again in ${waitMs / 1000} s, log ${logFile}`,
      );
      await clock.sleep(waitMs, signal).catch(() => {}); // woken early only to end
    }
  }

  async #runOnce(signal: AbortSignal): Promise<string> {
    const { command, logFile, fds = [], env = {} } = this.#options;
    await mkdir(dirname(logFile), { recursive: true, mode: 0o700 });
    await using output = await open(logFile, 'a', 0o600);
    const [program, ...args] = command;
    const stdio: StdioOptions = ['ignore', output.fd, output.fd, ...fds, 'ipc'];
    const child = spawn(program, args, { detached: true, stdio, env: { ...process.env, ...env } });
    this.#process = child;
    try {
      if (signal.aborted) child.kill('SIGTERM');
      const [code, killedBy] = (await once(child, 'exit')) as [number | null, string | null];
      return killedBy ?? `code ${code}`;
    } catch (err) {
      return (err as Error).message; // it could not be started
    } finally {
      this.#process = undefined;
    }
  }

  async #boundLog(signal: AbortSignal): Promise<void> {
    const { logFile, logMaxBytes } = this.#options;
    while (!signal.aborted) {
      await rotateWithin(logFile, logMaxBytes).catch((err: Error) =>
        this.#deps.say(`${logFile} is not rotated: ${err.message}`),
      );
      await this.#deps.clock.sleep(ROTATE_EVERY_MS, signal).catch(() => {}); // woken early only to end
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#process?.kill('SIGTERM');
    using _late = this.#deps.clock.after(STOP_TIMEOUT_MS, () => this.#process?.kill('SIGKILL'));
    await this.#loops;
  }
}

/** How one of our own processes is started: from the checkout by its command's name, from the bundle by its file. */
export function ownCommand(name: 'server' | 'agent', args: readonly string[]): [string, ...string[]] {
  const inCheckout = import.meta.url.endsWith('/cli/child.ts');
  const program = inCheckout ? [assetPath('cli/main.ts'), name] : [assetPath(`${name}.mjs`)];
  return [process.execPath, '--disable-warning=ExperimentalWarning', ...NODE_FLAGS[name], ...program, ...args];
}

export function backOffMs(failures: number): number {
  return Math.min(BACK_OFF_MAX_MS, 1_000 * 2 ** Math.min(failures - 1, 10));
}

/** The line of a log that tells best why its process ended: its last complaint, else what it wrote last. */
export function lastWords(tail: string): string {
  const lines = tail.split('\n').filter((line) => line.trim() !== '');
  const complaint =
    lines.findLast((line) => /^[A-Za-z]*Error: |"level":(50|60)|^skiff /.test(line)) ?? lines.at(-1) ?? '';
  return messageOf(complaint).slice(0, 300);
}

function messageOf(line: string): string {
  if (!line.startsWith('{')) return line.trim().replace(/^skiff \w+: /, '');
  try {
    const { msg, err } = JSON.parse(line) as { msg?: string; err?: { message?: string } };
    return [msg, err?.message].filter((text) => text !== undefined).join(': ');
  } catch {
    return line.trim(); // cut off in the middle
  }
}
