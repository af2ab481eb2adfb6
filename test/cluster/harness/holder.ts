// A process that keeps namespaces open for tests and is PID 1 in a PID namespace of its own: when it goes, the kernel
// ends everything inside, and the mounts and interfaces with it. It dies with the test process, however that ends.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';

export class Holder implements AsyncDisposable {
  /** PID 1 of the namespaces, as the host sees it. */
  readonly pid: number;
  readonly #outer: ChildProcess;
  readonly #ended: Promise<unknown>;

  private constructor(pid: number, outer: ChildProcess, ended: Promise<unknown>) {
    this.pid = pid;
    this.#outer = outer;
    this.#ended = ended;
  }

  /** `outside` runs before the namespaces are made and ends in an exec of "$@"; `inside` is the setup in them. */
  static async start(unshare: readonly string[], outside: string, inside: string): Promise<Holder> {
    const setup = `set -e\n${inside}\necho ready\nexec catatonit -P`;
    const held = ['unshare', ...unshare, '--pid', '--fork', '--kill-child=KILL', '--mount-proc', 'sh', '-c', setup];
    const outer = spawn('setpriv', ['--pdeathsig', 'KILL', 'sh', '-c', `set -e\n${outside}`, 'sh', ...held], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] },
    });
    const ended = once(outer, 'close');
    const complaints: Buffer[] = [];
    outer.stderr.on('data', (chunk: Buffer) => complaints.push(chunk));
    const first = await Promise.race([once(outer.stdout, 'data'), ended]);
    if (String(first[0]).trim() !== 'ready') {
      outer.kill('SIGKILL');
      throw new Error(
        `namespaces were not made: ${Buffer.concat(complaints).toString('utf8').trim() || first.join(' ')}`,
      );
    }
    return new Holder(await childOf(outer.pid!), outer, ended);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#outer.exitCode === null && this.#outer.signalCode === null) process.kill(this.pid, 'SIGKILL');
    // unshare waits for its child, which is gone only when everything in the PID namespace is.
    await this.#ended;
  }
}

/** The only child of a process that waits for one (unshare, nsenter). */
export async function childOf(parent: number): Promise<number> {
  const pid = await findChild(parent);
  if (pid === undefined) throw new Error(`process ${parent} has no child`);
  return pid;
}

export async function findChild(parent: number): Promise<number | undefined> {
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    // Processes end while we look.
    const stat = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '');
    if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent) return Number(entry);
  }
  return undefined;
}
