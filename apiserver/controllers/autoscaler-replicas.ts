// How many replicas a measured load asks for. Pure.
import type { Pod } from '../../api/types/core/pod.ts';
import { conditionOf } from './pod-facts.ts';
import { parseTime } from './times.ts';

export interface Sample {
  /** In thousandths. */
  readonly milli: number;
  readonly atMs: number;
  readonly windowMs: number;
}

export interface Load {
  readonly resource: string;
  readonly pods: readonly Pod[];
  /** By pod name. */
  readonly samples: ReadonlyMap<string, Sample>;
  readonly target:
    | { readonly utilization: number; readonly requestOf: (pod: Pod) => number }
    | { readonly averageMilli: number };
  readonly current: number;
  /** How far from the target is near enough. */
  readonly tolerance: { readonly up: number; readonly down: number };
  readonly nowMs: number;
}

export interface Wanted {
  readonly replicas: number;
  readonly averageMilli: number;
  readonly utilization: number | undefined;
}

/** A pod that has just started uses CPU for starting, which says nothing of its load. */
const CPU_STARTUP_MS = 300_000;
const FIRST_READY_MS = 30_000;

/** Throws an Error that says what is missing. */
export function replicasFor(load: Load): Wanted {
  const { samples, target, current } = load;
  if (samples.size === 0) throw new Error('no metrics returned from resource metrics API');
  const { ready, unready, missing } = groupPods(load);
  if (ready.length === 0) throw new Error('did not receive metrics for targeted pods (pods might be unready)');
  const full = (pod: Pod) => ('utilization' in target ? target.requestOf(pod) : target.averageMilli);
  const goal = 'utilization' in target ? target.utilization / 100 : 1;
  const used = ready.map((pod) => ({ pod, milli: samples.get(pod.metadata.name)!.milli }));
  const ratioOf = (all: readonly { pod: Pod; milli: number }[]) => {
    const whole = all.reduce((sum, { pod }) => sum + full(pod), 0);
    return whole === 0 ? 0 : all.reduce((sum, { milli }) => sum + milli, 0) / whole / goal;
  };
  const measured = ratioOf(used);
  const shown = {
    averageMilli: Math.floor(used.reduce((sum, { milli }) => sum + milli, 0) / used.length),
    utilization: 'utilization' in target ? Math.floor(measured * goal * 100) : undefined,
  };
  const withUnready = unready.length > 0 && measured > 1;
  if (!withUnready && missing.length === 0) {
    const replicas = isNear(load, measured) ? current : Math.ceil(measured * ready.length);
    return { replicas, ...shown };
  }
  // What is not known is assumed to hold against the change: full use on the way down, none on the way up.
  const all = [...used];
  for (const pod of missing) {
    if (measured < 1) all.push({ pod, milli: full(pod) * Math.max(1, goal) });
    else if (measured > 1) all.push({ pod, milli: 0 });
  }
  if (withUnready) for (const pod of unready) all.push({ pod, milli: 0 });
  const assumed = ratioOf(all);
  const turns = (measured < 1 && assumed > 1) || (measured > 1 && assumed < 1);
  const replicas = Math.ceil(assumed * all.length);
  const isBackwards = (assumed < 1 && replicas > current) || (assumed > 1 && replicas < current);
  return { replicas: turns || isBackwards || isNear(load, assumed) ? current : replicas, ...shown };
}

function isNear({ tolerance }: Load, ratio: number): boolean {
  // Against noise of the division: exactly at the tolerance is near.
  const noise = 1e-9;
  return ratio >= 1 - tolerance.down - noise && ratio <= 1 + tolerance.up + noise;
}

function groupPods({ resource, pods, samples, nowMs }: Load) {
  const groups = { ready: [] as Pod[], unready: [] as Pod[], missing: [] as Pod[] };
  for (const pod of pods) {
    const { phase } = pod.status;
    if (pod.metadata.deletionTimestamp !== undefined || phase === 'Failed' || phase === 'Succeeded') continue;
    const sample = samples.get(pod.metadata.name);
    if (phase === 'Pending') groups.unready.push(pod);
    else if (sample === undefined) groups.missing.push(pod);
    else if (resource === 'cpu' && isStarting(pod, sample, nowMs)) groups.unready.push(pod);
    else groups.ready.push(pod);
  }
  return groups;
}

function isStarting(pod: Pod, { atMs, windowMs }: Sample, nowMs: number): boolean {
  const startMs = parseTime(pod.status.startTime);
  const ready = conditionOf(pod, 'Ready');
  if (ready === undefined || startMs === undefined) return true;
  const changedMs = parseTime(ready.lastTransitionTime) ?? 0;
  if (startMs + CPU_STARTUP_MS > nowMs) return ready.status === 'False' || atMs < changedMs + windowMs;
  return ready.status === 'False' && startMs + FIRST_READY_MS > changedMs;
}
