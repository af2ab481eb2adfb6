// The storage drivers that run on this node now: takes them when they register, tells the API, and hands their clients
// to whoever mounts. A driver may be here twice for a moment (its update); the newest counts.

import type { Logger } from '../../api/log.ts';
import { isConflict } from '../../api/status.ts';
import type { Plugin, PluginHandler } from '../plugins/plugin-watcher.ts';
import type { CsiClient } from './csi-client.ts';
import type { CsiNodeObject } from './csi-node.ts';
import type { NodeCapability } from './csi-types.ts';

const CONFLICT_RETRIES = 8;

export interface Driver {
  readonly name: string;
  readonly client: CsiClient;
  /** Asked once an instance. */
  capabilities(signal: AbortSignal): Promise<ReadonlySet<NodeCapability>>;
}

interface Instance {
  readonly plugin: Plugin;
  readonly client: CsiClient;
  capabilities: Promise<ReadonlySet<NodeCapability>> | undefined;
}

export interface DriversDeps {
  readonly object: Pick<CsiNodeObject, 'add' | 'remove'>;
  readonly connect: (endpoint: string) => CsiClient;
  readonly log: Logger;
}

export class Drivers implements PluginHandler, AsyncDisposable {
  readonly #deps: DriversDeps;
  /** By name; the newest last. */
  readonly #instances = new Map<string, Instance[]>();
  #changed: () => void = () => {};

  constructor(deps: DriversDeps) {
    this.#deps = deps;
  }

  /** Hears when a driver came: what waits for it may go on. */
  onChange(changed: () => void): void {
    this.#changed = changed;
  }

  get(name: string): Driver | undefined {
    const instance = this.#instances.get(name)?.at(-1);
    if (instance === undefined) return undefined;
    return {
      name,
      client: instance.client,
      capabilities: (signal) => {
        instance.capabilities ??= instance.client.capabilities(signal).catch((err) => {
          instance.capabilities = undefined; // not heard: asked again
          throw err;
        });
        return instance.capabilities;
      },
    };
  }

  async register(plugin: Plugin, signal: AbortSignal): Promise<void> {
    const { name, versions, endpoint } = plugin;
    if (!versions.some((version) => /^v?1\.\d+/.test(version))) {
      throw new Error(
        `none of the versions specified "${versions.join(',')}" are supported. err=none of the CSI versions reported by this driver are supported`,
      );
    }
    const client = this.#deps.connect(endpoint);
    try {
      const info = await client.info(signal);
      if (info.nodeId === '') throw new Error(`driver ${name} says no node id`);
      await this.#tell(() => this.#deps.object.add(name, info, signal));
    } catch (err) {
      client[Symbol.dispose]();
      throw err;
    }
    const before = this.#instances.get(name) ?? [];
    for (const old of before.filter((each) => each.plugin.socket === plugin.socket)) old.client[Symbol.dispose]();
    const others = before.filter((each) => each.plugin.socket !== plugin.socket);
    this.#instances.set(name, [...others, { plugin, client, capabilities: undefined }]);
    this.#changed();
  }

  async deregister({ name, socket }: Plugin, signal: AbortSignal): Promise<void> {
    const before = this.#instances.get(name) ?? [];
    const left = before.filter((each) => each.plugin.socket !== socket);
    if (left.length === 0) await this.#tell(() => this.#deps.object.remove(name, signal));
    for (const gone of before.filter((each) => each.plugin.socket === socket)) gone.client[Symbol.dispose]();
    if (left.length === 0) this.#instances.delete(name);
    else this.#instances.set(name, left);
  }

  async [Symbol.asyncDispose]() {
    for (const instances of this.#instances.values()) for (const { client } of instances) client[Symbol.dispose]();
    this.#instances.clear();
  }

  /** Others write the same objects: what was read may be old by the time it is written. */
  async #tell(work: () => Promise<void>): Promise<void> {
    for (let left = CONFLICT_RETRIES; ; left--) {
      try {
        return await work();
      } catch (err) {
        if (!isConflict(err) || left === 0) throw err;
        this.#deps.log.debug({ err }, 'drivers of the node told again');
      }
    }
  }
}
