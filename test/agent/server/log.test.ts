// Container logs: the runtime's format, the search for the last lines, options of a request.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LogFormatter } from '../../../agent/server/cri-log.ts';
import { logOptionsOf } from '../../../agent/server/log-options.ts';
import { tailOffset } from '../../../agent/server/log-tail.ts';

const T = '2026-01-02T03:04:05.6789Z';

function show(log: string | Buffer, query = '', blockBytes = Number.MAX_SAFE_INTEGER): string {
  const bytes = Buffer.from(log);
  const formatter = new LogFormatter(logOptionsOf(new URLSearchParams(query), Date.UTC(2026, 0, 2, 3, 4, 10)));
  const shown: Buffer[] = [];
  for (let at = 0; at < bytes.length && !formatter.done; at += blockBytes) {
    // A block is used again for the next read.
    const block = Buffer.from(bytes.subarray(at, at + blockBytes));
    shown.push(formatter.push(block));
    block.fill(0);
  }
  return Buffer.concat(shown).toString('latin1');
}

const cases: { it: string; log: string; query?: string; shows: string }[] = [
  { it: 'shows what was said', log: `${T} stdout F one\n${T} stderr F two\n`, shows: 'one\ntwo\n' },
  { it: 'joins the parts of a line', log: `${T} stdout P on\n${T} stdout P \n${T} stdout F e\n`, shows: 'one\n' },
  { it: 'keeps empty lines and spaces', log: `${T} stdout F \n${T} stdout F   x \n`, shows: '\n  x \n' },
  { it: 'knows tags with more behind the first', log: `${T} stdout P:x a\n${T} stdout F:y b\n`, shows: 'ab\n' },
  { it: 'skips what is no record', log: `junk\n\n${T} stdin F a\n${T} stdout X a\n${T} stdout F b\n`, shows: 'b\n' },
  { it: 'skips a long line that is no record', log: `${'x'.repeat(500)}\n${T} stdout F b\n`, shows: 'b\n' },
  { it: 'shows a line that is not finished', log: `${T} stdout F a\n${T} stdout F b`, shows: 'a\nb' },
  { it: 'shows one stream', log: `${T} stdout F a\n${T} stderr F b\n`, query: 'stream=Stderr', shows: 'b\n' },
  {
    it: 'stops after so many bytes',
    log: `${T} stdout F abc\n${T} stdout F def\n`,
    query: 'limitBytes=5',
    shows: 'abc\nd',
  },
  {
    it: 'puts the time, with nine digits, before each line and not before its parts',
    log: `${T} stdout P a\n${T} stdout F b\n2026-01-02T03:04:05+02:00 stdout F c\n`,
    query: 'timestamps=true',
    shows: '2026-01-02T03:04:05.678900000Z ab\n2026-01-02T03:04:05.000000000+02:00 c\n',
  },
  {
    it: 'tells the lines of both streams apart while one is in parts',
    log: `${T} stdout P a\n${T} stderr F b\n${T} stdout F c\n`,
    query: 'timestamps=1',
    shows: '2026-01-02T03:04:05.678900000Z a2026-01-02T03:04:05.678900000Z b\nc\n',
  },
  { it: 'counts the time into the limit', log: `${T} stdout F a\n`, query: 'timestamps=1&limitBytes=4', shows: '2026' },
  {
    it: 'leaves out what is older',
    log: `2026-01-02T03:04:04.999999999Z stdout F a\n2026-01-02T03:04:05Z stdout F b\n`,
    query: 'sinceTime=2026-01-02T03:04:05Z',
    shows: 'b\n',
  },
  {
    it: 'counts seconds back from now',
    log: `2026-01-02T03:04:04.999Z stdout F a\n2026-01-02T05:04:05.1+02:00 stdout F b\n`,
    query: 'sinceSeconds=5',
    shows: 'b\n',
  },
];
for (const { it, log, query, shows } of cases) {
  test(`a log ${it}, however it is cut into blocks`, () => {
    for (const size of [1, 2, 3, 7, 50, 1_000]) assert.equal(show(log, query, size), shows, `blocks of ${size}`);
  });
}

test('bytes that are no text come through', () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i).filter((i) => i !== 10));
  const log = Buffer.concat([Buffer.from(`${T} stdout F `), bytes, Buffer.from('\n')]);
  assert.equal(show(log, '', 64), `${bytes.toString('latin1')}\n`);
});

/** Lines as a container wrote them, and how the runtime cut them into records. */
const written = fc.array(
  fc.record({
    text: fc.string({ maxLength: 300 }).map((text) => text.replaceAll('\n', ' ')),
    cuts: fc.integer({ min: 1, max: 5 }),
  }),
  { maxLength: 40 },
);
function recordsOf({ text, cuts }: { text: string; cuts: number }): string {
  const size = Math.max(1, Math.ceil(text.length / cuts));
  const parts = Array.from({ length: cuts }, (_, i) => text.slice(i * size, (i + 1) * size));
  return parts.map((part, i) => `${T} stdout ${i === cuts - 1 ? 'F' : 'P'} ${part}\n`).join('');
}

test('what was written comes out, whatever the records and the blocks', () => {
  fc.assert(
    fc.property(written, fc.integer({ min: 1, max: 200 }), (lines, size) => {
      const log = lines.map(recordsOf).join('');
      const wants = Buffer.from(lines.map(({ text }) => `${text}\n`).join('')).toString('latin1');
      assert.equal(show(log, '', size), wants);
    }),
  );
});

function fileOf(bytes: Buffer) {
  const reads = { bytes: 0 };
  const read = async (into: Buffer, offset: number, length: number, position: number) => {
    const bytesRead = bytes.copy(into, offset, position, position + length);
    reads.bytes += bytesRead;
    return { bytesRead, buffer: into };
  };
  return { file: { read } as unknown as Parameters<typeof tailOffset>[0], reads };
}

test('the last lines are found, whatever the records', async () => {
  await fc.assert(
    fc.asyncProperty(written, fc.integer({ min: 0, max: 45 }), async (lines, count) => {
      const bytes = Buffer.from(lines.map(recordsOf).join(''));
      const from = await tailOffset(fileOf(bytes).file, bytes.length, count);
      const wants = (count === 0 ? [] : lines.slice(-count)).map(({ text }) => `${text}\n`).join('');
      assert.equal(show(bytes.subarray(from)), Buffer.from(wants).toString('latin1'));
    }),
  );
});

test('the last lines are found across blocks, in lines longer than a block, and when the last is not finished', async () => {
  const long = 'x'.repeat(200_000);
  const log = [`first`, long, 'between', long, 'last'].map((text) => `${T} stdout F ${text}\n`).join('');
  const bytes = Buffer.from(log.slice(0, -3));
  for (const [count, wants] of [
    [1, 'la'],
    [2, `${long}\nla`],
    [3, `between\n${long}\nla`],
    [9, `first\n${long}\nbetween\n${long}\nla`],
  ] as const) {
    const from = await tailOffset(fileOf(bytes).file, bytes.length, count);
    assert.equal(show(bytes.subarray(from), '', 65_536), wants);
  }
});

test('a tail reads little of a large file', async () => {
  const bytes = Buffer.from(`${T} stdout F ${'x'.repeat(90)}\n`.repeat(50_000));
  const { file, reads } = fileOf(bytes);
  await tailOffset(file, bytes.length, 10);
  assert.ok(reads.bytes <= 70_000, `read ${reads.bytes} of ${bytes.length} bytes`);
});

const refused: [query: string, code: number, message: RegExp][] = [
  ['tailLines=x', 400, /Unable to decode query: tailLines is not a number/],
  ['sinceTime=yesterday', 400, /Unable to decode query: sinceTime: parsing time/],
  ['tailLines=-1', 422, /Invalid request: tailLines: must be greater than or equal to 0/],
  ['limitBytes=0', 422, /limitBytes: must be greater than or equal to 1/],
  ['sinceSeconds=0', 422, /sinceSeconds/],
  ['sinceSeconds=1&sinceTime=2026-01-02T03:04:05Z', 422, /at most one of/],
  ['stream=Both', 422, /Unsupported value/],
  ['stream=Stdout&tailLines=1', 422, /mutually exclusive/],
];
for (const [query, code, message] of refused) {
  test(`a log with ${query} is refused`, () => {
    assert.throws(() => logOptionsOf(new URLSearchParams(query), 0), { code, message });
  });
}

test('flags are read as upstream reads them', () => {
  const options = logOptionsOf(new URLSearchParams('follow=&previous=False&timestamps=0&tail=all'), 0);
  assert.deepEqual(
    [options.follow, options.previous, options.timestamps, options.tailLines],
    [true, false, false, undefined],
  );
});
