// Which pods end when the machine goes down: the least important first, each group within its share of the time.
// Pure; settings are upstream's.
import type { Pod } from '../../api/types/core/pod.ts';

/** Pods of this priority or more, up to the next group's, share these seconds. */
export interface ShutdownGroup {
  readonly priority: number;
  readonly seconds: number;
}

export interface ShutdownSettings {
  readonly totalMs: number;
  /** Of the total, what is kept for critical pods. */
  readonly criticalMs: number;
  readonly byPriority: readonly ShutdownGroup[];
}

const CRITICAL = 2_000_000_000;
const DEFAULT_GRACE_SECONDS = 30;

/** What is wrong with the settings, in the names of the settings. */
export function shutdownProblem({ totalMs, criticalMs, byPriority }: ShutdownSettings): string | undefined {
  if (byPriority.length > 0 && (totalMs > 0 || criticalMs > 0))
    return 'shutdown-grace-period-by-pod-priority excludes shutdown-grace-period and its part for critical pods';
  if (criticalMs > totalMs) return 'shutdown-grace-period-critical-pods must be <= shutdown-grace-period';
  for (const [name, ms] of [
    ['shutdown-grace-period', totalMs],
    ['shutdown-grace-period-critical-pods', criticalMs],
  ] as const) {
    if (ms > 0 && ms < 1_000) return `${name} must be either zero or >= 1 sec`;
  }
  const priorities = byPriority.map(({ priority }) => priority);
  return new Set(priorities).size === priorities.length
    ? undefined
    : 'shutdown-grace-period-by-pod-priority: a priority is named twice';
}

/** The groups from the least important up; none when a shutdown is not to be held up. */
export function shutdownGroups({ totalMs, criticalMs, byPriority }: ShutdownSettings): ShutdownGroup[] {
  if (byPriority.length > 0) return [...byPriority].sort((a, b) => a.priority - b.priority);
  if (totalMs === 0) return [];
  return [
    { priority: 0, seconds: Math.floor((totalMs - criticalMs) / 1_000) },
    { priority: CRITICAL, seconds: Math.floor(criticalMs / 1_000) },
  ];
}

export interface ShutdownStep {
  /** How long this step may take; it ends sooner when all its pods have ended. */
  readonly seconds: number;
  readonly pods: readonly { readonly uid: string; readonly graceSeconds: number }[];
}

/** One step per group that has pods. A pod less important than all groups belongs to the first. */
export function shutdownSteps(groups: readonly ShutdownGroup[], pods: readonly Pod[]): ShutdownStep[] {
  const groupOf = ({ spec }: Pod) => groups.findLast(({ priority }) => priority <= (spec.priority ?? 0)) ?? groups[0];
  const steps = groups.map((group): ShutdownStep => {
    const own = pods.filter((pod) => groupOf(pod) === group);
    const graceOf = ({ spec }: Pod) =>
      Math.min(spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS, group.seconds);
    return { seconds: group.seconds, pods: own.map((pod) => ({ uid: pod.metadata.uid, graceSeconds: graceOf(pod) })) };
  });
  return steps.filter((step) => step.pods.length > 0);
}

export function totalSeconds(groups: readonly ShutdownGroup[]): number {
  return groups.reduce((sum, { seconds }) => sum + seconds, 0);
}
