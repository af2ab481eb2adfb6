// agent/network: notices that somebody else changed our table. `nft monitor` prints what a transaction changed and then
// which process made it; a transaction that touches the table and is not ours means: look again.
import { spawn } from 'node:child_process';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';

export interface MonitorOptions {
  /** What goes before `nft`: `ip netns exec x` in tests. */
  readonly prefix?: readonly string[];
  readonly table: string;
  readonly isOwn: (pid: number) => boolean;
  /** Something foreign happened, or may have happened while nobody watched. */
  readonly onForeignChange: () => void;
  readonly clock: Clock;
  readonly log: Logger;
}

// nft 1.0.6 ends in a segmentation fault over some events of interval sets, anybody's; no reason to start it all the time.
const RESTART_FIRST_MS = 1_000;
const RESTART_MAX_MS = 60_000;
const LINE_MAX_CHARS = 1 << 20;

export class NftMonitor implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;

  constructor(options: MonitorOptions) {
    this.#loop = this.#run(options, this.#stop.signal);
  }

  async #run(options: MonitorOptions, signal: AbortSignal): Promise<void> {
    const { clock, log } = options;
    let pauseMs = 0;
    while (!signal.aborted) {
      const from = clock.monotonic();
      const why = await watchOnce(options, signal);
      if (signal.aborted) return;
      const first = pauseMs === 0 || clock.monotonic() - from > RESTART_MAX_MS;
      pauseMs = first ? RESTART_FIRST_MS : Math.min(pauseMs * 2, RESTART_MAX_MS);
      log.warn({ why, pauseMs }, 'nft monitor ended, events may have been missed');
      await clock.sleep(pauseMs, signal).catch(() => {});
      options.onForeignChange();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }
}

/** Runs until nft ends or the signal; says why it ended. */
async function watchOnce(options: MonitorOptions, signal: AbortSignal): Promise<string> {
  const { prefix = [], table, isOwn, onForeignChange } = options;
  // It would outlive a killed agent, silent until the next event: so the kernel ends it with us.
  const words = [...prefix, 'setpriv', '--pdeathsig', 'KILL', 'nft', '-n', 'monitor'];
  const { promise, resolve } = Promise.withResolvers<string>();
  const child = spawn(words[0]!, words.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], signal });
  const parse = transactionParser(table, (pid) => {
    if (!isOwn(pid)) onForeignChange();
  });
  let complaint = '';
  child.stdout.setEncoding('utf8').on('data', parse);
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = text.slice(0, 200);
  });
  child.on('error', (err) => {
    complaint = err.message;
    if (child.pid === undefined) resolve(complaint);
  });
  child.on('close', (code, killedBy) => resolve(`exit ${code ?? killedBy} ${complaint}`.trim()));
  return promise;
}

/** Feeds on pieces of `nft monitor` output; calls back with the process of each transaction that touched the table. */
export function transactionParser(table: string, onTransaction: (pid: number) => void): (text: string) => void {
  let rest = '';
  let touched = false;
  return (text) => {
    rest += text;
    for (let end = rest.indexOf('\n'); end !== -1; end = rest.indexOf('\n')) {
      const line = rest.slice(0, end);
      rest = rest.slice(end + 1);
      const generation = /^# new generation \d+ by process (\d+)/.exec(line);
      if (generation !== null) {
        if (touched) onTransaction(Number(generation[1]));
        touched = false;
      } else if (concerns(line, table)) touched = true;
    }
    // A line longer than any of ours: somebody else's; its head is all that is looked at.
    if (rest.length > LINE_MAX_CHARS) rest = rest.slice(0, LINE_MAX_CHARS / 2);
  };
}

/** `add element ip skiff services { ... }`, `delete table ip6 skiff`, `add rule ip skiff ...` */
function concerns(line: string, table: string): boolean {
  const [, what, family, name, second] = line.split(' ', 5);
  if (what === undefined) return false;
  return (family === 'ip' || family === 'ip6') && (name === table || second === table);
}
