// What makes a pod a daemon's: which nodes it belongs on, and what its template gets on top. Pure.

import { wantsNode } from '../../api/node-selector.ts';
import { tolerates } from '../../api/tolerations.ts';
import type { DaemonSet } from '../../api/types/apps/daemon-set.ts';
import type { Node } from '../../api/types/core/node.ts';
import type { Pod } from '../../api/types/core/pod.ts';

export const REVISION_HASH = 'controller-revision-hash';
const GENERATION = 'pod-template-generation';
const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';

type Toleration = NonNullable<Pod['spec']['tolerations']>[number];
const tolerating = (key: string, effect: 'NoExecute' | 'NoSchedule'): Toleration => ({
  key: `node.kubernetes.io/${key}`,
  operator: 'Exists',
  effect,
});

/** A node in trouble needs its daemons most. */
const ALWAYS_TOLERATED = [
  tolerating('not-ready', 'NoExecute'),
  tolerating('unreachable', 'NoExecute'),
  tolerating('disk-pressure', 'NoSchedule'),
  tolerating('memory-pressure', 'NoSchedule'),
  tolerating('pid-pressure', 'NoSchedule'),
  tolerating('unschedulable', 'NoSchedule'),
];
const HOST_NETWORK_TOLERATED = tolerating('network-unavailable', 'NoSchedule');

function tolerationsOf({ hostNetwork, tolerations = [] }: Pod['spec']): Toleration[] {
  const wanted = hostNetwork === true ? [...ALWAYS_TOLERATED, HOST_NETWORK_TOLERATED] : ALWAYS_TOLERATED;
  const has = ({ key, effect }: Toleration) =>
    tolerations.some((own) => own.key === key && own.effect === effect && own.operator === 'Exists' && !own.value);
  return [...tolerations, ...wanted.filter((toleration) => !has(toleration))];
}

export interface Fit {
  /** A pod should be started there. */
  readonly run: boolean;
  /** One that is there may stay. */
  readonly stay: boolean;
}

export function fitOf({ spec: { template } }: DaemonSet, node: Node): Fit {
  const spec = template.spec!;
  if ((spec.nodeName && spec.nodeName !== node.metadata.name) || !wantsNode(spec, node.metadata)) {
    return { run: false, stay: false };
  }
  const tolerations = tolerationsOf(spec);
  const unbearable = (node.spec.taints ?? []).filter(
    (taint) => taint.effect !== 'PreferNoSchedule' && !tolerations.some((each) => tolerates(each, taint)),
  );
  return { run: unbearable.length === 0, stay: !unbearable.some(({ effect }) => effect === 'NoExecute') };
}

function templateGeneration({ metadata }: DaemonSet): string | undefined {
  return metadata.annotations?.[TEMPLATE_GENERATION];
}

/** Either mark is enough: one is older than the other. */
export function isUpdated({ metadata }: Pod, set: DaemonSet, hash: string): boolean {
  const generation = templateGeneration(set);
  const { [GENERATION]: its, [REVISION_HASH]: hashed } = metadata.labels ?? {};
  return hashed === hash || (generation !== undefined && its === generation);
}

/** Binds a new pod to its node by affinity, so that the scheduler still places it. */
export function shapeForNode(
  pod: { metadata: Pod['metadata']; spec: Pod['spec'] },
  set: DaemonSet,
  node: string,
  hash: string,
): void {
  const generation = templateGeneration(set);
  const { metadata, spec } = pod;
  metadata.labels = { ...metadata.labels, ...(generation && { [GENERATION]: generation }), [REVISION_HASH]: hash };
  spec.tolerations = tolerationsOf(spec);
  // The template's own terms have been weighed when the node was chosen.
  const matchFields = [{ key: 'metadata.name', operator: 'In' as const, values: [node] }];
  spec.affinity = {
    ...spec.affinity,
    nodeAffinity: {
      ...spec.affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] },
    },
  };
}
