// The driver as a test handles it: started in a node, asked what it was asked, given faults, killed, started again.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { NodeNamespace, NodeProcess } from '../harness/node-namespace.ts';
import { waitFor } from '../harness/wait.ts';
import type { Fault, Request } from './types.ts';

const MAIN = resolve(import.meta.dirname, 'main.ts');

export interface DriverOptions {
  readonly name?: string;
  /** What only it has: topology, limits, capabilities it is without (see main.ts). */
  readonly args?: readonly string[];
  /** Where volumes lie, as the node sees it: nodes that share it share their volumes. */
  readonly root?: string;
}

export interface Called {
  readonly method: string;
  readonly request: Request;
  readonly failed?: string;
}

export class Driver {
  readonly name: string;
  readonly node: NodeNamespace;
  readonly root: string;
  readonly #args: readonly string[];
  #process: NodeProcess | undefined;

  private constructor(node: NodeNamespace, { name = 'test.csi.skiff.dev', args = [], root }: DriverOptions) {
    this.name = name;
    this.node = node;
    this.root = root ?? `/var/lib/kubelet/plugins/${name}/data`;
    this.#args = ['--name', name, '--root', this.root, '--node-id', node.name, ...args];
    mkdirSync(node.path(this.root), { recursive: true });
  }

  static async start(node: NodeNamespace, options: DriverOptions = {}): Promise<Driver> {
    const driver = new Driver(node, options);
    await driver.start();
    return driver;
  }

  /** Its socket as the test process finds it. */
  get socket(): string {
    return this.node.path(`/var/lib/kubelet/plugins/${this.name}/csi.sock`);
  }

  async start(): Promise<void> {
    const log = join(this.root, 'driver.log');
    const command = `exec node ${MAIN} "$@" >> ${log} 2>&1`;
    const started = this.node.spawn('sh', ['-c', command, 'sh', ...this.#args], {
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    this.#process = started;
    const registration = `/var/lib/kubelet/plugins_registry/${this.name}-reg.sock`;
    await waitFor('the driver to listen', async () => {
      if (!started.running) throw new Error(readFileSync(this.node.path(log), 'utf8'));
      const listening = readFileSync(`/proc/${this.node.pid}/net/unix`, 'utf8');
      return listening.includes(registration);
    });
  }

  /** Returns when the process is gone; what it mounted stays. */
  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#process?.kill(signal);
    await this.#process?.exited;
    this.#process = undefined;
  }

  calls(method?: string): Called[] {
    let text: string;
    try {
      text = readFileSync(this.node.path(join(this.root, 'calls.jsonl')), 'utf8');
    } catch {
      return []; // nobody has asked anything yet
    }
    const all = text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Called);
    return method === undefined ? all : all.filter((call) => call.method === method);
  }

  /** From now on; none takes all back. */
  faults(...faults: Fault[]): void {
    writeFileSync(this.node.path(join(this.root, 'faults.json')), JSON.stringify(faults));
  }

  /** A file of the driver's own, such as `volumes/x/abnormal`. */
  write(file: string, text: string): void {
    writeFileSync(this.node.path(join(this.root, file)), text);
  }

  /** Every mount of this driver's doing that is left in the node. */
  async mounts(): Promise<string[]> {
    const { stdout } = await this.node.exec('cat', ['/proc/mounts']);
    return stdout
      .split('\n')
      .filter((line) => /kubernetes\.io~csi|plugins\/kubernetes\.io\/csi/.test(line.split(' ')[1] ?? ''));
  }

  /** Loop devices belong to the whole machine: none may stay. */
  async detachLoops(): Promise<void> {
    const script = `for f in ${this.root}/volumes/*/disk; do [ -e "$f" ] || continue
      for l in $(losetup --noheadings --output NAME --associated "$f"); do losetup --detach "$l"; done; done`;
    await this.node.exec('sh', ['-c', script]);
  }
}
