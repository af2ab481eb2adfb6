// Whether hardware runs the guests here. /dev/kvm can be opened on machines where guests then hang, so it counts only
// when a kernel has come to its end under it: without a root file system it panics, and qemu ends with it.
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { exec } from '../../cluster/harness/process.ts';
import type { VmImage } from './image.ts';

export interface Accelerator {
  readonly name: 'kvm' | 'tcg';
  readonly args: readonly string[];
  /** By how much deadlines grow. */
  readonly slowness: number;
}

const PROBE_MS = 10_000;
const KVM: Accelerator = { name: 'kvm', args: ['-accel', 'kvm', '-cpu', 'host'], slowness: 1 };
// Without protection keys: V8 guards its code with them, and where they are emulated it ended by its own check (SIGTRAP).
const EMULATION: Accelerator = {
  name: 'tcg',
  args: ['-accel', 'tcg,thread=multi,tb-size=512', '-cpu', 'max,-pku'],
  slowness: 10,
};

let found: Promise<Accelerator> | undefined;

export function accelerator(image: VmImage): Promise<Accelerator> {
  found ??= kvmWorks(image).then((works) => (works ? KVM : EMULATION));
  return found;
}

async function kvmWorks({ kernel }: VmImage): Promise<boolean> {
  try {
    await access('/dev/kvm', constants.R_OK | constants.W_OK);
  } catch {
    return false;
  }
  const args = [
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-m', '256', '-serial', 'stdio'],
    ...['-kernel', kernel, '-append', 'console=ttyS0 panic=-1', ...KVM.args],
  ];
  // A guest that hangs is killed by the deadline, and that is the answer.
  return exec('qemu-system-x86_64', args, { timeoutMs: PROBE_MS, mayFail: true }).then(
    ({ stdout }) => stdout.includes('Kernel panic'),
    () => false,
  );
}
