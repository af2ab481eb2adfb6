// `skiff version`: ours, and what it runs on.
import { readFileSync } from 'node:fs';
import { assetPath } from '../../api/assets.ts';
import type { Command } from '../main.ts';

export const run: Command = async () => {
  const { version } = JSON.parse(readFileSync(assetPath('package.json'), 'utf8')) as { version: string };
  process.stdout.write(`skiff ${version} (node ${process.version}, ${process.arch})\n`);
  return 0;
};
