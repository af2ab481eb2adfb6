// The pod security standards: what a pod of a level must not do or must say. Pure: pod in, violations out, in the order
// and wording that upstream gives them. https://kubernetes.io/docs/concepts/security/pod-security-standards/
import type { Pod } from '../../api/types/core/pod.ts';

export type Level = 'privileged' | 'baseline' | 'restricted';
/** A minor version; Infinity is `latest`. */
export interface Policy {
  readonly level: Level;
  readonly minor: number;
}

export interface Violation {
  /** What is summed up: 'host namespaces'. */
  readonly reason: string;
  /** What of the pod it is: 'hostNetwork=true'. */
  readonly detail: string;
}

type Spec = Pod['spec'];
type Containers = readonly Spec['containers'][number][];
interface Subject {
  readonly spec: Spec;
  readonly annotations: Readonly<Record<string, string>>;
  readonly containers: Containers;
}
interface Check {
  /** The first minor version in which the check is made. */
  readonly since?: number;
  /** Since then pods of Windows are exempt. */
  readonly linuxSince?: number;
  readonly find: (subject: Subject, minor: number) => Violation | undefined;
}

const quoted = (names: readonly unknown[]) => names.map((name) => JSON.stringify(String(name))).join(', ');
const plural = (n: number, one: string, many: string) => (n === 1 ? one : many);
const named = (containers: Containers) =>
  `${plural(containers.length, 'container', 'containers')} ${quoted(containers.map(({ name }) => name))}`;
const unique = <T>(values: readonly T[]) => [...new Set(values)];

/** Containers that are in the way, with one sentence about all of them. */
function ofContainers(
  { containers }: Subject,
  isBad: (container: Containers[number]) => boolean,
  reason: string,
  sentence: string,
): Violation | undefined {
  const bad = containers.filter(isBad);
  return bad.length === 0 ? undefined : { reason, detail: `${named(bad)} ${sentence}` };
}

const DEFAULT_CAPABILITIES = new Set([
  ...['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE', 'SETFCAP'],
  ...['SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT'],
]);
const SELINUX_TYPES = ['', 'container_t', 'container_init_t', 'container_kvm_t'];
const SAFE_SYSCTLS: readonly (readonly [since: number, names: readonly string[]])[] = [
  [
    0,
    [
      ...['kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.tcp_syncookies'],
      ...['net.ipv4.ping_group_range', 'net.ipv4.ip_unprivileged_port_start'],
    ],
  ],
  [27, ['net.ipv4.ip_local_reserved_ports']],
  [
    29,
    [
      ...['net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout', 'net.ipv4.tcp_keepalive_intvl'],
      'net.ipv4.tcp_keepalive_probes',
    ],
  ],
  [32, ['net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem']],
];
const APPARMOR = 'container.apparmor.security.beta.kubernetes.io/';

const hostPath: Check = {
  find({ spec }) {
    const bad = (spec.volumes ?? []).filter((volume) => volume.hostPath !== undefined);
    const detail = `${plural(bad.length, 'volume', 'volumes')} ${quoted(bad.map(({ name }) => name))}`;
    return bad.length === 0 ? undefined : { reason: 'hostPath volumes', detail };
  },
};

const baselineCapabilities: Check = {
  find(subject) {
    const added = (container: Containers[number]) =>
      (container.securityContext?.capabilities?.add ?? []).filter((name) => !DEFAULT_CAPABILITIES.has(name));
    const bad = unique(subject.containers.flatMap(added)).sort();
    const sentence = `must not include ${quoted(bad)} in securityContext.capabilities.add`;
    return ofContainers(subject, (each) => added(each).length > 0, 'non-default capabilities', sentence);
  },
};

const baselineSeccomp: Check = {
  since: 19,
  find: ({ spec, containers }) => seccomp(spec, containers, false),
};

const BASELINE: readonly Check[] = [
  {
    find({ spec, annotations, containers }) {
      const isBad = (profile: { type?: string } | undefined) => profile?.type === 'Unconfined';
      const must = 'must not set AppArmor profile type to "Unconfined"';
      const bad = containers.filter(({ securityContext }) => isBad(securityContext?.appArmorProfile));
      const old = Object.entries(annotations).filter(
        ([key, value]) => key.startsWith(APPARMOR) && !/^(|runtime\/default|localhost\/.*)$/.test(value),
      );
      const parts = [
        ...(isBad(spec.securityContext?.appArmorProfile) ? [`pod ${must}`] : []),
        ...(bad.length > 0 ? [`${named(bad)} ${must}`] : []),
        ...(old.length > 0
          ? [
              // Quoted twice, as upstream does.
              `${plural(old.length, 'annotation', 'annotations')} ${old
                .map(([key, value]) => `"${key}=${JSON.stringify(value)}"`)
                .join(', ')}`,
            ]
          : []),
      ];
      const reason = plural(parts.length, 'forbidden AppArmor profile', 'forbidden AppArmor profiles');
      return parts.length === 0 ? undefined : { reason, detail: parts.join(', ') };
    },
  },
  baselineCapabilities,
  {
    find({ spec }) {
      const set = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((field) => spec[field]);
      const detail = set.map((field) => `${field}=true`).join(', ');
      return set.length === 0 ? undefined : { reason: 'host namespaces', detail };
    },
  },
  hostPath,
  {
    find(subject) {
      const portsOf = (container: Containers[number]) =>
        (container.ports ?? []).flatMap(({ hostPort }) => (hostPort ? [hostPort] : []));
      const ports = unique(subject.containers.flatMap(portsOf)).sort((a, b) => a - b);
      const bad = subject.containers.filter((each) => portsOf(each).length > 0);
      if (bad.length === 0) return undefined;
      const what = `${plural(bad.length, 'uses', 'use')} ${plural(ports.length, 'hostPort', 'hostPorts')}`;
      return { reason: 'hostPort', detail: `${named(bad)} ${what} ${ports.join(', ')}` };
    },
  },
  {
    find: (subject) =>
      ofContainers(
        subject,
        ({ securityContext }) => securityContext?.privileged === true,
        'privileged',
        'must not set securityContext.privileged=true',
      ),
  },
  {
    find(subject) {
      const isOdd = (type: string | undefined) => type !== undefined && type !== 'Default';
      const bad = subject.containers.map(({ securityContext }) => securityContext?.procMount).filter(isOdd);
      const sentence = `must not set securityContext.procMount to ${quoted(unique(bad).sort())}`;
      return ofContainers(subject, (each) => isOdd(each.securityContext?.procMount), 'procMount', sentence);
    },
  },
  { find: ({ spec, containers }) => seLinux(spec, containers) },
  baselineSeccomp,
  {
    find({ spec }, minor) {
      const safe = SAFE_SYSCTLS.flatMap(([since, names]) => (minor >= since ? names : []));
      const bad = (spec.securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !safe.includes(name));
      return bad.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: bad.join(', ') };
    },
  },
  {
    find({ spec, containers }) {
      const isBad = (options: { hostProcess?: boolean } | undefined) => options?.hostProcess === true;
      const bad = containers.filter(({ securityContext }) => isBad(securityContext?.windowsOptions));
      const who = [
        ...(isBad(spec.securityContext?.windowsOptions) ? ['pod'] : []),
        ...(bad.length > 0 ? [named(bad)] : []),
      ];
      if (who.length === 0) return undefined;
      const detail = `${who.join(' and ')} must not set securityContext.windowsOptions.hostProcess=true`;
      return { reason: 'hostProcess', detail };
    },
  },
];

const VOLUMES = new Set([
  ...['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'image', 'persistentVolumeClaim', 'projected'],
  ...['secret', 'name'],
]);

const RESTRICTED: readonly Check[] = [
  {
    since: 8,
    linuxSince: 25,
    find: (subject) =>
      ofContainers(
        subject,
        ({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false,
        'allowPrivilegeEscalation != false',
        'must set securityContext.allowPrivilegeEscalation=false',
      ),
  },
  {
    since: 22,
    linuxSince: 25,
    find({ containers }) {
      const lacking = containers.filter(({ securityContext }) => !securityContext?.capabilities?.drop?.includes('ALL'));
      const added = (container: Containers[number]) =>
        (container.securityContext?.capabilities?.add ?? []).filter((name) => name !== 'NET_BIND_SERVICE');
      const adding = containers.filter((container) => added(container).length > 0);
      const names = quoted(unique(adding.flatMap(added)).sort());
      const parts = [
        ...(lacking.length > 0 ? [`${named(lacking)} must set securityContext.capabilities.drop=["ALL"]`] : []),
        ...(adding.length > 0
          ? [`${named(adding)} must not include ${names} in securityContext.capabilities.add`]
          : []),
      ];
      return parts.length === 0 ? undefined : { reason: 'unrestricted capabilities', detail: parts.join('; ') };
    },
  },
  {
    find({ spec }) {
      const typeOf = (volume: object) => Object.keys(volume).find((key) => !VOLUMES.has(key));
      const bad = (spec.volumes ?? []).filter((volume) => typeOf(volume) !== undefined);
      if (bad.length === 0) return undefined;
      const types = unique(bad.map((volume) => typeOf(volume)!)).sort();
      const who = `${plural(bad.length, 'volume', 'volumes')} ${quoted(bad.map(({ name }) => name))}`;
      const uses = plural(bad.length, 'uses', 'use');
      const what = `restricted volume ${plural(types.length, 'type', 'types')} ${quoted(types)}`;
      return { reason: 'restricted volume types', detail: `${who} ${uses} ${what}` };
    },
  },
  {
    find({ spec, containers }) {
      const ofPod = spec.securityContext?.runAsNonRoot;
      const explicit = containers.filter(({ securityContext }) => securityContext?.runAsNonRoot === false);
      const silent = containers.filter(({ securityContext }) => securityContext?.runAsNonRoot === undefined);
      const must = 'must not set securityContext.runAsNonRoot=false';
      const parts = [
        ...(ofPod === false && silent.length > 0 ? [`pod ${must}`] : []),
        ...(explicit.length > 0 ? [`${named(explicit)} ${must}`] : []),
        ...(ofPod === undefined && explicit.length === 0 && silent.length > 0
          ? [`pod or ${named(silent)} must set securityContext.runAsNonRoot=true`]
          : []),
      ];
      return parts.length === 0 ? undefined : { reason: 'runAsNonRoot != true', detail: parts.join('; ') };
    },
  },
  {
    since: 23,
    find({ spec, containers }) {
      const bad = containers.filter(({ securityContext }) => securityContext?.runAsUser === 0);
      const who = [...(spec.securityContext?.runAsUser === 0 ? ['pod'] : []), ...(bad.length > 0 ? [named(bad)] : [])];
      if (who.length === 0) return undefined;
      return { reason: 'runAsUser=0', detail: `${who.join(' and ')} must not set runAsUser=0` };
    },
  },
  { since: 19, linuxSince: 25, find: ({ spec, containers }) => seccomp(spec, containers, true) },
];

/** Baseline checks that a restricted one says better, where that one is made. */
const OVERRIDDEN: readonly (readonly [Check, since: number])[] = [
  [baselineCapabilities, 22],
  [hostPath, 0],
  [baselineSeccomp, 19],
];

function seccomp(spec: Spec, containers: Containers, required: boolean): Violation | undefined {
  const isGood = (type: string | undefined) => type === 'RuntimeDefault' || type === 'Localhost';
  const typeOf = (of: Containers[number]) => of.securityContext?.seccompProfile?.type;
  const ofPod = spec.securityContext?.seccompProfile?.type;
  const bad = containers.filter((each) => typeOf(each) !== undefined && !isGood(typeOf(each)));
  const silent = containers.filter((each) => typeOf(each) === undefined);
  const badTypes = quoted(unique(bad.map(typeOf)).sort());
  const must = 'must not set securityContext.seccompProfile.type to';
  const parts = [
    ...(ofPod !== undefined && !isGood(ofPod) ? [`pod ${must} ${JSON.stringify(ofPod)}`] : []),
    ...(bad.length > 0 ? [`${named(bad)} ${must} ${badTypes}`] : []),
    ...(required && ofPod === undefined && silent.length > 0
      ? [`pod or ${named(silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`]
      : []),
  ];
  return parts.length === 0 ? undefined : { reason: 'seccompProfile', detail: parts.join('; ') };
}

function seLinux(spec: Spec, containers: Containers): Violation | undefined {
  type Options = { type?: string; user?: string; role?: string } | undefined;
  const isBad = (options: Options) =>
    options !== undefined &&
    (!SELINUX_TYPES.includes(options.type ?? '') || Boolean(options.user) || Boolean(options.role));
  const bad = containers.filter(({ securityContext }) => isBad(securityContext?.seLinuxOptions));
  const onPod = isBad(spec.securityContext?.seLinuxOptions);
  if (bad.length === 0 && !onPod) return undefined;
  const all = [
    ...(onPod ? [spec.securityContext!.seLinuxOptions!] : []),
    ...bad.map(({ securityContext }) => securityContext!.seLinuxOptions!),
  ];
  const types = unique(all.map(({ type = '' }) => type).filter((type) => !SELINUX_TYPES.includes(type))).sort();
  const what = [
    ...(types.length > 0 ? [`${plural(types.length, 'type', 'types')} ${quoted(types)}`] : []),
    ...(all.some(({ user }) => user) ? ['user may not be set'] : []),
    ...(all.some(({ role }) => role) ? ['role may not be set'] : []),
  ];
  const who = [...(onPod ? ['pod'] : []), ...(bad.length > 0 ? [named(bad)] : [])].join(' and ');
  return {
    reason: 'seLinuxOptions',
    detail: `${who} set forbidden securityContext.seLinuxOptions: ${what.join('; ')}`,
  };
}

export interface PodLike {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: Spec;
}

export function violations({ metadata, spec }: PodLike, { level, minor }: Policy): Violation[] {
  if (level === 'privileged') return [];
  const overridden = new Set(
    level === 'restricted' ? OVERRIDDEN.filter(([, since]) => minor >= since).map(([check]) => check) : [],
  );
  const checks = [...BASELINE.filter((check) => !overridden.has(check)), ...(level === 'restricted' ? RESTRICTED : [])];
  const { initContainers = [], containers = [], ephemeralContainers = [] } = spec;
  const all = [...initContainers, ...containers, ...ephemeralContainers] as Containers;
  const subject: Subject = { spec, annotations: metadata?.annotations ?? {}, containers: all };
  const isWindows = spec.os?.name === 'windows';
  return checks
    .filter(({ since = 0 }) => minor >= since)
    .filter(({ linuxSince }) => !(isWindows && linuxSince !== undefined && minor >= linuxSince))
    .flatMap(({ find }) => find(subject, minor) ?? []);
}
