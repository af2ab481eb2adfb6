// One process for many files of unit tests: `node --test test/shard.ts 0/4`. Most files take milliseconds and a process
// of their own took a quarter of a second each. A file is a suite here, so its hooks are its own; it must neither change
// what the others see (environment, prototypes) nor leave anything open.
import { describe } from 'node:test';
import { unitFiles } from './unit-files.ts';

const [mine = 0, all = 1] = (process.argv.at(-1) ?? '').split('/').map(Number);

for (const [i, file] of unitFiles().entries()) {
  if (i % all === mine) describe(file, async () => void (await import(`../${file}`)));
}
