// What commands have in common: reading settings from the real argv, environment and file, `--help`, the signal that
// says the process is to end, and how a failure is told.
import { readFileSync } from 'node:fs';
import { helpOf, readConfig, UsageError } from './config.ts';
import { type Options, upOptions, type Values } from './options.ts';

/** The values, or undefined when help was asked for and has been printed. */
export async function settings<O extends Options>(
  command: string,
  summary: string,
  table: O,
  argv: readonly string[],
): Promise<Values<O> | undefined> {
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(helpOf(command, summary, table));
    return undefined;
  }
  return readConfig(table, { argv, env: process.env, readFile }, upOptions);
}

/**
 * Aborts when this process is asked to end: by a signal, or because the one that started it is gone. The channel to a
 * parent breaks even when that is killed, so no process of ours is ever left behind.
 */
export function endSignal(): AbortSignal {
  const end = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => end.abort(name));
  if (process.channel !== undefined) {
    process.once('disconnect', () => end.abort('the parent is gone'));
    process.channel?.unref();
  }
  return end.signal;
}

/** One line, with the causes; the whole story only for who asked for it. Answers with the exit code. */
export function failed(who: string, err: unknown): number {
  const lines: string[] = [];
  for (let at = err; at instanceof Error; at = at.cause) {
    const { message } = at;
    if (!lines.some((line) => line.includes(message))) lines.push(message);
  }
  process.stderr.write(`${who}: ${lines.join(': ') || String(err)}\n`);
  if (!(err instanceof UsageError) && process.env['SKIFF_LOG_LEVEL'] === 'debug') console.error(err);
  return err instanceof UsageError ? 2 : 1;
}

function readFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new UsageError(`${path}: ${code === 'EACCES' ? 'not readable (are you root?)' : (err as Error).message}`);
  }
}
