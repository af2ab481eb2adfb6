// The controller's side: volumes are made, attached, grown and removed. Every call may come again.
import { createHash } from 'node:crypto';
import type { Store } from './store.ts';
import { CODE, type Method, Refusal, type Request } from './types.ts';

const MIN_BYTES = 16 * 1024 * 1024;

export interface ControllerOptions {
  readonly store: Store;
  /** Where volumes can be reached; undefined is everywhere. */
  readonly topology: Readonly<Record<string, string>> | undefined;
  readonly without: ReadonlySet<string>;
}

export function controllerService({ store, topology, without }: ControllerOptions): Record<string, Method> {
  const rpc = (type: string) => ({ rpc: { type } });
  const known = async ({ volumeId }: Request) => {
    const volume = await store.volume(volumeId);
    if (volume === undefined) throw new Refusal(CODE.notFound, `volume ${volumeId} does not exist`);
    return volume;
  };
  return {
    async ControllerGetCapabilities() {
      const all = ['CREATE_DELETE_VOLUME', 'PUBLISH_UNPUBLISH_VOLUME', 'EXPAND_VOLUME'];
      return { capabilities: all.filter((type) => !without.has(`CONTROLLER_${type}`)).map(rpc) };
    },

    async CreateVolume({ name, capacityRange, parameters, accessibilityRequirements }) {
      if (name === '') throw new Refusal(CODE.invalid, 'a volume needs a name');
      const id = `vol-${createHash('sha256').update(name).digest('hex').slice(0, 16)}`;
      const wanted = Math.max(Number(capacityRange?.requiredBytes ?? 0), MIN_BYTES);
      const before = await store.volume(id);
      if (before !== undefined && before.capacityBytes < wanted)
        throw new Refusal(CODE.exists, `volume ${name} exists with another capacity`);
      const volume = before ?? { id, name, capacityBytes: wanted, attached: [] };
      if (before === undefined) await store.save(volume);
      const segments = accessibilityRequirements?.preferred[0]?.segments ?? topology;
      return {
        volume: {
          volumeId: id,
          capacityBytes: volume.capacityBytes,
          volumeContext: { made: 'yes', ...parameters },
          accessibleTopology: segments === undefined ? [] : [{ segments }],
        },
      };
    },

    async DeleteVolume({ volumeId }) {
      const volume = await store.volume(volumeId);
      if (volume !== undefined && volume.attached.length > 0)
        throw new Refusal(CODE.precondition, `volume ${volumeId} is attached to ${volume.attached.join()}`);
      await store.remove(volumeId);
      return {};
    },

    async ControllerPublishVolume({ volumeId, nodeId }) {
      const volume = await store.demand(volumeId);
      if (!volume.attached.includes(nodeId)) await store.save({ ...volume, attached: [...volume.attached, nodeId] });
      return { publishContext: { attachedTo: nodeId } };
    },

    async ControllerUnpublishVolume({ volumeId, nodeId }) {
      const volume = await store.volume(volumeId);
      if (volume !== undefined)
        await store.save({ ...volume, attached: volume.attached.filter((each) => each !== nodeId) });
      return {};
    },

    async ControllerExpandVolume(request) {
      const volume = await known(request);
      const capacityBytes = Math.max(volume.capacityBytes, Number(request.capacityRange?.requiredBytes ?? 0));
      await store.save({ ...volume, capacityBytes });
      return { capacityBytes, nodeExpansionRequired: !without.has('EXPAND_VOLUME') };
    },
  };
}
