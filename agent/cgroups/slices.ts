// Slices of systemd, which owns the tree of control groups where it is PID 1: it is asked, for what is written behind
// its back it may undo. A slice needs no unit file; what is set at run time systemd keeps as drop-ins under /run.
import { execFile } from 'node:child_process';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Limits, weightOf } from './limits.ts';

const run = promisify(execFile);
const SYSTEMCTL_MS = 10_000;
/** Where `set-property --runtime` keeps its drop-ins. */
const CONTROL_DIR = '/run/systemd/system.control';

/** As `systemctl set-property` takes them; an empty quota is none. */
export function sliceProperties({ cpuShares, cpuQuotaUs, memoryBytes, pids }: Limits): string[] {
  return [
    `CPUWeight=${weightOf(cpuShares)}`,
    `CPUQuota=${cpuQuotaUs === undefined ? '' : `${cpuQuotaUs / 1_000}%`}`,
    `MemoryMax=${memoryBytes ?? 'infinity'}`,
    `TasksMax=${pids ?? 'infinity'}`,
  ];
}

/** Also of one that does not run yet: it starts with its first container, under these limits. */
export async function setSlice(slice: string, limits: Limits, signal: AbortSignal): Promise<void> {
  await systemctl(['set-property', '--runtime', slice, ...sliceProperties(limits)], signal);
}

/** Ends slices with everything in them, and what was set for them goes as well. Unknown ones are fine. */
export async function removeSlices(slices: readonly string[], signal: AbortSignal): Promise<void> {
  if (slices.length === 0) return;
  await systemctl(['stop', ...slices], signal);
  // `systemctl revert` would do this too, and read all units of the machine anew each time.
  for (const slice of slices) await rm(dropIns(slice), { recursive: true, force: true });
}

/** Those that something was set for since the machine started. */
export async function slicesSet(): Promise<string[]> {
  const names = await readdir(CONTROL_DIR).catch(() => []); // where nothing was set there is no folder
  return names.filter((name) => name.endsWith('.slice.d')).map((name) => name.slice(0, -'.d'.length));
}

function dropIns(slice: string): string {
  return join(CONTROL_DIR, `${slice}.d`);
}

async function systemctl(args: readonly string[], signal: AbortSignal): Promise<void> {
  await run('systemctl', args, { signal, timeout: SYSTEMCTL_MS });
}
