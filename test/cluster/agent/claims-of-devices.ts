// The DRA driver of these tests as a process in a node, and claims that are allocated by hand.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Cluster } from '../harness/cluster.ts';
import { NONCE } from '../harness/images.ts';
import type { NodeProcess } from '../harness/node-namespace.ts';
import { waitFor } from '../harness/wait.ts';

const MAIN = resolve(import.meta.dirname, 'dra-driver-main.ts');
const STATE = '/run/dra-driver';
export const CLAIMS = '/apis/resource.k8s.io/v1/namespaces/default/resourceclaims';

export type Asked = { prepare?: string[]; unprepare?: string[]; registered?: string; refused?: string };

export interface Claim {
  metadata: { name: string; uid: string; resourceVersion: string };
  status?: { reservedFor?: { name: string; uid: string }[]; allocation?: object };
}

export class TestDriver {
  readonly name: string;
  readonly #cluster: Cluster;
  readonly #process: NodeProcess;

  private constructor(cluster: Cluster, process: NodeProcess, name: string) {
    this.#cluster = cluster;
    this.#process = process;
    this.name = name;
  }

  static async start(cluster: Cluster, name: string, version: string): Promise<TestDriver> {
    const { node } = cluster.node;
    await mkdir(node.path(STATE), { recursive: true });
    const args = [MAIN, '/var/lib/kubelet', name, version, NONCE];
    const process = node.spawn('node', args, { env: { STATE_DIR: STATE }, stdio: ['ignore', 'ignore', 'ignore'] });
    return new TestDriver(cluster, process, name);
  }

  async asked(): Promise<Asked[]> {
    const text = await readFile(this.#path(`${this.name}.log`), 'utf8').catch(() => '');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Asked);
  }

  async count(what: 'prepare' | 'unprepare' | 'registered'): Promise<number> {
    return (await this.asked()).filter((each) => each[what] !== undefined).length;
  }

  async until(what: 'prepare' | 'unprepare' | 'registered', times: number): Promise<void> {
    await waitFor(`${this.name} to see ${what} ${times} times`, async () => (await this.count(what)) >= times);
  }

  async fails(yes: boolean): Promise<void> {
    if (yes) await writeFile(this.#path(`${this.name}.fail`), '');
    else await rm(this.#path(`${this.name}.fail`));
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    await this.#process.kill(signal);
    await this.#process.exited;
  }

  /** Tells the driver which devices are whose: real ones read the claim. */
  async tell(allocated: Record<string, { request: string; pool: string; device: string }[]>): Promise<void> {
    await writeFile(this.#path('allocated.json'), JSON.stringify(allocated));
  }

  #path(name: string): string {
    return this.#cluster.node.node.path(join(STATE, name));
  }
}
