// Which taints a node's conditions call for. Pure.

import type { Taint } from '../../api/types/core/affinity.ts';
import type { Node, NodeCondition } from '../../api/types/core/node.ts';

export const NOT_READY = 'node.kubernetes.io/not-ready';
export const UNREACHABLE = 'node.kubernetes.io/unreachable';
const UNSCHEDULABLE = 'node.kubernetes.io/unschedulable';

/** While the condition is true, new pods stay away. */
const BY_CONDITION: Readonly<Record<string, string>> = {
  MemoryPressure: 'node.kubernetes.io/memory-pressure',
  DiskPressure: 'node.kubernetes.io/disk-pressure',
  PIDPressure: 'node.kubernetes.io/pid-pressure',
  NetworkUnavailable: 'node.kubernetes.io/network-unavailable',
};

const OURS = new Set([...Object.values(BY_CONDITION), NOT_READY, UNREACHABLE, UNSCHEDULABLE]);

/** The node's taints as they should be; the same list when nothing is to change. */
export function wantedTaints({ spec, status }: Node, now: string): readonly Taint[] {
  const taints = spec.taints ?? [];
  const wanted = [
    ...fromConditions(status.conditions ?? []),
    ...(spec.unschedulable ? [noSchedule(UNSCHEDULABLE)] : []),
  ];
  const isWanted = (taint: Taint) => wanted.some((other) => same(taint, other));
  const missing = wanted.filter((taint) => !taints.some((other) => same(taint, other)));
  const kept = taints.filter((taint) => !OURS.has(taint.key) || taint.effect === 'PreferNoSchedule' || isWanted(taint));
  if (missing.length === 0 && kept.length === taints.length) return taints;
  return [...kept, ...missing.map((taint) => ({ ...taint, timeAdded: now }))];
}

const same = (a: Taint, b: Taint) => a.key === b.key && a.effect === b.effect;
const noSchedule = (key: string): Taint => ({ key, effect: 'NoSchedule' });
const noExecute = (key: string): Taint => ({ key, effect: 'NoExecute' });

function fromConditions(conditions: readonly NodeCondition[]): Taint[] {
  const pressing = conditions.filter(({ status }) => status === 'True');
  const pressure = pressing.flatMap(({ type }) =>
    BY_CONDITION[type] === undefined ? [] : [noSchedule(BY_CONDITION[type])],
  );
  const ready = conditions.find(({ type }) => type === 'Ready');
  // A node that never reported is not ready, but nothing runs on it that would have to leave.
  if (ready === undefined) return [...pressure, noSchedule(NOT_READY)];
  if (ready.status === 'True') return pressure;
  const key = ready.status === 'Unknown' ? UNREACHABLE : NOT_READY;
  return [...pressure, noSchedule(key), noExecute(key)];
}
