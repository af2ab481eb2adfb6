// A whole cluster for a test file: nodes in namespaces, certificates, server, agents and containerd as real processes.
// `useCluster` ties it to the file: started before its tests, logs of a failed test printed, gone and nothing left
// behind after them, neither of pods on the nodes (emptied.ts) nor of nodes on the host (leaks.ts).
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, type TestContext } from 'node:test';
import { systemRandom } from '../../../api/system.ts';
import { writeFileAtomically } from '../../../cli/files.ts';
import { kubeconfig as kubeconfigText } from '../../../cli/kubeconfig.ts';
import { writeImageArchive } from '../../../cli/oci-image.ts';
import { ensurePki, pkiFiles, readAdmin } from '../../../cli/pki.ts';
import { ApiAccess } from './api-access.ts';
import { ClusterNode, type Part } from './cluster-node.ts';
import { verifyNothingLeft } from './emptied.ts';
import { testImages } from './images.ts';
import { type KubectlOptions, kubectl } from './kubectl.ts';
import { beginLeakCheck } from './leaks.ts';
import { ownDir } from './names.ts';
import { NodeNamespace } from './node-namespace.ts';
import type { ExecResult } from './process.ts';
import { Segment } from './segment.ts';
import { waitFor } from './wait.ts';

export interface ClusterOptions {
  /** The first one also runs the server. Names: node-1, node-2 ... */
  nodes?: number;
  serverArgs?: readonly string[];
  agentArgs?: readonly string[];
  /** What agents need beside them, started when their nodes are there; ends with the cluster. */
  beside?: (node: NodeNamespace) => Promise<AsyncDisposable>;
  /** What runs server and agent, if not the checkout: the command of a bundle, or what Node is given for each part. */
  program?: string | ((part: 'server' | 'agent') => readonly string[]);
  logLevel?: 'debug' | 'info';
}

const PKI_DIR = '/var/lib/skiff/pki';
const KUBECONFIG = '/etc/skiff/admin.kubeconfig';
const READY_MS = 60_000;
const DESCRIBED = 'nodes,pods,deployments,replicasets,jobs,services,endpointslices';

export class Cluster implements AsyncDisposable {
  readonly nodes: readonly ClusterNode[];
  readonly api: ApiAccess;
  /** As the first node sees it, where `kubectl` runs. */
  readonly kubeconfig = KUBECONFIG;
  readonly #opened: AsyncDisposableStack;

  constructor(nodes: readonly ClusterNode[], api: ApiAccess, opened: AsyncDisposableStack) {
    this.nodes = nodes;
    this.api = api;
    this.#opened = opened;
  }

  /** The first node. */
  get node(): ClusterNode {
    return this.nodes[0]!;
  }

  /** The real kubectl, as the administrator. */
  kubectl(args: readonly string[], opts: Omit<KubectlOptions, 'kubeconfig'> = {}): Promise<ExecResult> {
    return kubectl(this.node.node, args, { kubeconfig: KUBECONFIG, ...opts });
  }

  kill(part: Part, signal?: NodeJS.Signals): Promise<void> {
    return this.node.kill(part, signal);
  }

  async restart(part: Part): Promise<void> {
    await this.node.start(part);
    if (part === 'server') await this.untilServing();
  }

  async untilServing(): Promise<void> {
    const answered = async () => {
      this.node.check();
      return (await this.api.call('GET', '/readyz')).status === 200;
    };
    await waitFor('the API to be ready', answered, { timeoutMs: READY_MS, intervalMs: 20 });
  }

  async untilNodesReady(): Promise<void> {
    type Node = { status?: { conditions?: { type: string; status: string }[] } };
    for (const { node } of this.nodes) {
      await waitFor(
        `${node.name} to be Ready`,
        async () => {
          for (const each of this.nodes) each.check();
          const { status } = await this.api.get<Node>(`/api/v1/nodes/${node.name}`);
          const ready = status?.conditions?.find(({ type }) => type === 'Ready');
          if (ready?.status !== 'True') throw new Error(JSON.stringify(status?.conditions));
          return true;
        },
        { timeoutMs: READY_MS, intervalMs: 50 },
      );
    }
  }

  /** What a person would look at first when a test failed. */
  async logs(): Promise<string> {
    const sections: [string, string][] = [
      ['kubectl get', await this.#ask(['get', DESCRIBED, '-A', '-o', 'wide'])],
      ['events', await this.#ask(['get', 'events', '-A'])],
      ['server', this.node.log('server')],
      ...this.nodes.flatMap((each): [string, string][] => [
        [`${each.node.name}: agent`, each.log('agent')],
        [`${each.node.name}: containerd`, each.log('containerd').slice(-4096)],
      ]),
    ];
    return sections.map(([title, text]) => `===== ${title}\n${text.trimEnd()}\n`).join('');
  }

  /** What kubectl says, or why nothing. Without an API it would repeat itself. */
  async #ask(args: readonly string[]): Promise<string> {
    try {
      await this.api.call('GET', '/version');
      const { stdout, stderr } = await this.kubectl(args, { mayFail: true, timeoutMs: 10_000 });
      return stdout + stderr;
    } catch (err) {
      return String(err);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#opened.disposeAsync();
  }
}

export async function startCluster({
  nodes: count = 1,
  serverArgs = [],
  agentArgs = [],
  beside,
  program,
  logLevel,
}: ClusterOptions = {}): Promise<Cluster> {
  await using opened = new AsyncDisposableStack();
  const dir = await ownDir();
  opened.defer(() => rm(dir, { recursive: true, force: true }));
  const archive = join(dir, 'images.tar');
  await writeImageArchive(Object.values(await testImages()), archive);
  const segment = opened.use(await Segment.create());
  const nodes: ClusterNode[] = [];
  for (let number = 1; number <= count; number++) {
    const node = await NodeNamespace.create({ name: `node-${number}`, segment });
    const joins = number === 1 ? [] : [`--server=https://${nodes[0]!.node.address}:6443`];
    nodes.push(
      opened.use(
        new ClusterNode({
          node,
          serverArgs,
          agentArgs: [...joins, ...agentArgs],
          archives: [archive],
          program,
          logLevel,
        }),
      ),
    );
  }
  for (const { node } of beside === undefined ? [] : nodes) opened.use(await beside!(node));
  const api = opened.use(new ApiAccess(await shareCertificates(nodes.map(({ node }) => node))));
  const cluster = new Cluster(nodes, api, opened.move());
  try {
    await Promise.all([
      nodes[0]!.start('server'),
      // The agent may come up before its runtime and its server: it waits for both.
      ...nodes.flatMap((node) => [node.start('containerd'), node.start('agent')]),
    ]);
    await cluster.untilServing();
    await cluster.untilNodesReady();
    return cluster;
  } catch (err) {
    process.stderr.write(await cluster.logs());
    await cluster[Symbol.asyncDispose]();
    throw err;
  }
}

/** One authority for all nodes, and on each the certificates of its own names. */
async function shareCertificates(nodes: readonly NodeNamespace[]) {
  const first = nodes[0]!;
  for (const node of nodes) {
    const dir = node.path(PKI_DIR);
    if (node !== first) await copyAuthority(first.path(PKI_DIR), dir);
    const names = { hostname: node.name, nodeName: node.name, nodeIps: [node.address] };
    const ranges = { serviceCidrs: ['10.43.0.0/16'], clusterDomain: 'cluster.local' };
    await ensurePki(dir, { ...names, ...ranges }, { random: systemRandom, nowMs: Date.now() });
  }
  const admin = { server: `https://${first.address}:6443`, ...(await readAdmin(first.path(PKI_DIR))) };
  for (const node of nodes) await writeFileAtomically(node.path(KUBECONFIG), kubeconfigText(admin), 0o600);
  return admin;
}

async function copyAuthority(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  const [source, target] = [pkiFiles(from), pkiFiles(to)];
  await copyFile(source.cert('ca'), target.cert('ca'));
  for (const key of ['ca', 'service-account'] as const) await copyFile(source.key(key), target.key(key));
}

/** For the top of a test file; the returned function gives the cluster to its tests. */
export function useCluster(options: ClusterOptions = {}): () => Cluster {
  let cluster: Cluster | undefined;
  let verify: (() => Promise<void>) | undefined;
  before(async () => {
    ({ verify } = await beginLeakCheck());
    cluster = await startCluster(options);
  });
  afterEach(async (t) => {
    // Of a test, not of a suite around it.
    if ('passed' in t && !(t as TestContext).passed && cluster !== undefined) await printLogs(t.name, cluster);
  });
  after(async () => {
    try {
      if (cluster !== undefined) await verifyOrTell(cluster);
    } finally {
      await cluster?.[Symbol.asyncDispose]();
      await verify?.();
    }
  });
  return () => {
    if (cluster === undefined) throw new Error('the cluster is there only while tests run');
    return cluster;
  };
}

/** A cluster for one test alone. */
export async function withCluster(
  t: TestContext,
  options: ClusterOptions,
  use: (cluster: Cluster) => Promise<void>,
): Promise<void> {
  const leaks = await beginLeakCheck();
  const cluster = await startCluster(options);
  try {
    await use(cluster);
    await verifyNothingLeft(cluster);
  } catch (err) {
    await printLogs(t.name, cluster);
    throw err;
  } finally {
    await cluster[Symbol.asyncDispose]();
  }
  await leaks.verify();
}

async function verifyOrTell(cluster: Cluster): Promise<void> {
  try {
    await verifyNothingLeft(cluster);
  } catch (err) {
    await printLogs('nothing is left on the nodes', cluster);
    throw err;
  }
}

async function printLogs(name: string, cluster: Cluster): Promise<void> {
  process.stderr.write(`\n##### what the cluster says after the failure of: ${name}\n${await cluster.logs()}#####\n`);
}
