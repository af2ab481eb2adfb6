// How many pods a rolling update may have above and below the wanted number. Pure.
import type { DeploymentSpec } from '../../api/types/apps/deployment.ts';

export function isRolling({ strategy }: DeploymentSpec): boolean {
  return strategy?.type !== 'Recreate';
}

export function maxSurge(spec: DeploymentSpec): number {
  return isRolling(spec) ? limits(spec).surge : 0;
}

export function maxUnavailable(spec: DeploymentSpec): number {
  if (!isRolling(spec) || (spec.replicas ?? 1) === 0) return 0;
  return Math.min(limits(spec).unavailable, spec.replicas ?? 1);
}

/** Surge is rounded up, unavailability down; both at zero would stand still, so one pod may be missing. */
function limits({ replicas = 1, strategy }: DeploymentSpec): { surge: number; unavailable: number } {
  const { maxSurge = 0, maxUnavailable = 0 } = strategy?.rollingUpdate ?? {};
  const surge = Math.ceil(portion(maxSurge, replicas));
  const unavailable = Math.floor(portion(maxUnavailable, replicas));
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

/** A number as it is, '25%' of the whole. */
function portion(of: number | string, whole: number): number {
  if (typeof of === 'number') return of;
  const percent = /^(\d+)%$/.exec(of);
  return percent === null ? 0 : (Number(percent[1]) * whole) / 100;
}
