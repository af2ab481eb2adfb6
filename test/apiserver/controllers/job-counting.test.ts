import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Job } from '../../../api/types/batch/job.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { countJob } from '../../../apiserver/controllers/job-count.ts';
import { decidePods, decideVerdict } from '../../../apiserver/controllers/job-decide.ts';
import { TRACKING } from '../../../apiserver/controllers/job-pods.ts';
import { concludeJob, countReleased, trackJob } from '../../../apiserver/controllers/job-track.ts';
import { aJob, aJobPod, NOW } from './job-example.ts';

/** Where a pass is cut off, as by kill -9: nothing after that point happens, and memory is lost. */
type Cut = 'nowhere' | 'after the pods' | 'after the first write' | 'after half of the releases' | 'after the releases';
type Step = { pass: Cut } | { end: 'Succeeded' | 'Failed'; which: number } | { forget: number };

class World {
  job: Job;
  readonly pods = new Map<string, Pod>();
  readonly ended = { Succeeded: 0, Failed: 0 };
  #serial = 0;
  constructor(job: Job) {
    this.job = job;
  }

  pass(cut: Cut): void {
    const pods = [...this.pods.values()];
    const view = { job: this.job, pods, released: new Set<string>(), nowMs: Date.parse(NOW) };
    const counts = countJob(view);
    const verdict = decideVerdict(view, counts);
    const plan = verdict ? { remove: [], create: [] } : decidePods(view, counts);
    for (const { index } of plan.create) {
      const name = `p${this.#serial++}`;
      this.pods.set(name, aJobPod(name, { ...(index !== undefined && { index }) }));
    }
    if (cut === 'after the pods') return;
    const deeds = { settled: true, verdict, removed: plan.remove, created: plan.create.length };
    const { status, release, end } = trackJob(view, counts, deeds, NOW);
    this.job = { ...this.job, status };
    if (cut === 'after the first write') return;
    const reached = cut === 'after half of the releases' ? release.slice(0, release.length / 2) : release;
    for (const { metadata } of reached)
      this.#change(metadata.name, (pod) => ({ ...pod, metadata: { ...pod.metadata, finalizers: [] } }));
    if (cut !== 'nowhere') return;
    const held = [...this.pods.values()].filter(({ metadata }) => metadata.finalizers?.includes(TRACKING));
    const counted = countReleased(status, new Set(held.map(({ metadata }) => metadata.uid)));
    this.job = { ...this.job, status: concludeJob(counted, end) ?? counted };
  }

  end(phase: 'Succeeded' | 'Failed', which: number): void {
    const running = [...this.pods.values()].filter(({ status }) => status.phase === 'Running');
    const pod = running[which % running.length];
    if (pod === undefined) return;
    this.ended[phase]++;
    this.#change(pod.metadata.name, (before) => ({ ...before, status: { ...before.status, phase } }));
  }

  /** Somebody deletes a finished pod: the finalizer holds it until it is counted. */
  forget(which: number): void {
    const finished = [...this.pods.values()].filter(
      ({ status, metadata }) => status.phase !== 'Running' && !metadata.finalizers?.includes(TRACKING),
    );
    const pod = finished[which % finished.length];
    if (pod !== undefined) this.pods.delete(pod.metadata.name);
  }

  #change(name: string, change: (pod: Pod) => Pod): void {
    this.pods.set(name, change(this.pods.get(name)!));
  }
}

const cuts: Cut[] = [
  'nowhere',
  'after the pods',
  'after the first write',
  'after half of the releases',
  'after the releases',
];
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ pass: fc.constantFrom(...cuts) }),
    fc.record({ end: fc.constantFrom('Succeeded' as const, 'Failed' as const), which: fc.nat(9) }),
    fc.record({ forget: fc.nat(9) }),
  ),
  { maxLength: 60 },
);

for (const completionMode of ['NonIndexed', 'Indexed'] as const) {
  test(`a ${completionMode} job counts every finished pod once, wherever its passes are cut off`, () => {
    fc.assert(
      fc.property(steps, (all) => {
        const world = new World(aJob({ completionMode, completions: 40, parallelism: 4, backoffLimit: 1000 }));
        for (const step of all) {
          if ('pass' in step) world.pass(step.pass);
          else if ('end' in step) world.end(step.end, step.which);
          else world.forget(step.forget);
        }
        for (let i = 0; i < 3; i++) world.pass('nowhere');
        const { succeeded = 0, failed = 0, uncountedTerminatedPods } = world.job.status;
        assert.deepEqual({ Succeeded: succeeded, Failed: failed }, world.ended);
        assert.deepEqual(uncountedTerminatedPods, {});
      }),
      { numRuns: 300 },
    );
  });
}
