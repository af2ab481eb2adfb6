// `npm test`: sets up what the tests need, checks types, lint and format, and runs both rings. The last lines are the
// test runner's own summary.
// @ts-check
import { missingPackages, searchDirs } from './facts.mjs';
import { hostPackages, testPackages } from './packages.mjs';
import { say, unpack, unpackedDirs } from './perform.mjs';
import { handOver, main, pinnedNode, setUp, toolDirs } from './setup.mjs';

main(async () => {
  await setUp('run', { ports: [], packages: hostPackages });
  const missing = missingPackages(testPackages, unpackedDirs).map(({ name }) => name);
  if (missing.length > 0) await unpack(missing);
  say('checking types, lint and format');
  // npm runs on the Node it came with: Debian's finds its own modules on no other.
  const checked = await handOver('npm', ['run', '--silent', 'check'], searchDirs());
  if (checked !== 0) return checked;
  return handOver(pinnedNode, ['test/run.ts', 'all', ...process.argv.slice(2)], toolDirs(unpackedDirs));
});
