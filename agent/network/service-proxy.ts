// agent/network: the loop that keeps the tables as Services, endpoints and this node's pods want them. An event only
// wakes it; a pass computes all that should be and applies the difference as one transaction per family.
//
//   change -> wake -> (gather a burst) -> ViewIndex -> Desired -> TableSync -> stale UDP flows

import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import type { Node } from '../../api/types/core/node.ts';
import type { Service } from '../../api/types/core/service.ts';
import type { EndpointSlice } from '../../api/types/discovery/endpoint-slice.ts';
import { forget, type StaleFlow, staleFlows } from './conntrack.ts';
import { desiredState, hostPortFrontends, type LocalPod } from './desired.ts';
import type { Exec } from './exec.ts';
import type { Desired } from './model.ts';
import { NftMonitor } from './monitor.ts';
import { type Family, Nft } from './nft.ts';
import { nodeView, placeOf } from './project.ts';
import type { RulesetConfig } from './ruleset.ts';
import type { Frontend } from './services.ts';
import { TableSync } from './table-sync.ts';
import { ViewIndex } from './view-index.ts';

/** What the API says, as informers hold it: unchanged objects stay the same objects. */
export interface NetworkInput {
  /** False until the first list of each has arrived; until then what the kernel has is kept. */
  synced(): boolean;
  services(): Iterable<Service>;
  slices(): Iterable<EndpointSlice>;
  nodes(): Iterable<Node>;
  /** Calls back after any change; the returned function ends it. */
  onChange(callback: () => void): () => void;
}

export interface ProxyOptions {
  readonly nodeName: string;
  readonly rulesets: readonly RulesetConfig[];
  readonly input: NetworkInput;
  readonly exec: Exec;
  /** What goes before host programs that run on (`nft monitor`). */
  readonly execPrefix?: readonly string[];
  /** Called in each pass that has the API's word, with the Services that are not as they were. */
  readonly onServices?: (index: ViewIndex, changed: ReadonlySet<string>) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A burst of changes becomes one transaction; a pod that waits does not wait for it. */
const GATHER_MS = 20;
const RETRY_FIRST_MS = 200;
const RETRY_MAX_MS = 30_000;
/** Between two looks at the kernel for foreign changes, however many events say so. */
const VERIFY_GAP_MS = 100;
/** Without any event: for what the monitor may have missed. */
const SAMPLE_EVERY_MS = 300_000;

export class ServiceProxy implements AsyncDisposable {
  readonly #options: ProxyOptions;
  readonly #tables: TableSync[];
  readonly #nft: Nft;
  readonly #monitor: NftMonitor;
  readonly #index = new ViewIndex();
  readonly #pods = new Map<string, LocalPod>();
  readonly #stop = new AbortController();
  readonly #unsubscribe: () => void;
  readonly #loop: Promise<void>;
  #podsAdopted = false;
  #inputChanged = true;
  #verify = false;
  #waiting: PromiseWithResolvers<void>[] = [];
  #wake = Promise.withResolvers<void>();
  #hurry = Promise.withResolvers<void>();
  #lastSyncedAt: number | undefined;

  constructor(options: ProxyOptions) {
    const { exec, log, clock } = options;
    this.#options = options;
    this.#nft = new Nft(exec);
    this.#tables = options.rulesets.map((config) => new TableSync(config, this.#nft, log));
    this.#unsubscribe = options.input.onChange(() => {
      this.#inputChanged = true;
      this.#wake.resolve();
    });
    this.#monitor = new NftMonitor({
      prefix: options.execPrefix,
      table: this.#tables[0]?.table.name ?? '',
      isOwn: (pid) => this.#nft.isOwn(pid),
      onForeignChange: () => {
        this.#verify = true;
        this.#wake.resolve();
      },
      clock,
      log,
    });
    this.#loop = this.#run(this.#stop.signal);
    this.#wake.resolve();
  }

  /** Resolves when the kernel knows the pod: from then on it can talk. */
  async podUp(uid: string, pod: LocalPod, signal: AbortSignal): Promise<void> {
    const old = this.#pods.get(uid);
    if (old === undefined || !isDeepStrictEqual(old, pod)) this.#pods.set(uid, pod);
    await this.#passed(signal);
  }

  /** Resolves when the kernel has forgotten the addresses. The pod may have others by now, in a newer sandbox. */
  async podDown(uid: string, ips: readonly string[], signal: AbortSignal): Promise<void> {
    const pod = this.#pods.get(uid);
    if (pod !== undefined && (ips.length === 0 || pod.ips.some((ip) => ips.includes(ip)))) this.#pods.delete(uid);
    await this.#passed(signal);
  }

  /** All pods that run here are known by `podUp` now: addresses the kernel holds beyond them are leftovers. */
  async podsAdopted(signal: AbortSignal): Promise<void> {
    this.#podsAdopted = true;
    await this.#passed(signal);
  }

  /** Resolves after a pass over what is known now. */
  settled(signal: AbortSignal): Promise<void> {
    return this.#passed(signal);
  }

  /** The node's ranges are known only after it has joined. */
  async configure(rulesets: readonly RulesetConfig[], signal: AbortSignal): Promise<void> {
    for (const config of rulesets) {
      this.#tables.find(({ table }) => table.family === config.family)?.configure(config);
    }
    await this.#passed(signal);
  }

  /** When (monotonic) the tables were last in agreement with the API; undefined before the first time. */
  get lastSyncedAt(): number | undefined {
    return this.#lastSyncedAt;
  }

  /** Resolves after a pass that began after this call; rejects when that pass fails. */
  async #passed(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#stop.signal.throwIfAborted();
    const waiter = Promise.withResolvers<void>();
    const abort = () => waiter.reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    this.#waiting.push(waiter);
    this.#hurry.resolve();
    this.#wake.resolve();
    try {
      await waiter.promise;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, exec, log } = this.#options;
    let retryMs = RETRY_FIRST_MS;
    while (!signal.aborted) {
      await this.#sleep(SAMPLE_EVERY_MS, this.#wake.promise);
      await this.#sleep(this.#verify ? VERIFY_GAP_MS : GATHER_MS, this.#hurry.promise);
      if (signal.aborted) break;
      this.#wake = Promise.withResolvers<void>();
      this.#hurry = Promise.withResolvers<void>();
      const waiters = this.#waiting;
      this.#waiting = [];
      try {
        const forgotten = await this.#pass(signal);
        for (const { resolve } of waiters) resolve();
        for (const [family, flows] of forgotten) await forget(flows, family, exec, log, signal);
        retryMs = RETRY_FIRST_MS;
      } catch (err) {
        for (const { reject } of waiters) reject(err);
        if (signal.aborted) break;
        log.error({ err, retryMs }, 'service rules not applied');
        await clock.sleep(retryMs, signal).catch(() => {});
        retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
        this.#wake.resolve();
      }
    }
    for (const { reject } of this.#waiting) reject(signal.reason);
  }

  /** Sleeps until the time has passed or this has happened; leaves no timer behind. */
  async #sleep(ms: number, until: Promise<void>): Promise<void> {
    const timeout = Promise.withResolvers<void>();
    using _timer = this.#options.clock.after(ms, timeout.resolve);
    await Promise.race([timeout.promise, until]);
  }

  /** Answers with the UDP flows that the kernel should forget now that the new rules are in place. */
  async #pass(signal: AbortSignal): Promise<Map<Family, StaleFlow[]>> {
    const { input, nodeName, onServices, clock } = this.#options;
    const now = clock.monotonic();
    const synced = input.synced();
    if (synced && this.#inputChanged) {
      this.#inputChanged = false;
      const nodes = Array.from(input.nodes(), nodeView);
      const changed = this.#index.update(input.services(), input.slices(), placeOf(nodeName, nodes));
      onServices?.(this.#index, changed);
    }
    const verify = this.#verify || (this.#lastSyncedAt !== undefined && now - this.#lastSyncedAt >= SAMPLE_EVERY_MS);
    this.#verify = false;
    const stale = new Map<Family, StaleFlow[]>();
    for (const table of this.#tables) {
      const { family } = table.table;
      const desired = this.#desired(family, synced);
      if (verify) await table.verify(signal);
      const before = table.have;
      await table.sync(desired, signal);
      if (before !== undefined) stale.set(family, staleFlows(before.frontends, desired.frontends));
    }
    if (synced) this.#lastSyncedAt = now;
    return stale;
  }

  #desired(family: Family, synced: boolean): Desired {
    const { rulesets } = this.#options;
    return desiredState(synced ? this.#index : undefined, this.#pods.values(), {
      family,
      dnsIp: rulesets.find((config) => config.family === family)?.dnsIp,
      podsComplete: this.#podsAdopted,
      hostPortsOf: (pod, ip) => this.#hostPorts(pod, ip),
    });
  }

  /** The same objects for the same pod in every pass. */
  readonly #hostPortFrontends = new WeakMap<LocalPod, Map<string, readonly Frontend[]>>();
  #hostPorts(pod: LocalPod, ip: string): readonly Frontend[] {
    const byIp = this.#hostPortFrontends.getOrInsertComputed(pod, () => new Map());
    return byIp.getOrInsertComputed(ip, () => hostPortFrontends(pod, ip));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unsubscribe();
    this.#stop.abort();
    this.#wake.resolve();
    this.#hurry.resolve();
    await this.#loop;
    await this.#monitor[Symbol.asyncDispose]();
  }
}
