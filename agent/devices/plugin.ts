// One device plugin: its list of devices, for as long as it lives, and the calls that containers need.
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import { call, isCri } from '../cri/call.ts';
import { Channel } from '../cri/channel.ts';
import type { PluginDevice, Prefer } from './choose.ts';
import { DEVICE_PLUGIN_PROTO, type DeviceResponse, type PluginOptions, type WireDevice } from './wire.ts';

const CALL_MS = 30_000;
/** A plugin registers and then serves, or the other way round. */
const CONNECT_MS = 10_000;
const CONNECT_RETRY_MS = 100;

export interface PluginCallbacks {
  readonly changed: (devices: readonly PluginDevice[]) => void;
  readonly gone: () => void;
}

export interface PluginAt {
  readonly resource: string;
  readonly socket: string;
  readonly options: PluginOptions;
}

export class DevicePlugin implements AsyncDisposable {
  readonly at: PluginAt;
  readonly #channel: Channel;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;

  constructor(at: PluginAt, callbacks: PluginCallbacks, clock: Clock, log: Logger) {
    this.at = at;
    this.#clock = clock;
    this.#log = log.child({ resource: at.resource });
    this.#channel = new Channel(at.socket, DEVICE_PLUGIN_PROTO, 'v1beta1.DevicePlugin');
    this.#loop = this.#watch(callbacks, this.#stop.signal);
  }

  async allocate(ids: readonly string[], signal: AbortSignal): Promise<DeviceResponse> {
    type Answer = { containerResponses: DeviceResponse[] };
    const request = { containerRequests: [{ deviceIds: ids }] };
    const { containerResponses } = await this.#call<Answer>('Allocate', request, signal);
    const [response] = containerResponses;
    if (response === undefined) throw new Error(`no containers return in allocation response`);
    return response;
  }

  /** Undefined: the plugin does not care. */
  prefer(signal: AbortSignal): Prefer {
    return async (available, chosen, count) => {
      if (!this.at.options.getPreferredAllocationAvailable) return undefined;
      type Answer = { containerResponses: { deviceIds: string[] }[] };
      const one = { availableDeviceIds: available, mustIncludeDeviceIds: chosen, allocationSize: count };
      const { containerResponses } = await this.#call<Answer>(
        'GetPreferredAllocation',
        { containerRequests: [one] },
        signal,
      );
      return containerResponses[0]?.deviceIds;
    };
  }

  async preStart(ids: readonly string[], signal: AbortSignal): Promise<void> {
    if (this.at.options.preStartRequired) await this.#call('PreStartContainer', { deviceIds: ids }, signal);
  }

  async [Symbol.asyncDispose]() {
    this.#stop.abort();
    await this.#loop;
    this.#channel[Symbol.dispose]();
  }

  async #watch({ changed, gone }: PluginCallbacks, signal: AbortSignal): Promise<void> {
    const giveUpAtMs = this.#clock.monotonic() + CONNECT_MS;
    let heard = false;
    while (!signal.aborted) {
      try {
        for await (const { devices } of this.#channel.stream<object, { devices: WireDevice[] }>(
          'ListAndWatch',
          {},
          signal,
        )) {
          heard = true;
          changed(devices.map(deviceOf));
        }
        break;
      } catch (err) {
        if (heard || this.#clock.monotonic() >= giveUpAtMs) {
          this.#log.warn({ err }, 'device plugin lost');
          break;
        }
        await this.#clock.sleep(CONNECT_RETRY_MS, signal).catch(() => {}); // woken early only to end
      }
    }
    if (!signal.aborted) gone();
  }

  #call<Res>(method: string, request: object, signal: AbortSignal): Promise<Res> {
    const opts = { deadlineMs: CALL_MS, signal, clock: this.#clock };
    return call(this.#channel.unary<object, Res>(method), request, opts);
  }
}

/** As clients of gRPC written in Go say it: people search for these words. */
export function rpcText(err: unknown): string {
  if (!isCri(err)) return err instanceof Error ? err.message : String(err);
  const code = err.code.toLowerCase().replace(/(^|_)(\w)/g, (_all, _dash, letter: string) => letter.toUpperCase());
  return `rpc error: code = ${code} desc = ${err.detail}`;
}

function deviceOf({ id, health, topology }: WireDevice): PluginDevice {
  return { id, healthy: health === 'Healthy', nodes: (topology?.nodes ?? []).map((node) => Number(node.id)) };
}
