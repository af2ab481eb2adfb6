// What stands in the API for a pod from a file, so that people see it: made and replaced here, its status written
// from the real one. Deleting it changes nothing on the node; it comes back.
import type { Client } from '../../api/client/client.ts';
import { type Next, WorkQueue } from '../../api/client/work-queue.ts';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import { keyOf } from '../../api/resource.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../api/status.ts';
import type { Node } from '../../api/types/core/node.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { pods } from '../../api/types/core/resources.ts';
import { ANNOTATION } from './names.ts';

const AGAIN: Next = { afterMs: 1_000 };

export function isMirror({ metadata }: Pod): boolean {
  return metadata.annotations?.[ANNOTATION.configMirror] !== undefined;
}

export type MirrorAction = { readonly do: 'create' } | { readonly do: 'delete'; readonly uid: string } | undefined;

/** What the API has under the name, against what the node's file says. Pure. */
export function planMirror(wanted: Pod | undefined, there: Pod | undefined): MirrorAction {
  if (there === undefined) return wanted === undefined ? undefined : { do: 'create' };
  // Somebody else's pod of the same name: the file must wait, and nothing of theirs is touched.
  if (!isMirror(there)) return undefined;
  const { uid, annotations, deletionTimestamp } = there.metadata;
  const current = wanted !== undefined && annotations?.[ANNOTATION.configMirror] === wanted.metadata.uid;
  if (current && deletionTimestamp === undefined) return undefined;
  return { do: 'delete', uid };
}

export class MirrorPods implements AsyncDisposable {
  readonly #client: Client;
  readonly #node: () => Node | undefined;
  readonly #queue: WorkQueue;
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;
  /** By key: the pod from the file, and what the API has. */
  readonly #wanted = new Map<string, Pod>();
  readonly #there = new Map<string, Pod>();

  constructor(client: Client, node: () => Node | undefined, clock: Clock, log: Logger) {
    this.#client = client;
    this.#node = node;
    this.#queue = new WorkQueue(clock, { firstRetryMs: 500, maxRetryMs: 20_000 });
    const failed = (key: string, err: unknown) => log.debug({ pod: key, err }, 'mirror pod not written, trying again');
    this.#loop = this.#queue.run(1, (key, signal) => this.#reconcile(key, signal), failed, this.#stop.signal);
  }

  /** The API's object for a pod from a file. */
  of(pod: Pod): Pod | undefined {
    const there = this.#there.get(keyOf(pod));
    return there?.metadata.annotations?.[ANNOTATION.configMirror] === pod.metadata.uid ? there : undefined;
  }

  setWanted(wanted: Iterable<Pod>): void {
    const before = [...this.#wanted.keys()];
    this.#wanted.clear();
    for (const pod of wanted) this.#wanted.set(keyOf(pod), pod);
    for (const key of new Set([...before, ...this.#wanted.keys()])) this.#queue.add(key);
  }

  /** The API's news of anything under this key. */
  changed(key: string, now: Pod | undefined): void {
    if (now === undefined) this.#there.delete(key);
    else this.#there.set(key, now);
    if (this.#wanted.has(key) || (now !== undefined && isMirror(now))) this.#queue.add(key);
  }

  async [Symbol.asyncDispose]() {
    this.#stop.abort();
    await this.#loop;
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<Next> {
    const wanted = this.#wanted.get(key);
    const there = this.#there.get(key);
    const action = planMirror(wanted, there);
    if (action === undefined) return undefined;
    if (action.do === 'delete') {
      const { namespace, name } = there!.metadata;
      const options = { gracePeriodSeconds: 0, preconditions: { uid: action.uid } };
      await this.#client.delete(pods, { namespace, name }, options, signal).catch((err) => {
        if (!isNotFound(err) && !isConflict(err)) throw err; // gone, or replaced by another
      });
      return AGAIN;
    }
    const node = this.#node();
    if (node === undefined) return AGAIN; // its owner is not registered yet
    const { name, namespace, labels, annotations, uid } = wanted!.metadata;
    const owner = {
      apiVersion: 'v1',
      kind: 'Node',
      name: node.metadata.name,
      uid: node.metadata.uid,
      controller: true,
    };
    await this.#client
      .create(
        pods,
        {
          metadata: {
            ...{ name, namespace, labels, ownerReferences: [owner] },
            annotations: { ...annotations, [ANNOTATION.configMirror]: uid },
          },
          spec: wanted!.spec,
        },
        {},
        signal,
      )
      .catch((err) => {
        if (!isAlreadyExists(err)) throw err; // its news is on the way
      });
    return undefined;
  }
}
