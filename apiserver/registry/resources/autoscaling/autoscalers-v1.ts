// Horizontal pod autoscalers as version 1 shows them: the CPU target as a number, all other metrics in an annotation.
import type { KubeObject } from '../../../../api/schema/kind.ts';
import type { HorizontalPodAutoscaler as V2 } from '../../../../api/types/autoscaling/horizontal-pod-autoscaler.ts';
import type { HorizontalPodAutoscaler as V1 } from '../../../../api/types/autoscaling/horizontal-pod-autoscaler-v1.ts';
import { horizontalPodAutoscalers } from '../../../../api/types/autoscaling/resources.ts';
import { compact } from '../../objects.ts';
import type { Strategy } from '../../strategy.ts';
import { autoscalerProblems } from '../../validation/autoscalers.ts';

type Metric = NonNullable<V2['spec']['metrics']>[number];
type Current = NonNullable<V2['status']['currentMetrics']>[number];

const PREFIX = 'autoscaling.alpha.kubernetes.io/';
/** What version 1 has no field for, each part in an annotation of its own. */
const PARTS = ['metrics', 'behavior', 'conditions', 'current-metrics'] as const;

export const autoscalerStrategy: Strategy<V2> = {
  validateCreate: autoscalerProblems,
  validateUpdate: autoscalerProblems,
};

export const autoscalerV1Strategy: Strategy<V1> = {
  validateCreate: (autoscaler) => autoscalerProblems(toV2(autoscaler)),
  validateUpdate: (autoscaler) => autoscalerProblems(toV2(autoscaler)),
  conversion: {
    stored: () => horizontalPodAutoscalers as never,
    toStored: (autoscaler): KubeObject => toV2(autoscaler),
    fromStored: (stored) => fromV2(stored as V2),
  },
};

const isCpu = ({ type, resource }: Metric) =>
  type === 'Resource' && resource?.name === 'cpu' && resource.target.averageUtilization !== undefined;

function fromV2({ metadata, ...object }: V2): V1 {
  const { spec, status } = whole(object);
  const cpu = spec.metrics?.find(isCpu);
  const others = spec.metrics?.filter((metric) => metric !== cpu) ?? [];
  const current = status.currentMetrics?.find(({ resource }) => resource?.name === 'cpu');
  const otherCurrent = status.currentMetrics?.filter((metric) => metric !== current) ?? [];
  const parts = {
    metrics: others.length > 0 ? others : undefined,
    behavior: spec.behavior,
    conditions: status.conditions?.length ? status.conditions : undefined,
    'current-metrics': otherCurrent.length > 0 ? otherCurrent : undefined,
  };
  const texts = PARTS.flatMap((part) =>
    parts[part] === undefined ? [] : [[`${PREFIX}${part}`, JSON.stringify(parts[part])]],
  );
  const annotations = { ...metadata.annotations, ...Object.fromEntries(texts) };
  return {
    kind: 'HorizontalPodAutoscaler',
    apiVersion: 'autoscaling/v1',
    metadata: { ...metadata, ...(Object.keys(annotations).length > 0 && { annotations }) },
    spec: compact({
      scaleTargetRef: spec.scaleTargetRef,
      minReplicas: spec.minReplicas,
      maxReplicas: spec.maxReplicas,
      targetCPUUtilizationPercentage: cpu?.resource?.target.averageUtilization,
    }),
    status: compact({
      observedGeneration: status.observedGeneration,
      lastScaleTime: status.lastScaleTime,
      currentReplicas: status.currentReplicas ?? 0,
      desiredReplicas: status.desiredReplicas ?? 0,
      currentCPUUtilizationPercentage: current?.resource?.current.averageUtilization,
    }),
  };
}

function toV2({ metadata, ...object }: V1): V2 {
  const { spec, status } = whole(object);
  const part = <T>(name: (typeof PARTS)[number]): T | undefined => parsed(metadata.annotations?.[`${PREFIX}${name}`]);
  const cpu = (averageUtilization: number): Metric => ({
    type: 'Resource',
    resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
  });
  const target = spec.targetCPUUtilizationPercentage;
  const metrics = [...(part<Metric[]>('metrics') ?? []), ...(target === undefined ? [] : [cpu(target)])];
  const used = status.currentCPUUtilizationPercentage;
  const usedCpu = { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: used } } } as Current;
  const current = [...(part<Current[]>('current-metrics') ?? []), ...(used === undefined ? [] : [usedCpu])];
  const kept = Object.entries(metadata.annotations ?? {}).filter(
    ([key]) => !PARTS.some((name) => key === `${PREFIX}${name}`),
  );
  const { annotations: _, ...rest } = metadata;
  return {
    kind: 'HorizontalPodAutoscaler',
    apiVersion: 'autoscaling/v2',
    metadata: { ...rest, ...(kept.length > 0 && { annotations: Object.fromEntries(kept) }) },
    spec: compact({
      scaleTargetRef: spec.scaleTargetRef,
      minReplicas: spec.minReplicas,
      maxReplicas: spec.maxReplicas,
      metrics: metrics.length > 0 ? metrics : undefined,
      behavior: part('behavior'),
    }),
    status: compact({
      observedGeneration: status.observedGeneration,
      lastScaleTime: status.lastScaleTime,
      currentReplicas: status.currentReplicas || undefined,
      desiredReplicas: status.desiredReplicas ?? 0,
      currentMetrics: current.length > 0 ? current : null,
      conditions: part('conditions'),
    }),
  } as V2;
}

/** Applying converts objects of which parts are taken out. */
function whole<S, T>({ spec, status }: { spec: S | null; status: T | null }): { spec: S; status: T } {
  return { spec: spec ?? ({} as S), status: status ?? ({} as T) };
}

/** Anybody may write the annotations; nonsense says nothing. */
function parsed<T>(text: string | undefined): T | undefined {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}
