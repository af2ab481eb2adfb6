// Whether the machine was started anew since the agent looked last: then nothing that ran before runs any more, however
// alive it looks in notes on disk.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

const KERNELS = '/proc/sys/kernel/random/boot_id';

export interface Boot {
  /** Also where there is no note of an earlier one. */
  readonly anew: boolean;
  /** Called when what a reboot leaves behind is cleared up: a crash before is followed by another try. */
  cleared(): Promise<void>;
}

/** `note` is where the last one is remembered. */
export async function lookAtBoot(note: string, kernels = KERNELS): Promise<Boot> {
  const now = (await readFile(kernels, 'utf8')).trim();
  const before = await readFile(note, 'utf8').catch(() => '');
  return {
    anew: before.trim() !== now,
    async cleared() {
      await mkdir(dirname(note), { recursive: true, mode: 0o700 });
      await writeFile(`${note}.new`, `${now}\n`);
      await rename(`${note}.new`, note);
    },
  };
}
