// Durations as Go writes them: 1h30m0s, 1.5s, 250ms, 0s. Nanoseconds as BigInt, since a day has more than 2^46 of them.

const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const MAX = 2n ** 63n;

/** Throws in Go's words. */
export function parseDuration(text: string): bigint {
  const invalid = () => new RangeError(`time: invalid duration ${JSON.stringify(text)}`);
  const negative = text.startsWith('-');
  let rest = /^[-+]/.test(text) ? text.slice(1) : text;
  if (rest === '0') return 0n;
  if (rest === '') throw invalid();
  let total = 0n;
  while (rest !== '') {
    const number = /^(\d*)(?:\.(\d*))?/.exec(rest)!;
    const whole = number[1] ?? '';
    const fraction = number[2] ?? '';
    if (whole === '' && fraction === '') throw invalid();
    rest = rest.slice(number[0].length);
    const unit = /^[^.\d]+/.exec(rest)?.[0];
    if (unit === undefined) throw new RangeError(`time: missing unit in duration ${JSON.stringify(text)}`);
    const size = Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined;
    if (size === undefined) {
      throw new RangeError(`time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`);
    }
    rest = rest.slice(unit.length);
    const digits = fraction.slice(0, 18);
    total += BigInt(whole === '' ? '0' : whole.slice(0, 40)) * size;
    if (digits !== '') total += (BigInt(digits) * size) / 10n ** BigInt(digits.length);
    if (total > MAX) throw invalid();
  }
  if (total === MAX && !negative) throw invalid();
  return negative ? -total : total;
}

export function formatDuration(nanos: bigint): string {
  if (nanos === 0n) return '0s';
  const sign = nanos < 0n ? '-' : '';
  const size = nanos < 0n ? -nanos : nanos;
  if (size < 1000n) return `${sign}${size}ns`;
  if (size < 1_000_000n) return `${sign}${decimal(size, 3)}µs`;
  if (size < 1_000_000_000n) return `${sign}${decimal(size, 6)}ms`;
  const seconds = size / 1_000_000_000n;
  const rest = decimal((seconds % 60n) * 1_000_000_000n + (size % 1_000_000_000n), 9);
  const minutes = seconds / 60n;
  if (minutes === 0n) return `${sign}${rest}s`;
  const hours = minutes / 60n;
  return hours === 0n ? `${sign}${minutes}m${rest}s` : `${sign}${hours}h${minutes % 60n}m${rest}s`;
}

function decimal(value: bigint, places: number): string {
  const text = value.toString().padStart(places + 1, '0');
  const fraction = text.slice(-places).replace(/0+$/, '');
  return fraction === '' ? text.slice(0, -places) : `${text.slice(0, -places)}.${fraction}`;
}

export function canonicalDuration(text: string): string {
  return formatDuration(parseDuration(text));
}
