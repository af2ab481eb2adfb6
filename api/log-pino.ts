// The process's logger: JSON lines, or readable lines when a person looks at a terminal. Written synchronously and
// without a worker thread, so that the last words of a dying process are there.
import pino from 'pino';
import type { Logger } from './log.ts';

export interface LogOptions {
  name: string;
  level: string;
  /** 'auto' is readable on a terminal and JSON elsewhere. */
  format: 'auto' | 'json' | 'text';
}

export function openLog({ name, level, format }: LogOptions): Logger {
  const readable = format === 'text' || (format === 'auto' && process.stderr.isTTY);
  const options = { name, level, base: { name }, timestamp: pino.stdTimeFunctions.isoTime };
  return readable
    ? pino(options, { write: (line: string) => void process.stderr.write(asText(line)) })
    : pino(options, pino.destination({ dest: 2, sync: true }));
}

const LEVELS: Record<number, string> = { 20: 'debug', 30: 'info ', 40: 'WARN ', 50: 'ERROR', 60: 'FATAL' };

function asText(line: string): string {
  const { level, time, name, msg, err, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const rest = Object.entries(fields).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const cause = err === undefined ? [] : [`err=${JSON.stringify((err as { message?: string }).message)}`];
  return `${[String(time).slice(11, 23), LEVELS[Number(level)], name, msg, ...rest, ...cause].join(' ')}\n`;
}
