// The two questions of the plugin registration protocol, over the socket that a plugin put into the folder.
import { assetPath } from '../../api/assets.ts';
import type { Clock } from '../../api/clock.ts';
import { call } from '../cri/call.ts';
import { Channel } from '../cri/channel.ts';

const DEADLINE_MS = 5_000;
const PROTO = assetPath('proto/plugin-registration.proto');
const SERVICE = 'pluginregistration.Registration';

export interface PluginInfo {
  readonly type: string;
  readonly name: string;
  /** Where its service is; '' is the very socket it registered with. */
  readonly endpoint: string;
  readonly supportedVersions: readonly string[];
}

export interface Registration {
  getInfo(socket: string, signal: AbortSignal): Promise<PluginInfo>;
  /** `error` is why not; undefined says that it is registered. */
  notify(socket: string, error: string | undefined, signal: AbortSignal): Promise<void>;
}

export function grpcRegistration(clock: Clock): Registration {
  const ask = async <Res>(socket: string, method: string, request: object, signal: AbortSignal): Promise<Res> => {
    // A channel of its own each time: the process behind the path may be another one by now.
    using channel = new Channel(socket, PROTO, SERVICE);
    return await call(channel.unary<object, Res>(method), request, { signal, deadlineMs: DEADLINE_MS, clock });
  };
  return {
    getInfo: (socket, signal) => ask(socket, 'GetInfo', {}, signal),
    notify: async (socket, error = '', signal) => {
      await ask(socket, 'NotifyRegistrationStatus', { pluginRegistered: error === '', error }, signal);
    },
  };
}
