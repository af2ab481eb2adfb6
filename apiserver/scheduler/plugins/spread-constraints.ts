// Topology spread constraints, compiled for one pod.
import { type LabelMatcher, matchesNothing } from '../../../api/labels.ts';
import { requiredNodes } from '../../../api/node-selector.ts';
import { selectorWithKeys } from '../affinity-terms.ts';
import type { NodeInfo } from '../node-info.ts';
import type { PodInfo } from '../pod-info.ts';
import { repels } from './taint-toleration.ts';

export const HOSTNAME = 'kubernetes.io/hostname';
const ZONE = 'topology.kubernetes.io/zone';

export interface Constraint {
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly topologyKey: string;
  /** Which pods count. An empty selector counts none, as upstream has it. */
  readonly selects: LabelMatcher;
  readonly selectsItself: boolean;
  /** Whether the node's domain counts, by the policies on affinity and taints. */
  readonly includes: (node: NodeInfo) => boolean;
}

export function constraintsOf(pod: PodInfo, whenUnsatisfiable: 'DoNotSchedule' | 'ScheduleAnyway'): Constraint[] {
  const wanted = requiredNodes(pod);
  return pod.spread
    .filter((one) => one.whenUnsatisfiable === whenUnsatisfiable)
    .map(({ maxSkew, minDomains, topologyKey, nodeAffinityPolicy, nodeTaintsPolicy, ...selector }) => {
      const selects = selectorWithKeys(selector, pod.labels);
      const byAffinity = nodeAffinityPolicy !== 'Ignore' ? wanted : undefined;
      const byTaints = nodeTaintsPolicy === 'Honor';
      return {
        ...{ maxSkew, topologyKey },
        selects: isEmpty(selector) ? matchesNothing : selects,
        minDomains: minDomains ?? 1,
        selectsItself: selects(pod.labels),
        includes: (node) =>
          (byAffinity === undefined || byAffinity(node)) &&
          !(byTaints && node.taints.some((taint) => repels(taint, pod))),
      };
    });
}

function isEmpty({ labelSelector, matchLabelKeys = [] }: Partial<PodInfo['spread'][number]>): boolean {
  const { matchLabels = {}, matchExpressions = [] } = labelSelector ?? {};
  return Object.keys(matchLabels).length + matchExpressions.length + matchLabelKeys.length === 0;
}

/** For pods without constraints of their own that belong to a service or a controller. */
export function defaultConstraints(pod: PodInfo, selects: LabelMatcher | undefined): Constraint[] {
  if (selects === undefined) return [];
  const wanted = requiredNodes(pod);
  const common = { minDomains: 1, selects, selectsItself: selects(pod.labels) };
  const includes = (node: NodeInfo) => wanted === undefined || wanted(node);
  return [
    { ...common, includes, maxSkew: 3, topologyKey: HOSTNAME },
    { ...common, includes, maxSkew: 5, topologyKey: ZONE },
  ];
}

/** Pods on their way out leave room already. */
export function counts(other: PodInfo, pod: PodInfo, { selects }: Constraint): boolean {
  return other.namespace === pod.namespace && !other.terminating && selects(other.labels);
}

export function podsOn({ pods }: NodeInfo, pod: PodInfo, constraint: Constraint): number {
  let count = 0;
  for (const other of pods.values()) if (counts(other, pod, constraint)) count++;
  return count;
}
