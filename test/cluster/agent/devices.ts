// The device plugin of these tests as a process in a node, and what it was asked.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { call } from '../../../agent/cri/call.ts';
import { Channel } from '../../../agent/cri/channel.ts';
import { systemClock } from '../../../api/system.ts';
import type { Cluster } from '../harness/cluster.ts';
import { NONCE } from '../harness/images.ts';
import type { NodeProcess } from '../harness/node-namespace.ts';
import { waitFor } from '../harness/wait.ts';

const MAIN = resolve(import.meta.dirname, 'device-plugin-main.ts');
const STATE = '/run/device-plugin';
const POD_RESOURCES = resolve(import.meta.dirname, '../../../proto/pod-resources.proto');

export type Asked = {
  allocate?: string[];
  preStart?: string[];
  prefer?: unknown;
  registered?: string;
  refused?: string;
};

export class TestPlugin {
  readonly #cluster: Cluster;
  readonly #process: NodeProcess;
  readonly #slug: string;

  private constructor(cluster: Cluster, process: NodeProcess, slug: string) {
    this.#cluster = cluster;
    this.#process = process;
    this.#slug = slug;
  }

  static async start(
    cluster: Cluster,
    resource: string,
    count: number,
    options: { preStart?: boolean; prefer?: boolean; version?: string } = {},
  ): Promise<TestPlugin> {
    const { node } = cluster.node;
    await mkdir(node.path(STATE), { recursive: true });
    const args = [MAIN, '/var/lib/kubelet/device-plugins', resource, String(count), NONCE, JSON.stringify(options)];
    const env = { STATE_DIR: STATE, ...(options.version && { VERSION: options.version }) };
    const process = node.spawn('node', args, { env, stdio: ['ignore', 'ignore', 'ignore'] });
    return new TestPlugin(cluster, process, basename(resource));
  }

  async asked(): Promise<Asked[]> {
    const text = await readFile(this.#path('log'), 'utf8').catch(() => '');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Asked);
  }

  async untilRegistered(times = 1): Promise<void> {
    await waitFor(`${this.#slug} to register`, async () => {
      return (await this.asked()).filter(({ registered }) => registered !== undefined).length >= times;
    });
  }

  async breaks(...ids: string[]): Promise<void> {
    await writeFile(this.#path('broken'), ids.join(','));
  }

  async fails(yes: boolean): Promise<void> {
    if (yes) await writeFile(this.#path('fail'), '');
    else await rm(this.#path('fail'));
  }

  async kill(): Promise<void> {
    await this.#process.kill('SIGKILL');
    await this.#process.exited;
  }

  #path(ending: string): string {
    return this.#cluster.node.node.path(join(STATE, `${this.#slug}.${ending}`));
  }
}

/** Asks the socket of the node that tells who has which devices. */
export async function askPodResources<T>(cluster: Cluster, method: string, request: object): Promise<T> {
  const socket = cluster.node.node.path('/var/lib/kubelet/pod-resources/kubelet.sock');
  using channel = new Channel(socket, POD_RESOURCES, 'v1.PodResourcesLister');
  const opts = { deadlineMs: 5_000, signal: new AbortController().signal, clock: systemClock };
  return await call(channel.unary<object, T>(method), request, opts);
}

export async function offered(cluster: Cluster, resource: string): Promise<[capacity?: string, allocatable?: string]> {
  type Node = { status: { capacity: Record<string, string>; allocatable: Record<string, string> } };
  const { status } = await cluster.api.get<Node>('/api/v1/nodes/node-1');
  return [status.capacity[resource], status.allocatable[resource]];
}

export async function untilOffered(cluster: Cluster, resource: string, capacity: string, allocatable: string) {
  await waitFor(`the node to offer ${allocatable} of ${capacity} ${resource}`, async () => {
    const has = await offered(cluster, resource);
    if (has.join() !== `${capacity},${allocatable}`) throw new Error(has.join());
    return true;
  });
}
