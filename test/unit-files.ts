// Which files are which ring.
import { globSync } from 'node:fs';
import { join } from 'node:path';

export const top = join(import.meta.dirname, '..');

/** A real etcd, processes that are killed, a real kubectl: what they test is small, what they take is not. */
export const SLOW = [
  'test/apiserver/{cache,store}/etcd.test.ts',
  'test/apiserver/store/crash.test.ts',
  'test/apiserver/extensions/kubectl.test.ts',
];

export function unitFiles(): string[] {
  return globSync('test/**/*.test.ts', { cwd: top, exclude: ['test/cluster/**', 'test/vm/**', ...SLOW] }).sort();
}
