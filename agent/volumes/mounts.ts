// Mounting and unmounting through the system's own tools, and the kernel's list of what is mounted.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { freeShell } from '../shells.ts';

const run = promisify(execFile);
const TIMEOUT_MS = 30_000;

export async function mountTmpfs(dir: string, options: readonly string[], signal: AbortSignal): Promise<void> {
  await tool('mount', ['-t', 'tmpfs', ...(options.length > 0 ? ['-o', options.join(',')] : []), 'tmpfs', dir], signal);
}

export async function mountHugepages(dir: string, pageBytes: number, signal: AbortSignal): Promise<void> {
  await tool('mount', ['-t', 'hugetlbfs', '-o', `pagesize=${pageBytes}`, 'nodev', dir], signal);
}

export async function bindMount(source: string, target: string, signal: AbortSignal): Promise<void> {
  // The path as it is: resolved by the tool first, it would be another one by the time it is mounted.
  await tool('mount', ['--no-canonicalize', '--bind', source, target], signal);
}

export async function unmount(path: string, signal: AbortSignal): Promise<void> {
  await tool('umount', [path], signal);
}

async function tool(name: string, args: string[], signal: AbortSignal): Promise<void> {
  try {
    const shell = freeShell();
    if (shell === undefined) return void (await run(name, args, { signal, timeout: TIMEOUT_MS }));
    const { code, stderr } = await shell.run(
      ['timeout', '-s', 'KILL', `${TIMEOUT_MS / 1_000}`, name, ...args],
      {},
      signal,
    );
    if (code !== 0) throw Object.assign(new Error(`ended with code ${code}`), { stderr });
  } catch (cause) {
    signal.throwIfAborted();
    const { stderr } = cause as { stderr?: string };
    throw new Error(`${name} ${args.at(-1)}: ${(stderr || String(cause)).trim()}`, { cause });
  }
}

/** Every mount point at or below a folder, the deepest first: the order to unmount in. */
export async function mountsBelow(dir: string): Promise<string[]> {
  const text = await readFile('/proc/self/mountinfo', 'utf8');
  const points = text.split('\n').flatMap((line) => {
    const point = line.split(' ')[4];
    return point === undefined ? [] : [decodeOctal(point)];
  });
  // The same point may be mounted over several times; the list has it as often.
  return points.filter((point) => point === dir || point.startsWith(`${dir}/`)).reverse();
}

export async function isMounted(path: string): Promise<boolean> {
  return (await mountsBelow(path)).includes(path);
}

/** Blanks and the like are octal there. */
function decodeOctal(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_all, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
