// `skiff check node` on a node that is well, and on one where things were left behind on purpose.
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { useCluster } from '../harness/cluster.ts';
import { NONCE } from '../harness/images.ts';
import { waitFor } from '../harness/wait.ts';
import { BUSYBOX, FOREVER, Pods, shell, statusOf } from './pods.ts';

const cluster = useCluster();
const pods = new Pods(cluster);
const MAIN = resolve(import.meta.dirname, '../../../cli/main.ts');
const skiff = (...args: string[]) => cluster().node.node.exec('node', [MAIN, ...args], { mayFail: true });
const LEFT = '11111111-2222-3333-4444-555555555555';
const STRAY = 'ab'.repeat(32);
const NETNS = '/run/skiff/containerd/io.containerd.grpc.v1.cri/netns';
const CTR = 'ctr -a /run/skiff/containerd/containerd.sock -n k8s.io';

/** Every kind of damage: how it is done, and what is said of it. */
const damages: { does: string; says: RegExp[] }[] = [
  {
    does: `d=/var/lib/kubelet/pods/${LEFT}/volumes/v; mkdir -p $d; mount -t tmpfs tmpfs $d`,
    says: [/^mount \/var\/lib\/kubelet\/pods\/1{8}\S+ of a pod nobody wants/m, /^folder \S+ of a pod nobody wants/m],
  },
  {
    does: `for m in memory/ pids/ ''; do [ ! -d /sys/fs/cgroup/\${m}kubepods ] || mkdir -p /sys/fs/cgroup/\${m}kubepods/pod${LEFT}/${STRAY}; done`,
    says: [/^control group \S+ of container abababababab, which is gone/m, /^control group \S+ of a pod nobody wants/m],
  },
  {
    does: `mkdir -p /var/lib/skiff/agent/pods /var/log/pods/default_x_${LEFT}/main; echo '{}' > /var/lib/skiff/agent/pods/${LEFT}.json`,
    says: [
      /^\/var\/lib\/skiff\/agent\/pods\/1\S+ of a pod nobody/m,
      /^\/var\/log\/pods\/default_x_1\S+ of a pod nobody/m,
    ],
  },
  {
    does: 'echo gone > /var/lib/skiff/cni/state/skiff/10.42.0.250',
    says: [/^address 10.42.0.250 is given to a sandbox that is gone/m],
  },
  {
    does: "nft add element ip skiff known-pods '{ 10.42.0.250 }'",
    says: [/^address 10.42.0.250 is let in by the tables/m],
  },
  {
    does: `mkdir -p /var/lib/cni/results; echo '{"netns":"${NETNS}/cni-1"}' > /var/lib/cni/results/skiff-${STRAY}-eth0`,
    says: [/^note \S+ is of a sandbox that is gone/m],
  },
  {
    does: `touch ${NETNS}/cni-stray; mount --bind /proc/self/ns/net ${NETNS}/cni-stray`,
    says: [/^network namespace \S+cni-stray is of no sandbox/m],
  },
  {
    does: `${CTR} run -d ${BUSYBOX} ${STRAY}`,
    says: [
      /^task abababababab runs and CRI does not know it/m,
      /^shim of sandbox abababababab, which is gone/m,
      /^containerd has container abababababab and CRI/m,
      /^mount \/run\/skiff\/containerd\S+ of a container that is gone/m,
      /^snapshot abababababab is of a container that is gone/m,
    ],
  },
  {
    does: "nft delete element ip skiff services '{ 10.43.0.1 . tcp . 443 }'",
    says: [/^table ip skiff lacks services \{ 10.43.0.1 . tcp . 443 : goto pick-1 \}/m],
  },
  {
    does: "nft add element ip skiff services '{ 10.43.9.9 . tcp . 80 : drop }'",
    says: [/^table ip skiff has services \{ 10.43.9.9 . tcp . 80 : drop \}, which nothing wants/m],
  },
  {
    does: `nft add element ip skiff cluster-ips '{ 10.43.9.9 }'; nft flush chain ip skiff refuse; nft add chain ip skiff stray`,
    says: [
      /^table ip skiff has cluster-ips \{ 10.43.9.9 \}/m,
      /^table ip skiff has chain refuse with other rules/m,
      /^table ip skiff has chain stray, which nothing needs/m,
    ],
  },
];

test('a node that is well has no differences, and every kind of damage is named and mended while what runs is left alone', async () => {
  const { node } = cluster().node;
  await pods.create('stays', { containers: [shell('main', FOREVER)] });
  await pods.create('goes', { containers: [shell('main', FOREVER)] });
  await pods.create('faints', { containers: [shell('main', FOREVER)] });
  const before = statusOf(await pods.ready('stays'), 'main');
  await pods.ready('goes');
  const faints = await pods.ready('faints');
  const well = await skiff('check', 'node');
  assert.deepEqual([well.code, well.stdout], [0, 'node node-1: no differences\n'], well.stderr);

  // Without an agent nobody tidies up meanwhile.
  await cluster().kill('agent', 'SIGKILL');
  for (const { does } of damages) await node.exec('sh', ['-c', `set -e; ${does}`]);
  await pods.call('DELETE', '/api/v1/namespaces/default/pods/goes?gracePeriodSeconds=0');
  await killSandbox(faints.metadata.uid);
  const found = await skiff('check', 'node');
  assert.equal(found.code, 1, found.stdout + found.stderr);
  const says = [
    ...damages.flatMap((damage) => damage.says),
    /^sandbox \S+ of pod default\/goes, which nobody wants/m,
    /^pod default\/faints \S+ is wanted here and has no sandbox that runs/m,
    new RegExp(`^address ${faints.status.podIP} is given to sandbox \\S+, which has ended`, 'm'),
  ];
  for (const line of says) assert.match(found.stdout, line);
  assert.doesNotMatch(found.stdout, /stays/);

  const fixed = await skiff('check', 'node', '--fix');
  assert.doesNotMatch(fixed.stdout, /not mended/);
  assert.match(fixed.stdout, /faints.*left to the agent/);
  const after = await skiff('check', 'node');
  assert.match(after.stdout, /^pod default\/faints .*\nnode node-1: 1 differences\n$/, after.stdout);
  await cluster().restart('agent');
  await pods.until('faints', 'started again', (pod) => pod.status.podIP !== faints.status.podIP);
  const again = await pods.ready('faints');
  // With its agent at work a sandbox that dies gives everything back.
  await killSandbox(again.metadata.uid);
  await pods.until('faints', 'in a third sandbox', (pod) => statusOf(pod, 'main').restartCount === 2);
  await pods.ready('faints');
  assert.equal(statusOf(await pods.ready('stays'), 'main').containerID, before.containerID);
  const end = await skiff('check', 'node');
  assert.equal(end.stdout, 'node node-1: no differences\n');
});

/** Ends the process that holds a pod's namespaces. */
async function killSandbox(uid: string): Promise<void> {
  const script = `for p in /proc/[0-9]*; do grep -qs "^/catatonit" $p/cmdline && grep -qs "pod${uid}" $p/cgroup && kill -9 \${p#/proc/}; done; true`;
  await cluster().node.node.exec('sh', ['-c', script]);
}

test('the last words of a container outlive it', async () => {
  await pods.create('talks', { restartPolicy: 'Never', containers: [shell('main', 'cat /nonce; echo; echo bye')] });
  await pods.until('talks', 'over', ({ status }) => status.phase === 'Succeeded');
  await pods.remove('talks');
  // The API lets go of a pod before its containers are removed.
  await waitFor('its log to be kept', async () => {
    const { stdout, stderr } = await skiff('logs', '--deleted', 'talks');
    if (stdout !== `${NONCE}\nbye\n`) throw new Error(stdout + stderr);
    return true;
  });
  const list = await skiff('logs', '--deleted');
  assert.match(list.stdout, /default\/talks {2}main {2}start 0/);
});
