// kill -9 of the agent at a step of the way of a driver's volume, chosen by chance (SKIFF_SEED repeats a choice;
// SKIFF_LONG=1 takes all of them): the next agent gives the pod its data, takes everything down and leaves nothing.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type FaultPoint, STORAGE_FAULT_STEPS } from '../../../agent/faults.ts';
import { Driver } from '../csi-driver/driver.ts';
import { Sidecars } from '../csi-driver/sidecars.ts';
import { useCluster } from '../harness/cluster.ts';
import { chanceOf, seedOf } from '../harness/seed.ts';
import { waitFor } from '../harness/wait.ts';
import { CLAIMS, csiObject, noMounts, untilReleased, volumeAndClaim } from './csi.ts';
import { FOREVER, Pods, shell } from './pods.ts';

const cluster = useCluster();
const pods = new Pods(cluster);
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());
let driver: Driver | undefined;

const POINTS = process.env['SKIFF_LONG'] === '1' ? Number.POSITIVE_INFINITY : 3;
const seed = seedOf();
const chance = chanceOf(seed);
const chosen = Object.entries(STORAGE_FAULT_STEPS)
  .flatMap(([part, steps]) =>
    steps.flatMap((step) =>
      (['before', 'during', 'after'] as const).map((when) => {
        const delayMs = when === 'during' ? chance(part === 'driver' ? 40 : 3) : 0;
        return { when, part, step, nth: 1, delayMs } as FaultPoint;
      }),
    ),
  )
  .map((point) => ({ point, rank: chance(1_000_000) }))
  .sort((a, b) => a.rank - b.rank)
  .slice(0, POINTS);

for (const [at, { point }] of chosen.entries()) {
  const { when, part, step, nth, delayMs } = point;
  const text = `${when}-${part}.${step}:${nth}${when === 'during' ? `+${delayMs}` : ''}`;
  test(`an agent killed at ${text} of a volume (SKIFF_SEED=${seed}) is followed by one that finishes its work`, () =>
    survives(text, `run-${at}`));
}

async function survives(text: string, run: string): Promise<void> {
  const { node } = cluster();
  driver ??= await begin();
  await node.kill('agent', 'SIGKILL');
  await node.start('agent', { SKIFF_FAULT: text });
  let reached = false;
  const until = (what: string, look: () => Promise<boolean>) =>
    waitFor(what, async () => {
      if (!node.runs('agent')) {
        reached = true;
        await node.start('agent');
      }
      return look();
    });
  const [volume, claim] = volumeAndClaim(run, driver.name);
  await pods.call('POST', '/api/v1/persistentvolumes', volume);
  await pods.call('POST', CLAIMS, claim);
  await pods.create(run, {
    volumes: [{ name: 'v', persistentVolumeClaim: { claimName: run } }],
    containers: [
      shell('main', `echo x >> /v/f; echo up; ${FOREVER}`, { volumeMounts: [{ name: 'v', mountPath: '/v' }] }),
    ],
  });
  await until('the pod to write', async () => (await pods.log(run, 'main')).includes('up'));
  assert.equal((await driver.node.exec('cat', [`${driver.root}/volumes/${run}/data/f`])).stdout, 'x\n');
  const path = `/api/v1/namespaces/default/pods/${run}`;
  await pods.call('DELETE', path);
  await until('the pod to be gone', async () => (await cluster().api.call('GET', path)).status === 404);
  await until('the volume to be released', async () => {
    await untilReleased(cluster(), driver!, 500);
    await noMounts(driver!);
    return true;
  });
  await until(`${text} to have been reached`, async () => reached);
}

async function begin(): Promise<Driver> {
  const started = await Driver.start(cluster().node.node);
  opened.use(new Sidecars({ api: cluster().api, driver: started }));
  await pods.call('POST', '/apis/storage.k8s.io/v1/csidrivers', csiObject(started.name));
  return started;
}
