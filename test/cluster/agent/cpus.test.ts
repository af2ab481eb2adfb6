// Containers with CPUs of their own, read from the kernel: on a machine with at least two.
import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { formatCpus } from '../../../agent/cgroups/cpu-set.ts';
import type { Container } from '../../../api/types/core/container.ts';
import { useCluster } from '../harness/cluster.ts';
import { waitFor } from '../harness/wait.ts';
import { askPodResources } from './devices.ts';
import { FOREVER, Pods, shell, statusOf } from './pods.ts';

const all = availableParallelism();
const cluster = useCluster({
  agentArgs: [
    '--cpu-manager-policy=static',
    '--reserved-cpus=0',
    '--topology-manager-policy=single-numa-node',
    '--pod-max-pids=77',
  ],
});
const pods = new Pods(cluster);
const alone = (cpu: string): Partial<Container> => ({ resources: { limits: { cpu, memory: '32Mi' } } });
const everybody = `0-${all - 1}`;
const others = formatCpus(Array.from({ length: all }, (_each, cpu) => cpu).filter((cpu) => cpu !== 1));

/** As the kernel has it, in the container's own control group. */
async function cpusOf(name: string): Promise<string> {
  const id = statusOf(await pods.get(name), 'main').containerID!.replace('containerd://', '');
  const find = `cat $(find /sys/fs/cgroup -path '*kubepods*${id}*' -name cpuset.cpus | head -1)`;
  return (await cluster().node.node.exec('sh', ['-c', find])).stdout.trim();
}
const untilCpus = (name: string, wants: string) =>
  waitFor(`${name} to run on ${wants}`, async () => {
    const has = await cpusOf(name);
    if (has !== wants) throw new Error(has);
    return true;
  });

test('a guaranteed container with whole CPUs has them for itself, and all others leave them', async () => {
  await pods.create('shares', { containers: [shell('main', FOREVER)] });
  await pods.ready('shares');
  await untilCpus('shares', everybody);
  await pods.create('alone', { containers: [shell('main', FOREVER, alone('1'))] });
  await pods.ready('alone');
  assert.equal(await cpusOf('alone'), '1');
  await untilCpus('shares', others);
  await pods.create('later', { containers: [shell('main', `grep Cpus_allowed_list /proc/self/status; ${FOREVER}`)] });
  assert.match(await pods.untilLogged('later', 'main', 'Cpus'), new RegExp(`:\\s+${others}\\n`));
  type Answer = { podResources: { containers: { cpuIds: string[] }[] } };
  const { podResources } = await askPodResources<Answer>(cluster(), 'Get', {
    podName: 'alone',
    podNamespace: 'default',
  });
  assert.deepEqual(podResources.containers[0]!.cpuIds, ['1']);
});

test('an agent that is killed leaves everybody where they are, and knows afterwards', async () => {
  await cluster().kill('agent', 'SIGKILL');
  await cluster().restart('agent');
  await pods.create('after', { containers: [shell('main', FOREVER)] });
  await pods.ready('after');
  assert.deepEqual(await Promise.all(['alone', 'shares', 'after'].map(cpusOf)), ['1', others, others]);
});

test('who comes too late is refused, and CPUs of a pod that is gone are everybody’s again', async () => {
  const left = all - 2;
  await pods.create('greedy', { containers: [shell('main', FOREVER, alone(String(left + 1)))] });
  const { status } = await pods.until('greedy', 'failed', (pod) => pod.status.phase === 'Failed');
  assert.equal(status.reason, 'OutOfcpu');
  await pods.remove('alone');
  await untilCpus('shares', everybody);
  await Promise.all(['shares', 'later', 'after', 'greedy'].map((name) => pods.remove(name)));
});

test('a pod has no more processes than it may', async () => {
  await pods.create('few', { containers: [shell('main', FOREVER)] });
  const { uid } = (await pods.ready('few')).metadata;
  const find = `cat $(find /sys/fs/cgroup -path '*kubepods*pod${uid}/pids.max' | head -1)`;
  assert.equal((await cluster().node.node.exec('sh', ['-c', find])).stdout.trim(), '77');
  await pods.remove('few');
});
