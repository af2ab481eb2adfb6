import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ContainerdSettings,
  containerdConfig,
  lacksSysResource,
  lastComplaint,
  planStart,
  type StartFacts,
  type StartPlan,
  socketPathProblem,
  usesSystemdCgroup,
} from '../../cli/containerd-config.ts';

const settings: ContainerdSettings = {
  root: '/data/containerd',
  state: '/run/x/containerd',
  socket: '/run/x/containerd/containerd.sock',
  sandboxImage: 'skiff.local/pause:1',
  cniBinDir: '/usr/lib/cni',
  cniConfDir: '/data/cni',
  certsDir: '/conf/certs.d',
  runcBinary: '/usr/sbin/runc',
  snapshotter: 'overlayfs',
  systemdCgroup: false,
  restrictOomScoreAdj: false,
  streamAddress: '127.0.0.1',
  maxConcurrentDownloads: 3,
  logLevel: 'info',
};

const CRI = 'plugins."io.containerd.grpc.v1.cri"';
const lines: { it: string; with?: Partial<ContainerdSettings>; table: string; has: string }[] = [
  { it: 'keeps data under the given root', table: '', has: 'root = "/data/containerd"' },
  { it: 'keeps sockets under the given state folder', table: '', has: 'state = "/run/x/containerd"' },
  { it: 'listens on the given socket', table: 'grpc', has: 'address = "/run/x/containerd/containerd.sock"' },
  { it: 'never listens on TCP', table: CRI, has: 'disable_tcp_service = true' },
  { it: 'uses our pause image', table: CRI, has: 'sandbox_image = "skiff.local/pause:1"' },
  { it: 'streams on the given address', table: CRI, has: 'stream_server_address = "127.0.0.1"' },
  { it: 'keeps the default OOM handling where the kernel lets us', table: CRI, has: 'restrict_oom_score_adj = false' },
  { it: 'protects containerd itself then', table: '', has: 'oom_score = -999' },
  {
    it: 'does not lower OOM scores without the privilege',
    with: { restrictOomScoreAdj: true },
    table: CRI,
    has: 'restrict_oom_score_adj = true',
  },
  { it: 'nor its own', with: { restrictOomScoreAdj: true }, table: '', has: 'oom_score = 0' },
  { it: 'looks for plugins in one folder', table: `${CRI}.cni`, has: 'bin_dir = "/usr/lib/cni"' },
  { it: 'reads the network configuration of the agent', table: `${CRI}.cni`, has: 'conf_dir = "/data/cni"' },
  { it: 'reads registry hosts from certs.d', table: `${CRI}.registry`, has: 'config_path = "/conf/certs.d"' },
  {
    it: 'copies layers where overlayfs does not work',
    with: { snapshotter: 'native' },
    table: `${CRI}.containerd`,
    has: 'snapshotter = "native"',
  },
  {
    it: 'names the runc that was found',
    table: `${CRI}.containerd.runtimes.runc.options`,
    has: 'BinaryName = "/usr/sbin/runc"',
  },
  {
    it: 'keeps runc`s state apart',
    table: `${CRI}.containerd.runtimes.runc.options`,
    has: 'Root = "/run/x/containerd/runc"',
  },
  {
    it: 'leaves cgroups to systemd where it owns them',
    with: { systemdCgroup: true },
    table: `${CRI}.containerd.runtimes.runc.options`,
    has: 'SystemdCgroup = true',
  },
  { it: 'escapes what a path may contain', with: { root: '/a"b\\c' }, table: '', has: 'root = "/a\\"b\\\\c"' },
];
for (const { it, with: changes, table, has } of lines) {
  test(`the configuration ${it}`, () => {
    const tables = containerdConfig({ ...settings, ...changes }).split(/^(?=\[)/m);
    const found = tables.find((text) => (table === '' ? !text.startsWith('[') : text.startsWith(`[${table}]\n`)));
    assert.ok(found?.split('\n').includes(has), `${has} in:\n${found}`);
  });
}

test('the configuration disables no plugin that CRI needs', () => {
  const text = containerdConfig(settings);
  // In 1.6 the tasks service does not load without the first runtime plugin, although nothing uses it.
  assert.doesNotMatch(text, /"io\.containerd\.runtime\.v1\.linux"/);
});

const capabilities: [string, boolean][] = [
  ['CapEff:\t000001ffffffffff', false],
  ['CapEff:\t000001fffeffffff', true],
  ['CapBnd:\t000001ffffffffff\nCapEff:\t0000000000000000\n', true],
  ['Name:\tx\n', true],
];
for (const [status, lacks] of capabilities) {
  test(`a process with ${JSON.stringify(status)} ${lacks ? 'may not' : 'may'} lower OOM scores`, () => {
    assert.equal(lacksSysResource(status), lacks);
  });
}

test('systemd makes the cgroups only where it is PID 1 and the hierarchy is unified', () => {
  assert.equal(usesSystemdCgroup({ initName: 'systemd', unifiedCgroups: true }), true);
  assert.equal(usesSystemdCgroup({ initName: 'systemd', unifiedCgroups: false }), false);
  assert.equal(usesSystemdCgroup({ initName: 'catatonit', unifiedCgroups: true }), false);
});

const plans: { it: string; facts: StartFacts; wants: StartPlan['do'] }[] = [
  {
    it: 'starts where nothing runs',
    facts: { runningPid: undefined, sameConfig: false, socketAnswers: false },
    wants: 'start',
  },
  {
    it: 'starts again after a crash',
    facts: { runningPid: undefined, sameConfig: true, socketAnswers: false },
    wants: 'start',
  },
  { it: 'adopts ours', facts: { runningPid: 7, sameConfig: true, socketAnswers: true }, wants: 'adopt' },
  {
    it: 'adopts ours that is still starting',
    facts: { runningPid: 7, sameConfig: true, socketAnswers: false },
    wants: 'adopt',
  },
  {
    it: 'replaces ours with other settings',
    facts: { runningPid: 7, sameConfig: false, socketAnswers: true },
    wants: 'replace',
  },
  {
    it: 'leaves a stranger on the socket alone',
    facts: { runningPid: undefined, sameConfig: true, socketAnswers: true },
    wants: 'refuse',
  },
];
for (const { it, facts, wants } of plans) {
  test(`planStart ${it}`, () => assert.equal(planStart(facts, '/s').do, wants));
}

test('a socket path that the kernel would cut is refused by name', () => {
  assert.equal(socketPathProblem('/run/skiff/containerd/containerd.sock'), undefined);
  assert.match(socketPathProblem(`/${'x'.repeat(110)}`)!, /too long: 111 bytes/);
  assert.match(socketPathProblem('run/x')!, /not absolute/);
});

const logs: { it: string; log: string; wants: string | undefined }[] = [
  { it: 'nothing of an empty log', log: '\n', wants: undefined },
  {
    it: 'the refusal of a configuration',
    log: 'time="2026-01-01T00:00:00Z" level=info msg=x\ncontainerd: failed to load TOML: line 3\n',
    wants: 'containerd: failed to load TOML: line 3',
  },
  {
    it: 'a fatal line rather than a later one',
    log: 'time="t" level=fatal msg="no space"\ntime="t" level=info msg=bye\n',
    wants: 'level=fatal msg="no space"',
  },
  {
    it: 'the last warning where nothing is fatal',
    log: 'time="t" level=warning msg="failed to load plugin"\ntime="t" level=info msg=serving\n',
    wants: 'level=warning msg="failed to load plugin"',
  },
];
for (const { it, log, wants } of logs)
  test(`a dead containerd is quoted with ${it}`, () => assert.equal(lastComplaint(log), wants));
