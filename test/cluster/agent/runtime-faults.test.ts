// A runtime that answers errors, loses answers, tells its news never or twice, hangs, or is killed under load: pods end
// up as they should, nothing that runs is disturbed, and what may run once runs once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useCluster } from '../harness/cluster.ts';
import { mend } from '../harness/emptied.ts';
import { RuntimeProxy } from '../harness/runtime-proxy.ts';
import { waitFor } from '../harness/wait.ts';
import { FOREVER, Pods, shell, statusOf } from './pods.ts';

const FRONT = '/run/skiff/faulty.sock';
const BACK = '/run/skiff/containerd/containerd.sock';
const KEPT = '/var/lib/kubelet/kept';
let proxy: RuntimeProxy;
const cluster = useCluster({
  agentArgs: [`--runtime-socket=${FRONT}`],
  beside: async (node) => {
    await node.exec('mkdir', ['-p', '/run/skiff', KEPT]);
    proxy = await RuntimeProxy.start(node.path(FRONT), node.path(BACK));
    return proxy;
  },
});
const pods = new Pods(cluster);

/** Everything that is asked of the runtime on a pod's way up and down. */
const CALLS = [
  ...['ListPodSandbox', 'ListContainers', 'ImageStatus', 'RunPodSandbox', 'PodSandboxStatus', 'CreateContainer'],
  ...['StartContainer', 'ContainerStatus', 'StopContainer', 'StopPodSandbox', 'RemoveContainer', 'RemovePodSandbox'],
];

for (const how of ['refuse', 'lose'] as const) {
  const what = how === 'refuse' ? 'is refused once' : 'is carried out and its answer is lost';
  test(`pods come up, run once and go although each call to the runtime ${what}`, async () => {
    proxy.faults = CALLS.map((method) => ({ method, how, times: 1 }));
    const [job, service] = [`job-${how}`, `long-${how}`];
    await Promise.all([createJob(job), pods.create(service, { containers: [shell('main', FOREVER)] })]);
    await pods.until(job, 'over', ({ status }) => status.phase === 'Succeeded', 60_000);
    await pods.until(service, 'ready', ({ status }) => status.containerStatuses?.[0]?.ready === true, 60_000);
    assert.equal(await runsOf(job), 1);
    assert.equal(statusOf(await pods.get(service), 'main').restartCount, 0);
    await Promise.all([pods.remove(job), pods.remove(service)]);
    // Containers and sandboxes are removed after the API has let go.
    await waitFor(`every fault to have been met`, () => {
      if (proxy.pending.length > 0) throw new Error(proxy.pending.map(({ method }) => method).join());
      return true;
    });
  });
}

for (const events of ['drop', 'double'] as const) {
  test(`endings are noticed and acted on once when the runtime ${events}s its events`, async () => {
    proxy.events = events;
    const [job, service] = [`job-${events}`, `crashes-${events}`];
    await createJob(job);
    await pods.create(service, {
      containers: [shell('main', '[ -e /kept/again ] && exec sleep 3600; touch /kept/again; exit 3', keeps)],
      ...volumes,
    });
    await pods.until(job, 'over', ({ status }) => status.phase === 'Succeeded');
    await pods.until(service, 'restarted', (pod) => statusOf(pod, 'main').restartCount > 0);
    const again = await pods.ready(service);
    assert.deepEqual(
      [statusOf(again, 'main').restartCount, statusOf(again, 'main').lastState?.terminated?.exitCode],
      [1, 3],
    );
    assert.equal(await runsOf(job), 1);
    await cluster().node.node.exec('rm', [`${KEPT}/again`]);
    await Promise.all([pods.remove(job), pods.remove(service)]);
    proxy.events = 'pass';
  });
}

test('containerd is killed while pods come and go: those that ran run on, the others arrive', async () => {
  await pods.create('stays', { containers: [shell('main', FOREVER)] });
  await pods.create('leaves', { containers: [shell('main', FOREVER)] });
  const before = statusOf(await pods.ready('stays'), 'main');
  await pods.ready('leaves');
  const coming = ['a', 'b', 'c', 'd'].map((name) => `coming-${name}`);
  await Promise.all([
    ...coming.map((name) => pods.create(name, { containers: [shell('main', FOREVER)] })),
    createJob('job-killed'),
  ]);
  const gone = pods.remove('leaves');
  await cluster().kill('containerd', 'SIGKILL');
  await cluster().restart('containerd');
  await Promise.all([gone, ...coming.map((name) => pods.until(name, 'ready', isReady, 60_000))]);
  const job = await pods.until(
    'job-killed',
    'over',
    ({ status }) => /Succeeded|Failed/.test(status.phase ?? ''),
    60_000,
  );
  assert.ok((await runsOf('job-killed')) <= 1, 'the job ran twice');
  if (job.status.phase === 'Succeeded') assert.equal(await runsOf('job-killed'), 1);
  const after = statusOf(await pods.ready('stays'), 'main');
  assert.deepEqual([after.containerID, after.restartCount], [before.containerID, 0]);
  await Promise.all(['stays', 'job-killed', ...coming].map((name) => pods.remove(name)));
  // Of a sandbox that was half made when it was killed the runtime knows nothing: its network and layers stay.
  await waitFor('the node to be mended', () => mend(cluster().node).then(() => true));
});

test('a runtime that hangs makes the node not ready with a reason, and no pod is touched', async () => {
  await pods.create('stays', { containers: [shell('main', FOREVER)] });
  const before = statusOf(await pods.ready('stays'), 'main');
  const pid = await cluster().node.pid('containerd');
  process.kill(pid, 'SIGSTOP');
  try {
    const message = await untilNode('False');
    assert.match(message, /container runtime is down: .*no answer within/);
    await pods.create('meanwhile', { containers: [shell('main', FOREVER)] });
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await untilNode('True');
  await pods.until('meanwhile', 'ready', isReady, 60_000);
  const after = statusOf(await pods.ready('stays'), 'main');
  assert.deepEqual([after.containerID, after.restartCount], [before.containerID, 0]);
  await Promise.all(['stays', 'meanwhile'].map((name) => pods.remove(name)));
});

const keeps = { volumeMounts: [{ name: 'kept', mountPath: '/kept' }] };
const volumes = { volumes: [{ name: 'kept', hostPath: { path: KEPT } }] };

/** Leaves a line for every time it runs. */
function createJob(name: string): Promise<void> {
  const main = shell('main', `echo ran >> /kept/${name}`, keeps);
  return pods.create(name, { restartPolicy: 'Never', containers: [main], ...volumes });
}

async function runsOf(name: string): Promise<number> {
  const script = `touch ${KEPT}/${name}; grep -c ran ${KEPT}/${name} || true`;
  return Number((await cluster().node.node.exec('sh', ['-c', script])).stdout);
}

function isReady({ status }: { status: { conditions?: { type: string; status: string }[] } }): boolean {
  return status.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') === true;
}

/** Answers with what the node says of it. */
async function untilNode(ready: string): Promise<string> {
  type Node = { status?: { conditions?: { type: string; status: string; message?: string }[] } };
  const found = await waitFor(
    `the node to be Ready=${ready}`,
    async () => {
      const { status } = await cluster().api.get<Node>('/api/v1/nodes/node-1');
      return status?.conditions?.find((condition) => condition.type === 'Ready' && condition.status === ready);
    },
    { timeoutMs: 60_000 },
  );
  return found.message ?? '';
}
