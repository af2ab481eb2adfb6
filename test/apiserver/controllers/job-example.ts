// Jobs and their pods, as short as they can be said, and one pass over them without any loop.
import type { Job } from '../../../api/types/batch/job.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { countJob, type JobView } from '../../../apiserver/controllers/job-count.ts';
import { decidePods, decideVerdict } from '../../../apiserver/controllers/job-decide.ts';
import { INDEX, TRACKING } from '../../../apiserver/controllers/job-pods.ts';
import { concludeJob, countReleased, trackJob } from '../../../apiserver/controllers/job-track.ts';
import { aPod } from './example.ts';

export const START = '2026-01-01T00:00:00Z';
export const NOW_MS = Date.parse('2026-01-01T01:00:00Z');
export const NOW = '2026-01-01T01:00:00Z';

export function aJob(spec: Partial<Job['spec']> = {}, status: Partial<Job['status']> = { startTime: START }): Job {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'j', namespace: 'ns', uid: 'uid-j', resourceVersion: '1', creationTimestamp: START },
    spec: {
      parallelism: 1,
      ...(spec.parallelism === undefined && { completions: 1 }),
      backoffLimit: 6,
      completionMode: 'NonIndexed',
      podReplacementPolicy: spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed',
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'app' }] } },
      ...spec,
    },
    status,
  } as unknown as Job;
}

export interface JobPodParts {
  phase?: string;
  index?: number;
  deleting?: boolean;
  tracked?: boolean;
  exitCode?: number;
  finished?: string;
  failures?: number;
  restarts?: number;
  ready?: boolean;
}

export function aJobPod(name: string, parts: JobPodParts = {}): Pod {
  const { phase = 'Running', index, deleting = false, tracked = true, failures, restarts = 0, ready = true } = parts;
  const over = phase === 'Succeeded' || phase === 'Failed';
  const { exitCode = phase === 'Failed' ? 1 : 0, finished = START } = parts;
  const annotations = {
    ...(index !== undefined && { [INDEX]: String(index) }),
    ...(failures !== undefined && { 'batch.kubernetes.io/job-index-failure-count': String(failures) }),
  };
  const pod = aPod(name, { phase, deleting, annotations, ready: ready && !over });
  const state = over ? { terminated: { exitCode, finishedAt: finished } } : { running: {} };
  return {
    ...pod,
    metadata: { ...pod.metadata, ...(tracked && { finalizers: [TRACKING] }) },
    status: { ...pod.status, containerStatuses: [{ name: 'app', restartCount: restarts, state }] },
  } as unknown as Pod;
}

/** What one undisturbed pass makes of a job: its deeds, and the status it leaves. */
export function pass(job: Job, pods: Pod[], nowMs = NOW_MS) {
  const view: JobView = { job, pods, released: new Set(), nowMs };
  const counts = countJob(view);
  const verdict = decideVerdict(view, counts);
  const plan = verdict ? { remove: counts.active, create: [], againMs: undefined } : decidePods(view, counts);
  const deeds = { settled: true, verdict, removed: plan.remove, created: plan.create.length };
  const tracked = trackJob(view, counts, deeds, NOW);
  const released = new Set(tracked.release.map(({ metadata }) => metadata.uid));
  const held = pods.filter((pod) => pod.metadata.finalizers?.includes(TRACKING) && !released.has(pod.metadata.uid));
  const counted = countReleased(tracked.status, new Set(held.map(({ metadata }) => metadata.uid)));
  const status = concludeJob(counted, tracked.end) ?? counted;
  return {
    status,
    first: tracked.status,
    released: tracked.release.map(({ metadata }) => metadata.name),
    creates: plan.create,
    removes: plan.remove.map(({ metadata }) => metadata.name),
    againMs: plan.againMs,
    turned: tracked.turned,
    conditions: (status.conditions ?? []).map(({ type, status: is, reason }) => `${type}=${is} ${reason}`),
  };
}
