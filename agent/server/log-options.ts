// What part of a container's log is asked for. Pure; the fields are those of PodLogOptions.
import { parseGoTime } from '../../api/schema/go-time.ts';
import { Problem } from './problem.ts';

export type LogStream = 'All' | 'Stdout' | 'Stderr';

export interface LogOptions {
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly stream: LogStream;
  /** Lines written before this moment are left out. */
  readonly sinceMs?: number;
  readonly tailLines?: number;
  readonly limitBytes?: number;
}

const LAYOUT = '2006-01-02T15:04:05Z07:00';

export function logOptionsOf(query: URLSearchParams, nowMs: number): LogOptions {
  const tail = query.get('tail');
  const tailLines = numberOf(tail === 'all' ? null : (tail ?? query.get('tailLines')), 'tailLines', 0);
  const limitBytes = numberOf(query.get('limitBytes'), 'limitBytes', 1);
  const sinceSeconds = numberOf(query.get('sinceSeconds'), 'sinceSeconds', 1);
  const sinceTime = timeOf(query.get('sinceTime'));
  const stream = (query.get('stream') || 'All') as LogStream;
  if (sinceSeconds !== undefined && sinceTime !== undefined) {
    throw invalid('at most one of `sinceTime` or `sinceSeconds` may be specified');
  }
  if (!['All', 'Stdout', 'Stderr'].includes(stream)) {
    throw invalid('stream: Unsupported value: supported values: "All", "Stderr", "Stdout"');
  }
  if (stream !== 'All' && tailLines !== undefined) {
    throw invalid('`tailLines` and specific `stream` are mutually exclusive for now');
  }
  return {
    follow: flagOf(query.get('follow')),
    previous: flagOf(query.get('previous')),
    timestamps: flagOf(query.get('timestamps')),
    stream,
    sinceMs: sinceSeconds === undefined ? sinceTime : nowMs - sinceSeconds * 1_000,
    tailLines,
    limitBytes,
  };
}

/** As upstream reads booleans in queries: there means yes, unless it says no. */
export function flagOf(text: string | null): boolean {
  return text !== null && text !== '0' && text.toLowerCase() !== 'false';
}

function numberOf(text: string | null, name: string, min: number): number | undefined {
  if (text === null || text === '') return undefined;
  if (!/^[+-]?\d+$/.test(text)) throw undecodable(`${name} is not a number`);
  const value = Number(text);
  if (value < min) throw invalid(`${name}: must be greater than or equal to ${min}`);
  return value;
}

function timeOf(text: string | null): number | undefined {
  if (text === null || text === '') return undefined;
  try {
    return parseGoTime(text, LAYOUT).seconds * 1_000;
  } catch (err) {
    throw undecodable(`sinceTime: ${(err as Error).message}`);
  }
}

function undecodable(why: string): Problem {
  return new Problem(400, JSON.stringify({ message: `Unable to decode query: ${why}` }));
}

function invalid(why: string): Problem {
  return new Problem(422, JSON.stringify({ message: `Invalid request: ${why}` }));
}
