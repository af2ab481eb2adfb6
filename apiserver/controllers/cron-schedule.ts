// The moments that a cron schedule names in a time zone. Pure: the zone's rules come from the platform, the time from
// the caller.
import { type CronField, parseCron, WEEKDAYS } from '../../api/cron-spec.ts';

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

/** Throws when the text is no schedule, or the zone is unknown. */
export function parseSchedule(text: string, timeZone = 'UTC'): Schedule {
  const spec = parseCron(text.trim());
  if ('everyMs' in spec) return fixedDelay(spec.everyMs);
  const { minutes, hours, days, months, weekdays } = spec;
  const toWall = wallClock(timeZone);
  const isDay = ({ day, weekday }: Wall) => {
    const [byDay, byWeekday] = [days.values.has(day), weekdays.values.has(weekday)];
    // When both are restricted either is enough, as cron has always had it.
    return days.isAny || weekdays.isAny ? byDay && byWeekday : byDay || byWeekday;
  };
  return { next: (afterMs) => search(afterMs, toWall, months, isDay, hours, minutes) };
}

export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
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
  months: CronField,
  isDay: (wall: Wall) => boolean,
  hours: CronField,
  minutes: CronField,
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
