// Deletes finished jobs when the time they asked for is over.
import { itself, on, runController } from '../../api/client/controller.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import { isNotFound } from '../../api/status.ts';
import type { Job } from '../../api/types/batch/job.ts';
import { jobs } from '../../api/types/batch/resources.ts';
import type { Controller } from './deps.ts';
import { parseTime } from './times.ts';

export const ttlAfterFinishedController: Controller = ({ client, informers, clock, log }) => {
  const informer = informers.of(jobs);

  async function reconcile(key: string, signal: AbortSignal): Promise<Next> {
    const cached = informer.get(key);
    if (cached === undefined) return AT_REST;
    const waitMs = remainingMs(cached, clock.now());
    if (waitMs === undefined) return AT_REST;
    if (waitMs > 0) return { afterMs: waitMs };
    try {
      // The cache may be old, and the time to live may just have been made longer.
      const fresh = await client.get(jobs, cached.metadata, {}, signal);
      const stillMs = remainingMs(fresh, clock.now());
      if (fresh.metadata.uid !== cached.metadata.uid || stillMs === undefined) return AT_REST;
      if (stillMs > 0) return { afterMs: stillMs };
      const { uid, resourceVersion } = fresh.metadata;
      const preconditions = { uid, resourceVersion };
      await client.delete(jobs, fresh.metadata, { propagationPolicy: 'Foreground', preconditions }, signal);
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
    return AT_REST;
  }

  const sources = [on(informer, itself)];
  return (signal) => runController({ name: 'ttl-after-finished', sources, reconcile, clock, log }, signal);
};

/** Until the job may go; undefined for jobs that stay. */
export function remainingMs({ metadata, spec, status }: Job, nowMs: number): number | undefined {
  const end = status.conditions?.find(
    ({ type, status: is }) => (type === 'Complete' || type === 'Failed') && is === 'True',
  );
  const endedMs = parseTime(end?.lastTransitionTime);
  if (spec.ttlSecondsAfterFinished === undefined || endedMs === undefined) return undefined;
  if (metadata.deletionTimestamp !== undefined) return undefined;
  return Math.max(0, endedMs + spec.ttlSecondsAfterFinished * 1000 - nowMs);
}
