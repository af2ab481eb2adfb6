// Whether a cron schedule can be read, in the words that users of cron jobs know. Which moments it names is the
// controller's affair.
import { parseDuration } from '../../../api/schema/go-duration.ts';

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names: readonly string[];
}
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const FIELDS: readonly Bounds[] = [
  { min: 0, max: 59, names: [] },
  { min: 0, max: 23, names: [] },
  { min: 1, max: 31, names: [] },
  { min: 1, max: 12, names: MONTHS },
  { min: 0, max: 6, names: DAYS },
];
const SHORTHANDS = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'];

class Unreadable extends Error {}

export function cronScheduleProblem(text: string): string | undefined {
  if (text.includes('TZ')) return 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead';
  try {
    read(text);
    return undefined;
  } catch (err) {
    if (err instanceof Unreadable) return err.message;
    throw err;
  }
}

function read(text: string): void {
  if (text.startsWith('@')) {
    readDescriptor(text);
    return;
  }
  const fields = text.split(/\s+/).filter((field) => field !== '');
  if (fields.length !== FIELDS.length) {
    throw new Unreadable(`expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`);
  }
  for (const [i, field] of fields.entries()) {
    for (const part of field.split(',')) if (part !== '') readRange(part, FIELDS[i]!);
  }
}

function readDescriptor(text: string): void {
  if (SHORTHANDS.includes(text)) return;
  const every = '@every ';
  if (!text.startsWith(every)) throw new Unreadable(`unrecognized descriptor: ${text}`);
  try {
    parseDuration(text.slice(every.length));
  } catch (err) {
    throw new Unreadable(`failed to parse duration ${text}: ${(err as Error).message}`);
  }
}

function readRange(text: string, { min, max, names }: Bounds): void {
  const [range = '', step, ...moreSteps] = text.split('/');
  const [low = '', high, ...moreEnds] = range.split('-');
  let start = min;
  let end = max;
  if (low !== '*' && low !== '?') {
    start = readNumber(low, names, min);
    if (moreEnds.length > 0) throw new Unreadable(`too many hyphens: ${text}`);
    if (high !== undefined) end = readNumber(high, names, min);
    else if (step === undefined) end = start;
  }
  if (moreSteps.length > 0) throw new Unreadable(`too many slashes: ${text}`);
  if (step !== undefined && readNumber(step, [], 0) === 0) {
    throw new Unreadable(`step of range should be a positive number: ${text}`);
  }
  if (start < min) throw new Unreadable(`beginning of range (${start}) below minimum (${min}): ${text}`);
  if (end > max) throw new Unreadable(`end of range (${end}) above maximum (${max}): ${text}`);
  if (start > end) throw new Unreadable(`beginning of range (${start}) beyond end of range (${end}): ${text}`);
}

function readNumber(text: string, names: readonly string[], first: number): number {
  const named = names.indexOf(text.toLowerCase());
  if (named >= 0) return named + first;
  if (/^-\d+$/.test(text)) throw new Unreadable(`negative number (${text}) not allowed: ${text}`);
  if (!/^\+?\d+$/.test(text)) {
    const shown = JSON.stringify(text);
    throw new Unreadable(`failed to parse int from ${text}: strconv.Atoi: parsing ${shown}: invalid syntax`);
  }
  return Number(text);
}
