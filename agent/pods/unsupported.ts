// What a pod may ask for and this node cannot give. Such a pod stays Pending with this as its reason and an event:
// visible, never silently ignored. The one list of these things.
import type { Pod } from '../../api/types/core/pod.ts';
import { SUPPORTED_VOLUMES, volumeType } from '../volumes/types.ts';

export const UNSUPPORTED_REASON = 'UnsupportedOnNode';

export interface NodeAbilities {
  /** The runtime can make everything below a mount read-only. */
  readonly recursiveReadOnly: boolean;
  /** The runtime can leave out the groups that images give their users. */
  readonly supplementalGroupsPolicy: boolean;
  /** It is containerd, whose own services can do what CRI cannot say. */
  readonly ownTasks: boolean;
  readonly appArmor: boolean;
  /** Sysctls that the administrator allows beside the safe ones: names, or beginnings with `*`. */
  readonly unsafeSysctls: readonly string[];
  /** The runtime reads descriptions of devices itself. */
  readonly cdi: boolean;
  /** Names of runtime handlers beside the default one. */
  readonly runtimeHandlers: readonly string[];
}

export function unsupported(pod: Pod, abilities: NodeAbilities): string | undefined {
  const { spec } = pod;
  const all = [...spec.containers, ...(spec.initContainers ?? [])];
  const volumes = (spec.volumes ?? []).flatMap((volume) => {
    const type = volumeType(volume);
    const can = SUPPORTED_VOLUMES.includes(type) && (type !== 'image' || abilities.ownTasks);
    return can ? [] : [`volume "${volume.name}" of type ${type}`];
  });
  const projections = (spec.volumes ?? []).flatMap(({ name, projected }) =>
    (projected?.sources ?? []).flatMap((source) => {
      if (source.clusterTrustBundle !== undefined) return [`clusterTrustBundle in volume "${name}"`];
      return source.podCertificate !== undefined ? [`podCertificate in volume "${name}"`] : [];
    }),
  );
  const problems = [
    ...volumes,
    ...projections,
    ...(spec.hostUsers === false ? ['user namespaces (hostUsers: false)'] : []),
    ...all.flatMap((container) => {
      const { name } = container;
      return [
        ...((container.restartPolicyRules ?? []).some(({ action }) => action !== 'Restart')
          ? [`a restart rule of container "${name}" other than Restart`]
          : []),
        ...(container.lifecycle?.stopSignal !== undefined && !abilities.ownTasks
          ? [`stopSignal of container "${name}"`]
          : []),
        ...(!abilities.recursiveReadOnly &&
        (container.volumeMounts ?? []).some(({ recursiveReadOnly }) => recursiveReadOnly === 'Enabled')
          ? [`recursive read-only mounts in container "${name}"`]
          : []),
      ];
    }),
  ];
  return problems.length === 0 ? undefined : `this node cannot provide: ${problems.join('; ')}`;
}
