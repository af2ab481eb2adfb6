// Watches the config maps and secrets that volumes of this node's pods are made of, each once however many pods use it,
// so that a change is in the pods within a moment. An object that says it never changes is not watched any longer.
// Where a watch cannot be had, the refresh once a minute remains.
import type { Client } from '../../api/client/client.ts';
import { Informer } from '../../api/client/informer.ts';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import type { ConfigMap, Secret } from '../../api/types/core/config-map.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { configMaps, secrets } from '../../api/types/core/resources.ts';
import type { Objects } from './objects.ts';

const WATCHES_MAX = 1_000;
const RESOURCES = { configmaps: configMaps, secrets };

interface Reference {
  readonly kind: keyof typeof RESOURCES;
  readonly namespace: string;
  readonly name: string;
}

interface Watched {
  readonly users: Set<string>;
  readonly stop: AbortController;
  readonly run: Promise<void>;
}

export interface ObjectWatchesDeps {
  readonly client: Client;
  readonly objects: Objects;
  /** What volumes of this pod are made of is different now. */
  readonly changed: (uid: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

export class ObjectWatches implements AsyncDisposable {
  readonly #deps: ObjectWatchesDeps;
  readonly #watched = new Map<string, Watched>();
  readonly #byPod = new Map<string, readonly string[]>();

  constructor(deps: ObjectWatchesDeps) {
    this.#deps = deps;
  }

  /** Watches what this pod needs and nothing that it needed before. */
  follow(pod: Pod): void {
    const { uid } = pod.metadata;
    const references = new Map(referencesOf(pod).map((reference) => [keyOf(reference), reference]));
    for (const [key, reference] of references) this.#use(uid, key, reference);
    for (const key of this.#byPod.get(uid) ?? []) if (!references.has(key)) this.#leave(uid, key);
    this.#byPod.set(uid, [...references.keys()]);
  }

  forget(uid: string): void {
    for (const key of this.#byPod.get(uid) ?? []) this.#leave(uid, key);
    this.#byPod.delete(uid);
  }

  async [Symbol.asyncDispose]() {
    const all = [...this.#watched.values()];
    for (const { stop } of all) stop.abort();
    await Promise.all(all.map(({ run }) => run));
  }

  #use(uid: string, key: string, reference: Reference): void {
    const before = this.#watched.get(key);
    if (before !== undefined) before.users.add(uid);
    else if (this.#watched.size < WATCHES_MAX) this.#watched.set(key, this.#watch(uid, reference));
  }

  #watch(uid: string, { kind, namespace, name }: Reference): Watched {
    const { client, objects, changed, clock, log } = this.#deps;
    const users = new Set([uid]);
    const stop = new AbortController();
    const options = { namespace, fieldSelector: `metadata.name=${name}` };
    const informer = new Informer<ConfigMap | Secret>(client, RESOURCES[kind], options, { clock, log });
    informer.onChange((_key, now) => {
      if (now?.immutable === true) stop.abort();
      if (objects.note(kind, namespace, name, now)) for (const user of users) changed(user);
    });
    return { users, stop, run: informer.run(stop.signal) };
  }

  #leave(uid: string, key: string): void {
    const watched = this.#watched.get(key);
    watched?.users.delete(uid);
    if (watched === undefined || watched.users.size > 0) return;
    watched.stop.abort();
    this.#watched.delete(key);
  }
}

const keyOf = ({ kind, namespace, name }: Reference) => `${kind}/${namespace}/${name}`;

function referencesOf({ metadata, spec }: Pod): Reference[] {
  const namespace = metadata.namespace ?? '';
  const of = (kind: Reference['kind'], name: string | undefined): Reference[] =>
    name ? [{ kind, namespace, name }] : [];
  return (spec.volumes ?? []).flatMap(({ configMap, secret, projected }) => [
    ...of('configmaps', configMap?.name),
    ...of('secrets', secret?.secretName),
    ...(projected?.sources ?? []).flatMap((source) => [
      ...of('configmaps', source.configMap?.name),
      ...of('secrets', source.secret?.name),
    ]),
  ]);
}
