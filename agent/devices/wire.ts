// The messages of device plugins as they arrive and leave (proto/device-plugin.proto has the numbers).
import { assetPath } from '../../api/assets.ts';

export const DEVICE_PLUGIN_PROTO = assetPath('proto/device-plugin.proto');
export const DEVICE_PLUGIN_VERSION = 'v1beta1';

export interface PluginOptions {
  readonly preStartRequired: boolean;
  readonly getPreferredAllocationAvailable: boolean;
}

export interface RegisterRequest {
  readonly version: string;
  readonly endpoint: string;
  readonly resourceName: string;
  readonly options: PluginOptions | null;
}

export interface WireDevice {
  readonly id: string;
  readonly health: string;
  readonly topology: { readonly nodes: readonly { readonly id: string }[] } | null;
}

/** What a plugin wants done to a container that is given its devices. */
export interface DeviceResponse {
  readonly envs: Readonly<Record<string, string>>;
  readonly mounts: readonly { readonly containerPath: string; readonly hostPath: string; readonly readOnly: boolean }[];
  readonly devices: readonly {
    readonly containerPath: string;
    readonly hostPath: string;
    readonly permissions: string;
  }[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly cdiDevices: readonly { readonly name: string }[];
}
