// What this node turns away for good, with upstream's reasons: sysctls that are not allowed, AppArmor where the kernel
// has none, groups the runtime cannot leave out, another operating system. Pure.
import type { Pod } from '../../api/types/core/pod.ts';
import type { Refusal } from './admission-decide.ts';
import type { NodeAbilities } from './unsupported.ts';

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

/** Kept apart by network and by IPC namespace: of the host's own ones pods set none. */
const OF_NETWORK = /^net\./;
const OF_IPC = /^(kernel\.(shm|msg|sem)|fs\.mqueue\.)/;

export function nodeRefusal(pod: Pod, abilities: NodeAbilities): Refusal | undefined {
  const { spec } = pod;
  const shared = spec.securityContext ?? {};
  if (spec.os?.name !== undefined && spec.os.name !== 'linux') {
    return { reason: 'PodOSNotSupported', message: "Failed to admit pod as the OS field doesn't match node OS" };
  }
  for (const { name } of shared.sysctls ?? []) {
    const dotted = name.replaceAll('/', '.');
    const forbid = (why: string) => ({ reason: 'SysctlForbidden', message: `forbidden sysctl: "${name}" ${why}` });
    if (!SAFE_SYSCTLS.includes(dotted) && !abilities.unsafeSysctls.some((allowed) => covers(allowed, dotted))) {
      return forbid('not allowlisted');
    }
    if (spec.hostNetwork && OF_NETWORK.test(dotted)) return forbid('not allowed with host net enabled');
    if (spec.hostIPC && OF_IPC.test(dotted)) return forbid('not allowed with host ipc enabled');
  }
  const profiles = [shared, ...allContainers(pod).map(({ securityContext }) => securityContext ?? {})];
  const wantsAppArmor = profiles.some(
    ({ appArmorProfile }) => (appArmorProfile?.type ?? 'Unconfined') !== 'Unconfined',
  );
  if (wantsAppArmor && !abilities.appArmor) {
    return { reason: 'AppArmor', message: 'Cannot enforce AppArmor: AppArmor is not enabled on the host' };
  }
  if (shared.supplementalGroupsPolicy === 'Strict' && !abilities.supplementalGroupsPolicy) {
    const message = 'SupplementalGroupsPolicy=Strict is not supported in this node';
    return { reason: 'SupplementalGroupsPolicyNotSupported', message };
  }
  return undefined;
}

function covers(allowed: string, name: string): boolean {
  const dotted = allowed.replaceAll('/', '.');
  return dotted.endsWith('*') ? name.startsWith(dotted.slice(0, -1)) : name === dotted;
}

function allContainers({ spec }: Pod) {
  return [...spec.containers, ...(spec.initContainers ?? [])];
}
