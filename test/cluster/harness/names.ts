// The names of what tests make on the machine. They carry the pid of the test process: what is left of a dead one can
// be told from what a sibling is working with.
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const TEST_PREFIX = 'skiff-test-';
export const OWN_PREFIX = `${TEST_PREFIX}${process.pid}-`;

/** A folder on disk that the leak check knows as ours. */
export function ownDir(): Promise<string> {
  return mkdtemp(join(tmpdir(), OWN_PREFIX));
}

/** The pid in a name of ours or of another test process. */
export function ownerOf(name: string): number | undefined {
  const pid = new RegExp(`^${TEST_PREFIX}(\\d+)-`).exec(name)?.[1];
  return pid === undefined ? undefined : Number(pid);
}
