// The way every command here goes: look, decide, do, hand over to the pinned Node. Whatever fails ends in one line.
// @ts-check
import { spawn } from 'node:child_process';
import { delimiter } from 'node:path';
import { lookAtMachine, pinnedNode, searchDirs, top } from './facts.mjs';
import { nodePackages } from './packages.mjs';
import { perform, Refusal, say } from './perform.mjs';
import { planSetup } from './plan.mjs';

/**
 * @param {import('./plan.mjs').Purpose} purpose
 * @param {{ ports: number[], packages: import('./packages.mjs').HostPackage[] }} [wants]
 */
export async function setUp(purpose, wants = { ports: [], packages: nodePackages }) {
  const plan = planSetup(lookAtMachine(wants), purpose);
  if ('refuse' in plan) throw new Refusal(plan.refuse);
  for (const step of plan.steps) await perform(step);
}

/** Where the tools of the checkout and the pinned Node are found first. @param {string[]} moreDirs */
export const toolDirs = (moreDirs = []) => [`${top}/node_modules/.bin`, ...moreDirs, ...searchDirs()];

/**
 * Runs a program to its end and gives its exit code.
 * @param {string} program @param {string[]} args @param {string[]} dirs where programs are looked for
 * @returns {Promise<number>}
 */
export function handOver(program, args, dirs = toolDirs()) {
  const child = spawn(program, args, {
    cwd: top,
    stdio: 'inherit',
    env: { ...process.env, PATH: dirs.join(delimiter) },
  });
  // Ctrl-C reaches the child by itself, from the terminal; it decides how to end, and we end after it.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  process.on('SIGHUP', () => child.kill('SIGHUP'));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? (signal === 'SIGKILL' ? 137 : 143)));
  });
}

/** @param {() => Promise<number>} command */
export async function main(command) {
  try {
    process.exitCode = await command();
  } catch (err) {
    if (!(err instanceof Refusal)) throw err;
    say(err.message);
    process.exitCode = 1;
  }
}

export { pinnedNode };
