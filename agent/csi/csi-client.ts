// The node service of one driver: typed calls over its socket, each with a deadline. The channel reconnects by itself,
// so a driver that was restarted at the same path needs nothing.
import { assetPath } from '../../api/assets.ts';
import type { Clock } from '../../api/clock.ts';
import { CriError, call } from '../cri/call.ts';
import { Channel } from '../cri/channel.ts';
import type {
  ExpandRequest,
  NodeCapability,
  NodeInfo,
  PublishRequest,
  StageRequest,
  VolumeStats,
} from './csi-types.ts';

/** As long as upstream waits: a driver may have to wait for its storage. */
const CHANGE_MS = 120_000;
const ASK_MS = 15_000;
const PROTO = assetPath('proto/csi.proto');

export class CsiClient implements Disposable {
  readonly #channel: Channel;
  readonly #clock: Clock;

  constructor(endpoint: string, clock: Clock) {
    this.#channel = new Channel(endpoint, PROTO, 'csi.v1.Node');
    this.#clock = clock;
  }

  async info(signal: AbortSignal): Promise<NodeInfo> {
    type Answer = {
      nodeId: string;
      maxVolumesPerNode: string;
      accessibleTopology: { segments: Record<string, string> } | null;
    };
    const { nodeId, maxVolumesPerNode, accessibleTopology } = await this.#ask<Answer>(
      'NodeGetInfo',
      {},
      ASK_MS,
      signal,
    );
    return { nodeId, maxVolumes: Number(maxVolumesPerNode), topology: accessibleTopology?.segments ?? {} };
  }

  async capabilities(signal: AbortSignal): Promise<ReadonlySet<NodeCapability>> {
    type Answer = { capabilities: { rpc: { type: NodeCapability } | null }[] };
    const { capabilities } = await this.#ask<Answer>('NodeGetCapabilities', {}, ASK_MS, signal);
    return new Set(capabilities.flatMap(({ rpc }) => (rpc === null ? [] : [rpc.type])));
  }

  async stage(request: StageRequest, signal: AbortSignal): Promise<void> {
    await this.#ask('NodeStageVolume', request, CHANGE_MS, signal);
  }

  async unstage(volumeId: string, stagingTargetPath: string, signal: AbortSignal): Promise<void> {
    await this.#ask('NodeUnstageVolume', { volumeId, stagingTargetPath }, CHANGE_MS, signal);
  }

  async publish(request: PublishRequest, signal: AbortSignal): Promise<void> {
    await this.#ask('NodePublishVolume', request, CHANGE_MS, signal);
  }

  async unpublish(volumeId: string, targetPath: string, signal: AbortSignal): Promise<void> {
    await this.#ask('NodeUnpublishVolume', { volumeId, targetPath }, CHANGE_MS, signal);
  }

  /** In bytes; 0 if the driver does not say. */
  async expand(request: ExpandRequest, signal: AbortSignal): Promise<number> {
    type Answer = { capacityBytes: string };
    return Number((await this.#ask<Answer>('NodeExpandVolume', request, CHANGE_MS, signal)).capacityBytes);
  }

  async stats(volumeId: string, volumePath: string, stagingPath: string, signal: AbortSignal): Promise<VolumeStats> {
    type Usage = { available: string; total: string; used: string; unit: string };
    type Answer = { usage: Usage[]; volumeCondition: { abnormal: boolean; message: string } | null };
    const request = { volumeId, volumePath, stagingTargetPath: stagingPath };
    const { usage, volumeCondition } = await this.#ask<Answer>('NodeGetVolumeStats', request, ASK_MS, signal);
    const of = (unit: string) => {
      const found = usage.find((each) => each.unit === unit);
      if (found === undefined) return undefined;
      const { total, used, available } = found;
      return { total: Number(total), used: Number(used), available: Number(available) };
    };
    return { bytes: of('BYTES'), inodes: of('INODES'), condition: volumeCondition ?? undefined };
  }

  [Symbol.dispose]() {
    this.#channel[Symbol.dispose]();
  }

  async #ask<Res>(method: string, request: object, deadlineMs: number, signal: AbortSignal): Promise<Res> {
    return call(this.#channel.unary<object, Res>(method), request, { signal, deadlineMs, clock: this.#clock });
  }
}

/** What a driver said, as operators know it from upstream and search for it. */
export function rpcSaid(err: unknown): string {
  if (!(err instanceof CriError)) return err instanceof Error ? err.message : String(err);
  const name = err.code.toLowerCase().replace(/(^|_)([a-z])/g, (_all, _gap, letter: string) => letter.toUpperCase());
  return `rpc error: code = ${name === 'Ok' ? 'OK' : name} desc = ${err.detail}`;
}

/**
 * Whether the driver may be at work all the same: it was not heard, or not in time. What failed for sure left nothing
 * behind; of this the volume must be taken down before it is given up.
 */
export function isUncertain(err: unknown): boolean {
  if (!(err instanceof CriError)) return true;
  return ['CANCELLED', 'DEADLINE_EXCEEDED', 'UNAVAILABLE', 'RESOURCE_EXHAUSTED', 'ABORTED', 'UNKNOWN'].includes(
    err.code,
  );
}
