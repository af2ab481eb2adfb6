// Whom a container's processes run as and what they may do: the container's wishes over the pod's, in the runtime's
// words.
import type { Container } from '../../api/types/core/container.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { PodSecurityContext, SeccompProfile } from '../../api/types/core/security-context.ts';
import type { ContainerSecurity, NamespaceOption, SandboxSecurity, SecurityProfile } from '../cri/types.ts';
import { ConfigError } from './env.ts';

/** Parts of /proc and /sys that tell about or reach the host. */
const MASKED = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];
const READ_ONLY = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** The user an image asks for: a number or a name. */
export interface ImageUser {
  readonly uid?: number;
  readonly name?: string;
}

export interface SecurityOptions {
  readonly imageUser: ImageUser;
  /** Where localhost seccomp profiles are kept. */
  readonly seccompDir: string;
  /** The container whose processes this one is to see. */
  readonly targetId?: string;
}

export function containerSecurity(pod: Pod, container: Container, options: SecurityOptions): ContainerSecurity {
  const own = container.securityContext ?? {};
  const shared = pod.spec.securityContext ?? {};
  const user = userOf(pod, container, options.imageUser);
  const runAsGroup = own.runAsGroup ?? shared.runAsGroup;
  const unmasked = own.procMount === 'Unmasked' || own.privileged === true;
  const selinux = own.seLinuxOptions ?? shared.seLinuxOptions;
  const seccomp = own.seccompProfile ?? shared.seccompProfile;
  const appArmor = own.appArmorProfile ?? shared.appArmorProfile;
  return {
    ...user,
    ...(runAsGroup !== undefined && { runAsGroup: { value: runAsGroup } }),
    namespaceOptions: { ...namespaces(pod), ...(options.targetId && { pid: 'TARGET', targetId: options.targetId }) },
    privileged: own.privileged ?? false,
    readonlyRootfs: own.readOnlyRootFilesystem ?? false,
    noNewPrivs: own.allowPrivilegeEscalation === false,
    capabilities: { addCapabilities: own.capabilities?.add ?? [], dropCapabilities: own.capabilities?.drop ?? [] },
    supplementalGroups: groups(shared),
    supplementalGroupsPolicy: shared.supplementalGroupsPolicy === 'Strict' ? 'Strict' : 'Merge',
    maskedPaths: unmasked ? [] : MASKED,
    readonlyPaths: unmasked ? [] : READ_ONLY,
    ...(selinux !== undefined && { selinuxOptions: selinux }),
    // Unset is the runtime's own profile, where the kernel has AppArmor at all; a wish it cannot grant it refuses.
    ...(appArmor !== undefined && {
      apparmor: { profileType: appArmor.type, localhostRef: appArmor.localhostProfile ?? '' },
    }),
    seccomp: own.privileged ? { profileType: 'Unconfined' } : seccompOf(seccomp, options.seccompDir),
  };
}

export function sandboxSecurity(pod: Pod): SandboxSecurity {
  const shared = pod.spec.securityContext ?? {};
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const { runAsUser, runAsGroup, seLinuxOptions } = shared;
  return {
    namespaceOptions: namespaces(pod),
    privileged: all.some(({ securityContext }) => securityContext?.privileged === true),
    ...(runAsUser !== undefined && { runAsUser: { value: runAsUser } }),
    ...(runAsGroup !== undefined && runAsUser !== undefined && { runAsGroup: { value: runAsGroup } }),
    ...(seLinuxOptions !== undefined && { selinuxOptions: seLinuxOptions }),
    supplementalGroups: groups(shared),
    supplementalGroupsPolicy: shared.supplementalGroupsPolicy === 'Strict' ? 'Strict' : 'Merge',
    // The pause process needs nothing that the runtime's own profile forbids.
    seccomp: { profileType: 'RuntimeDefault' },
  };
}

export function namespaces({ spec }: Pod): NamespaceOption {
  return {
    network: spec.hostNetwork ? 'NODE' : 'POD',
    pid: spec.hostPID ? 'NODE' : spec.shareProcessNamespace ? 'POD' : 'CONTAINER',
    ipc: spec.hostIPC ? 'NODE' : 'POD',
  };
}

function groups({ supplementalGroups = [], fsGroup }: PodSecurityContext): number[] {
  return [...new Set([...supplementalGroups, ...(fsGroup === undefined ? [] : [fsGroup])])];
}

function userOf(pod: Pod, container: Container, image: ImageUser): ContainerSecurity {
  const own = container.securityContext ?? {};
  const shared = pod.spec.securityContext ?? {};
  const runAsUser = own.runAsUser ?? shared.runAsUser;
  if (own.runAsNonRoot ?? shared.runAsNonRoot) {
    const { name, namespace, uid } = pod.metadata;
    const who = `(pod: "${name}_${namespace}(${uid})", container: ${container.name})`;
    if (runAsUser === 0) throw new ConfigError(`container's runAsUser breaks non-root policy ${who}`);
    if (runAsUser === undefined && image.uid === 0) {
      throw new ConfigError(`container has runAsNonRoot and image will run as root ${who}`);
    }
    if (runAsUser === undefined && image.uid === undefined && image.name) {
      const why = `image has non-numeric user (${image.name}), cannot verify user is non-root`;
      throw new ConfigError(`container has runAsNonRoot and ${why} ${who}`);
    }
  }
  if (runAsUser !== undefined) return { runAsUser: { value: runAsUser } };
  if (image.uid !== undefined) return { runAsUser: { value: image.uid } };
  return image.name ? { runAsUsername: image.name } : {};
}

function seccompOf(profile: SeccompProfile | undefined, dir: string): SecurityProfile {
  if (profile?.type === 'RuntimeDefault') return { profileType: 'RuntimeDefault' };
  if (profile?.type !== 'Localhost') return { profileType: 'Unconfined' };
  return { profileType: 'Localhost', localhostRef: `${dir}/${profile.localhostProfile ?? ''}` };
}
