// The configuration of skiff's own containerd, as text, and the small decisions that shape it. Pure: what the machine
// has is found out by containerd-host.ts and handed in, so every line of the file can be tested as data.
// Names and defaults: containerd 1.6 `docs/cri/config.md`; version 2 of the format is read by 1.6, 1.7 and 2.x.

export type Snapshotter = 'overlayfs' | 'native';

export interface ContainerdSettings {
  /** Images, snapshots and metadata: survives a reboot. */
  root: string;
  /** Sockets, sandboxes' network namespaces, running tasks: does not. */
  state: string;
  socket: string;
  sandboxImage: string;
  cniBinDir: string;
  cniConfDir: string;
  /** Folder of `<registry host>/hosts.toml` files: mirrors, CAs, plain http. */
  certsDir: string;
  runcBinary: string;
  snapshotter: Snapshotter;
  systemdCgroup: boolean;
  restrictOomScoreAdj: boolean;
  /** Where exec, attach and port-forward are served; the agent is the only client. */
  streamAddress: string;
  maxConcurrentDownloads: number;
  logLevel: 'debug' | 'info' | 'warn' | 'error';
}

// Snapshotters for filesystems we do not use complain at every start; the restart monitor wakes every ten seconds for
// containers that only `ctr` makes; opt would create /opt/containerd on the host.
const DISABLED = [
  'io.containerd.snapshotter.v1.aufs',
  'io.containerd.snapshotter.v1.btrfs',
  'io.containerd.snapshotter.v1.devmapper',
  'io.containerd.snapshotter.v1.zfs',
  'io.containerd.internal.v1.opt',
  'io.containerd.internal.v1.restart',
  'io.containerd.internal.v1.tracing',
  'io.containerd.tracing.processor.v1.otlp',
];

type Toml = string | number | boolean | readonly string[];

export function containerdConfig(settings: ContainerdSettings): string {
  const cri = ['plugins', 'io.containerd.grpc.v1.cri'];
  const runc = [...cri, 'containerd', 'runtimes', 'runc'];
  return [
    '# Written by skiff at every start of its containerd; changes made here are lost.',
    ...table([], {
      version: 2,
      root: settings.root,
      state: settings.state,
      // Lowering one's own score takes the privilege whose absence restrictOomScoreAdj stands for.
      oom_score: settings.restrictOomScoreAdj ? 0 : -999,
      disabled_plugins: DISABLED,
    }),
    ...table(['grpc'], { address: settings.socket }),
    ...table(['debug'], { level: settings.logLevel }),
    // The default waits forever for a database that another process holds; an error after a while is worth more.
    ...table(['timeouts'], { 'io.containerd.timeout.bolt.open': '5s' }),
    ...table(['plugins', 'io.containerd.monitor.v1.cgroups'], { no_prometheus: true }),
    ...table(cri, {
      sandbox_image: settings.sandboxImage,
      restrict_oom_score_adj: settings.restrictOomScoreAdj,
      disable_tcp_service: true,
      stream_server_address: settings.streamAddress,
      stream_server_port: '0',
      max_concurrent_downloads: settings.maxConcurrentDownloads,
      // Beside another containerd: our network namespaces are mounted in our own folder, not in /run/netns.
      netns_mounts_under_state_dir: true,
      // Walks every writable layer each time; upstream's kubelet measures disk once a minute as well.
      stats_collect_period: 60,
    }),
    ...table([...cri, 'cni'], { bin_dir: settings.cniBinDir, conf_dir: settings.cniConfDir }),
    ...table([...cri, 'registry'], { config_path: settings.certsDir }),
    ...table([...cri, 'containerd'], { snapshotter: settings.snapshotter, default_runtime_name: 'runc' }),
    ...table(runc, { runtime_type: 'io.containerd.runc.v2' }),
    ...table([...runc, 'options'], {
      BinaryName: settings.runcBinary,
      // runc's own state, apart from that of another containerd whose namespace is called k8s.io as well.
      Root: `${settings.state}/runc`,
      SystemdCgroup: settings.systemdCgroup,
    }),
    '',
  ].join('\n');
}

function table(path: readonly string[], entries: Record<string, Toml>): string[] {
  const header = path.length === 0 ? [] : ['', `[${path.map(key).join('.')}]`];
  return [...header, ...Object.entries(entries).map(([name, value]) => `${key(name)} = ${literal(value)}`)];
}

function key(name: string): string {
  return /^[A-Za-z0-9_-]+$/.test(name) ? name : JSON.stringify(name);
}

// JSON's strings, numbers, booleans and arrays of strings are TOML's.
function literal(value: Toml): string {
  return Array.isArray(value)
    ? `[\n${value.map((item) => `  ${JSON.stringify(item)},\n`).join('')}]`
    : JSON.stringify(value);
}

const CAP_SYS_RESOURCE = 24n;

/** Whether a process with this /proc/<pid>/status may not lower an OOM score: runc would fail on every pod. */
export function lacksSysResource(procStatus: string): boolean {
  const effective = /^CapEff:\s*([0-9a-fA-F]+)$/m.exec(procStatus)?.[1];
  return effective === undefined || ((BigInt(`0x${effective}`) >> CAP_SYS_RESOURCE) & 1n) === 0n;
}

/** systemd owns the cgroup tree only where it is PID 1; with cgroup v1 the cgroupfs driver is the one we support. */
export function usesSystemdCgroup(host: { initName: string; unifiedCgroups: boolean }): boolean {
  return host.initName === 'systemd' && host.unifiedCgroups;
}

/** The length of a unix socket's path is bounded by the kernel; containerd adds `.ttrpc` for its second one. */
export function socketPathProblem(socket: string): string | undefined {
  const bytes = Buffer.byteLength(`${socket}.ttrpc`);
  if (!socket.startsWith('/')) return `the socket path ${socket} is not absolute`;
  if (bytes > 107) return `the socket path ${socket} is too long: ${bytes - 6} bytes, at most 101 fit`;
  return undefined;
}

export type StartPlan =
  | { do: 'start' }
  | { do: 'adopt'; pid: number }
  | { do: 'replace'; pid: number }
  | { do: 'refuse'; why: string };

export interface StartFacts {
  /** The containerd that was started with our configuration file, if one runs. */
  runningPid: number | undefined;
  sameConfig: boolean;
  socketAnswers: boolean;
}

/** Containers outlive containerd, so an instance with other settings is replaced without asking. */
export function planStart({ runningPid, sameConfig, socketAnswers }: StartFacts, socket: string): StartPlan {
  if (runningPid !== undefined) return { do: sameConfig ? 'adopt' : 'replace', pid: runningPid };
  if (socketAnswers) return { do: 'refuse', why: `another process answers on ${socket}, where our containerd belongs` };
  return { do: 'start' };
}

/** What containerd says at the end of its life, as one line for a person. */
export function lastComplaint(logTail: string): string | undefined {
  const lines = logTail.split('\n').filter((line) => line.trim() !== '');
  const fatal = lines.findLast((line) => /level=(fatal|panic)/.test(line) || line.startsWith('containerd: '));
  const line = fatal ?? lines.findLast((each) => /level=error|level=warning/.test(each)) ?? lines.at(-1);
  return line?.replace(/^time="[^"]*" /, '').slice(0, 500);
}
