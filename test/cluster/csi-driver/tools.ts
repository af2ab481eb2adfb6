// The system's own tools, as a driver uses them.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const exec = promisify(execFile);

export async function run(program: string, ...args: string[]): Promise<string> {
  return (await exec(program, args)).stdout.trim();
}

export async function isMounted(path: string): Promise<boolean> {
  const text = await readFile('/proc/self/mountinfo', 'utf8');
  return text.split('\n').some((line) => line.split(' ')[4] === path);
}

export async function unmountAll(path: string): Promise<void> {
  while (await isMounted(path)) await run('umount', path);
}

/** The loop devices that show a file. */
export async function loopsOf(file: string): Promise<string[]> {
  const text = await run('losetup', '--noheadings', '--output', 'NAME', '--associated', file);
  return text.split('\n').filter((line) => line !== '');
}

export async function attachLoop(file: string): Promise<string> {
  const [known] = await loopsOf(file);
  return known ?? run('losetup', '--find', '--show', file);
}

/** In use, it goes with its last user. */
export async function detachLoops(file: string): Promise<void> {
  for (const device of await loopsOf(file)) await run('losetup', '--detach', device);
}
