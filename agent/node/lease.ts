// The node's sign of life: a Lease renewed every ten seconds, small enough to be cheap at any number of nodes. One
// missed renewal is harmless: the node counts as alive until the lease runs out.
import type { Client } from '../../api/client/client.ts';
import { type Clock, microTimestamp } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../api/status.ts';
import type { Lease } from '../../api/types/coordination/lease.ts';
import { leases } from '../../api/types/coordination/resources.ts';
import type { Node } from '../../api/types/core/node.ts';

const NAMESPACE = 'kube-node-lease';
const DURATION_SECONDS = 40;
const RENEW_EVERY_MS = 10_000;
const RETRY_MS = 500;
const RETRY_MAX_MS = 7_000;

export class NodeLease implements AsyncDisposable {
  readonly #node: () => Node | undefined;
  readonly #name: string;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;
  #last: Lease | undefined;

  constructor(name: string, node: () => Node | undefined, client: Client, clock: Clock, log: Logger) {
    this.#name = name;
    this.#node = node;
    this.#client = client;
    this.#clock = clock;
    this.#log = log;
    this.#loop = this.#run(this.#stop.signal);
  }

  async [Symbol.asyncDispose]() {
    this.#stop.abort();
    await this.#loop;
  }

  async #run(signal: AbortSignal): Promise<void> {
    let retryMs = RETRY_MS;
    while (!signal.aborted) {
      let restMs = RENEW_EVERY_MS;
      try {
        this.#last = await this.#renew(signal);
        retryMs = RETRY_MS;
      } catch (err) {
        if (signal.aborted) return;
        this.#log.debug({ err }, 'lease not renewed');
        if (isConflict(err) || isNotFound(err)) this.#last = undefined; // somebody touched it: read it again
        restMs = retryMs;
        retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
      }
      await this.#clock.sleep(restMs, signal).catch(() => {}); // woken early only to end
    }
  }

  async #renew(signal: AbortSignal): Promise<Lease> {
    const renewTime = microTimestamp(this.#clock.now());
    const spec = { holderIdentity: this.#name, leaseDurationSeconds: DURATION_SECONDS, renewTime };
    const key = { namespace: NAMESPACE, name: this.#name };
    this.#last ??= await this.#client.get(leases, key, {}, signal).catch((err) => {
      if (isNotFound(err)) return undefined;
      throw err;
    });
    if (this.#last !== undefined) {
      const { metadata } = this.#last;
      const next = {
        ...this.#last,
        metadata: { ...metadata, ...this.#owner() },
        spec: { ...this.#last.spec, ...spec },
      };
      return this.#client.update(leases, next, {}, signal);
    }
    try {
      return await this.#client.create(leases, { metadata: { ...key, ...this.#owner() }, spec }, {}, signal);
    } catch (err) {
      if (isAlreadyExists(err)) return this.#client.get(leases, key, {}, signal);
      throw err;
    }
  }

  /** The lease goes when its node goes. */
  #owner() {
    const node = this.#node();
    if (node === undefined) return {};
    return { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: this.#name, uid: node.metadata.uid }] };
  }
}
