// kill -9 of the agent at a step of the life of pods, chosen by chance (SKIFF_SEED repeats a choice; SKIFF_LONG=1 takes
// all of them): the next agent brings every pod to the end it should have, runs no job twice and leaves nothing behind.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAULT_STEPS, type FaultPart, type FaultPoint } from '../../../agent/faults.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { useCluster } from '../harness/cluster.ts';
import { differencesOf } from '../harness/emptied.ts';
import { chanceOf, seedOf } from '../harness/seed.ts';
import { waitFor } from '../harness/wait.ts';
import { conditionOf, FOREVER, Pods, shell, statusOf } from './pods.ts';

const cluster = useCluster();
const pods = new Pods(cluster);
const POINTS = process.env['SKIFF_LONG'] === '1' ? Number.POSITIVE_INFINITY : 4;
const KEPT = '/var/lib/kubelet/kept';
const DONE_MS = 90_000;

const seed = seedOf();
const chance = chanceOf(seed);
const all = (Object.keys(FAULT_STEPS) as FaultPart[]).flatMap((part) =>
  FAULT_STEPS[part].flatMap((step) =>
    (['before', 'during', 'after'] as const).map((when): FaultPoint => {
      // Every step is taken for each pod, but the API itself removes what is over.
      const times = part === 'client' && step === 'delete' ? 1 : 2;
      return { when, part, step, nth: 1 + chance(times), delayMs: when === 'during' ? chance(60) : 0 };
    }),
  ),
);
const chosen = all
  .map((point) => ({ point, rank: chance(1_000_000) }))
  .sort((a, b) => a.rank - b.rank)
  .slice(0, POINTS);

for (const [at, { point }] of chosen.entries()) {
  const { when, part, step, nth, delayMs } = point;
  const text = `${when}-${part}.${step}:${nth}${when === 'during' ? `+${delayMs}` : ''}`;
  test(`an agent killed at ${text} (SKIFF_SEED=${seed}) is followed by one that finishes its work`, () =>
    survives(text, point, `run-${at}`));
}

async function survives(text: string, { when }: FaultPoint, run: string): Promise<void> {
  const [job, service] = [`job-${run}`, `long-${run}`];
  const { node } = cluster();
  if (node.runs('agent')) await cluster().kill('agent', 'SIGKILL');
  await node.start('agent', { SKIFF_FAULT: text });
  let reached = false;
  /** With the agent or with the one after it. */
  const until = (what: string, look: () => Promise<boolean>) =>
    waitFor(
      what,
      async () => {
        if (!node.runs('agent')) {
          reached = true;
          await node.start('agent');
        }
        return look();
      },
      { timeoutMs: DONE_MS },
    );

  await Promise.all([createJob(job, run), createService(service)]);
  await until('the job to be done and the service to be ready', async () => {
    const [first, second] = await Promise.all([pods.get(job), pods.get(service)]);
    if (isOver(first) && conditionOf(second.status, 'Ready') === 'True') return true;
    throw new Error(JSON.stringify([first.status, second.status]));
  });
  const { status } = await pods.get(job);
  const runs = Number((await inNode(`grep -c ran ${KEPT}/${run} || true`)).trim());
  // Where the runtime was cut off while it started the process, nobody knows whether it ran: what must not run twice is
  // not tried again. (A moment into any step may be a moment into that one, of the other pod.)
  const both = JSON.stringify([status, (await pods.get(service)).status]);
  const cut = when === 'during' && both.includes('failed to start containerd task');
  const [wanted, phase] = cut && status.phase === 'Failed' ? [0, 'Failed'] : [1, 'Succeeded'];
  assert.deepEqual([runs, status.phase], [wanted, phase], JSON.stringify(status));
  const { restartCount } = statusOf(await pods.get(service), 'main');
  assert.ok(restartCount === 0 || cut, `${restartCount} restarts of a container that nothing ended`);

  for (const name of [job, service]) await pods.call('DELETE', `/api/v1/namespaces/default/pods/${name}`);
  await until('the pods to be gone', async () => {
    const { items } = await cluster().api.get<{ items: Pod[] }>('/api/v1/namespaces/default/pods');
    if (items.length > 0) throw new Error(JSON.stringify(items.map((pod) => pod.status)));
    return true;
  });
  // The API lets go of a pod before its last traces are removed.
  await until('nothing to be left', async () => {
    const differences = await differencesOf(node);
    if (differences !== '') throw new Error(differences);
    return true;
  });
  await until(`${text} to have been reached`, async () => reached);
  assert.equal((await inNode(`cat ${KEPT}/${run}`)).trim(), wanted === 1 ? 'ran' : '');
}

function isOver({ status }: Pod): boolean {
  return status.phase === 'Succeeded' || status.phase === 'Failed';
}

async function inNode(script: string): Promise<string> {
  return (await cluster().node.node.exec('sh', ['-c', script])).stdout;
}

async function createJob(name: string, run: string): Promise<void> {
  await inNode(`mkdir -p ${KEPT}; touch ${KEPT}/${run}`);
  const kept = [{ name: 'kept', mountPath: '/kept' }];
  await pods.create(name, {
    restartPolicy: 'Never',
    volumes: [{ name: 'kept', hostPath: { path: KEPT } }],
    initContainers: [shell('before', 'true')],
    containers: [shell('main', `echo ran >> /kept/${run}`, { volumeMounts: kept })],
  });
}

/** With everything that is made and undone around a container. */
async function createService(name: string): Promise<void> {
  const hook = (script: string) => ({ exec: { command: ['sh', '-c', script] } });
  await pods.create(name, {
    terminationGracePeriodSeconds: 5,
    volumes: [
      { name: 'memory', emptyDir: { medium: 'Memory' } },
      { name: 'roots', configMap: { name: 'kube-root-ca.crt' } },
      { name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token', expirationSeconds: 600 } }] } },
    ],
    initContainers: [shell('side', FOREVER, { restartPolicy: 'Always' })],
    containers: [
      shell('main', FOREVER, {
        lifecycle: { postStart: hook('true'), preStop: hook('true') },
        resources: { requests: { cpu: '10m', memory: '8Mi' }, limits: { memory: '32Mi' } },
        volumeMounts: [
          { name: 'memory', mountPath: '/memory' },
          { name: 'roots', mountPath: '/roots', subPath: 'ca.crt' },
          { name: 'token', mountPath: '/token' },
        ],
      }),
    ],
  });
}
