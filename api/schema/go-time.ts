// Times as the API writes them: RFC 3339 in UTC, whole seconds or exactly six decimals. Reading follows Go's
// time.Parse, because its complaints are what users see.

const SECONDS = '2006-01-02T15:04:05Z07:00';
const MICROS = '2006-01-02T15:04:05.000000Z07:00';
/** Go's zero time, which the API does not write. */
const ZERO = '0001-01-01T00:00:00Z';
const CANONICAL = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/;
const CANONICAL_MICRO = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}Z$/;

/** The canonical text, or undefined for the zero time. Throws in Go's words. */
export function canonicalTime(text: string): string | undefined {
  if (text !== ZERO && CANONICAL.test(text)) return text;
  const { seconds } = parseGoTime(text, SECONDS);
  return formatTime(seconds);
}

export function canonicalMicroTime(text: string): string | undefined {
  if (!text.startsWith('0001') && CANONICAL_MICRO.test(text)) return text;
  const { seconds, nanos } = parseGoTime(text, MICROS);
  return formatMicroTime(seconds, nanos);
}

export const ZERO_SECONDS = -62135596800;

/** Seconds since 1970 as text; undefined for Go's zero time. */
export function formatTime(seconds: number): string | undefined {
  if (seconds === ZERO_SECONDS) return undefined;
  return `${stamp(seconds)}Z`;
}
export function formatMicroTime(seconds: number, nanos: number): string | undefined {
  if (seconds === ZERO_SECONDS && nanos === 0) return undefined;
  const micros = Math.trunc(nanos / 1000);
  return `${stamp(seconds)}.${String(micros).padStart(6, '0')}Z`;
}

function stamp(seconds: number): string {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) throw new RangeError('Time.MarshalJSON: year outside of range [0,9999]');
  const year = date.getUTCFullYear();
  if (year < 0 || year > 9999) throw new RangeError('Time.MarshalJSON: year outside of range [0,9999]');
  return date.toISOString().slice(0, 19);
}

export interface GoTime {
  readonly seconds: number;
  readonly nanos: number;
}

/** Of text that is already canonical. */
export function timeOf(text: string): GoTime {
  const seconds = Math.floor(Date.parse(`${text.slice(0, 19)}Z`) / 1000);
  const nanos = text.length > 20 ? Number(text.slice(20, -1).padEnd(9, '0')) : 0;
  return { seconds, nanos };
}

export function parseGoTime(text: string, layout: typeof SECONDS | typeof MICROS): GoTime {
  let rest = text;
  const fail = (element: string, left = rest): never => {
    throw new RangeError(
      `parsing time ${quote(text)} as ${quote(layout)}: cannot parse ${quote(left)} as ${quote(element)}`,
    );
  };
  const outOfRange = (what: string): never => {
    throw new RangeError(`parsing time ${quote(text)}: ${what} out of range`);
  };
  const digits = (count: number, element: string): number => {
    if (!new RegExp(`^\\d{${count}}`).test(rest)) fail(element);
    const value = Number(rest.slice(0, count));
    rest = rest.slice(count);
    return value;
  };
  const literal = (char: string) => {
    if (!rest.startsWith(char)) fail(char);
    rest = rest.slice(1);
  };
  const ranged = (element: string, what: string, min: number, max: number): number => {
    const value = digits(2, element);
    return value < min || value > max ? outOfRange(what) : value;
  };
  const year = digits(4, '2006');
  literal('-');
  const month = ranged('01', 'month', 1, 12);
  literal('-');
  const day = digits(2, '02');
  literal('T');
  const hour = ranged('15', 'hour', 0, 23);
  literal(':');
  const minute = ranged('04', 'minute', 0, 59);
  literal(':');
  const second = ranged('05', 'second', 0, 59);
  let nanos = 0;
  if (layout === MICROS) {
    const match = /^\.\d{6}(?!\d)/.exec(rest);
    if (match === null) fail('.000000');
    nanos = Number(rest.slice(1, 7)) * 1000;
    rest = rest.slice(7);
  } else {
    const match = /^[.,](\d+)/.exec(rest);
    if (match !== null) {
      nanos = Number(match[1]!.slice(0, 9).padEnd(9, '0'));
      rest = rest.slice(match[0].length);
    }
  }
  let offset = 0;
  if (rest.startsWith('Z')) rest = rest.slice(1);
  else {
    const zone = /^([+-])(\d\d):(\d\d)/.exec(rest);
    if (zone === null) return fail('Z07:00');
    if (Number(zone[2]) > 24) outOfRange('time zone offset hour');
    if (Number(zone[3]) > 60) outOfRange('time zone offset minute');
    offset = (Number(zone[2]) * 60 + Number(zone[3])) * 60 * (zone[1] === '-' ? -1 : 1);
    rest = rest.slice(zone[0].length);
  }
  if (rest !== '') throw new RangeError(`parsing time ${quote(text)}: extra text: ${quote(rest)}`);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (day < 1 || date.getUTCDate() !== day) outOfRange('day');
  date.setUTCHours(hour, minute, second);
  return { seconds: date.getTime() / 1000 - offset, nanos };
}

function quote(text: string): string {
  return JSON.stringify(text);
}
