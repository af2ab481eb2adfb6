// What a pod may ask for and this node cannot give. Such a pod stays Pending with this as its reason and an event:
// visible, never silently ignored. The one list of these things.
import type { Pod } from '../../api/types/core/pod.ts';
import { SUPPORTED_VOLUMES, volumeType } from '../volumes/types.ts';

export const UNSUPPORTED_REASON = 'UnsupportedOnNode';

export interface NodeAbilities {
  /** The runtime can map users of a pod to other users of the host. */
  readonly userNamespaces: boolean;
  /** Names of runtime handlers beside the default one. */
  readonly runtimeHandlers: readonly string[];
}

const SAFE_SYSCTLS = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
];

export function unsupported(pod: Pod, abilities: NodeAbilities): string | undefined {
  const { spec } = pod;
  const all = [...spec.containers, ...(spec.initContainers ?? [])];
  const volumes = (spec.volumes ?? []).flatMap((volume) => {
    const type = volumeType(volume);
    return SUPPORTED_VOLUMES.includes(type) ? [] : [`volume "${volume.name}" of type ${type}`];
  });
  const projections = (spec.volumes ?? []).flatMap(({ name, projected }) =>
    (projected?.sources ?? []).flatMap((source) => {
      if (source.clusterTrustBundle !== undefined) return [`clusterTrustBundle in volume "${name}"`];
      return source.podCertificate !== undefined ? [`podCertificate in volume "${name}"`] : [];
    }),
  );
  const sysctls = (spec.securityContext?.sysctls ?? []).flatMap(({ name }) =>
    SAFE_SYSCTLS.includes(name.replaceAll('/', '.')) ? [] : [`sysctl "${name}" (not on the list of safe ones)`],
  );
  const problems = [
    ...volumes,
    ...projections,
    ...sysctls,
    ...(spec.hostUsers === false && !abilities.userNamespaces ? ['user namespaces (hostUsers: false)'] : []),
    ...((spec.resourceClaims ?? []).length > 0 ? ['resource claims'] : []),
    ...(spec.os?.name !== undefined && spec.os.name !== 'linux' ? [`operating system ${spec.os.name}`] : []),
    ...(spec.securityContext?.supplementalGroupsPolicy === 'Strict' ? ['supplementalGroupsPolicy Strict'] : []),
    ...all.flatMap((container) => {
      const { name } = container;
      return [
        ...((container.volumeDevices ?? []).length > 0 ? [`block devices in container "${name}"`] : []),
        ...((container.restartPolicyRules ?? []).length > 0 ? [`restartPolicyRules of container "${name}"`] : []),
        ...(container.lifecycle?.stopSignal !== undefined ? [`stopSignal of container "${name}"`] : []),
        ...((container.env ?? []).some(({ valueFrom }) => valueFrom?.fileKeyRef !== undefined)
          ? [`fileKeyRef in container "${name}"`]
          : []),
        ...((container.volumeMounts ?? []).some(({ recursiveReadOnly }) => recursiveReadOnly === 'Enabled')
          ? [`recursive read-only mounts in container "${name}"`]
          : []),
      ];
    }),
  ];
  return problems.length === 0 ? undefined : `this node cannot provide: ${problems.join('; ')}`;
}
