// The server is away: pods restart, are probed and their logs are bounded; an agent that starts meanwhile disturbs
// nothing; and when the server is back it is told what changed and nothing else.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { useCluster } from '../harness/cluster.ts';
import { waitFor } from '../harness/wait.ts';
import { FOREVER, Pods, shell, statusOf } from './pods.ts';

const cluster = useCluster();
const pods = new Pods(cluster);
const STEADY = ['steady-1', 'steady-2', 'steady-3', 'steady-4', 'steady-5'];
const UNTIL_TOLD = 'until [ -e /told/now ]; do sleep 0.1; done; rm /told/now';
const told = { volumes: [{ name: 'told', emptyDir: {} }] };
const mounts = { volumeMounts: [{ name: 'told', mountPath: '/told' }] };
const path = (file: string) => cluster().node.node.path(file);
const inNode = async (script: string) =>
  (await cluster().node.node.exec('sh', ['-c', script], { mayFail: true })).stdout;

/** Writes that the server was asked for since it started, by what they write. */
async function writes(): Promise<Map<string, number>> {
  const text = await cluster().api.get<string>('/metrics');
  const found = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, labels, count] = /^apiserver_request_total\{([^}]*)\} (\d+)/.exec(line) ?? [];
    if (labels === undefined) continue;
    const of = (name: string) => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? '';
    if (!['POST', 'PUT', 'PATCH', 'DELETE'].includes(of('verb'))) continue;
    const what = [of('resource'), of('subresource')].filter(Boolean).join('/');
    found.set(what, (found.get(what) ?? 0) + Number(count));
  }
  return found;
}

test('with the server away pods restart, are probed and their logs bounded; on its return little is written', async () => {
  for (const name of STEADY) await pods.create(name, { containers: [shell('main', FOREVER)] });
  await pods.create('crashes', { ...told, containers: [shell('main', `${UNTIL_TOLD}; exit 1`, mounts)] });
  await pods.create('talks', {
    ...told,
    containers: [
      shell('main', `${UNTIL_TOLD}; yes 0123456789abcdef0123456789abcdef | head -c 14000000; ${FOREVER}`, mounts),
    ],
  });
  const livenessProbe = {
    exec: { command: ['sh', '-c', '! [ -e /told/now ]'] },
    periodSeconds: 1,
    failureThreshold: 1,
  };
  await pods.create('sick', {
    ...told,
    terminationGracePeriodSeconds: 1,
    containers: [shell('main', `rm -f /told/now; ${FOREVER}`, { ...mounts, livenessProbe } as never)],
  });
  const uids = new Map<string, string>();
  const ids = new Map<string, string>();
  for (const name of [...STEADY, 'crashes', 'talks', 'sick']) {
    const pod = await pods.ready(name);
    uids.set(name, pod.metadata.uid);
    ids.set(name, statusOf(pod, 'main').containerID!);
  }

  await waitFor('what it knows of services to be on disk', () => existsSync(path('/var/lib/skiff/agent/names.json')));
  await cluster().kill('server');
  const tell = (name: string) =>
    inNode(`touch /var/lib/kubelet/pods/${uids.get(name)}/volumes/kubernetes.io~empty-dir/told/now`);
  const logs = (name: string) => inNode(`ls /var/log/pods/default_${name}_${uids.get(name)}/main`);
  for (const name of ['crashes', 'talks', 'sick']) await tell(name);
  await waitFor('a second start', async () => (await logs('crashes')).includes('1.log'));
  await waitFor('the probed one to be started again', async () => (await logs('sick')).includes('1.log'));
  await waitFor('the log to be put aside', async () => /0\.log\.\d{8}/.test(await logs('talks')));

  await cluster().kill('agent');
  await cluster().restart('agent');
  // The new agent, too, has only its own memory: a crash is followed by a start, after its back-off.
  await tell('crashes');
  await waitFor('a third start', async () => (await logs('crashes')).includes('2.log'), { timeoutMs: 45_000 });

  await cluster().restart('server');
  await cluster().untilNodesReady();
  for (const name of ['crashes', 'sick']) {
    await pods.until(name, 'told', (pod) => statusOf(pod, 'main').restartCount >= (name === 'crashes' ? 2 : 1));
  }
  for (const name of [...STEADY, 'talks']) {
    const { containerID, restartCount } = statusOf(await pods.ready(name), 'main');
    assert.deepEqual([name, containerID, restartCount], [name, ids.get(name), 0]);
  }
  const asked = await writes();
  console.log(`writes after the return: ${JSON.stringify(Object.fromEntries(asked))}`);
  const of = (what: string) => asked.get(what) ?? 0;
  assert.ok(
    of('pods/status') >= 2 && of('pods/status') <= 8,
    `${of('pods/status')} pod statuses for two pods that changed`,
  );
  assert.ok(of('nodes') + of('nodes/status') <= 4, `${of('nodes')} and ${of('nodes/status')} of the node`);
  assert.equal(of('pods'), 0, 'no pod is made or deleted');
});
