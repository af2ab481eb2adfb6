// Somebody sets the machine's clock by hours, forward or back: nothing is killed before its time, nothing waits for hours.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planRenewal } from '../../agent/certificates/plan.ts';
import { ImageGc } from '../../agent/images/gc.ts';
import { NodeLease } from '../../agent/node/lease.ts';
import { Eviction } from '../../agent/pods/eviction/eviction.ts';
import { parseThreshold } from '../../agent/pods/eviction/thresholds.ts';
import { planPod } from '../../agent/pods/plan.ts';
import { Probes } from '../../agent/pods/probes/probes.ts';
import { PodSightings } from '../../agent/pods/sightings.ts';
import type { ObservedContainer } from '../../agent/pods/world.ts';
import { Rates } from '../../agent/server/rates.ts';
import { Tokens } from '../../agent/volumes/service-account-token.ts';
import { timestamp } from '../../api/clock.ts';
import { VirtualClock } from '../sim/virtual-clock.ts';
import { aContainer, aPod, aSandbox, aWorld, exited, running } from './pods/make.ts';

const HOUR = 3_600_000;
const JUMPS = [-5 * HOUR, 5 * HOUR];
const said = (ms: number) => `${ms < 0 ? 'back' : 'forward'} by ${Math.abs(ms) / HOUR} hours`;
const nobody = () => {};
const log = { debug: nobody, info: nobody, warn: nobody, error: nobody, child: () => log };
const crashed = { exitCode: 1, backOffMs: 40_000, attempt: 3 };
const present = { images: new Map([['web', { state: 'present' as const, imageRef: 'sha256:1' }]]) };

function lookingAt(clock: VirtualClock, pod = aPod()) {
  const sightings = new PodSightings(clock);
  return (containers: ObservedContainer[], seen = pod) => {
    sightings.look(seen, aWorld([aSandbox()], containers));
    const world = aWorld([aSandbox()], containers, { ...present, sightings: sightings.all });
    return planPod(seen, world, clock.monotonic());
  };
}

for (const jumpMs of JUMPS) {
  test(`the clock goes ${said(jumpMs)}: a crashed container waits for its back-off, no less and no more`, () => {
    const clock = new VirtualClock();
    const plan = lookingAt(clock);
    const finishedAtMs = clock.now() - 1_000;
    const end = exited('web', { ...crashed, startedAtMs: finishedAtMs, finishedAtMs });
    assert.deepEqual(plan([end]), [{ do: 'wait', ms: 39_000 }]);
    clock.jump(jumpMs);
    assert.deepEqual(plan([end]), [{ do: 'wait', ms: 39_000 }]);
  });

  test(`the clock goes ${said(jumpMs)} before a crash: the new stamp counts from now`, () => {
    const clock = new VirtualClock();
    const plan = lookingAt(clock);
    clock.jump(jumpMs);
    const end = exited('web', { ...crashed, startedAtMs: clock.now(), finishedAtMs: clock.now() });
    assert.deepEqual(plan([end]), [{ do: 'wait', ms: 40_000 }]);
  });

  test(`the clock goes ${said(jumpMs)}: an active deadline is that much running time`, async () => {
    const clock = new VirtualClock();
    const status = { startTime: timestamp(clock.now()) };
    const plan = lookingAt(clock, aPod({ spec: { activeDeadlineSeconds: 60 }, status }));
    const web = running('web', { startedAtMs: clock.now() });
    assert.deepEqual(plan([web]), [{ do: 'wait', ms: 60_000 }]);
    clock.jump(jumpMs);
    await clock.advance(20_000);
    assert.deepEqual(plan([web]), [{ do: 'wait', ms: 40_000 }]);
    await clock.advance(40_000);
    assert.equal(plan([web])[0]?.do, 'stopContainer');
  });

  test(`the clock goes ${said(jumpMs)}: a pod that is deleted has its whole grace, once`, async () => {
    const clock = new VirtualClock();
    const metadata = { deletionGracePeriodSeconds: 30, deletionTimestamp: timestamp(clock.now() + 30_000) };
    const plan = lookingAt(clock);
    const web = running('web', { startedAtMs: clock.now() });
    plan([web]);
    clock.jump(jumpMs); // the server's stamp is of another time
    const stop = { do: 'stopContainer', id: web.id, name: 'web' } as const;
    assert.deepEqual(plan([web], aPod({ metadata })), [{ ...stop, graceSeconds: 30 }]);
    await clock.advance(10_000);
    clock.jump(jumpMs);
    assert.deepEqual(plan([web], aPod({ metadata })), [{ ...stop, graceSeconds: 20 }]);
  });

  test(`the clock goes ${said(jumpMs)}: probes begin after their delay and keep their period`, async () => {
    const clock = new VirtualClock();
    let asked = 0;
    const runtime = {
      execSync: async () => {
        asked++;
        return { stdout: Buffer.of(), stderr: Buffer.of(), exitCode: 0 };
      },
    };
    const probe = { exec: { command: ['true'] }, initialDelaySeconds: 5, periodSeconds: 10 };
    const pod = aPod({ containers: [aContainer('web', { livenessProbe: probe })] });
    await using probes = new Probes({
      ...{ clock, random: { float: () => 0.5 }, event: nobody, wake: nobody },
      runtime,
    } as unknown as ConstructorParameters<typeof Probes>[0]);
    const started = running('web', { startedAtMs: clock.now() });
    if (jumpMs < 0) clock.jump(jumpMs); // between the start and the first look at it
    probes.sync(pod, aWorld([aSandbox()], [started]), new Map(), '');
    if (jumpMs > 0) clock.jump(jumpMs);
    await clock.advance(4_999);
    assert.equal(asked, 0);
    await clock.advance(1);
    assert.equal(asked, 1);
    clock.jump(jumpMs);
    await clock.advance(20_000);
    assert.equal(asked, 3);
  });

  test(`the clock goes ${said(jumpMs)}: tokens are renewed before they run out`, async () => {
    const clock = new VirtualClock();
    let issued = 0;
    let serverMs = clock.now();
    const post = async () => {
      issued++;
      return { status: { token: `token-${issued}`, expirationTimestamp: timestamp(serverMs + HOUR) } };
    };
    const tokens = new Tokens({ post } as unknown as ConstructorParameters<typeof Tokens>[0], clock);
    const token = () => tokens.token(aPod(), undefined, 3_600, AbortSignal.timeout(1_000));
    assert.equal(await token(), 'token-1');
    clock.jump(jumpMs);
    const early = await token();
    // One more than needed does no harm; after that it is as quiet as ever.
    await clock.advance(0.4 * HOUR);
    serverMs += 0.4 * HOUR;
    assert.equal(await token(), early);
    await clock.advance(0.45 * HOUR);
    assert.notEqual(await token(), early);
  });

  test(`the clock goes ${said(jumpMs)}: the lease is renewed every ten seconds`, async () => {
    const clock = new VirtualClock();
    const atMs: number[] = [];
    const write = async (_: unknown, lease: object) => {
      atMs.push(clock.monotonic());
      return lease;
    };
    const client = { get: async () => ({ metadata: {}, spec: {} }), create: write, update: write };
    type Client = ConstructorParameters<typeof NodeLease>[2];
    await using _lease = new NodeLease('node-1', () => undefined, client as unknown as Client, clock, log);
    await clock.advance(15_000);
    clock.jump(jumpMs);
    await clock.advance(15_000);
    const [first = 0] = atMs;
    assert.deepEqual(
      atMs.map((ms) => ms - first),
      [0, 10_000, 20_000, 30_000],
    );
  });

  test(`the clock goes ${said(jumpMs)}: an image that just came is not old, and an old one is in the end`, async () => {
    const clock = new VirtualClock();
    const removed: string[] = [];
    const image = { id: 'sha256:1', repoTags: ['web:1'], repoDigests: [], size: '7', pinned: false };
    const deps = {
      runtime: { listContainers: async () => [], status: async () => ({ info: {} }) },
      images: { list: async () => (removed.length > 0 ? [] : [image]), remove: async (id: string) => removed.push(id) },
      settings: { highPercent: 85, lowPercent: 80, minAgeMs: 120_000, maxAgeMs: HOUR },
      room: async () => ({ capacityBytes: 100, availableBytes: 50 }),
      ...{ asked: () => [], prune: async () => {}, nodeEvent: nobody, clock, log },
    };
    await using _gc = new ImageGc(deps as unknown as ConstructorParameters<typeof ImageGc>[0]);
    await clock.advance(1_000);
    clock.jump(jumpMs);
    await clock.advance(0.9 * HOUR);
    assert.deepEqual(removed, []);
    await clock.advance(0.3 * HOUR);
    assert.deepEqual(removed, ['sha256:1']);
  });

  test(`the clock goes ${said(jumpMs)}: soft thresholds of eviction have their grace`, async () => {
    const clock = new VirtualClock();
    const soft = { ...parseThreshold('memory.available<100Mi')!, graceMs: 60_000 };
    const ended: string[] = [];
    const memory = { available: 1, capacity: 2 ** 30 };
    const pod = aPod({ status: { startTime: timestamp(clock.now()), phase: 'Running' } });
    const eviction = new Eviction({
      settings: { thresholds: [soft], maxPodGraceSeconds: 5, transitionMs: 300_000 },
      ...{ log, nodeEvent: nobody, clock, pods: () => [pod], changed: nobody, memoryNow: () => memory },
      end: (uid) => ended.push(uid) > 0,
      observe: async () => new Map([['memory.available', memory]]),
      usage: {
        of: async (pods) => pods.map((each) => ({ pod: each, use: { containers: [], volumes: new Map(), pids: 0 } })),
      },
      freeDisk: async () => {},
    });
    await using _eviction = eviction;
    await clock.advance(1_000);
    clock.jump(jumpMs);
    await clock.advance(50_000);
    assert.deepEqual(ended, []);
    await clock.advance(25_000);
    assert.deepEqual(ended.slice(0, 1), ['uid-1']);
  });
}

test('a clock that goes back does not stop the counting of processor time', () => {
  const rates = new Rates();
  rates.cpu('web', 0n, 10 * HOUR);
  assert.equal(rates.cpu('web', 1_000_000_000n, 10 * HOUR + 2_000).nanoCores, 500_000_000);
  assert.equal(rates.cpu('web', 2_000_000_000n, 5 * HOUR).nanoCores, undefined);
  assert.equal(rates.cpu('web', 3_000_000_000n, 5 * HOUR + 1_000).nanoCores, 1_000_000_000);
});

test('a certificate is looked at again within a minute, so a jump is seen; one not yet valid is not asked for again', () => {
  const held = { requested: true, notBeforeMs: 0, notAfterMs: 100 * HOUR, dns: [], ips: [] };
  const plan = (nowMs: number) => planRenewal(held as never, { dns: [], ips: [] }, 0.8, nowMs);
  assert.deepEqual(plan(HOUR), { waitMs: 60_000 });
  assert.deepEqual(plan(-5 * HOUR), { waitMs: 60_000 });
  assert.ok('ask' in plan(200 * HOUR));
});
