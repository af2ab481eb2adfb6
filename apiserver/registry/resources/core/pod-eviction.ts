// POST pods/<name>/eviction: a deletion that asks the disruption budgets first.
import { timestamp } from '../../../../api/clock.ts';
import { selectorMatcher } from '../../../../api/labels.ts';
import type { ObjectSchema } from '../../../../api/schema/schema.ts';
import { ApiError, badRequest } from '../../../../api/status.ts';
import type { Pod } from '../../../../api/types/core/pod.ts';
import { pods } from '../../../../api/types/core/resources.ts';
import { Eviction, type PodDisruptionBudget } from '../../../../api/types/policy/pod-disruption-budget.ts';
import { podDisruptionBudgets } from '../../../../api/types/policy/resources.ts';
import { decodeAs } from '../../codec.ts';
import { deleteOne } from '../../delete.ts';
import { copyOf } from '../../objects.ts';
import { existing } from '../../read.ts';
import type { RegistryContext } from '../../registry.ts';
import { success } from '../../reply.ts';
import type { ApiRequest } from '../../request.ts';
import type { Handler } from '../../strategy.ts';
import { overwriteRaw } from '../../write.ts';

const EVICTION = { group: 'policy', version: 'v1', kind: 'Eviction', schema: Eviction as ObjectSchema };
/** More names in disruptedPods mean that the budget's controller does not keep up. */
const DISRUPTED_MAX = 2_000;

export const evictPod: Handler = async (request, registry) => {
  const eviction = (await decodeAs(EVICTION, request)) as Eviction;
  const { metadata, deleteOptions = {} } = eviction;
  if (metadata.name && metadata.name !== request.name) {
    throw badRequest('name in URL does not match name in Eviction object');
  }
  const of = registry.storeOf(pods);
  const pod = existing(of, request).decoded() as Pod;
  const dryRun = request.options.dryRun || (deleteOptions.dryRun?.length ?? 0) > 0;
  if (!dryRun && needsBudget(pod)) await spendBudget(request, pod, registry);
  await deleteOne(of, { ...request, subresource: undefined }, { ...deleteOptions, dryRun });
  return success(201);
};

/** What is over, or was never started, disrupts nothing. */
function needsBudget({ status, metadata }: Pod): boolean {
  const { phase } = status;
  return phase !== 'Succeeded' && phase !== 'Failed' && phase !== 'Pending' && metadata.deletionTimestamp === undefined;
}

async function spendBudget(request: ApiRequest, pod: Pod, registry: RegistryContext): Promise<void> {
  const { namespace = '', name } = pod.metadata;
  const budgets = [...registry.objects(podDisruptionBudgets).list(namespace)].filter(({ spec }) =>
    selectorMatcher(spec.selector)(pod.metadata.labels),
  );
  if (budgets.length === 0) return;
  if (budgets.length > 1) {
    const message = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
    throw new ApiError(500, 'InternalError', message);
  }
  const [budget] = budgets as [PodDisruptionBudget];
  if (spendsNothing(pod, budget)) return;
  const of = registry.storeOf(podDisruptionBudgets);
  await overwriteRaw(of, { ...request, name: budget.metadata.name, subresource: undefined }, (cached) => {
    const next = copyOf<PodDisruptionBudget>(cached);
    refuseSpent(next);
    next.status.disruptionsAllowed = (next.status.disruptionsAllowed ?? 0) - 1;
    next.status.disruptedPods = { ...next.status.disruptedPods, [name]: timestamp(registry.clock.now()) };
    return next;
  });
}

/** A pod that is not ready takes nothing from a budget that says so, or that is met without it. */
function spendsNothing({ status }: Pod, { spec, status: budget }: PodDisruptionBudget): boolean {
  const ready = status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;
  if (ready) return false;
  return (
    spec.unhealthyPodEvictionPolicy === 'AlwaysAllow' || (budget.currentHealthy ?? 0) >= (budget.desiredHealthy ?? 0)
  );
}

function refuseSpent({ metadata, status }: PodDisruptionBudget): void {
  const refuse = (why: string) => {
    const causes = [{ reason: 'DisruptionBudget', message: why }];
    return new ApiError(429, 'TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
      causes,
    });
  };
  const { name, generation = 0 } = metadata;
  if ((status.observedGeneration ?? 0) < generation) {
    throw refuse(`The disruption budget ${name} is still being processed by the server.`);
  }
  if (Object.keys(status.disruptedPods ?? {}).length > DISRUPTED_MAX) {
    throw refuse(`The disruption budget ${name} has too many evictions in flight.`);
  }
  if ((status.disruptionsAllowed ?? 0) <= 0) {
    const { desiredHealthy, currentHealthy } = status;
    throw refuse(
      `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`,
    );
  }
}
