// Programs of this folder as processes of their own, and what they say first.
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ApiAccess } from '../harness/api-access.ts';

export interface Where {
  url: string;
  files: { ca: string; cert: string; key: string };
}

export interface RunOptions {
  /** A command that runs the command behind it. */
  readonly prefix?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export function run(file: string, args: readonly string[], { prefix = [], env }: RunOptions = {}): ChildProcess {
  const [command, ...rest] = [
    ...prefix,
    process.execPath,
    '--no-warnings',
    join(import.meta.dirname, file),
    ...args,
  ] as [string, ...string[]];
  return spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });
}

export async function firstLine(child: ChildProcess): Promise<string> {
  for await (const line of createInterface(child.stdout!)) return line;
  throw new Error('it ended without a word');
}

export function accessTo({ url, files }: Where): ApiAccess {
  const read = (name: keyof Where['files']) => readFileSync(files[name], 'utf8');
  return new ApiAccess({ server: url, caPem: read('ca'), certPem: read('cert'), keyPem: read('key') });
}
