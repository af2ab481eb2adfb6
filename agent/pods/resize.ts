// Requests and limits that changed while a container runs: what the runtime has against what the pod asks for now.
import type { Container } from '../../api/types/core/container.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { containerResources } from './resources.ts';
import type { ObservedContainer } from './world.ts';

export type Resize = 'none' | 'inPlace' | 'restart';

export function resizeOf(pod: Pod, container: Container, { resources: has }: ObservedContainer): Resize {
  // Every container of ours has shares: a runtime that shows none does not tell what it has.
  if (has === undefined || has.cpuShares === 0) return 'none';
  // The size of the node matters only for who is killed first, which cannot be changed in place.
  const wants = containerResources(pod, container, { memoryBytes: 1 });
  const cpu = Number(wants.cpuShares) !== has.cpuShares || Number(wants.cpuQuota ?? 0) !== Math.max(has.cpuQuota, 0);
  const memory = Number(wants.memoryLimitInBytes ?? 0) !== has.memoryLimit;
  if (!cpu && !memory) return 'none';
  const restarts = (resource: string) =>
    container.resizePolicy?.some(({ resourceName, restartPolicy }) => {
      return resourceName === resource && restartPolicy === 'RestartContainer';
    }) === true;
  return (cpu && restarts('cpu')) || (memory && restarts('memory')) ? 'restart' : 'inPlace';
}

/** Under which name a failed change is remembered, beside the failures of starts. */
export function resizeKey(container: string): string {
  return `resize of ${container}`;
}
