// The working tree as a repository of one commit in one file, to be cloned in the guest as a person clones from a
// server. The checkout itself, its index included, is not touched.
import { join, resolve } from 'node:path';
import { exec } from '../../cluster/harness/process.ts';

const TOP = resolve(import.meta.dirname, '../../..');

/** Everything that is not ignored, committed or not. */
export async function bundleCheckout(dir: string): Promise<string> {
  const bundle = join(dir, 'checkout.bundle');
  const env = {
    PATH: process.env['PATH'] ?? '',
    GIT_DIR: join(dir, 'checkout.git'),
    GIT_WORK_TREE: TOP,
    GIT_AUTHOR_NAME: 'test',
    GIT_AUTHOR_EMAIL: 'test@localhost',
    GIT_COMMITTER_NAME: 'test',
    GIT_COMMITTER_EMAIL: 'test@localhost',
  };
  const git = (...args: string[]) => exec('git', args, { env, cwd: TOP });
  await git('init', '--quiet', '--initial-branch=main');
  await git('add', '--all');
  await git('commit', '--quiet', '--no-verify', '--message=the working tree');
  await git('bundle', 'create', '--quiet', bundle, 'HEAD', 'main');
  return bundle;
}
