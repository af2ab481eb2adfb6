// The machine is told to go down. There is no systemd in a test node: two scripts stand for its programs and do what the
// real ones do towards us (test/vm has the real ones); everything on this side of them is real.
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { Pod } from '../../../api/types/core/pod.ts';
import { useCluster } from '../harness/cluster.ts';
import { waitFor } from '../harness/wait.ts';
import { FOREVER, Pods, shell } from './pods.ts';

const BIN = '/opt/systemd';
const cluster = useCluster({
  agentArgs: ['--shutdown-grace-period=8s', '--shutdown-grace-period-critical-pods=3s'],
});
const pods = new Pods(cluster);
const path = (file: string) => cluster().node.node.path(file);
type Node = { status?: { conditions?: { type: string; status: string; reason: string; message: string }[] } };
const ready = async () => {
  const { status } = await cluster().api.get<Node>('/api/v1/nodes/node-1');
  return status?.conditions?.find(({ type }) => type === 'Ready');
};

const BUSCTL = `#!/bin/sh
case "$1" in
  get-property) if [ -e /etc/systemd/logind.conf.d/99-kubelet.conf ]; then echo "t 8000000"; else echo "t 5000000"; fi;;
  monitor) exec tail -n +1 -f ${BIN}/signals;;
esac
`;
const INHIBIT = `#!/bin/sh
echo "$@" >> ${BIN}/locks; cat; echo released >> ${BIN}/locks
`;
const signal = (begins: boolean) =>
  `{"type":"signal","member":"PrepareForShutdown","payload":{"type":"b","data":[${begins}]}}\n`;

test('pods end by priority, the node says why, nobody is let in, and the machine goes on when all have ended', async () => {
  await cluster().kill('agent');
  await mkdir(path(BIN), { recursive: true });
  await mkdir(path('/run/systemd/system'), { recursive: true });
  await writeFile(path(`${BIN}/signals`), '');
  for (const [name, text] of Object.entries({ busctl: BUSCTL, 'systemd-inhibit': INHIBIT, systemctl: '#!/bin/sh\n' })) {
    await writeFile(path(`${BIN}/${name}`), text, { mode: 0o755 });
  }
  await cluster().node.node.exec('sh', [
    '-c',
    `for f in ${BIN}/systemd-inhibit ${BIN}/busctl ${BIN}/systemctl; do mount --bind $f $(command -v $(basename $f)); done`,
  ]);
  await cluster().restart('agent');
  const locks = () => readFile(path(`${BIN}/locks`), 'utf8').catch(() => '');
  await waitFor('the lock', async () => (await locks()).includes('--mode=delay'));
  assert.match(await readFile(path('/etc/systemd/logind.conf.d/99-kubelet.conf'), 'utf8'), /^InhibitDelayMaxSec=8$/m);

  await pods.create('obeys', { containers: [shell('main', FOREVER)] });
  await pods.create('ignores', {
    terminationGracePeriodSeconds: 600,
    containers: [shell('main', 'trap "" TERM; while :; do sleep 1; done')],
  });
  await pods.create('vital', { priorityClassName: 'system-node-critical', containers: [shell('main', FOREVER)] });
  for (const name of ['obeys', 'ignores', 'vital']) await pods.ready(name);

  await writeFile(path(`${BIN}/signals`), signal(true), { flag: 'a' });
  await waitFor('the node to say so', async () => (await ready())?.message.includes('node is shutting down'));
  assert.deepEqual([(await ready())!.status, (await ready())!.reason], ['False', 'KubeletNotReady']);
  await pods.create('late', { containers: [shell('main', FOREVER)] });
  const late = await pods.until('late', 'refused', ({ status }) => status.phase === 'Failed');
  assert.deepEqual(
    [late.status.reason, late.status.message],
    ['NodeShutdown', 'Pod was rejected: Pod was rejected as the node is shutting down.'],
  );

  const ended = new Map<string, Pod>();
  for (const name of ['obeys', 'ignores', 'vital']) {
    ended.set(name, await pods.until(name, 'ended', ({ status }) => status.phase === 'Failed'));
  }
  const message = 'Pod was terminated in response to imminent node shutdown.';
  for (const [name, { status }] of ended) {
    assert.deepEqual([name, status.reason, status.message], [name, 'Terminated', message]);
    const target = status.conditions?.find(({ type }) => type === 'DisruptionTarget');
    assert.deepEqual([target?.status, target?.reason, target?.message], ['True', 'TerminationByKubelet', message]);
  }
  const finished = (name: string) =>
    Date.parse(ended.get(name)!.status.containerStatuses![0]!.state!.terminated!.finishedAt!);
  assert.ok(finished('vital') >= finished('ignores'), 'critical pods end last');
  assert.ok(finished('vital') >= finished('obeys'));
  await waitFor('the machine to go on', async () => (await locks()).includes('released'));

  await writeFile(path(`${BIN}/signals`), signal(false), { flag: 'a' });
  await cluster().untilNodesReady();
  await waitFor('a lock for the next time', async () => (await locks()).match(/--mode=delay/g)?.length === 2);
  await pods.create('again', { containers: [shell('main', FOREVER)] });
  await pods.ready('again');
});
