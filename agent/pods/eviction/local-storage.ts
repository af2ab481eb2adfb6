// Limits on a pod's own disk space: of an emptyDir, of a container, of the whole. Pure; says which was exceeded, in
// upstream's words.
import { quantityValue } from '../../../api/quantity.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { isSidecar } from '../phase.ts';
import type { PodUse } from './rank.ts';

const NAME = 'ephemeral-storage';

/** Whether the pod has any such limit: whose use must be measured. */
export function hasLocalLimits({ spec }: Pod): boolean {
  const all = [...spec.containers, ...(spec.initContainers ?? [])];
  return (
    (spec.volumes ?? []).some(({ emptyDir }) => emptyDir?.sizeLimit !== undefined && !emptyDir.medium) ||
    all.some(({ resources }) => resources?.limits?.[NAME] !== undefined)
  );
}

export function exceededLocally(pod: Pod, { containers, volumes }: PodUse): string | undefined {
  const { spec } = pod;
  for (const { name, emptyDir } of spec.volumes ?? []) {
    const limit = emptyDir?.sizeLimit;
    const used = volumes.get(name)?.disk;
    // Nothing is the same as no limit there.
    if (limit === undefined || used === undefined || quantityValue(limit) === 0) continue;
    if (used > quantityValue(limit)) return `Usage of EmptyDir volume "${name}" exceeds the limit "${limit}". `;
  }
  const running = [...spec.containers, ...(spec.initContainers ?? []).filter(isSidecar)];
  for (const { name, resources } of [...spec.containers, ...(spec.initContainers ?? [])]) {
    const limit = resources?.limits?.[NAME];
    const used = containers.find((container) => container.name === name)?.disk ?? 0;
    if (limit !== undefined && used > quantityValue(limit)) {
      return `Container ${name} exceeded its local ephemeral storage limit "${limit}". `;
    }
  }
  if (!running.every(({ resources }) => resources?.limits?.[NAME] !== undefined)) return undefined;
  const whole = running.reduce((sum, { resources }) => sum + quantityValue(resources!.limits![NAME]!), 0);
  const used =
    containers.reduce((sum, { disk }) => sum + disk, 0) +
    [...volumes.values()].reduce((sum, { disk }) => sum + disk, 0);
  if (used <= whole) return undefined;
  const limit = running.length === 1 ? running[0]!.resources!.limits![NAME]! : String(whole);
  return `Pod ephemeral local storage usage exceeds the total limit of containers ${limit}. `;
}
