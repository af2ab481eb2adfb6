// Horizontal autoscalers set the size of a workload from what its pods use.
//
//   autoscalers, every 15 s -> scale of the target -> measure -> limitReplicas -> write scale -> write status
import { itself, on, runController } from '../../api/client/controller.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import { timestamp } from '../../api/clock.ts';
import { labelMatcherOf } from '../../api/labels.ts';
import type { ResourceDefinition } from '../../api/resource.ts';
import { deepEqual } from '../../api/schema/equal.ts';
import { ApiError, isNotFound } from '../../api/status.ts';
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerStatus,
} from '../../api/types/autoscaling/horizontal-pod-autoscaler.ts';
import type { MetricStatus } from '../../api/types/autoscaling/metrics-v2.ts';
import { horizontalPodAutoscalers } from '../../api/types/autoscaling/resources.ts';
import type { Scale } from '../../api/types/autoscaling/scale.ts';
import { pods } from '../../api/types/core/resources.ts';
import { builtinResources } from '../../api/types/resources.ts';
import { limitReplicas, type Past } from './autoscaler-limits.ts';
import { MetricFailure, measure } from './autoscaler-metrics.ts';
import type { Controller } from './deps.ts';

const EVERY_MS = 15_000;
/** The longest window an autoscaler may ask for. */
const PAST_MS = 3_600_000;
const NOT_YET: Past = { recommended: [], changes: [] };
/** What stands for a metric that could not be read. */
const UNREAD = { type: '' } as unknown as MetricStatus;

type Condition = NonNullable<HorizontalPodAutoscalerStatus['conditions']>[number];

export const horizontalPodAutoscalerController: Controller = ({ client, informers, recorder, clock, log }) => {
  const informer = informers.of(horizontalPodAutoscalers);
  const podInformer = informers.of(pods);
  const pasts = new Map<string, Past>();
  const measuredAtMs = new Map<string, number>();

  async function reconcile(key: string, signal: AbortSignal): Promise<Next> {
    const autoscaler = informer.get(key);
    if (autoscaler === undefined) {
      pasts.delete(key);
      measuredAtMs.delete(key);
      return AT_REST;
    }
    // Its own status comes back as an event: that is no reason to measure again.
    const sinceMs = clock.monotonic() - (measuredAtMs.get(key) ?? -EVERY_MS);
    if (sinceMs < EVERY_MS) return { afterMs: EVERY_MS - sinceMs };
    measuredAtMs.set(key, clock.monotonic());
    const status = await autoscale(key, autoscaler, signal);
    if (!deepEqual(autoscaler.status, status)) await write({ ...autoscaler, status }, signal);
    return { afterMs: EVERY_MS };
  }

  async function autoscale(
    key: string,
    autoscaler: HorizontalPodAutoscaler,
    signal: AbortSignal,
  ): Promise<HorizontalPodAutoscalerStatus> {
    const { spec, status } = autoscaler;
    const now = timestamp(clock.now());
    const say = new Conditions(status.conditions ?? [], now);
    const of = targetOf(autoscaler);
    let scale: Scale;
    try {
      if (of === undefined) throw new Error(`no matches for kind "${spec.scaleTargetRef.kind}"`);
      scale = await client.get(of, named(autoscaler), { subresource: 'scale' }, signal);
    } catch (err) {
      signal.throwIfAborted();
      const why = (err as Error).message;
      recorder.event(autoscaler, 'Warning', 'FailedGetScale', why);
      const message = `the HPA controller was unable to get the target's current scale: ${why}`;
      say.set('AbleToScale', false, 'FailedGetScale', message);
      return { ...status, conditions: say.all };
    }
    say.set('AbleToScale', true, 'SucceededGetScale', "the HPA controller was able to get the target's current scale");
    const current = scale.spec.replicas ?? 0;
    const { minReplicas = 1, maxReplicas } = spec;
    let wanted = current;
    let why = '';
    let currentMetrics = status.currentMetrics ?? [];
    if (current === 0 && minReplicas !== 0) {
      wanted = 0;
      const message = 'scaling is disabled since the replica count of the target is zero';
      say.set('ScalingActive', false, 'ScalingDisabled', message);
    } else if (current > maxReplicas) {
      [wanted, why] = [maxReplicas, 'Current number of replicas above Spec.MaxReplicas'];
    } else if (current < minReplicas) {
      [wanted, why] = [minReplicas, 'Current number of replicas below Spec.MinReplicas'];
    } else {
      const found = await measureAll(autoscaler, scale, current, say, signal);
      currentMetrics = found.statuses;
      if (found.replicas === undefined) {
        return {
          ...status,
          currentReplicas: current,
          desiredReplicas: status.desiredReplicas ?? 0,
          currentMetrics,
          conditions: say.all,
        };
      }
      const nowMs = clock.monotonic();
      const past = recent(pasts.get(key) ?? NOT_YET, nowMs);
      const limited = limitReplicas(autoscaler, current, found.replicas, past, nowMs);
      pasts.set(key, { ...past, recommended: [...past.recommended, { atMs: nowMs, replicas: found.replicas }] });
      say.set('AbleToScale', true, limited.able.reason, limited.able.message);
      say.set('ScalingLimited', limited.limited.is, limited.limited.reason, limited.limited.message);
      wanted = limited.replicas;
      why = wanted > current ? `${found.name} above target` : 'All metrics below target';
    }
    const next = { ...status, currentReplicas: current, desiredReplicas: wanted, currentMetrics };
    if (wanted === current) return { ...next, conditions: say.all };
    try {
      await client.update(
        of!,
        { ...scale, spec: { ...scale.spec, replicas: wanted } },
        { subresource: 'scale' },
        signal,
      );
    } catch (err) {
      if (!(err instanceof ApiError)) throw err;
      recorder.event(
        autoscaler,
        'Warning',
        'FailedRescale',
        `New size: ${wanted}; reason: ${why}; error: ${err.message}`,
      );
      const message = `the HPA controller was unable to update the target scale: ${err.message}`;
      say.set('AbleToScale', false, 'FailedUpdateScale', message);
      return { ...next, desiredReplicas: current, conditions: say.all };
    }
    const past = pasts.get(key) ?? NOT_YET;
    pasts.set(key, { ...past, changes: [...past.changes, { atMs: clock.monotonic(), by: wanted - current }] });
    recorder.event(autoscaler, 'Normal', 'SuccessfulRescale', `New size: ${wanted}; reason: ${why}`);
    const message = `the HPA controller was able to update the target scale to ${wanted}`;
    say.set('AbleToScale', true, 'SucceededRescale', message);
    return { ...next, lastScaleTime: now, conditions: say.all };
  }

  /** The metric that asks for most decides. One that fails forbids going down, all that fail forbid moving. */
  async function measureAll(
    autoscaler: HorizontalPodAutoscaler,
    { status }: Scale,
    current: number,
    say: Conditions,
    signal: AbortSignal,
  ): Promise<{ replicas: number | undefined; name: string; statuses: MetricStatus[] }> {
    const { namespace } = autoscaler.metadata;
    const labelSelector = status.selector ?? '';
    if (labelSelector === '') {
      say.set('ScalingActive', false, 'InvalidSelector', "the HPA target's scale is missing a selector");
      return { replicas: undefined, name: '', statuses: [] };
    }
    const matches = labelMatcherOf(labelSelector);
    const selected = [...podInformer.list(namespace)].filter(({ metadata }) => matches(metadata.labels));
    const options = { client, autoscaler, pods: selected, labelSelector, current, nowMs: clock.now() };
    const statuses: MetricStatus[] = [];
    let best: { replicas: number; name: string } | undefined;
    let failure: MetricFailure | undefined;
    for (const metric of autoscaler.spec.metrics ?? []) {
      try {
        const measured = await measure(metric, options, signal);
        statuses.push(measured.status);
        if (best === undefined || measured.replicas > best.replicas) best = measured;
      } catch (err) {
        if (!(err instanceof MetricFailure)) throw err;
        recorder.event(autoscaler, 'Warning', err.reason, err.message);
        failure ??= err;
        statuses.push(UNREAD);
      }
    }
    if (best === undefined || (failure !== undefined && best.replicas < current)) {
      const message = `the HPA was unable to compute the replica count: ${failure?.message ?? 'no metrics'}`;
      say.set('ScalingActive', false, failure?.reason ?? 'InvalidMetricSourceType', message);
      return { replicas: undefined, name: '', statuses };
    }
    const message = `the HPA was able to successfully calculate a replica count from ${best.name}`;
    say.set('ScalingActive', true, 'ValidMetricFound', message);
    return { ...best, statuses };
  }

  async function write(autoscaler: HorizontalPodAutoscaler, signal: AbortSignal): Promise<void> {
    try {
      await client.update(horizontalPodAutoscalers, autoscaler, { subresource: 'status' }, signal);
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
  }

  const sources = [on(informer, itself)];
  return (signal) => runController({ name: 'horizontal-pod-autoscaler', sources, reconcile, clock, log }, signal);
};

class Conditions {
  readonly all: Condition[];
  readonly #now: string;

  constructor(known: readonly Condition[], now: string) {
    this.all = [...known];
    this.#now = now;
  }

  set(type: string, is: boolean, reason: string, message: string): void {
    const at = this.all.findIndex((condition) => condition.type === type);
    const status = is ? 'True' : 'False';
    const known = this.all[at];
    const lastTransitionTime = known?.status === status ? known.lastTransitionTime : this.#now;
    const condition: Condition = { type, status, lastTransitionTime, reason, message };
    if (at < 0) this.all.push(condition);
    else this.all[at] = condition;
  }
}

function targetOf({ spec }: HorizontalPodAutoscaler): ResourceDefinition<Scale> | undefined {
  const { kind, apiVersion = 'v1' } = spec.scaleTargetRef;
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  const found = builtinResources.find(
    (each) => each.kind === kind && each.group === group && each.subresources['scale'],
  );
  return found as unknown as ResourceDefinition<Scale> | undefined;
}

function named({ metadata, spec }: HorizontalPodAutoscaler) {
  return { namespace: metadata.namespace, name: spec.scaleTargetRef.name };
}

function recent({ recommended, changes }: Past, nowMs: number): Past {
  const isRecent = ({ atMs }: { atMs: number }) => atMs > nowMs - PAST_MS;
  return { recommended: recommended.filter(isRecent), changes: changes.filter(isRecent) };
}
