// Carries out what check-node-compare.ts proposes: one branch a way to mend.
import { execFile } from 'node:child_process';
import { readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { RuntimeClient } from '../agent/cri/runtime.ts';
import type { Nft } from '../agent/network/nft.ts';
import { TABLE, tableOf } from '../agent/network/ruleset.ts';
import { mountsBelow } from '../agent/volumes/mounts.ts';
import type { Mend } from './check-node-compare.ts';
import { askCtr } from './check-node-runtime.ts';

const run = promisify(execFile);
const TOOL_MS = 20_000;
const GRACE_SECONDS = 10;

export interface MendDeps {
  readonly runtime: RuntimeClient;
  /** The runtime's, for its own tool. */
  readonly socket: string;
  readonly snapshotter: string;
  readonly nft: Nft;
}

export async function mend(action: Mend, deps: MendDeps, signal: AbortSignal): Promise<void> {
  const { runtime, socket, snapshotter, nft } = deps;
  switch (action.do) {
    case 'removeContainer':
      await runtime.stopContainer(action.id, GRACE_SECONDS, signal);
      return runtime.removeContainer(action.id, signal);
    case 'stopSandbox':
      return runtime.stopSandbox(action.id, signal);
    case 'removeSandbox':
      await runtime.stopSandbox(action.id, signal);
      return runtime.removeSandbox(action.id, signal);
    case 'unmount':
      await run('umount', [action.path], { signal, timeout: TOOL_MS });
      return;
    case 'removeCgroup':
      return removeGroups(action.path);
    case 'removeFolder': {
      // Never delete through a mount: it may be somebody's data.
      const mounted = await mountsBelow(action.path);
      if (mounted.length > 0) throw new Error(`still mounted: ${mounted.join(', ')}`);
      return rm(action.path, { recursive: true, force: true });
    }
    case 'removeFile':
      return rm(action.path, { recursive: true, force: true });
    case 'changeTable':
      return nft.apply(tableOf(action.family), action.ops, signal);
    case 'endTask':
      await askCtr(socket, ['tasks', 'delete', '--force', action.id], signal);
      return;
    case 'removeRecord':
      await askCtr(socket, ['containers', 'delete', action.id], signal);
      return;
    case 'removeSnapshot':
      await askCtr(socket, ['snapshots', '--snapshotter', snapshotter, 'remove', action.key], signal);
      return;
    case 'killShim':
      for (const pid of action.pids) kill(pid);
      return;
    case 'removeNetwork':
      await run('umount', ['--lazy', action.path], { signal, timeout: TOOL_MS }).catch(() => {}); // a file, no mount
      return rm(action.path, { force: true });
    case 'shutOut': {
      const family = action.ip.includes(':') ? 'ip6' : 'ip';
      const element = ['delete', 'element', family, TABLE, 'known-pods', `{ ${action.ip} }`];
      await run('nft', element, { signal, timeout: TOOL_MS });
      return;
    }
    default:
      action satisfies never;
  }
}

/** From the innermost outwards. */
async function removeGroups(dir: string): Promise<void> {
  for (const entry of await readdir(dir, { withFileTypes: true }).catch(() => [])) {
    if (entry.isDirectory()) await removeGroups(join(dir, entry.name));
  }
  await rmdir(dir).catch((err: { code?: string }) => {
    if (err.code !== 'ENOENT') throw err;
  });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone already, which is what was wanted
  }
}
