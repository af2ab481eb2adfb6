// Pods that nobody will clean up: their node is gone, they were deleted before they had one, or there are too many
// finished ones.
import { on, runController } from '../../api/client/controller.ts';
import type { Next } from '../../api/client/work-queue.ts';
import { isNotFound } from '../../api/status.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { nodes, pods } from '../../api/types/core/resources.ts';
import type { Controller } from './deps.ts';
import { isFinished } from './pod-facts.ts';
import { parseTime } from './times.ts';

const EVERY_MS = 20_000;
/** A node may be late to register: its pods wait this long. */
const QUARANTINE_MS = 40_000;
const FINISHED_MAX = 12_500;

export interface PodGarbage {
  /** Their node is gone, so nobody else will say that they ended. */
  readonly orphaned: readonly Pod[];
  readonly surplus: readonly Pod[];
}

/** Pure. @param missingSinceMs since when each node that pods name has not been there */
export function decidePodGarbage(
  all: readonly Pod[],
  missingSinceMs: ReadonlyMap<string, number>,
  nowMs: number,
  finishedMax = FINISHED_MAX,
): PodGarbage {
  const isLost = ({ spec }: Pod) => {
    const since = missingSinceMs.get(spec.nodeName ?? '');
    return since !== undefined && nowMs - since >= QUARANTINE_MS;
  };
  const neverPlaced = ({ spec, metadata }: Pod) => !spec.nodeName && metadata.deletionTimestamp !== undefined;
  const finished = all.filter((pod) => isFinished(pod) && pod.metadata.deletionTimestamp === undefined);
  const bornMs = ({ metadata }: Pod) => parseTime(metadata.creationTimestamp) ?? 0;
  const oldestFirst = finished.toSorted((a, b) => bornMs(a) - bornMs(b));
  return {
    orphaned: all.filter((pod) => isLost(pod) || neverPlaced(pod)),
    surplus: oldestFirst.slice(0, Math.max(0, finished.length - finishedMax)),
  };
}

export const podGcController: Controller = ({ client, informers, clock, log }) => {
  const podInformer = informers.of(pods);
  const nodeInformer = informers.of(nodes);
  const missingSince = new Map<string, number>();

  async function sweep(_key: string, signal: AbortSignal): Promise<Next> {
    const all = [...podInformer.list()];
    const nowMs = clock.monotonic();
    const named = new Set(all.map(({ spec }) => spec.nodeName).filter((name) => name !== undefined && name !== ''));
    for (const name of missingSince.keys()) if (!named.has(name) || nodeInformer.get(name)) missingSince.delete(name);
    for (const name of named) if (!nodeInformer.get(name!) && !missingSince.has(name!)) missingSince.set(name!, nowMs);
    const { orphaned, surplus } = decidePodGarbage(all, missingSince, nowMs);
    for (const pod of [...orphaned, ...surplus]) await remove(pod, signal);
    return { afterMs: EVERY_MS };
  }

  async function remove(pod: Pod, signal: AbortSignal): Promise<void> {
    const { metadata } = pod;
    try {
      if (!isFinished(pod)) {
        const body = { status: { phase: 'Failed' } };
        await client.patch(pods, metadata, { type: 'strategic', body }, { subresource: 'status' }, signal);
      }
      await client.delete(pods, metadata, { gracePeriodSeconds: 0, preconditions: { uid: metadata.uid } }, signal);
      log.info({ pod: metadata.name, namespace: metadata.namespace }, 'pod collected');
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
  }

  const sources = [
    on(podInformer, () => []),
    on(nodeInformer, () => ['all']),
    { attach: kick, synced: async () => {} },
  ];
  return (signal) => runController({ name: 'pod-gc', workers: 1, sources, reconcile: sweep, clock, log }, signal);
};

/** The first look comes without an event. */
function kick(enqueue: (key: string) => void): void {
  enqueue('all');
}
