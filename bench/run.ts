// Runs the benches one after another, each in a process of its own and never beside another:
//
//   npm run bench              all of them
//   npm run bench -- store     those whose name contains a word
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { basename, join } from 'node:path';

const NOT_A_BENCH = new Set(['run.ts', 'figures.ts', 'node.ts']);
const words = process.argv.slice(2);
const files = globSync('*.ts', { cwd: import.meta.dirname })
  .filter((file) => !NOT_A_BENCH.has(file))
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort();

let failed = 0;
for (const file of files) {
  console.log(`\n===== ${basename(file, '.ts')}`);
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, file)], { stdio: 'inherit' });
  if (status !== 0) failed++;
}
console.log(`\n${files.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
