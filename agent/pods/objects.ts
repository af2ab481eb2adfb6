// Config maps and secrets that pods of this node refer to. A starting pod reads the newest; running ones are
// refreshed from what was read lately, so that a hundred pods with the same config map cost one request a minute.
import type { Client } from '../../api/client/client.ts';
import type { Clock } from '../../api/clock.ts';
import type { ResourceDefinition } from '../../api/resource.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import { ApiError, isNotFound } from '../../api/status.ts';
import type { ConfigMap, Secret } from '../../api/types/core/config-map.ts';
import { configMaps, secrets } from '../../api/types/core/resources.ts';

const FRESH_MS = 45_000;
const REMEMBERED_MAX = 2_000;

/** `newest` asks the API; otherwise what was read within the last minute will do. */
export interface ReadOptions {
  readonly newest: boolean;
}

interface Read {
  readonly object: Promise<KubeObject | undefined>;
  readonly atMs: number;
  under: boolean;
  /** Of the object, when it is here. */
  version?: string | undefined;
}

export class Objects {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #reads = new Map<string, Read>();

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  configMap(
    namespace: string,
    name: string,
    options: ReadOptions,
    signal: AbortSignal,
  ): Promise<ConfigMap | undefined> {
    return this.#read(configMaps, namespace, name, options, signal);
  }

  secret(namespace: string, name: string, options: ReadOptions, signal: AbortSignal): Promise<Secret | undefined> {
    return this.#read(secrets, namespace, name, options, signal);
  }

  /** Somebody has seen the newest form of it. Tells whether it is another than the one that is remembered. */
  note(plural: string, namespace: string, name: string, object: KubeObject | undefined): boolean {
    const key = `${plural}/${namespace}/${name}`;
    const before = this.#reads.get(key);
    const version = object?.metadata.resourceVersion;
    // While a read is under way it is not known which of the two is newer: the reader's next refresh asks again.
    const same = before !== undefined && !before.under && before.version === version;
    if (!same) {
      this.#remember(key, { object: Promise.resolve(object), atMs: this.#clock.monotonic(), under: false, version });
    }
    return !same;
  }

  #remember(key: string, read: Read): void {
    this.#reads.delete(key);
    this.#reads.set(key, read);
    if (this.#reads.size > REMEMBERED_MAX) this.#reads.delete(this.#reads.keys().next().value!);
  }

  async #read<T extends KubeObject>(
    of: ResourceDefinition<T>,
    namespace: string,
    name: string,
    { newest }: ReadOptions,
    signal: AbortSignal,
  ): Promise<T | undefined> {
    const key = `${of.plural}/${namespace}/${name}`;
    const before = this.#reads.get(key);
    const nowMs = this.#clock.monotonic();
    // A request that began before we asked may miss a change that the caller has heard of; only a refresh shares it.
    if (before !== undefined && !newest && (before.under || nowMs - before.atMs < FRESH_MS)) {
      return (await before.object) as T | undefined;
    }
    const object = this.#client.get(of, { namespace, name }, {}, signal).catch((err) => {
      if (isNotFound(err)) return undefined;
      throw err;
    });
    const read: Read = { object, atMs: nowMs, under: true };
    this.#remember(key, read);
    try {
      const found = await object;
      read.version = found?.metadata.resourceVersion;
      return found;
    } catch (err) {
      // Pods restart while the API is away: what was read last still holds for them.
      if (this.#reads.get(key) === read) {
        if (before === undefined) this.#reads.delete(key);
        else this.#reads.set(key, before);
      }
      if (before === undefined || err instanceof ApiError) throw err;
      return (await before.object) as T | undefined;
    } finally {
      read.under = false;
    }
  }
}
