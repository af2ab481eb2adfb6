// `npm start`: from a fresh clone to a running cluster. Runs on the distribution's Node (18) with nothing installed.
// @ts-check
import { hostPackages } from './packages.mjs';
import { portsWanted } from './plan.mjs';
import { handOver, main, pinnedNode, setUp } from './setup.mjs';

const argv = process.argv.slice(2);

main(async () => {
  const onlyAsks = argv.includes('--help') || argv.includes('-h');
  if (onlyAsks) await setUp('ask');
  else await setUp('run', { ports: portsWanted(argv, process.env), packages: hostPackages });
  return handOver(pinnedNode, ['cli/main.ts', 'up', ...argv]);
});
