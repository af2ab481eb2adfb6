// Pods that come and go, 200 of them (2,000 with SKIFF_LONG=1): neither the processes nor the kernel keep anything of
// them. What is counted after a first batch is counted again after the others.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Pod } from '../../../api/types/core/pod.ts';
import { useCluster } from '../harness/cluster.ts';
import { differencesOf } from '../harness/emptied.ts';
import { waitFor } from '../harness/wait.ts';
import { Pods, shell } from './pods.ts';

const cluster = useCluster();
const pods = new Pods(cluster);
const PODS = process.env['SKIFF_LONG'] === '1' ? 2_000 : 200;
const BATCH = 20;
const PODS_PATH = '/api/v1/namespaces/default/pods';
const PARTS = ['agent', 'server', 'containerd'] as const;
/** Of pages that collectors and allocators hold back; what each pod left would be ten times this. */
const MEMORY_SLACK_KB = { agent: 40_000, server: 60_000, containerd: 30_000 };
/** Connections come and go. */
const DESCRIPTOR_SLACK = 12;

test(`after ${PODS} pods memory, descriptors and kernel objects are what they were after ${2 * BATCH}`, async (t) => {
  // A collector that has all the memory of the machine takes its time: with little, what grows is what is held.
  await cluster().kill('agent', 'SIGTERM');
  await cluster().node.start('agent', { NODE_OPTIONS: '--max-old-space-size=64 --max-semi-space-size=2' });
  await batches(2);
  const before = await picture();
  await batches(PODS / BATCH - 2);
  const after = await picture();
  for (const part of PARTS) {
    const [was, is] = [before.processes[part], after.processes[part]];
    t.diagnostic(
      `${part}: ${was.memoryKb} kB and ${was.descriptors} descriptors, then ${is.memoryKb} and ${is.descriptors}`,
    );
    assert.ok(
      is.memoryKb - was.memoryKb < MEMORY_SLACK_KB[part],
      `${part} grew from ${was.memoryKb} to ${is.memoryKb} kB`,
    );
    assert.ok(
      is.descriptors - was.descriptors <= DESCRIPTOR_SLACK,
      `${part} had ${was.descriptors} descriptors and has ${is.descriptors}`,
    );
  }
  assert.deepEqual(after.kernel, before.kernel);
});

async function batches(count: number): Promise<void> {
  for (let batch = 0; batch < count; batch++) {
    const names = Array.from({ length: BATCH }, (_, at) => `churn-${at}`);
    const volumes = [{ name: 'v', emptyDir: { medium: 'Memory' } }];
    const main = shell('main', 'true', { volumeMounts: [{ name: 'v', mountPath: '/v' }] });
    await Promise.all(names.map((name) => pods.create(name, { restartPolicy: 'Never', volumes, containers: [main] })));
    // One list for all: the churn is to cost more than the watching of it.
    await untilAll('over', (list) => list.every(({ status }) => status.phase === 'Succeeded'));
    await pods.call('DELETE', PODS_PATH);
    await untilAll('gone', (list) => list.length === 0);
  }
  await waitFor('nothing to be left', async () => {
    const differences = await differencesOf(cluster().node);
    if (differences !== '') throw new Error(differences);
    return true;
  });
}

async function untilAll(what: string, look: (list: readonly Pod[]) => boolean): Promise<void> {
  await waitFor(
    `all pods to be ${what}`,
    async () => {
      const { items } = await cluster().api.get<{ items: Pod[] }>(PODS_PATH);
      if (!look(items)) throw new Error(items.map(({ metadata, status }) => `${metadata.name} ${status.phase}`).join());
      return true;
    },
    { timeoutMs: 60_000, intervalMs: 200 },
  );
}

async function picture() {
  const processes = Object.fromEntries(
    await Promise.all(PARTS.map(async (part) => [part, measured(await cluster().node.pid(part))] as const)),
  ) as Record<(typeof PARTS)[number], ReturnType<typeof measured>>;
  const count = async (script: string) => Number((await cluster().node.node.exec('sh', ['-c', script])).stdout.trim());
  const kernel = {
    mounts: await count('wc -l < /proc/self/mountinfo'),
    networkNamespaces: await count('ls /run/skiff/containerd/io.containerd.grpc.v1.cri/netns | wc -l'),
    controlGroups: await count('find /sys/fs/cgroup -type d | wc -l'),
    interfaces: await count('ls /sys/class/net | wc -l'),
    tableLines: await count('nft list ruleset | wc -l'),
    shims: await count('ls /proc/[0-9]*/comm | xargs grep -sl containerd-shim | wc -l'),
  };
  return { processes, kernel };
}

function measured(pid: number) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    memoryKb: Number(/^RssAnon:\s+(\d+)/m.exec(status)?.[1]),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  };
}
