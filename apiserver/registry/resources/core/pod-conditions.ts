// Conditions of pods, one of each type.
import type { Pod } from '../../../../api/types/core/pod.ts';

type Condition = NonNullable<Pod['status']['conditions']>[number];

export function setPodCondition(pod: Pod, condition: Partial<Condition> & Pick<Condition, 'type' | 'status'>): void {
  const made = { lastProbeTime: null, lastTransitionTime: null, ...condition } as unknown as Condition;
  const others = (pod.status.conditions ?? []).filter(({ type }) => type !== condition.type);
  pod.status.conditions = [...others, made];
}
