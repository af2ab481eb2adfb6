import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Job } from '../../../api/types/batch/job.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { formatIndexes, parseIndexes } from '../../../apiserver/controllers/job-indexes.ts';
import { shapeForIndex } from '../../../apiserver/controllers/job-pods.ts';
import { remainingMs } from '../../../apiserver/controllers/ttl-after-finished.ts';
import { aJob, aJobPod, NOW, NOW_MS, pass, START } from './job-example.ts';

const BACKOFF = ['FailureTarget=True BackoffLimitExceeded', 'Failed=True BackoffLimitExceeded'];
const indexed = (spec: Partial<Job['spec']> = {}): Partial<Job['spec']> => ({
  completionMode: 'Indexed',
  completions: 3,
  parallelism: 2,
  ...spec,
});
const onExit = (action: 'FailJob' | 'Ignore', code = 42): Partial<Job['spec']> => ({
  podFailurePolicy: { rules: [{ action, onExitCodes: { operator: 'In', values: [code] } }] },
});

const deeds: {
  it: string;
  job: Job;
  pods?: Pod[];
  creates?: (number | undefined)[];
  removes?: string[];
  againMs?: number;
}[] = [
  {
    it: 'starts as many pods as may run at once',
    job: aJob({ completions: 5, parallelism: 3 }),
    creates: [undefined, undefined, undefined],
  },
  {
    it: 'starts no more than are left to complete',
    job: aJob({ completions: 2, parallelism: 3 }, { succeeded: 1, startTime: START }),
    creates: [undefined],
  },
  {
    it: 'without completions starts nothing after the first success',
    job: aJob({ parallelism: 2 }),
    pods: [aJobPod('a', { phase: 'Succeeded' }), aJobPod('b')],
  },
  {
    it: 'removes what is above its parallelism, pending first',
    job: aJob({ completions: 5, parallelism: 1 }),
    pods: [aJobPod('a'), aJobPod('b', { phase: 'Pending' })],
    removes: ['b'],
  },
  { it: 'removes all pods while suspended', job: aJob({ suspend: true }), pods: [aJobPod('a')], removes: ['a'] },
  {
    it: 'gives pods the first free indexes',
    job: aJob(indexed()),
    pods: [aJobPod('a', { phase: 'Succeeded', index: 0 }), aJobPod('b', { index: 2 })],
    creates: [1],
  },
  {
    it: 'removes the pod that works on an index twice',
    job: aJob(indexed()),
    pods: [aJobPod('a', { index: 0 }), aJobPod('b', { index: 0, ready: false })],
    removes: ['b'],
  },
  {
    it: 'removes pods of indexes it does not have',
    job: aJob(indexed({ completions: 1, parallelism: 1 })),
    pods: [aJobPod('a', { index: 0 }), aJobPod('b', { index: 7 })],
    removes: ['b'],
  },
  {
    it: 'waits ten seconds after a failure',
    job: aJob(),
    pods: [aJobPod('a', { phase: 'Failed', finished: '2026-01-01T00:59:56Z' })],
    againMs: 6_000,
  },
  {
    it: 'doubles the wait with each failure',
    job: aJob(),
    pods: [aJobPod('a', { phase: 'Failed' }), aJobPod('b', { phase: 'Failed', finished: NOW })],
    againMs: 20_000,
  },
  {
    it: 'waits at most ten minutes',
    job: aJob({ backoffLimit: 99 }),
    pods: Array.from({ length: 20 }, (_, i) => aJobPod(`p${i}`, { phase: 'Failed', finished: NOW })),
    againMs: 600_000,
  },
  {
    it: 'forgets failures after a success',
    job: aJob({ completions: 2, parallelism: 1 }),
    pods: [aJobPod('a', { phase: 'Failed' }), aJobPod('b', { phase: 'Succeeded', finished: NOW })],
    creates: [undefined],
  },
  {
    it: 'replaces a pod on its way out at once',
    job: aJob(),
    pods: [aJobPod('a', { deleting: true, tracked: false })],
    creates: [undefined],
  },
  {
    it: 'waits for a pod on its way out where it replaces only failed ones',
    job: aJob({ podReplacementPolicy: 'Failed' }),
    pods: [aJobPod('a', { deleting: true })],
  },
  {
    it: 'waits by index where failures are limited by index',
    job: aJob(indexed({ backoffLimitPerIndex: 2, backoffLimit: 99 })),
    pods: [aJobPod('a', { phase: 'Failed', index: 0, finished: NOW })],
    creates: [1],
    againMs: 10_000,
  },
];
for (const { it, job, pods = [], creates = [], removes = [], againMs } of deeds) {
  test(`a job ${it}`, () => {
    const made = pass(job, pods);
    assert.deepEqual([made.creates.map(({ index }) => index), made.removes, made.againMs], [creates, removes, againMs]);
  });
}

const ends: {
  it: string;
  job: Job;
  pods?: Pod[];
  ends: string[];
  message?: string;
  status?: Partial<Job['status']>;
}[] = [
  {
    it: 'completes with the last completion',
    job: aJob({ completions: 2, parallelism: 2 }),
    pods: [aJobPod('a', { phase: 'Succeeded' }), aJobPod('b', { phase: 'Succeeded' })],
    ends: ['SuccessCriteriaMet=True CompletionsReached', 'Complete=True CompletionsReached'],
    message: 'Reached expected number of succeeded pods',
    status: { succeeded: 2, completionTime: NOW, uncountedTerminatedPods: {} },
  },
  {
    it: 'fails beyond its back-off limit',
    job: aJob({ backoffLimit: 0 }),
    pods: [aJobPod('a', { phase: 'Failed' })],
    ends: BACKOFF,
    status: { failed: 1 },
  },
  {
    it: 'counts restarts in place against the limit',
    job: aJob({
      backoffLimit: 2,
      template: { spec: { restartPolicy: 'OnFailure', containers: [] } },
    } as unknown as Job['spec']),
    pods: [aJobPod('a', { restarts: 2 })],
    ends: ['FailureTarget=True BackoffLimitExceeded'],
    message: 'Job has reached the specified backoff limit',
    status: { terminating: 1, failed: 1 },
  },
  {
    it: 'fails at its deadline',
    job: aJob({ activeDeadlineSeconds: 3600 }),
    pods: [],
    ends: ['FailureTarget=True DeadlineExceeded', 'Failed=True DeadlineExceeded'],
    message: 'Job was active longer than specified deadline',
  },
  {
    it: 'fails at once where its policy says so',
    job: aJob(onExit('FailJob')),
    pods: [aJobPod('a', { phase: 'Failed', exitCode: 42 })],
    ends: ['FailureTarget=True PodFailurePolicy', 'Failed=True PodFailurePolicy'],
    message: 'Container app for pod ns/a failed with exit code 42 matching FailJob rule at index 0',
  },
  {
    it: 'does not count what its policy ignores',
    job: aJob({ ...onExit('Ignore'), backoffLimit: 0 }),
    pods: [aJobPod('a', { phase: 'Failed', exitCode: 42 })],
    ends: [],
    status: { failed: 0 },
  },
  {
    it: 'fails when too many indexes failed',
    job: aJob(indexed({ backoffLimitPerIndex: 0, maxFailedIndexes: 0, backoffLimit: 99 })),
    pods: [aJobPod('a', { phase: 'Failed', index: 1 })],
    ends: ['FailureTarget=True MaxFailedIndexesExceeded', 'Failed=True MaxFailedIndexesExceeded'],
    status: { failedIndexes: '1', failed: 1 },
  },
  {
    it: 'fails when every index is over and one of them failed',
    job: aJob(indexed({ backoffLimitPerIndex: 1, completions: 2, backoffLimit: 99 })),
    pods: [aJobPod('a', { phase: 'Failed', index: 1, failures: 1 }), aJobPod('b', { phase: 'Succeeded', index: 0 })],
    ends: ['FailureTarget=True FailedIndexes', 'Failed=True FailedIndexes'],
    status: { failedIndexes: '1', completedIndexes: '0', succeeded: 1, failed: 1 },
  },
  {
    it: 'succeeds early where its success policy is met, and the rest does not count as failed',
    job: aJob(indexed({ successPolicy: { rules: [{ succeededIndexes: '1' }, { succeededCount: 1 }] } })),
    pods: [aJobPod('a', { phase: 'Succeeded', index: 0 }), aJobPod('b', { index: 1 })],
    ends: ['SuccessCriteriaMet=True SuccessPolicy'],
    message: 'Matched rules at index 1',
    status: { succeeded: 1, failed: 0, terminating: 1, active: 0 },
  },
  {
    it: 'is not over before its last pod is gone',
    job: aJob({ backoffLimit: 0 }),
    pods: [aJobPod('a', { phase: 'Failed' }), aJobPod('b', { deleting: true, tracked: false })],
    ends: ['FailureTarget=True BackoffLimitExceeded'],
  },
  { it: 'says that it is suspended', job: aJob({ suspend: true }, {}), ends: ['Suspended=True JobSuspended'] },
];
for (const { it, job, pods = [], ends: wanted, message, status = {} } of ends) {
  test(`a job ${it}`, () => {
    const made = pass(job, pods);
    assert.deepEqual(made.conditions, wanted);
    if (message !== undefined) assert.equal(made.status.conditions![0]!.message, message);
    for (const [key, value] of Object.entries(status)) {
      assert.deepEqual((made.status as Record<string, unknown>)[key], value, key);
    }
  });
}

test('a resumed job starts its time anew', () => {
  const condition = { type: 'Suspended', status: 'True', reason: 'JobSuspended' };
  const { status, conditions, turned } = pass(
    aJob({ suspend: false }, { startTime: START, conditions: [condition] }),
    [],
  );
  assert.deepEqual([status.startTime, conditions, turned], [NOW, ['Suspended=False JobResumed'], 'Resumed']);
});

test('the last failed pod of an index keeps its finalizer until a new pod carries the number of failures', () => {
  const job = aJob(indexed({ backoffLimitPerIndex: 3, completions: 1, parallelism: 1, backoffLimit: 99 }));
  const failed = aJobPod('a', { phase: 'Failed', index: 0, failures: 1 });
  const before = pass(job, [failed]);
  assert.deepEqual([before.released, before.creates], [[], [{ index: 0, failures: { counted: 2, ignored: 0 } }]]);
  assert.deepEqual(pass(job, [failed, aJobPod('b', { index: 0, failures: 2 })]).released, ['a']);
});

test('a pod gets its index in name, annotation, label, host name and environment', () => {
  const pod = { metadata: { name: 'x' }, spec: { containers: [{ name: 'app' }] } } as unknown as Pod;
  shapeForIndex(pod, 'j', 2, { counted: 1, ignored: 0 });
  assert.equal(pod.metadata.generateName, 'j-2-');
  assert.equal(pod.spec.hostname, 'j-2');
  assert.equal(pod.metadata.labels!['batch.kubernetes.io/job-completion-index'], '2');
  assert.equal(pod.metadata.annotations!['batch.kubernetes.io/job-index-failure-count'], '1');
  assert.equal(pod.spec.containers[0]!.env![0]!.name, 'JOB_COMPLETION_INDEX');
});

test('sets of indexes come back from their text, in which three or more in a row are a range', () => {
  assert.equal(formatIndexes([7, 0, 3, 4, 2, 9, 10]), '0,2-4,7,9,10');
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(60)), (indexes) => {
      assert.deepEqual(parseIndexes(formatIndexes(indexes), 61), new Set(indexes.sort((a, b) => a - b)));
    }),
  );
});

test('a finished job lives as long as it asked for', () => {
  const conditions = [{ type: 'Failed', status: 'True', lastTransitionTime: '2026-01-01T00:59:30Z' }];
  assert.equal(remainingMs(aJob({ ttlSecondsAfterFinished: 60 }, { conditions }), NOW_MS), 30_000);
  assert.equal(remainingMs(aJob({ ttlSecondsAfterFinished: 0 }, { conditions }), NOW_MS), 0);
  assert.equal(remainingMs(aJob({}, { conditions }), NOW_MS), undefined);
  assert.equal(remainingMs(aJob({ ttlSecondsAfterFinished: 0 }), NOW_MS), undefined);
});
