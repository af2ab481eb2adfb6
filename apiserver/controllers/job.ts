// Jobs run pods to completion, and lose or double no completion whatever is interrupted.
//
//   jobs, pods -> key -> claim pods -> countJob -> decideVerdict, decidePods -> create or delete
//     -> trackJob -> write status -> take finalizers away -> countReleased -> write status
import { itsController, itself, on, runController } from '../../api/client/controller.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import { timestamp } from '../../api/clock.ts';
import { selectorMatcher } from '../../api/labels.ts';
import { nameSuffix } from '../../api/random.ts';
import { keyOf, type ResourceDefinition } from '../../api/resource.ts';
import { deepEqual } from '../../api/schema/equal.ts';
import { isNotFound } from '../../api/status.ts';
import type { Job, JobStatus } from '../../api/types/batch/job.ts';
import { jobs } from '../../api/types/batch/resources.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { pods } from '../../api/types/core/resources.ts';
import type { Controller } from './deps.ts';
import { Expectations } from './expectations.ts';
import { countJob, type JobView } from './job-count.ts';
import { deadlineInMs, decidePods, decideVerdict, type NewPod, type PodPlan } from './job-decide.ts';
import { runJobOrphans } from './job-orphans.ts';
import { isTracked, shapeForIndex, TRACKING } from './job-pods.ts';
import { concludeJob, countReleased, isOver, trackJob } from './job-track.ts';
import { OwnWrites } from './own-writes.ts';
import { claim, controllerOf } from './ownership.ts';
import { PodControl } from './pod-control.ts';
import { isActive } from './pod-facts.ts';
import { TrackingFinalizer } from './tracking-finalizer.ts';

const WORKERS = 5;
const PREFIX_MAX = 57;
const OF = jobs as unknown as ResourceDefinition;

export const jobController: Controller = ({ client, informers, recorder, clock, random, log }) => {
  const jobInformer = informers.of(jobs);
  const podInformer = informers.of(pods);
  const expectations = new Expectations(clock);
  const control = new PodControl({ client, recorder, random, expectations });
  const finalizer = new TrackingFinalizer(client, podInformer);
  const written = new OwnWrites<Job>();

  podInformer.onChange((podKey, now, before) => {
    const pod = (now ?? before)!;
    const owner = controllerOf(pod);
    if (owner?.kind !== 'Job') return;
    const ownerKey = `${pod.metadata.namespace}/${owner.name}`;
    if (now !== undefined) expectations.settle(ownerKey, 'creation', podKey);
    if (now?.metadata.deletionTimestamp !== undefined || now === undefined)
      expectations.settle(ownerKey, 'deletion', podKey);
  });

  async function reconcile(key: string, signal: AbortSignal): Promise<Next> {
    const job = written.newest(key, jobInformer.get(key));
    if (job === undefined) {
      expectations.forget(key);
      return AT_REST; // job-orphans.ts lets its pods go
    }
    if (isOver(job.status) || isManagedElsewhere(job)) return AT_REST;
    const selects = selectorMatcher(job.spec.selector);
    const owned = await claim({ client, owners: jobs, owner: job, informer: podInformer, selects }, signal);
    const view: JobView = { job, pods: owned, released: finalizer.released, nowMs: clock.now() };
    const counts = countJob(view);
    const settled = expectations.areSettled(key);
    const verdict = decideVerdict(view, counts);
    const plan: PodPlan =
      verdict === undefined
        ? decidePods(view, counts)
        : { create: [], remove: job.metadata.deletionTimestamp ? [] : counts.active, againMs: undefined };
    const { created, removed, failure } = settled
      ? await carryOut(job, plan, verdict === undefined, owned, signal)
      : { created: 0, removed: [], failure: undefined };
    const tracked = trackJob(view, counts, { settled, verdict, removed, created }, timestamp(clock.now()));
    let current = await writeStatus(job, tracked.status, signal);
    if (tracked.turned !== undefined) {
      recorder.event(job, 'Normal', tracked.turned, `Job ${tracked.turned.toLowerCase()}`);
    }
    const kept = await finalizer.releaseAll(tracked.release, signal);
    const held = new Set(owned.filter((pod) => isTracked(pod) && !finalizer.released.has(pod.metadata.uid)).map(uidOf));
    const counted = countReleased(current.status, held);
    const concluded = concludeJob(counted, tracked.end);
    current = await writeStatus(current, concluded ?? counted, signal);
    if (concluded !== undefined) announce(current, tracked.end!);
    if (failure !== undefined) throw failure;
    if (kept !== undefined) throw kept;
    return soonest(plan.againMs, concluded ? undefined : deadlineInMs(current, clock.now()));
  }

  async function carryOut(
    job: Job,
    plan: PodPlan,
    keepsUncounted: boolean,
    owned: readonly Pod[],
    signal: AbortSignal,
  ) {
    // Pods that were taken over finish uncounted unless they are marked.
    const unmarked = keepsUncounted ? owned.filter((pod) => isActive(pod) && !isTracked(pod)) : [];
    for (const pod of unmarked) if (!plan.remove.includes(pod)) await finalizer.add(pod, signal);
    const removed: Pod[] = [];
    let created = 0;
    const waiting = [...plan.create];
    try {
      await control.createMany(waiting.length, async () => {
        await create(job, waiting.shift()!, signal);
        created++;
      });
      const results = await Promise.allSettled(
        plan.remove.map(async (pod) => {
          // What is only scaled down or suspended did not fail: without its finalizer it is never counted.
          if (keepsUncounted) await finalizer.release(pod, signal);
          await control.delete(job, pod, signal);
          removed.push(pod);
        }),
      );
      const failed = results.find((result) => result.status === 'rejected');
      return { created, removed, failure: failed?.reason as unknown };
    } catch (failure) {
      return { created, removed, failure };
    }
  }

  async function create(job: Job, { index, failures }: NewPod, signal: AbortSignal): Promise<void> {
    const { name } = job.metadata;
    const prefix = index === undefined ? `${name}-` : `${name}-${index}-`;
    await control.create(job, OF, job.spec.template, signal, {
      name: `${prefix.slice(0, PREFIX_MAX)}${nameSuffix(random)}`,
      change: (pod) => {
        pod.metadata.generateName = prefix;
        pod.metadata.finalizers = [...new Set([...(pod.metadata.finalizers ?? []), TRACKING])];
        if (index !== undefined) shapeForIndex(pod, name, index, failures);
      },
    });
  }

  async function writeStatus(job: Job, status: JobStatus, signal: AbortSignal): Promise<Job> {
    if (deepEqual(shown(job.status), shown(status))) return job;
    try {
      const updated = await client.update(jobs, { ...job, status }, { subresource: 'status' }, signal);
      written.note(updated);
      return updated;
    } catch (err) {
      if (isNotFound(err)) return job;
      throw err;
    }
  }

  function announce(job: Job, end: { type: string; reason?: string; message?: string }): void {
    if (end.type === 'Complete') recorder.event(job, 'Normal', 'Completed', 'Job completed');
    else recorder.event(job, 'Warning', end.reason ?? '', end.message ?? '');
  }

  /** A pod that nobody controls concerns every job that would select it. */
  function wouldAdopt(pod: Pod | undefined): string[] {
    if (pod === undefined || controllerOf(pod) !== undefined) return [];
    const all = [...jobInformer.list(pod.metadata.namespace)];
    return all.filter(({ spec }) => selectorMatcher(spec.selector)(pod.metadata.labels ?? {})).map(keyOf);
  }

  const sources = [
    on(jobInformer, itself),
    on(podInformer, itsController('Job')),
    on(podInformer, (_key, now) => wouldAdopt(now)),
  ];
  const orphans = { jobInformer, podInformer, finalizer, clock, log };
  return async (signal) => {
    const running = runController({ name: 'job', workers: WORKERS, sources, reconcile, clock, log }, signal);
    await Promise.all([running, runJobOrphans(orphans, signal)]);
  };
};

const uidOf = ({ metadata }: Pod): string => metadata.uid;

function isManagedElsewhere({ spec }: Job): boolean {
  return spec.managedBy !== undefined && spec.managedBy !== 'kubernetes.io/job-controller';
}

function soonest(...waits: (number | undefined)[]): Next {
  const known = waits.filter((ms) => ms !== undefined);
  return known.length === 0 ? AT_REST : { afterMs: Math.min(...known) };
}

/** Zeros that are left out when stored do not differ from what is absent; `ready` and `terminating` are stored. */
function shown({ active, succeeded, failed, completedIndexes, ...status }: JobStatus): unknown {
  return {
    ...status,
    ...(active && { active }),
    ...(succeeded && { succeeded }),
    ...(failed && { failed }),
    ...(completedIndexes && { completedIndexes }),
  };
}
