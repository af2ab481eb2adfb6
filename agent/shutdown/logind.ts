// systemd's login manager, through its own programs: a lock that holds a shutdown up for as long as a child process
// lives, the longest delay that it grants, and the news that a shutdown has begun. Datagrams and D-Bus are not Node's.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';

const run = promisify(execFile);
const CALL_MS = 10_000;
const MONITOR_RETRY_MS = 1_000;
const DELAY_SETTLES_MS = 5_000;
const DELAY_LOOK_MS = 100;

const SYSTEMD = '/run/systemd/system';
const DROP_IN = '/etc/systemd/logind.conf.d/99-kubelet.conf';
const MANAGER = ['org.freedesktop.login1', '/org/freedesktop/login1', 'org.freedesktop.login1.Manager'] as const;
const MATCH = `type='signal',path='${MANAGER[1]}',interface='${MANAGER[2]}',member='PrepareForShutdown'`;

const WRITTEN_BY = '# Written by skiff:';

/** What a shutdown asks of the machine's manager. */
export interface Manager {
  /** Makes it grant this delay at least. Returns what it grants. */
  grant(seconds: number, signal: AbortSignal): Promise<number>;
  /** Disposed, it lets the shutdown go on. */
  inhibit(): Promise<AsyncDisposable>;
  /** True when a shutdown begins, false when it was called off. Until the signal aborts. */
  follow(told: (begins: boolean) => void, signal: AbortSignal): Promise<void>;
}

/** Undefined on machines without systemd. */
export async function findLogind(clock: Clock, log: Logger): Promise<Manager | undefined> {
  const there = await access(SYSTEMD).then(
    () => true,
    () => false,
  );
  return there ? new Logind(clock, log) : undefined;
}

class Logind implements Manager {
  readonly #clock: Clock;
  readonly #log: Logger;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  async grant(seconds: number, signal: AbortSignal): Promise<number> {
    const before = await this.#granted(signal);
    if (before >= seconds) return before;
    await mkdir(dirname(DROP_IN), { recursive: true });
    await writeFile(
      DROP_IN,
      `${WRITTEN_BY} pods are ended before the machine is.\n[Login]\nInhibitDelayMaxSec=${seconds}\n`,
    );
    await reload(signal);
    const deadline = this.#clock.deadline(DELAY_SETTLES_MS);
    for (;;) {
      const now = await this.#granted(signal);
      if (now >= seconds || deadline.aborted) return now;
      await this.#clock.sleep(DELAY_LOOK_MS, signal);
    }
  }

  async #granted(signal: AbortSignal): Promise<number> {
    const args = ['get-property', ...MANAGER, 'InhibitDelayMaxUSec'];
    const { stdout } = await run('busctl', args, { signal, timeout: CALL_MS });
    return Number(/^t (\d+)/.exec(stdout)?.[1] ?? '0') / 1e6;
  }

  async inhibit(): Promise<AsyncDisposable> {
    const why = '--why=Kubelet needs time to handle node shutdown';
    // `cat` ends with our end of its pipe, so that also an agent that is killed holds nothing up.
    const args = ['--what=shutdown', '--mode=delay', '--who=kubelet', why, 'cat'];
    const child = spawn('systemd-inhibit', args, { stdio: ['pipe', 'ignore', 'pipe'] });
    const ended = new Promise<void>((resolve) => {
      child.once('close', () => resolve());
      child.once('error', () => resolve());
    });
    let said = '';
    child.stderr.on('data', (chunk) => {
      said = `${said}${chunk}`.slice(-1_024);
    });
    child.stdin.on('error', () => {}); // it ended before us
    await once(child, 'spawn');
    let released = false;
    void ended.then(() => released || this.#log.error({ said: said.trim() }, 'the lock on shutdown is lost'));
    return {
      async [Symbol.asyncDispose]() {
        released = true;
        child.stdin.end();
        await ended;
      },
    };
  }

  async follow(told: (begins: boolean) => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const child = spawn('busctl', ['monitor', '--json=short', `--match=${MATCH}`], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const stop = () => child.kill();
      signal.addEventListener('abort', stop, { once: true });
      try {
        const failed = once(child, 'error').then(([err]) => Promise.reject(err));
        const closed = once(child, 'close');
        failed.catch(() => {}); // raced below
        createInterface({ input: child.stdout }).on('line', (line) => {
          const begins = shutdownIn(line);
          if (begins !== undefined) told(begins);
        });
        await Promise.race([closed, failed]);
      } catch (err) {
        if (!signal.aborted) this.#log.warn({ err }, 'shutdowns are not heard of');
      } finally {
        signal.removeEventListener('abort', stop);
      }
      await this.#clock.sleep(MONITOR_RETRY_MS, signal).catch(() => {}); // woken early only to end
    }
  }
}

/** Takes back what `grant` wrote, when skiff leaves the machine. Returns the file's path if it was there. */
export async function ungrant(signal: AbortSignal): Promise<string | undefined> {
  const text = await readFile(DROP_IN, 'utf8').catch(() => '');
  if (!text.startsWith(WRITTEN_BY)) return undefined;
  await rm(DROP_IN);
  await rmdir(dirname(DROP_IN)).catch(() => {}); // somebody else has something there
  await reload(signal).catch(() => {}); // not running, and then it reads it at its start
  return DROP_IN;
}

async function reload(signal: AbortSignal): Promise<void> {
  await run('systemctl', ['kill', '-s', 'HUP', 'systemd-logind'], { signal, timeout: CALL_MS });
}

/** What a line of the monitor says of a shutdown; undefined for everything else. */
export function shutdownIn(line: string): boolean | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const { member, payload } = JSON.parse(line) as { member?: string; payload?: { data?: unknown[] } };
    const [begins] = payload?.data ?? [];
    return member === 'PrepareForShutdown' && typeof begins === 'boolean' ? begins : undefined;
  } catch {
    return undefined; // cut off: the monitor ended
  }
}
