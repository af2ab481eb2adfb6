import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { kernelRefusal, modulesState, planSetup, portsWanted, withoutCandidate } from '../../cli/bootstrap/plan.mjs';
import { occupied } from '../../cli/bootstrap/ports.mjs';

type Facts = Parameters<typeof planSetup>[0];
const ready: Facts = {
  uid: 0,
  platform: 'linux',
  arch: 'x64',
  occupied: [],
  cgroups: true,
  modules: 'current',
  missing: [],
  apt: true,
};
const held = { port: 6443, holder: 'nginx (pid 7)', isSkiff: false };

const plans: [what: string, facts: Partial<Facts>, wants: unknown][] = [
  ['a machine that is set up only has its kernel looked at', {}, ['kernel']],
  ['a fresh clone gets its npm packages first', { modules: 'missing', missing: ['runc'] }, ['apt', 'npm', 'kernel']],
  ['a port that skiff itself holds is for up to judge', { occupied: [{ ...held, isSkiff: true }] }, ['kernel']],
  ['packages that differ from the lock file are installed anew', { modules: 'stale' }, ['npm', 'kernel']],
];
for (const [what, facts, wants] of plans) {
  test(what, () => {
    const plan = planSetup({ ...ready, ...facts }, 'run');
    assert.deepEqual('steps' in plan && plan.steps.map((step) => step.do), wants);
  });
}

const refusals: [facts: Partial<Facts>, line: RegExp][] = [
  [{ uid: 1000 }, /^containers need root: use `sudo npm start`/],
  [{ platform: 'darwin' }, /runs on Linux, not on darwin/],
  [{ arch: 'ia32' }, /not on ia32/],
  [{ occupied: [held] }, /^port 6443 is in use by nginx \(pid 7\): end that, or choose another/],
  [{ cgroups: false }, /control groups/],
  [{ missing: ['runc', 'nftables'], apt: false }, /^missing runc, nftables, and there is no apt-get/],
];
for (const [facts, line] of refusals) {
  test(`a start is refused in one line: ${line.source}`, () => {
    const plan = planSetup({ ...ready, ...facts }, 'run');
    assert.ok('refuse' in plan);
    assert.match(plan.refuse, line);
    assert.ok(!plan.refuse.includes('\n'));
  });
}

test('removing needs root and what Node needs, and nothing else', () => {
  const bare: Facts = { ...ready, modules: 'missing', missing: ['libatomic1'], cgroups: false, occupied: [held] };
  assert.deepEqual(planSetup(bare, 'remove'), { steps: [{ do: 'apt', packages: ['libatomic1'] }, { do: 'npm' }] });
  assert.ok('refuse' in planSetup({ ...bare, uid: 1000 }, 'remove'));
});

test('reading the help needs no root', () => {
  assert.deepEqual(planSetup({ ...ready, uid: 1000 }, 'ask'), { steps: [] });
  assert.ok('refuse' in planSetup({ ...ready, uid: 1000, missing: ['libatomic1'] }, 'ask'));
});

test('a kernel that lacks something is named with what to do', () => {
  assert.equal(kernelRefusal({}), undefined);
  assert.match(
    kernelRefusal({ nat: 'Operation not supported' })!,
    /nf_tables with NAT \(Operation not supported\): use/,
  );
  assert.match(kernelRefusal({ veth: 'x' })!, /veth/);
  assert.match(kernelRefusal({ overlay: 'x' })!, /overlayfs/);
});

test('packages without a source are found in the answer of apt-cache', () => {
  const policy = 'runc:\n  Installed: (none)\n  Candidate: 1.1.5\n  Version table:\nold:\n  Candidate: (none)\n';
  assert.deepEqual(withoutCandidate(['runc', 'old', 'unheard'], policy), ['old', 'unheard']);
});

test('node_modules is compared with the lock file for this machine only', () => {
  const machine = { platform: 'linux', arch: 'x64' };
  const lock = {
    '': { version: '0.1.0' },
    'node_modules/a': { version: '1.0.0' },
    'node_modules/mac': { version: '1.0.0', os: ['darwin'], optional: true },
    'node_modules/arm': { version: '1.0.0', os: 'linux', cpu: 'arm64', optional: true },
  };
  const a = { 'node_modules/a': { version: '1.0.0' } };
  assert.equal(modulesState(lock, undefined, machine), 'missing');
  assert.equal(modulesState(lock, a, machine), 'current');
  assert.equal(modulesState(lock, {}, machine), 'stale');
  assert.equal(modulesState(lock, { 'node_modules/a': { version: '1.0.1' } }, machine), 'stale');
  assert.equal(modulesState(lock, { ...a, 'node_modules/gone': { version: '1.0.0' } }, machine), 'stale');
  assert.equal(modulesState(lock, a, { platform: 'linux', arch: 'arm64' }), 'stale');
});

test('the ports that are looked at follow flags and variables', () => {
  assert.deepEqual(portsWanted([], {}), [6443, 10250, 10256]);
  assert.deepEqual(portsWanted(['--port=7443', '--kubelet-port', '1'], { SKIFF_PROXY_HEALTH_PORT: '0' }), [7443, 1]);
});

test('the holder of a port is found by name', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  try {
    assert.deepEqual(occupied([port, 0]), [{ port, holder: occupied([port])[0]!.holder, isSkiff: false }]);
    assert.match(occupied([port])[0]!.holder, new RegExp(`\\(pid ${process.pid}\\)$`));
  } finally {
    server.close();
  }
  assert.deepEqual(occupied([0]), []);
});
