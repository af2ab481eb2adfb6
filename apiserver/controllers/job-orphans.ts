// Pods that still carry the job finalizer though nobody will count them any more: their job is gone, over, or no
// longer their owner. Without this they could never be deleted.
import { itself, on, runController } from '../../api/client/controller.ts';
import type { Informer } from '../../api/client/informer.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import type { Clock } from '../../api/clock.ts';
import { selectorMatcher } from '../../api/labels.ts';
import type { Logger } from '../../api/log.ts';
import { keyOf } from '../../api/resource.ts';
import type { Job } from '../../api/types/batch/job.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { isTracked } from './job-pods.ts';
import { isOver } from './job-track.ts';
import { controllerOf } from './ownership.ts';
import type { TrackingFinalizer } from './tracking-finalizer.ts';

export interface JobOrphansDeps {
  readonly jobInformer: Informer<Job>;
  readonly podInformer: Informer<Pod>;
  readonly finalizer: TrackingFinalizer;
  readonly clock: Clock;
  readonly log: Logger;
}

export function runJobOrphans(deps: JobOrphansDeps, signal: AbortSignal): Promise<void> {
  const { jobInformer, podInformer, finalizer, clock, log } = deps;

  async function reconcile(key: string): Promise<Next> {
    const pod = podInformer.get(key);
    if (pod !== undefined && isTracked(pod) && !isAwaited(pod)) await finalizer.release(pod, signal);
    return AT_REST;
  }

  function isAwaited(pod: Pod): boolean {
    const { namespace, labels = {} } = pod.metadata;
    const owner = controllerOf(pod);
    if (owner === undefined) {
      return [...jobInformer.list(namespace)].some((job) => {
        return job.metadata.deletionTimestamp === undefined && selectorMatcher(job.spec.selector)(labels);
      });
    }
    if (owner.kind !== 'Job') return false;
    const job = jobInformer.get(`${namespace}/${owner.name}`);
    if (job?.metadata.uid !== owner.uid) return false;
    return !isOver(job.status);
  }

  function ofEnded(_key: string, now: Job | undefined, before: Job | undefined): string[] {
    if (now !== undefined && !isOver(now.status)) return [];
    return podInformer
      .byIndex('owner', (now ?? before)!.metadata.uid)
      .filter(isTracked)
      .map(keyOf);
  }

  const sources = [
    on(podInformer, (key, now) => (now !== undefined && isTracked(now) ? itself(key) : [])),
    on(jobInformer, ofEnded),
  ];
  return runController({ name: 'job-orphans', sources, reconcile, clock, log }, signal);
}
