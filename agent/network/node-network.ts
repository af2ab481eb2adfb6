// agent/network: what follows from the list of nodes: this node's pod range (CNI configuration, rules about unknown
// pods) and the routes to the others' pods. A loop like the proxy's: events wake it, a pass looks at everything.
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import { foreignConfigs, removeConflist, writeConflist } from './cni.ts';
import type { Exec } from './exec.ts';
import { syncRoutes } from './node-routes.ts';
import { type NodeView, nodeView } from './project.ts';
import type { NetworkInput } from './service-proxy.ts';

export interface NodeNetworkOptions {
  readonly nodeName: string;
  readonly nodeIps: readonly string[];
  readonly serviceCidrs: readonly string[];
  /** `foreign`: somebody else's CNI gives pods their addresses and routes. */
  readonly podNetwork: 'own' | 'foreign';
  /** As they were before the start. */
  readonly podCidrs: readonly string[];
  readonly cni: { readonly confDir: string; readonly stateDir: string };
  readonly mtu: number;
  readonly input: NetworkInput;
  /** This node's pod ranges, whenever they are known or others. */
  readonly onPodCidrs: (podCidrs: readonly string[], signal: AbortSignal) => Promise<void>;
  readonly exec: Exec;
  readonly clock: Clock;
  readonly log: Logger;
}

const GATHER_MS = 100;
const RETRY_MS = 2_000;
/** Routes go when a link goes; nothing tells. */
const SAMPLE_EVERY_MS = 60_000;

export class NodeNetwork implements AsyncDisposable {
  readonly #options: NodeNetworkOptions;
  readonly #stop = new AbortController();
  readonly #unsubscribe: () => void;
  readonly #loop: Promise<void>;
  #wake = Promise.withResolvers<void>();
  #seen = '';
  #warned = '';
  #podCidrs: readonly string[];

  constructor(options: NodeNetworkOptions) {
    this.#options = options;
    this.#podCidrs = options.podCidrs;
    this.#unsubscribe = options.input.onChange(() => this.#wake.resolve());
    this.#loop = this.#run(this.#stop.signal);
    this.#wake.resolve();
  }

  get podCidrs(): readonly string[] {
    return this.#podCidrs;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    let lastFullAt = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      await this.#sleep(SAMPLE_EVERY_MS, this.#wake.promise);
      await clock.sleep(GATHER_MS, signal).catch(() => {});
      if (signal.aborted) return;
      this.#wake = Promise.withResolvers();
      try {
        const due = clock.monotonic() - lastFullAt >= SAMPLE_EVERY_MS;
        if (await this.#pass(due, signal)) lastFullAt = clock.monotonic();
      } catch (err) {
        if (signal.aborted) return;
        log.error({ err }, 'pod network of this node not in place');
        this.#seen = '';
        await clock.sleep(RETRY_MS, signal).catch(() => {});
        this.#wake.resolve();
      }
    }
  }

  async #sleep(ms: number, until: Promise<void>): Promise<void> {
    const timeout = Promise.withResolvers<void>();
    using _timer = this.#options.clock.after(ms, timeout.resolve);
    await Promise.race([timeout.promise, until]);
  }

  /** True when it looked at the kernel. Services change all the time, nodes hardly ever: those passes cost nothing. */
  async #pass(due: boolean, signal: AbortSignal): Promise<boolean> {
    const { input, nodeName, podNetwork } = this.#options;
    if (!input.synced()) return false;
    const nodes = Array.from(input.nodes(), nodeView);
    const seen = JSON.stringify(nodes);
    if (seen === this.#seen && !due) return false;
    const own = nodes.find(({ name }) => name === nodeName);
    if (podNetwork === 'own') {
      await this.#own(own, signal);
      await this.#routes(nodes, signal);
    } else await removeConflist(this.#options.cni.confDir);
    this.#seen = seen;
    return true;
  }

  async #own(own: NodeView | undefined, signal: AbortSignal): Promise<void> {
    const { cni, mtu, log } = this.#options;
    if (own === undefined || own.podCidrs.length === 0) return;
    await this.#setPodCidrs(own.podCidrs, signal);
    const options = { podCidrs: own.podCidrs, stateDir: cni.stateDir, mtu };
    if (await writeConflist(cni.confDir, options)) log.info({ podCidrs: own.podCidrs }, 'CNI configuration written');
    const others = await foreignConfigs(cni.confDir);
    if (others.length > 0 && others.join() !== this.#warned) {
      log.warn({ others, folder: cni.confDir }, 'other CNI configurations lie beside ours; the first by name is used');
    }
    this.#warned = others.join();
  }

  async #setPodCidrs(podCidrs: readonly string[], signal: AbortSignal): Promise<void> {
    if (podCidrs.join() === this.#podCidrs.join()) return;
    await this.#options.onPodCidrs(podCidrs, signal);
    this.#podCidrs = podCidrs;
  }

  async #routes(nodes: readonly NodeView[], signal: AbortSignal): Promise<void> {
    const { nodeName, nodeIps, serviceCidrs, exec, log } = this.#options;
    await syncRoutes(nodes, { nodeName, nodeIps, serviceCidrs, podCidrs: this.#podCidrs }, exec, log, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unsubscribe();
    this.#stop.abort();
    this.#wake.resolve();
    await this.#loop;
  }
}
