// A cron schedule read: five fields of numbers, or a fixed delay. Refusals are in the words that users of cron jobs
// know. Which moments a schedule names in a time zone is the controller's affair.
//
//   minute hour day-of-month month day-of-week      @yearly @monthly @weekly @daily @hourly @every 1h30m
import { parseDuration } from './schema/go-duration.ts';

export interface CronField {
  readonly values: ReadonlySet<number>;
  /** Nothing is asked of this field: `*` or `?`. */
  readonly isAny: boolean;
}

export interface CronFields {
  readonly minutes: CronField;
  readonly hours: CronField;
  readonly days: CronField;
  readonly months: CronField;
  readonly weekdays: CronField;
}

export type CronSpec = { readonly everyMs: number } | CronFields;

export class CronProblem extends Error {}

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names: readonly string[];
}
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
export const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const FIELDS: readonly Bounds[] = [
  { min: 0, max: 59, names: [] },
  { min: 0, max: 23, names: [] },
  { min: 1, max: 31, names: [] },
  { min: 1, max: 12, names: MONTHS },
  { min: 0, max: 6, names: WEEKDAYS },
];

const SHORTHANDS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};
const EVERY = '@every ';
const NANOS_PER_SECOND = 1_000_000_000n;

/** Throws a CronProblem. */
export function parseCron(text: string): CronSpec {
  if (text.startsWith(EVERY)) return { everyMs: delayMs(text) };
  const shorthand = Object.hasOwn(SHORTHANDS, text) ? SHORTHANDS[text] : undefined;
  if (text.startsWith('@') && shorthand === undefined) throw new CronProblem(`unrecognized descriptor: ${text}`);
  const parts = (shorthand ?? text).split(/\s+/).filter((part) => part !== '');
  if (parts.length !== FIELDS.length) {
    throw new CronProblem(`expected exactly 5 fields, found ${parts.length}: [${parts.join(' ')}]`);
  }
  const [minutes, hours, days, months, weekdays] = parts.map((part, i) => readField(part, FIELDS[i]!));
  return { minutes: minutes!, hours: hours!, days: days!, months: months!, weekdays: weekdays! };
}

/** Whole seconds, at least one. */
function delayMs(text: string): number {
  try {
    const seconds = Number(parseDuration(text.slice(EVERY.length)) / NANOS_PER_SECOND);
    return Math.max(1, seconds) * 1000;
  } catch (err) {
    throw new CronProblem(`failed to parse duration ${text}: ${(err as Error).message}`);
  }
}

function readField(text: string, bounds: Bounds): CronField {
  const values = new Set<number>();
  let isAny = false;
  for (const part of text.split(',')) {
    if (part === '') continue;
    const { start, end, step, any } = readRange(part, bounds);
    for (let value = start; value <= end; value += step) values.add(value);
    isAny ||= any && step === 1;
  }
  return { values, isAny };
}

function readRange(text: string, { min, max, names }: Bounds) {
  const [range = '', stepText, ...moreSteps] = text.split('/');
  const [low = '', high, ...moreEnds] = range.split('-');
  const any = low === '*' || low === '?';
  let start = min;
  let end = max;
  if (!any) {
    start = readNumber(low, names, min);
    if (moreEnds.length > 0) throw new CronProblem(`too many hyphens: ${text}`);
    if (high !== undefined) end = readNumber(high, names, min);
    else if (stepText === undefined) end = start;
  }
  if (moreSteps.length > 0) throw new CronProblem(`too many slashes: ${text}`);
  const step = stepText === undefined ? 1 : readNumber(stepText, [], 0);
  if (step === 0) throw new CronProblem(`step of range should be a positive number: ${text}`);
  if (start < min) throw new CronProblem(`beginning of range (${start}) below minimum (${min}): ${text}`);
  if (end > max) throw new CronProblem(`end of range (${end}) above maximum (${max}): ${text}`);
  if (start > end) throw new CronProblem(`beginning of range (${start}) beyond end of range (${end}): ${text}`);
  return { start, end, step, any };
}

function readNumber(text: string, names: readonly string[], first: number): number {
  const named = names.indexOf(text.toLowerCase());
  if (named >= 0) return named + first;
  if (/^-\d+$/.test(text)) throw new CronProblem(`negative number (${text}) not allowed: ${text}`);
  if (!/^\+?\d+$/.test(text)) {
    const shown = JSON.stringify(text);
    throw new CronProblem(`failed to parse int from ${text}: strconv.Atoi: parsing ${shown}: invalid syntax`);
  }
  return Number(text);
}
