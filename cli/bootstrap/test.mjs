// `npm test`: sets up what the tests need, checks types, lint and format, and runs the rings. The last lines are the
// test runner's own summary. The ring of virtual machines runs with SKIFF_LONG=1, or alone with --vm (`npm run test:vm`).
// @ts-check
import { missingPackages, searchDirs } from './facts.mjs';
import { hostPackages, testPackages, vmPackages } from './packages.mjs';
import { say, unpack, unpackedDirs } from './perform.mjs';
import { handOver, main, pinnedNode, setUp, toolDirs } from './setup.mjs';

const argv = process.argv.slice(2);
const onlyVm = argv[0] === '--vm';
const ring = onlyVm ? ['vm', ...argv.slice(1)] : ['all', ...argv];
const withVm = onlyVm || process.env['SKIFF_LONG'] === '1';

main(async () => {
  await setUp('run', { ports: [], packages: withVm ? [...hostPackages, ...vmPackages] : hostPackages });
  const missing = missingPackages(testPackages, unpackedDirs).map(({ name }) => name);
  if (missing.length > 0) await unpack(missing);
  if (!onlyVm) {
    say('checking types, lint and format');
    // npm runs on the Node it came with: Debian's finds its own modules on no other.
    const checked = await handOver('npm', ['run', '--silent', 'check'], searchDirs());
    if (checked !== 0) return checked;
  }
  return handOver(pinnedNode, ['test/run.ts', ...ring], toolDirs(unpackedDirs));
});
