// Volumes that are images: what of a pod's specification says so, in the words of pulls. They are pulled before anything
// is mounted, by the same rules as images of containers. Pure.
import type { Container } from '../../api/types/core/container.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { Volume } from '../../api/types/core/volume.ts';

/** No container can be called that. */
export function imageKey(volume: string): string {
  return `volume ${volume}`;
}

/** Those that somebody mounts. */
export function imageVolumes({ spec }: Pod): Volume[] {
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  return (spec.volumes ?? []).filter(
    ({ name, image }) =>
      image !== undefined &&
      containers.some(({ volumeMounts = [] }) => volumeMounts.some((mount) => mount.name === name)),
  );
}

/** What is asked of pulls in the volume's name. */
export function asContainer(pod: Pod, key: string): Container | undefined {
  const volume = imageVolumes(pod).find(({ name }) => imageKey(name) === key);
  if (volume?.image === undefined) return undefined;
  const { reference, pullPolicy } = volume.image;
  return { name: key, image: reference ?? '', ...(pullPolicy !== undefined && { imagePullPolicy: pullPolicy }) };
}
