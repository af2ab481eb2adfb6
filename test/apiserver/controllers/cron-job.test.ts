import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CronJob } from '../../../api/types/batch/cron-job.ts';
import type { Job } from '../../../api/types/batch/job.ts';
import {
  decideCron,
  jobName,
  mostRecent,
  surplusHistory,
  zonedTimestamp,
} from '../../../apiserver/controllers/cron-job-decide.ts';
import { parseSchedule } from '../../../apiserver/controllers/cron-schedule.ts';

const at = (text: string) => Date.parse(text);
const iso = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString().slice(0, 16));

const schedules: { text: string; zone?: string; after: string; next: (string | undefined)[] }[] = [
  { text: '*/15 * * * *', after: '2026-01-01T10:05:00Z', next: ['2026-01-01T10:15', '2026-01-01T10:30'] },
  {
    text: '5/20 3 * * *',
    after: '2026-01-01T00:00:00Z',
    next: ['2026-01-01T03:05', '2026-01-01T03:25', '2026-01-01T03:45', '2026-01-02T03:05'],
  },
  { text: '0 9-17/4 * * mon-fri', after: '2026-01-02T14:00:00Z', next: ['2026-01-02T17:00', '2026-01-05T09:00'] },
  { text: '0 0 1,15 * *', after: '2026-01-15T00:00:00Z', next: ['2026-02-01T00:00', '2026-02-15T00:00'] },
  {
    text: '0 0 13 * 5',
    after: '2026-01-01T00:00:00Z',
    next: ['2026-01-02T00:00', '2026-01-09T00:00', '2026-01-13T00:00'],
  },
  { text: '0 0 29 FEB *', after: '2026-01-01T00:00:00Z', next: ['2028-02-29T00:00', '2032-02-29T00:00'] },
  { text: '0 0 31 2 *', after: '2026-01-01T00:00:00Z', next: [undefined] },
  { text: '0 12 31 * *', after: '2026-01-31T13:00:00Z', next: ['2026-03-31T12:00', '2026-05-31T12:00'] },
  { text: '@daily', after: '2026-01-01T00:00:00Z', next: ['2026-01-02T00:00'] },
  { text: '@weekly', after: '2026-01-01T00:00:00Z', next: ['2026-01-04T00:00'] },
  { text: '@every 1h30m', after: '2026-01-01T00:00:00Z', next: ['2026-01-01T01:30', '2026-01-01T03:00'] },
  {
    text: '0 8 * * *',
    zone: 'Asia/Kolkata',
    after: '2026-01-01T00:00:00Z',
    next: ['2026-01-01T02:30', '2026-01-02T02:30'],
  },
  // Spring: half past two does not exist on the 29th of March.
  {
    text: '30 2 * * *',
    zone: 'Europe/Berlin',
    after: '2026-03-27T12:00:00Z',
    next: ['2026-03-28T01:30', '2026-03-30T00:30'],
  },
  // Autumn: half past two is there twice on the 25th of October.
  {
    text: '30 2 * * *',
    zone: 'Europe/Berlin',
    after: '2026-10-24T12:00:00Z',
    next: ['2026-10-25T00:30', '2026-10-25T01:30', '2026-10-26T01:30'],
  },
  {
    text: '0 0 * * *',
    zone: 'Europe/Berlin',
    after: '2026-10-24T12:00:00Z',
    next: ['2026-10-24T22:00', '2026-10-25T23:00'],
  },
  // Here the day itself began at one o'clock.
  { text: '0 5 1 * *', zone: 'America/Sao_Paulo', after: '2018-11-02T12:00:00Z', next: ['2018-12-01T07:00'] },
];
for (const { text, zone, after, next } of schedules) {
  test(`the schedule ${text}${zone ? ` in ${zone}` : ''} comes next after ${after}`, () => {
    const schedule = parseSchedule(text, zone);
    let ms: number | undefined = at(after);
    const found = next.map(() => {
      ms = ms === undefined ? undefined : schedule.next(ms);
      return iso(ms);
    });
    assert.deepEqual(found, next);
  });
}

for (const text of [
  '',
  '* * * *',
  '60 * * * *',
  '* 24 * * *',
  '* * 0 * *',
  '* * * 13 *',
  '* * * * 7',
  '5-1 * * * *',
  '*/0 * * * *',
  '1/2/3 * * * *',
  '@hourlyish',
  '@every x',
  'a * * * *',
]) {
  test(`the schedule "${text}" is refused`, () => assert.throws(() => parseSchedule(text)));
}

test('the next moment is later, on a whole minute, and the first that fits', () => {
  const zones = ['UTC', 'America/New_York', 'Australia/Lord_Howe'];
  fc.assert(
    fc.property(
      fc.nat(59),
      fc.nat(23),
      fc.constantFrom(...zones),
      fc.integer({ min: at('2020-01-01'), max: at('2030-01-01') }),
      (minute, hour, zone, ms) => {
        const next = parseSchedule(`${minute} ${hour} * * *`, zone).next(ms)!;
        assert.ok(next > ms && next % 60_000 === 0);
        assert.ok(next - ms <= 49.5 * 3_600_000, 'a skipped hour costs one day at most');
        const shows = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit' }).format(
          next,
        );
        assert.equal(shows, `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`);
      },
    ),
    { numRuns: 60 },
  );
});

function aCron(spec: Partial<CronJob['spec']> = {}, status: Partial<CronJob['status']> = {}): CronJob {
  return {
    metadata: { name: 'c', namespace: 'ns', uid: 'uid-c', creationTimestamp: '2026-01-01T00:00:30Z' },
    spec: { schedule: '*/5 * * * *', concurrencyPolicy: 'Allow', jobTemplate: { spec: {} }, ...spec },
    status,
  } as unknown as CronJob;
}

function aChild(name: string, end?: 'Complete' | 'Failed', startTime = '2026-01-01T00:05:00Z'): Job {
  const completed = end === 'Complete' && { completionTime: startTime };
  const conditions = end ? [{ type: end, status: 'True' }] : [];
  return {
    metadata: { name, namespace: 'ns', uid: `uid-${name}` },
    spec: {},
    status: { startTime, conditions, ...completed },
  } as unknown as Job;
}
const running = { active: [{ name: 'c-1', uid: 'uid-c-1' }], lastScheduleTime: '2026-01-01T00:05:00Z' };

const runs: {
  it: string;
  cron: CronJob;
  children?: Job[];
  now: string;
  starts?: string;
  replaces?: string[];
  again?: number;
  news?: string[];
}[] = [
  { it: 'waits for its first moment', cron: aCron(), now: '2026-01-01T00:03:00Z', again: 120_000 },
  { it: 'starts what is due', cron: aCron(), now: '2026-01-01T00:05:00Z', starts: '2026-01-01T00:05', again: 300_000 },
  {
    it: 'starts nothing twice',
    cron: aCron({}, { lastScheduleTime: '2026-01-01T00:05:00Z' }),
    now: '2026-01-01T00:06:00Z',
    again: 240_000,
  },
  {
    it: 'starts only the last of many that are due, and says so',
    cron: aCron(),
    now: '2026-01-02T00:02:00Z',
    starts: '2026-01-02T00:00',
    again: 180_000,
    news: ['TooManyMissedTimes'],
  },
  {
    it: 'forgets what its deadline is over for',
    cron: aCron({ startingDeadlineSeconds: 60 }),
    now: '2026-01-01T00:07:00Z',
    again: 180_000,
  },
  {
    it: 'starts what is late but within its deadline',
    cron: aCron({ startingDeadlineSeconds: 150 }),
    now: '2026-01-01T00:07:00Z',
    starts: '2026-01-01T00:05',
    again: 180_000,
  },
  { it: 'does nothing while suspended', cron: aCron({ suspend: true }), now: '2026-01-01T00:05:00Z' },
  {
    it: 'runs beside itself where that is allowed',
    cron: aCron({}, running),
    children: [aChild('c-1')],
    now: '2026-01-01T00:10:00Z',
    starts: '2026-01-01T00:10',
    again: 300_000,
  },
  {
    it: 'waits for the last run where that is forbidden',
    cron: aCron({ concurrencyPolicy: 'Forbid' }, running),
    children: [aChild('c-1')],
    now: '2026-01-01T00:10:00Z',
    again: 300_000,
    news: ['JobAlreadyActive'],
  },
  {
    it: 'goes on when the last run is over',
    cron: aCron({ concurrencyPolicy: 'Forbid' }, running),
    children: [aChild('c-1', 'Complete')],
    now: '2026-01-01T00:10:00Z',
    starts: '2026-01-01T00:10',
    again: 300_000,
    news: ['SawCompletedJob'],
  },
  {
    it: 'replaces the last run where it is told to',
    cron: aCron({ concurrencyPolicy: 'Replace' }, running),
    children: [aChild('c-1')],
    now: '2026-01-01T00:10:00Z',
    starts: '2026-01-01T00:10',
    replaces: ['c-1'],
    again: 300_000,
  },
  {
    it: 'notices that a run is gone',
    cron: aCron({ suspend: true }, running),
    now: '2026-01-01T00:06:00Z',
    news: ['MissingJob'],
  },
];
for (const { it, cron, children = [], now, starts, replaces = [], again, news = [] } of runs) {
  test(`a cron job ${it}`, () => {
    const made = decideCron(cron, children, parseSchedule(cron.spec.schedule), at(now));
    assert.deepEqual(
      [
        iso(made.start),
        made.replace.map(({ metadata }) => metadata.name),
        made.againMs,
        made.news.map(({ reason }) => reason),
      ],
      [starts, replaces, again, news],
    );
  });
}

test('a cron job remembers the last success and drops runs that are over', () => {
  const children = [
    aChild('c-1', 'Complete', '2026-01-01T00:05:00Z'),
    aChild('c-0', 'Complete', '2026-01-01T00:00:00Z'),
  ];
  const { status } = decideCron(
    aCron({ suspend: true }, running),
    children,
    parseSchedule('@daily'),
    at('2026-01-01T00:06:00Z'),
  );
  assert.deepEqual(status, { lastScheduleTime: '2026-01-01T00:05:00Z', lastSuccessfulTime: '2026-01-01T00:05:00Z' });
});

test('a cron job keeps so many finished jobs of each kind, the newest', () => {
  const children = ['02', '01', '03'].map((minute) => aChild(`c-${minute}`, 'Complete', `2026-01-01T00:${minute}:00Z`));
  const cron = aCron({ successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 0 });
  const gone = surplusHistory(cron, [...children, aChild('f', 'Failed'), aChild('r')]);
  assert.deepEqual(
    gone.map(({ metadata }) => metadata.name),
    ['c-01', 'c-02', 'f'],
  );
});

test('of all missed runs the last one is found, as by counting them one by one', () => {
  const texts = ['*/7 * * * *', '0 3 * * *', '15 10 1 * *', '0 0 * * 1,2', '@every 90m'];
  fc.assert(
    fc.property(fc.constantFrom(...texts), fc.integer({ min: 1, max: 20_000 }), (text, minutes) => {
      const nowMs = at('2026-01-01T00:00:30Z') + minutes * 60_000;
      const schedule = parseSchedule(text);
      let last: number | undefined;
      for (let ms = schedule.next(at('2026-01-01T00:00:30Z')); ms !== undefined && ms <= nowMs; ms = schedule.next(ms))
        last = ms;
      const { dueMs } = mostRecent(aCron({ schedule: text }), schedule, nowMs);
      if (!text.startsWith('@every')) assert.equal(iso(dueMs), iso(last));
      else assert.equal(dueMs === undefined, last === undefined);
    }),
    { numRuns: 60 },
  );
});

test('a run is named by its minute, and its moment is written as its zone has it', () => {
  assert.equal(jobName(aCron(), at('2026-01-01T00:05:00Z')), 'c-29453765');
  assert.equal(zonedTimestamp(at('2026-07-01T00:00:00Z'), 'Europe/Berlin'), '2026-07-01T02:00:00+02:00');
  assert.equal(zonedTimestamp(at('2026-07-01T00:00:00Z'), undefined), '2026-07-01T00:00:00Z');
});
