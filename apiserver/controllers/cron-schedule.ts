// The five fields of a cron schedule, and the moments they name in a time zone. Pure: the zone's rules come from the
// platform, the time from the caller.
//
//   minute hour day-of-month month day-of-week      @yearly @monthly @weekly @daily @hourly @every 1h30m

export interface Schedule {
  /** The first moment after this one; undefined if there is none within five years. */
  next(afterMs: number): number | undefined;
}

interface Wall {
  readonly minute: number;
  readonly hour: number;
  readonly day: number;
  readonly month: number;
  readonly weekday: number;
}
type ToWall = (ms: number) => Wall;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const HORIZON_MS = 5 * 366 * 24 * HOUR_MS;

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const FIELDS = [
  { name: 'minute', min: 0, max: 59, names: [] },
  { name: 'hour', min: 0, max: 23, names: [] },
  { name: 'day of month', min: 1, max: 31, names: [] },
  { name: 'month', min: 1, max: 12, names: MONTHS },
  { name: 'day of week', min: 0, max: 6, names: WEEKDAYS },
] as const;

const SHORTHANDS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** Throws an Error that says which field is wrong, or that the zone is unknown. */
export function parseSchedule(text: string, timeZone = 'UTC'): Schedule {
  const trimmed = text.trim();
  const every = /^@every\s+(\S+)$/.exec(trimmed);
  if (every !== null) return fixedDelay(durationMs(every[1]!));
  const parts = (SHORTHANDS[trimmed] ?? trimmed).split(/\s+/);
  if (trimmed === '') throw new Error('empty spec string');
  if (trimmed.startsWith('@') && SHORTHANDS[trimmed] === undefined) {
    throw new Error(`unrecognized descriptor: ${trimmed}`);
  }
  if (parts.length !== FIELDS.length) throw new Error(`expected exactly 5 fields, found ${parts.length}: [${trimmed}]`);
  const [minutes, hours, days, months, weekdays] = parts.map((part, i) => parseField(part, FIELDS[i]!)) as Field[];
  const toWall = wallClock(timeZone);
  const isDay = ({ day, weekday }: Wall) => {
    const [byDay, byWeekday] = [days!.values.has(day), weekdays!.values.has(weekday)];
    // When both are restricted either is enough, as cron has always had it.
    return days!.isAny || weekdays!.isAny ? byDay && byWeekday : byDay || byWeekday;
  };
  return { next: (afterMs) => search(afterMs, toWall, months!, isDay, hours!, minutes!) };
}

export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

interface Field {
  readonly values: ReadonlySet<number>;
  readonly isAny: boolean;
}

function parseField(text: string, field: (typeof FIELDS)[number]): Field {
  const values = new Set<number>();
  let isAny = false;
  for (const part of text.split(',')) {
    const [range = '', stepText, ...more] = part.split('/');
    const bounds = range.split('-');
    if (more.length > 0) throw new Error(`too many slashes: ${part}`);
    if (bounds.length > 2) throw new Error(`too many hyphens: ${part}`);
    const step = stepText === undefined ? 1 : numberOf(stepText);
    if (step === 0) throw new Error(`step of range should be a positive number: ${part}`);
    const any = range === '*' || range === '?';
    const low = any ? field.min : valueIn(bounds[0]!, field.names);
    const single = stepText === undefined ? low : field.max;
    const high = any ? field.max : bounds[1] === undefined ? single : valueIn(bounds[1], field.names);
    if (low < field.min) throw new Error(`beginning of range (${low}) below minimum (${field.min}): ${part}`);
    if (high > field.max) throw new Error(`end of range (${high}) above maximum (${field.max}): ${part}`);
    if (low > high) throw new Error(`beginning of range (${low}) beyond end of range (${high}): ${part}`);
    for (let value = low; value <= high; value += step) values.add(value);
    isAny ||= any && step === 1;
  }
  return { values, isAny };
}

function valueIn(text: string, names: readonly string[]): number {
  const at = names.indexOf(text.toLowerCase());
  if (at < 0) return numberOf(text);
  return names === MONTHS ? at + 1 : at;
}

function numberOf(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`failed to parse int from ${text}`);
  return Number(text);
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: MINUTE_MS, h: HOUR_MS };

function durationMs(text: string): number {
  const wrong = () => new Error(`failed to parse duration @every ${text}`);
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) throw wrong();
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) ms += Number(amount) * UNITS_MS[unit!]!;
  return Math.max(1000, Math.floor(ms / 1000) * 1000);
}

function fixedDelay(everyMs: number): Schedule {
  return { next: (afterMs) => Math.floor(afterMs / 1000) * 1000 + everyMs };
}

/**
 * Goes forward in real time and reads the wall clock: an hour that is skipped in spring has no moments, one that is
 * repeated in autumn has them twice.
 */
function search(
  afterMs: number,
  toWall: ToWall,
  months: Field,
  isDay: (wall: Wall) => boolean,
  hours: Field,
  minutes: Field,
): number | undefined {
  let ms = (Math.floor(afterMs / MINUTE_MS) + 1) * MINUTE_MS;
  const endMs = afterMs + HORIZON_MS;
  while (ms <= endMs) {
    const wall = toWall(ms);
    if (!months.values.has(wall.month)) {
      // Never past the end of the month, however short it is.
      ms = midnightAfter(ms, toWall, Math.max(1, 28 - wall.day));
    } else if (!isDay(wall)) ms = midnightAfter(ms, toWall, 1);
    else if (!hours.values.has(wall.hour)) ms += (60 - wall.minute) * MINUTE_MS;
    else if (!minutes.values.has(wall.minute)) ms += MINUTE_MS;
    else return ms;
  }
  return undefined;
}

/** The first moment of the day so many days later; a day may begin at one o'clock, or have 23 or 25 hours. */
function midnightAfter(ms: number, toWall: ToWall, days: number): number {
  const { hour, minute } = toWall(ms);
  const guess = ms + days * 24 * HOUR_MS - hour * HOUR_MS - minute * MINUTE_MS;
  const found = toWall(guess);
  if (found.hour === 0) return guess - found.minute * MINUTE_MS;
  if (found.hour > 12) return guess + (24 - found.hour) * HOUR_MS - found.minute * MINUTE_MS;
  const earlier = guess - found.hour * HOUR_MS - found.minute * MINUTE_MS;
  return toWall(earlier).day === found.day ? earlier : guess;
}

function wallClock(timeZone: string): ToWall {
  if (timeZone === 'UTC' || timeZone === 'Etc/UTC') {
    return (ms) => {
      const date = new Date(ms);
      return {
        minute: date.getUTCMinutes(),
        hour: date.getUTCHours(),
        day: date.getUTCDate(),
        month: date.getUTCMonth() + 1,
        weekday: date.getUTCDay(),
      };
    };
  }
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    weekday: 'short',
  });
  return (ms) => {
    const parts = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]));
    return {
      minute: Number(parts.minute),
      hour: Number(parts.hour),
      day: Number(parts.day),
      month: Number(parts.month),
      weekday: WEEKDAYS.indexOf(parts.weekday!.toLowerCase()),
    };
  };
}
