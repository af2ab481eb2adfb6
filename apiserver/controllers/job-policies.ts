// What a job's policies say about a failed pod and about the indexes that succeeded. Pure.
import type { Job, PodFailurePolicyRule, SuccessPolicyRule } from '../../api/types/batch/job.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { parseIndexes } from './job-indexes.ts';
import { indexLimit } from './job-pods.ts';

export interface FailureVerdict {
  readonly action: PodFailurePolicyRule['action'];
  /** Why the first matching rule matched; absent when none did. */
  readonly why?: string;
}

/** The first rule that matches decides; without one the failure counts. */
export function failureVerdict({ spec }: Job, pod: Pod): FailureVerdict {
  for (const [at, rule] of (spec.podFailurePolicy?.rules ?? []).entries()) {
    const why = matched(rule, pod, at);
    if (why !== undefined) return { action: rule.action, why };
  }
  return { action: 'Count' };
}

function matched(rule: PodFailurePolicyRule, pod: Pod, at: number): string | undefined {
  const named = `${pod.metadata.namespace}/${pod.metadata.name}`;
  const { action, onExitCodes, onPodConditions = [] } = rule;
  if (onExitCodes !== undefined) {
    const { containerName, operator, values = [] } = onExitCodes;
    const { containerStatuses = [], initContainerStatuses = [] } = pod.status;
    const container = [...containerStatuses, ...initContainerStatuses].find(({ name, state }) => {
      const exitCode = state?.terminated?.exitCode ?? 0;
      if (exitCode === 0 || (containerName !== undefined && containerName !== name)) return false;
      return values.includes(exitCode) === (operator === 'In');
    });
    const exitCode = container?.state?.terminated?.exitCode;
    if (container === undefined) return undefined;
    return `Container ${container.name} for pod ${named} failed with exit code ${exitCode} matching ${action} rule at index ${at}`;
  }
  const condition = pod.status.conditions?.find(({ type, status }) =>
    onPodConditions.some((pattern) => pattern.type === type && (pattern.status ?? 'True') === status),
  );
  return condition && `Pod ${named} has condition ${condition.type} matching ${action} rule at index ${at}`;
}

/** The message of the first rule that is met. */
export function successVerdict(job: Job, succeeded: ReadonlySet<number>): string | undefined {
  const rules = job.spec.successPolicy?.rules ?? [];
  const at = rules.findIndex((rule) => isMet(rule, succeeded, indexLimit(job)));
  return at < 0 ? undefined : `Matched rules at index ${at}`;
}

function isMet(
  { succeededIndexes, succeededCount }: SuccessPolicyRule,
  succeeded: ReadonlySet<number>,
  limit: number,
): boolean {
  if (succeededIndexes === undefined) return succeededCount !== undefined && succeeded.size >= succeededCount;
  const wanted = parseIndexes(succeededIndexes, limit);
  let met = 0;
  for (const index of wanted) if (succeeded.has(index)) met++;
  return met >= (succeededCount ?? wanted.size);
}
