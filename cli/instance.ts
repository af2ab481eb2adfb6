// The note a running `skiff up` leaves in its run folder, so that `down` can end it and a second `up` can name it.
// A process id alone may have been given to another process since; with the time it started it may not.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readFileIfThere, writeFileAtomically } from './files.ts';

const noteOf = (runDir: string) => join(runDir, 'up.pid');

export async function runningInstance(runDir: string): Promise<number | undefined> {
  const [pid, startedAt] = (await readFileIfThere(noteOf(runDir)))?.trim().split(' ') ?? [];
  return pid !== undefined && (await startTimeOf(pid)) === startedAt ? Number(pid) : undefined;
}

export async function leaveNote(runDir: string): Promise<AsyncDisposable> {
  await writeFileAtomically(noteOf(runDir), `${process.pid} ${await startTimeOf(String(process.pid))}\n`, 0o644);
  return { [Symbol.asyncDispose]: () => rm(noteOf(runDir), { force: true }) };
}

/** In clock ticks since boot; undefined when there is no such process, or only its remains. */
export async function startTimeOf(pid: string): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The second field, the name, may contain anything, so counting starts behind its closing parenthesis.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
