// Puts the job finalizer on pods and takes it away, and remembers from which it was taken until the cache shows it:
// a pod that is counted must not be counted again because of an old copy.
import type { Client } from '../../api/client/client.ts';
import type { Informer } from '../../api/client/informer.ts';
import { isNotFound } from '../../api/status.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { pods } from '../../api/types/core/resources.ts';
import { isTracked, TRACKING } from './job-pods.ts';

export class TrackingFinalizer {
  readonly #client: Client;
  readonly #released = new Set<string>();

  constructor(client: Client, informer: Informer<Pod>) {
    this.#client = client;
    informer.onChange((_key, now, before) => {
      if (now !== undefined && now.metadata.uid === before?.metadata.uid && isTracked(now)) return;
      this.#released.delete((before ?? now)!.metadata.uid);
    });
  }

  get released(): ReadonlySet<string> {
    return this.#released;
  }

  async release({ metadata }: Pod, signal: AbortSignal): Promise<void> {
    if (!metadata.finalizers?.includes(TRACKING) || this.#released.has(metadata.uid)) return;
    this.#released.add(metadata.uid);
    const body = { metadata: { uid: metadata.uid, '$deleteFromPrimitiveList/finalizers': [TRACKING] } };
    try {
      await this.#client.patch(pods, metadata, { type: 'strategic', body }, {}, signal);
    } catch (err) {
      if (isNotFound(err)) return;
      this.#released.delete(metadata.uid);
      throw err;
    }
  }

  /** Returns the first failure; the rest is carried out all the same. */
  async releaseAll(all: readonly Pod[], signal: AbortSignal): Promise<unknown> {
    const results = await Promise.allSettled(all.map((pod) => this.release(pod, signal)));
    return results.find((result) => result.status === 'rejected')?.reason;
  }

  async add({ metadata }: Pod, signal: AbortSignal): Promise<void> {
    const body = { metadata: { uid: metadata.uid, finalizers: [TRACKING] } };
    await this.#client.patch(pods, metadata, { type: 'strategic', body }, {}, signal).catch((err) => {
      if (!isNotFound(err)) throw err;
    });
  }
}
