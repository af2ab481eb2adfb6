// The processes of one node of a test cluster: containerd, the agent, and on the first node the server. Each is started
// through the real command line inside the node, can be killed and started again, and logs to a file of the node.
import { mkdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ENVIRONMENT, NODE_FLAGS } from '../../../cli/process-memory.ts';
import { TestContainerd } from './containerd.ts';
import type { NodeNamespace, NodeProcess } from './node-namespace.ts';
import { InVain, waitFor } from './wait.ts';

export type Part = 'server' | 'agent' | 'containerd';

const MAIN = resolve(import.meta.dirname, '../../../cli/main.ts');
const LOG_DIR = '/var/lib/skiff/log';
const LOG_TAIL_BYTES = 24 * 1024;

export interface ClusterNodeOptions {
  node: NodeNamespace;
  serverArgs: readonly string[];
  agentArgs: readonly string[];
  /** Image archives, as the node sees them. */
  archives: readonly string[];
  program?: string | ((part: 'server' | 'agent') => readonly string[]) | undefined;
  logLevel?: 'debug' | 'info' | undefined;
}

export class ClusterNode implements AsyncDisposable {
  readonly node: NodeNamespace;
  readonly #opts: ClusterNodeOptions;
  readonly #running = new Map<'server' | 'agent', NodeProcess>();
  #containerd: TestContainerd | undefined;

  constructor(opts: ClusterNodeOptions) {
    this.node = opts.node;
    this.#opts = opts;
    mkdirSync(opts.node.path(LOG_DIR), { recursive: true });
  }

  /** `env` is for server and agent. */
  async start(part: Part, env: Record<string, string> = {}): Promise<void> {
    if (part === 'containerd') {
      this.#containerd = await TestContainerd.start(this.node, this.#opts.archives);
      return;
    }
    if (this.#running.get(part)?.running) throw new Error(`${this.node.name}: the ${part} runs already`);
    const args = part === 'server' ? this.#opts.serverArgs : this.#opts.agentArgs;
    const { program = MAIN, logLevel = 'debug' } = this.#opts;
    const entry = typeof program === 'string' ? [program, part] : program(part);
    const command = ['node', ...NODE_FLAGS[part], ...entry, `--log-level=${logLevel}`, '--log-format=json', ...args];
    const script = `exec "$@" >> ${LOG_DIR}/${part}.log 2>&1`;
    this.#running.set(
      part,
      this.node.spawn('sh', ['-c', script, 'sh', ...command], {
        env: { ...ENVIRONMENT, ...env },
        stdio: ['ignore', 'ignore', 'ignore'],
      }),
    );
  }

  /** What the agent is told, and whoever looks at the node with its eyes. */
  get agentArgs(): readonly string[] {
    return this.#opts.agentArgs;
  }

  /** Whether it was started and not killed. */
  runs(part: Part): boolean {
    return part === 'containerd' ? this.#containerd !== undefined : this.#running.get(part)?.running === true;
  }

  /** The host's pid of a part. */
  async pid(part: Part): Promise<number> {
    const pid = part === 'containerd' ? await this.#containerdPid() : await this.#running.get(part)?.pid();
    if (pid === undefined) throw new Error(`${this.node.name}: the ${part} does not run`);
    return pid;
  }

  async pause(part: 'server' | 'agent'): Promise<void> {
    await this.#running.get(part)!.pause();
  }

  async resume(part: 'server' | 'agent'): Promise<void> {
    await this.#running.get(part)!.resume();
  }

  async #containerdPid(): Promise<number | undefined> {
    const nameOf = (pid: number) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
    return (await this.node.pids()).find((pid) => nameOf(pid) === 'containerd');
  }

  /** Returns when the process is gone. */
  async kill(part: Part, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (part === 'containerd') return this.#killContainerd(signal);
    const running = this.#running.get(part);
    if (!running?.running) throw new Error(`${this.node.name}: the ${part} does not run`);
    this.#running.delete(part);
    await running.kill(signal);
    await running.exited;
  }

  async #killContainerd(signal: NodeJS.Signals): Promise<void> {
    const { pid } = this.containerd.facts;
    await this.containerd.abandon();
    await this.node.exec('kill', ['-s', signal.slice('SIG'.length), String(pid)]);
    await waitFor('containerd to be gone', async () => {
      return (await this.node.exec('kill', ['-0', String(pid)], { mayFail: true })).code !== 0;
    });
    this.#containerd = undefined;
  }

  get containerd(): TestContainerd {
    if (this.#containerd === undefined) throw new Error(`${this.node.name}: containerd does not run`);
    return this.#containerd;
  }

  /** Says with the end of its log that a process that was started and not killed is gone. */
  check(): void {
    for (const [part, running] of this.#running) {
      if (!running.running && running.child.exitCode !== null) {
        throw new InVain(
          `${this.node.name}: the ${part} ended with code ${running.child.exitCode}:\n${this.log(part)}`,
        );
      }
    }
  }

  /** The end of a log. */
  log(part: Part): string {
    try {
      const text = readFileSync(this.node.path(`${LOG_DIR}/${part}.log`));
      return text.subarray(Math.max(0, text.length - LOG_TAIL_BYTES)).toString('utf8');
    } catch (err) {
      return `(no log: ${err instanceof Error ? err.message : err})`;
    }
  }

  /** The node goes with everything in it; nothing is asked to end politely, crashes are part of the design. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.node[Symbol.asyncDispose]();
  }
}
