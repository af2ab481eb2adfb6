// Drivers of dynamic resources on this node: they register through the plugin watcher. When the last instance of one
// is gone for a while, the slices it published for this node are removed: nobody could use what they promise.
import { assetPath } from '../../api/assets.ts';
import type { Client } from '../../api/client/client.ts';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import { resourceSlices } from '../../api/types/resource/resources.ts';
import { call } from '../cri/call.ts';
import { Channel } from '../cri/channel.ts';
import type { Plugin, PluginHandler } from '../plugins/plugin-watcher.ts';

const PROTOS = {
  v1: assetPath('proto/dra-v1.proto'),
  v1beta1: assetPath('proto/dra-v1beta1.proto'),
} as const;
type Version = keyof typeof PROTOS;
/** As upstream: a driver that is being replaced is back by then. */
const WIPE_AFTER_MS = 30_000;
const WIPE_RETRY_MS = 10_000;
const CALL_MS = 45_000;

export interface ClaimRef {
  readonly namespace: string;
  readonly uid: string;
  readonly name: string;
}

export interface DraPluginsDeps {
  readonly nodeName: string;
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Instance {
  readonly plugin: Plugin;
  readonly version: Version;
  readonly channel: Channel;
}

/** Of what a driver says it speaks the newest that we do too. */
export function versionOf(versions: readonly string[]): Version | undefined {
  return (['v1', 'v1beta1'] as const).find((version) => versions.includes(`${version}.DRAPlugin`));
}

export class DraPlugins implements PluginHandler, AsyncDisposable {
  readonly #deps: DraPluginsDeps;
  /** By driver, the newest instance last: during an update there are two. */
  readonly #instances = new Map<string, Instance[]>();
  readonly #stop = new AbortController();
  readonly #wipes = new Map<string, AbortController>();
  readonly #under = new Set<Promise<void>>();

  constructor(deps: DraPluginsDeps) {
    this.#deps = deps;
  }

  /** What drivers of an earlier time published and do not come back for. */
  start(): void {
    this.#wipeLater('');
  }

  async register(plugin: Plugin): Promise<void> {
    const version = versionOf(plugin.versions);
    if (version === undefined) {
      const speaks = plugin.versions.join(', ') || 'nothing';
      throw new Error(`DRA driver ${plugin.name} speaks ${speaks}; supported are v1.DRAPlugin and v1beta1.DRAPlugin`);
    }
    const channel = new Channel(plugin.endpoint, PROTOS[version], `k8s.io.kubelet.pkg.apis.dra.${version}.DRAPlugin`);
    this.#remove(plugin);
    this.#instances.set(plugin.name, [...(this.#instances.get(plugin.name) ?? []), { plugin, version, channel }]);
    this.#wipes.get(plugin.name)?.abort();
  }

  async deregister(plugin: Plugin): Promise<void> {
    this.#remove(plugin);
    if (!this.#instances.has(plugin.name)) this.#wipeLater(plugin.name);
  }

  get drivers(): string[] {
    return [...this.#instances.keys()];
  }

  call<Res>(driver: string, method: string, request: object, signal: AbortSignal): Promise<Res> {
    const instance = this.#instances.get(driver)?.at(-1);
    if (instance === undefined) throw new Error(`DRA driver ${driver} is not registered`);
    const opts = { deadlineMs: CALL_MS, signal, clock: this.#deps.clock };
    return call(instance.channel.unary<object, Res>(method), request, opts);
  }

  async [Symbol.asyncDispose]() {
    this.#stop.abort();
    await Promise.all(this.#under);
    for (const { channel } of [...this.#instances.values()].flat()) channel[Symbol.dispose]();
  }

  #remove({ name, socket }: Plugin): void {
    const instances = this.#instances.get(name) ?? [];
    for (const each of instances) if (each.plugin.socket === socket) each.channel[Symbol.dispose]();
    const left = instances.filter((each) => each.plugin.socket !== socket);
    if (left.length > 0) this.#instances.set(name, left);
    else this.#instances.delete(name);
  }

  /** `driver` '' stands for all that are not here by then. */
  #wipeLater(driver: string): void {
    const back = new AbortController();
    this.#wipes.get(driver)?.abort();
    this.#wipes.set(driver, back);
    const signal = AbortSignal.any([this.#stop.signal, back.signal]);
    const work = this.#wipe(driver, signal)
      .catch(() => {}) // it came back, or we end
      .finally(() => {
        this.#under.delete(work);
        if (this.#wipes.get(driver) === back) this.#wipes.delete(driver);
      });
    this.#under.add(work);
  }

  async #wipe(driver: string, signal: AbortSignal): Promise<void> {
    const { client, clock, log, nodeName } = this.#deps;
    await clock.sleep(WIPE_AFTER_MS, signal);
    for (;;) {
      const whose = driver === '' ? this.drivers.map((each) => `spec.driver!=${each}`) : [`spec.driver=${driver}`];
      const fieldSelector = [`spec.nodeName=${nodeName}`, ...whose].join();
      try {
        await client.deleteCollection(resourceSlices, { fieldSelector }, {}, signal);
        log.info({ driver: driver || 'all that are not here' }, 'resource slices of drivers that are gone removed');
        return;
      } catch (err) {
        signal.throwIfAborted();
        log.warn({ err, driver }, 'resource slices of drivers that are gone not removed, trying again');
        await clock.sleep(WIPE_RETRY_MS, signal);
      }
    }
  }
}
