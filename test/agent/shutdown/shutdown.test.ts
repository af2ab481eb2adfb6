import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ending } from '../../../agent/pods/world.ts';
import { type Manager, shutdownIn } from '../../../agent/shutdown/logind.ts';
import { type ShutdownGroup, shutdownGroups, shutdownProblem, shutdownSteps } from '../../../agent/shutdown/plan.ts';
import { NodeShutdown } from '../../../agent/shutdown/shutdown.ts';
import { silent } from '../../../api/log.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { settle, VirtualClock } from '../../sim/virtual-clock.ts';

const CRITICAL = 2_000_001_000;

function aPod(uid: string, priority?: number, grace?: number): Pod {
  return { metadata: { uid }, spec: { priority, terminationGracePeriodSeconds: grace } } as unknown as Pod;
}

const off = { totalMs: 0, criticalMs: 0, byPriority: [] as ShutdownGroup[] };
const settings: {
  it: string;
  has: Partial<typeof off> & { byPriority?: ShutdownGroup[] };
  problem?: RegExp;
  groups?: [number, number][];
}[] = [
  { it: 'nothing waits where nothing is said', has: {}, groups: [] },
  {
    it: 'critical pods get their part of the total',
    has: { totalMs: 30_000, criticalMs: 10_000 },
    groups: [
      [0, 20],
      [2_000_000_000, 10],
    ],
  },
  {
    it: 'groups are ordered from the least important',
    has: {
      byPriority: [
        { priority: 100, seconds: 3 },
        { priority: -5, seconds: 1 },
      ],
    },
    groups: [
      [-5, 1],
      [100, 3],
    ],
  },
  {
    it: 'the critical part is no more than the whole',
    has: { totalMs: 10_000, criticalMs: 20_000 },
    problem: /critical-pods must be <=/,
  },
  { it: 'less than a second is no time', has: { totalMs: 500 }, problem: /either zero or >= 1 sec/ },
  {
    it: 'both ways at once are none',
    has: { totalMs: 10_000, byPriority: [{ priority: 0, seconds: 1 }] },
    problem: /excludes/,
  },
  {
    it: 'a priority is named once',
    has: {
      byPriority: [
        { priority: 0, seconds: 1 },
        { priority: 0, seconds: 2 },
      ],
    },
    problem: /twice/,
  },
];
for (const { it, has, problem, groups } of settings) {
  test(`shutdown settings: ${it}`, () => {
    const all = { ...off, ...has };
    if (problem !== undefined) assert.match(shutdownProblem(all) ?? '', problem);
    else {
      assert.equal(shutdownProblem(all), undefined);
      assert.deepEqual(
        shutdownGroups(all).map(({ priority, seconds }) => [priority, seconds]),
        groups,
      );
    }
  });
}

test('each pod ends with its group, and gets what it asks for within the share of the group', () => {
  const groups = [
    { priority: 0, seconds: 20 },
    { priority: 1_000, seconds: 5 },
    { priority: 2_000_000_000, seconds: 10 },
  ];
  const pods = [
    aPod('web', 0, 3),
    aPod('slow', undefined, 600),
    aPod('least', -10),
    aPod('db', 1_500),
    aPod('dns', CRITICAL, 2),
  ];
  assert.deepEqual(shutdownSteps(groups, pods), [
    {
      seconds: 20,
      pods: [
        { uid: 'web', graceSeconds: 3 },
        { uid: 'slow', graceSeconds: 20 },
        { uid: 'least', graceSeconds: 20 },
      ],
    },
    { seconds: 5, pods: [{ uid: 'db', graceSeconds: 5 }] },
    { seconds: 10, pods: [{ uid: 'dns', graceSeconds: 2 }] },
  ]);
});

test('a group without pods takes no time', () => {
  const groups = [
    { priority: 0, seconds: 20 },
    { priority: 1_000, seconds: 5 },
  ];
  assert.deepEqual(
    shutdownSteps(groups, [aPod('db', 2_000)]).map(({ seconds }) => seconds),
    [5],
  );
});

const lines: [string, string, boolean | undefined][] = [
  ['that it begins', '{"type":"signal","member":"PrepareForShutdown","payload":{"type":"b","data":[true]}}', true],
  [
    'that it was called off',
    '{"type":"signal","member":"PrepareForShutdown","payload":{"type":"b","data":[false]}}',
    false,
  ],
  [
    'nothing of sleeping',
    '{"type":"signal","member":"PrepareForSleep","payload":{"type":"b","data":[true]}}',
    undefined,
  ],
  ['nothing where it is cut off', '{"type":"signal","member":"Prepare', undefined],
  ['nothing in words for people', 'Monitoring bus message stream.', undefined],
];
for (const [what, line, wants] of lines) {
  test(`a line of the monitor tells ${what}`, () => assert.equal(shutdownIn(line), wants));
}

/** A machine whose shutdown a test begins. */
function aMachine(living: Pod[], goesAfterMs: (uid: string, graceSeconds: number) => number) {
  const clock = new VirtualClock();
  const begun = clock.now();
  const story: string[] = [];
  const say = (what: string) => void story.push(`${(clock.now() - begun) / 1_000} s: ${what}`);
  let tell = (_begins: boolean): void => {};
  const manager: Manager = {
    grant: async (seconds) => seconds,
    async inhibit() {
      say('held up');
      return { [Symbol.asyncDispose]: async () => say('let go') };
    },
    follow: (told, signal) =>
      new Promise((resolve) => {
        tell = told;
        signal.addEventListener('abort', () => resolve(), { once: true });
      }),
  };
  const left = new Set(living);
  const shutdown = new NodeShutdown({
    groups: [
      { priority: 0, seconds: 20 },
      { priority: 2_000_000_000, seconds: 10 },
    ],
    manager,
    living: () => [...left],
    end(uid, { reason, graceSeconds = 0 }: Ending) {
      say(`${uid} ${reason} ${graceSeconds}`);
      const pod = living.find(({ metadata }) => metadata.uid === uid)!;
      clock.after(goesAfterMs(uid, graceSeconds), () => left.delete(pod));
    },
    told: async () => {},
    changed: () => {},
    nodeEvent: (reason, message) => say(`${reason}: ${message.replace('Shutdown manager detected shutdown ', '')}`),
    clock,
    log: silent,
  });
  return { clock, story, shutdown, tell: (begins: boolean) => tell(begins) };
}

test('pods end group after group, the next as soon as the last has gone, then the machine goes on', async () => {
  const pods = [aPod('web', 0, 5), aPod('dns', CRITICAL, 600)];
  const { clock, story, shutdown, tell } = aMachine(pods, (uid) => (uid === 'web' ? 2_000 : 60_000));
  await settle();
  tell(true);
  assert.equal(shutdown.underWay, true);
  await clock.advance(30_000);
  await shutdown[Symbol.asyncDispose]();
  assert.deepEqual(story, [
    '0 s: held up',
    '0 s: NodeShutdown: event',
    '0 s: web Terminated 5',
    '2 s: dns Terminated 10',
    '12 s: let go',
  ]);
});

test('a shutdown that is called off leaves the rest alone, and the next one is held up again', async () => {
  const pods = [aPod('web', 0, 5), aPod('dns', CRITICAL, 600)];
  const { clock, story, shutdown, tell } = aMachine(pods, () => 10_000);
  await settle();
  tell(true);
  await clock.advance(1_000);
  tell(false);
  await clock.advance(20_000);
  assert.equal(shutdown.underWay, false);
  await shutdown[Symbol.asyncDispose]();
  assert.ok(!story.some((line) => line.includes('dns')), story.join('\n'));
  assert.deepEqual(story.slice(-3), ['1 s: let go', '1 s: held up', '21 s: let go']);
});
