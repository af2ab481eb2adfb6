#!/usr/bin/env node
// The `skiff` command of a checkout, for any Node: finds the pinned one and hands over.
// @ts-check
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('..', import.meta.url));
const node = `${top}node_modules/.bin/node`;
if (!existsSync(node)) {
  process.stderr.write(`skiff: the npm packages are not installed: run \`npm ci\` in ${top}\n`);
  process.exit(1);
}
// Ctrl-C reaches the child by itself; it decides how to end, and we end after it.
process.on('SIGINT', () => {});
const { status } = spawnSync(node, [`${top}cli/main.ts`, ...process.argv.slice(2)], { stdio: 'inherit' });
process.exit(status ?? 1);
