// What the guide says can be set can be set.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { flagOf, upOptions } from '../../cli/options.ts';

/** Of commands, not settings. */
const OF_COMMANDS = ['help', 'purge', 'fix', 'server', 'deleted', 'tail'];

test('every flag that the guide and the table of compatibility name exists', async () => {
  const known = new Set([...Object.keys(upOptions).map(flagOf), ...OF_COMMANDS]);
  let seen = 0;
  for (const file of ['guide', 'compatibility']) {
    const text = await readFile(new URL(`../../docs/${file}.md`, import.meta.url), 'utf8');
    const flags = [...text.matchAll(/(?<=[\s`(|])--([a-z][a-z0-9-]*)/g)].map(([, flag]) => flag!);
    seen += flags.length;
    assert.deepEqual(
      flags.filter((flag) => !known.has(flag)),
      [],
      file,
    );
  }
  assert.ok(seen > 20);
});
