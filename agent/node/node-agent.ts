// The node's own object: registers it, keeps its labels, and reports its status: at once when something changed, else
// every five minutes; the lease says in between that we live.
import type { Client } from '../../api/client/client.ts';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import { isAlreadyExists, isNotFound } from '../../api/status.ts';
import type { Node, NodeStatus } from '../../api/types/core/node.ts';
import { nodes } from '../../api/types/core/resources.ts';
import type { ImageClient } from '../cri/images.ts';
import type { RuntimeClient } from '../cri/runtime.ts';
import type { Offer } from '../devices/inventory.ts';
import type { Threshold } from '../pods/eviction/thresholds.ts';
import { type MachineFacts, usageOf } from './facts.ts';
import { type NodeInput, nodeStatus, type RuntimeView, saysTheSame, transitions } from './node-status.ts';

const LOOK_EVERY_MS = 10_000;
/** Not ready yet, or just lost: looked at more often, so that Ready comes and goes quickly. */
const LOOK_SOON_MS = 500;
const RETRY_MAX_MS = 5_000;
const REPORT_EVERY_MS = 5 * 60_000;

export interface NodeAgentOptions {
  readonly name: string;
  readonly nodeIps: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly kubeletPort: () => number;
  readonly maxPods: number;
  readonly reserved: Readonly<Record<string, string>>;
  readonly thresholds: readonly Threshold[];
  readonly pressures: () => readonly string[];
  readonly shuttingDown?: () => boolean;
  /** The file system that pods fill. */
  readonly dataDir: string;
  readonly facts: MachineFacts;
  readonly devices: () => Offer;
  /** The node's object as it was heard last; undefined before. */
  readonly known: () => Node | undefined;
  /** Volumes that must stay attached. */
  readonly volumesInUse: () => readonly string[];
  readonly client: Client;
  readonly runtime: RuntimeClient;
  readonly images: ImageClient;
  readonly event: (reason: string, message: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

export class NodeAgent implements AsyncDisposable {
  readonly #options: NodeAgentOptions;
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;
  readonly #registered = Promise.withResolvers<void>();
  #node: Node | undefined;
  #status: NodeStatus | undefined;
  /** As the machine was last seen, whether or not the API has heard of it. */
  #seen: NodeStatus | undefined;
  #reportedAtMs = 0;
  #wake = Promise.withResolvers<void>();

  constructor(options: NodeAgentOptions) {
    this.#options = options;
    this.#loop = this.#run(this.#stop.signal);
  }

  /** As the API last answered it. */
  get node(): Node | undefined {
    return this.#node;
  }

  get allocatable(): Readonly<Record<string, string>> {
    // What others put on the node is known to the API only.
    const known = this.#options.known() ?? this.#node;
    return { ...known?.status?.allocatable, ...this.#seen?.allocatable };
  }

  /** Resolves when the Node object exists. */
  get registered(): Promise<void> {
    return this.#registered.promise;
  }

  /** Something about the node may be different: look now. */
  look(): void {
    this.#wake.resolve();
  }

  async [Symbol.asyncDispose]() {
    this.#stop.abort();
    this.look();
    await this.#loop;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    let retryMs = LOOK_SOON_MS;
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers<void>();
      let restMs = LOOK_SOON_MS;
      try {
        await this.#pass(signal);
        if (isReady(this.#status)) restMs = LOOK_EVERY_MS;
        retryMs = LOOK_SOON_MS;
      } catch (err) {
        if (signal.aborted) return;
        if (retryMs === LOOK_SOON_MS) log.warn({ err }, 'node status not reported, trying again');
        restMs = retryMs;
        retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
      }
      const { promise, resolve } = this.#wake;
      using _timer = clock.after(restMs, resolve);
      await promise;
    }
  }

  async #pass(signal: AbortSignal): Promise<void> {
    const { clock, log, event, name } = this.#options;
    const input = await this.#look(signal);
    const nowMs = clock.now();
    this.#seen = nodeStatus(input, nowMs);
    if (this.#node === undefined) {
      this.#node = await this.#register(this.#seen, signal);
      this.#registered.resolve();
      if (this.#status === undefined) event('Starting', 'Starting kubelet.');
    }
    const next = nodeStatus({ ...input, before: this.#status ?? this.#node.status }, nowMs);
    const known = this.#status !== undefined && saysTheSame(this.#status, next);
    const sinceMs = clock.monotonic();
    if (known && sinceMs - this.#reportedAtMs < REPORT_EVERY_MS) return;
    try {
      await this.#report(next, signal);
    } catch (err) {
      if (isNotFound(err)) this.#node = undefined; // deleted: register anew
      throw err;
    }
    if (isReady(next) !== isReady(this.#status)) {
      const { reason, message } = next.conditions!.at(-1)!;
      log.info({ ready: isReady(next), reason, why: message }, 'node readiness changed');
    }
    for (const [reason, said] of transitions(name, this.#status, next)) event(reason!, said!);
    this.#status = next;
    this.#reportedAtMs = sinceMs;
  }

  async #look(signal: AbortSignal): Promise<NodeInput> {
    const { name, nodeIps, kubeletPort, maxPods, dataDir, facts, images, runtime } = this.#options;
    const { reserved, thresholds, pressures, shuttingDown, devices, volumesInUse } = this.#options;
    const view = await runtimeView(runtime, signal);
    return {
      name,
      nodeIps,
      kubeletPort: kubeletPort(),
      maxPods,
      reserved,
      thresholds,
      pressures: pressures(),
      shuttingDown: shuttingDown?.() ?? false,
      facts,
      devices: devices(),
      volumesInUse: volumesInUse(),
      usage: await usageOf(dataDir),
      runtime: view,
      images: view.state === 'up' ? await images.list(signal) : [],
      before: this.#status,
    };
  }

  async #register(status: NodeStatus, signal: AbortSignal): Promise<Node> {
    const { name, client, facts, labels, log } = this.#options;
    const own = {
      'beta.kubernetes.io/arch': facts.architecture,
      'beta.kubernetes.io/os': 'linux',
      'kubernetes.io/arch': facts.architecture,
      'kubernetes.io/hostname': name,
      'kubernetes.io/os': 'linux',
      ...labels,
    };
    const annotations = { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' };
    try {
      const node = await client.create(
        nodes,
        { metadata: { name, labels: own, annotations }, spec: {}, status },
        {},
        signal,
      );
      log.info({ node: name }, 'node registered');
      return node;
    } catch (err) {
      if (!isAlreadyExists(err)) throw err;
    }
    const known = await client.get(nodes, { name }, {}, signal);
    const missing = Object.entries(own).filter(([key, value]) => known.metadata.labels?.[key] !== value);
    if (missing.length === 0) return known;
    const body = { metadata: { labels: Object.fromEntries(missing) } };
    return client.patch(nodes, { name }, { type: 'strategic', body }, {}, signal);
  }

  async #report(status: NodeStatus, signal: AbortSignal): Promise<void> {
    const { name, client } = this.#options;
    // Addresses merge by type on the server: two of one type only arrive as a replacement.
    const addresses = [...(status.addresses ?? []), { $patch: 'replace' }];
    const body = { status: { ...status, addresses } };
    this.#node = await client.patch(nodes, { name }, { type: 'strategic', body }, { subresource: 'status' }, signal);
  }
}

async function runtimeView(runtime: RuntimeClient, signal: AbortSignal): Promise<RuntimeView> {
  try {
    const [version, status] = await Promise.all([runtime.version(signal), runtime.status(false, signal)]);
    const { runtimeName, runtimeVersion } = version;
    const conditions = status.status?.conditions ?? [];
    const { runtimeHandlers, features } = status;
    return { state: 'up', version: `${runtimeName}://${runtimeVersion}`, conditions, runtimeHandlers, features };
  } catch (err) {
    signal.throwIfAborted();
    return { state: 'down', why: err instanceof Error ? err.message : String(err) };
  }
}

function isReady(status: NodeStatus | undefined): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;
}
