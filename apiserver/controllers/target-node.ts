// The only node a daemon pod may run on.
import type { PodSpec } from '../../api/types/core/pod-spec.ts';

/** Where it is, or where its affinity sends it. */
export function targetNode({ nodeName, affinity }: PodSpec): string | undefined {
  if (nodeName) return nodeName;
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  for (const { matchFields = [] } of terms) {
    const byName = matchFields.find(({ key, operator }) => key === 'metadata.name' && operator === 'In');
    if (byName?.values?.length === 1) return byName.values[0];
  }
  return undefined;
}
