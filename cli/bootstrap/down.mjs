// `npm run down`: removes everything `npm start` made, but for the host packages.
// @ts-check
import { handOver, main, pinnedNode, setUp } from './setup.mjs';

main(async () => {
  await setUp('remove');
  return handOver(pinnedNode, ['cli/main.ts', 'down', '--purge', ...process.argv.slice(2)]);
});
