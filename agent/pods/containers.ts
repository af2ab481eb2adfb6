// The containers of a pod, of all three kinds, found by name.
import type { Container } from '../../api/types/core/container.ts';
import type { Pod } from '../../api/types/core/pod.ts';

export type ContainerKind = 'containers' | 'initContainers' | 'ephemeralContainers';

export function ephemeralOf({ spec }: Pod): readonly (Container & { targetContainerName?: string })[] {
  return spec.ephemeralContainers ?? [];
}

export function findContainer(pod: Pod, name: string): Container | undefined {
  const { containers, initContainers = [] } = pod.spec;
  return [...containers, ...initContainers, ...ephemeralOf(pod)].find((container) => container.name === name);
}

export function kindOf({ spec }: Pod, name: string): ContainerKind {
  if (spec.initContainers?.some((container) => container.name === name)) return 'initContainers';
  return spec.containers.some((container) => container.name === name) ? 'containers' : 'ephemeralContainers';
}
