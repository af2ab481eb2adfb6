import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { linesOf } from '../../../api/client/lines.ts';

async function linesFrom(chunks: Buffer[], maxBytes = 1 << 20): Promise<string[]> {
  async function* stream() {
    yield* chunks;
  }
  const lines: string[] = [];
  for await (const line of linesOf(stream(), maxBytes)) lines.push(line.toString());
  return lines;
}

test('lines come out the same however the bytes are cut into chunks', async () => {
  const aLine = fc.string().filter((text) => !text.includes('\n'));
  await fc.assert(
    fc.asyncProperty(fc.array(aLine, { minLength: 1 }), fc.integer({ min: 1, max: 9 }), async (lines, size) => {
      const whole = Buffer.from(lines.map((line) => `${line}\n`).join(''));
      const chunks = Array.from({ length: Math.ceil(whole.length / size) }, (_, i) =>
        whole.subarray(i * size, (i + 1) * size),
      );
      assert.deepEqual(await linesFrom(chunks), lines);
    }),
  );
});

test('what follows the last newline is a line too', async () => {
  assert.deepEqual(await linesFrom([Buffer.from('a\nb')]), ['a', 'b']);
});

test('a line beyond the bound is an error and not a growing buffer', async () => {
  await assert.rejects(linesFrom([Buffer.alloc(600, 'x'), Buffer.alloc(600, 'x')], 1000), /more than 1000 bytes/);
});
