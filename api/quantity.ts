// Quantities of resources: `100m`, `1.5Gi`, `1e3`. Exact: a value is digits × 10^exponent in big integers, so sums of
// quotas never drift. The canonical text keeps the family of suffixes that was written and has neither fractions nor
// factors that a greater suffix could say; the finest step is a nano, and what is finer counts as one.

export type QuantityFormat = 'decimal' | 'exponent' | 'binary';

export interface Quantity {
  readonly digits: bigint;
  readonly exponent: number;
  readonly format: QuantityFormat;
}

export const QUANTITY_PATTERN = '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$';
const MALFORMED = `quantities must match the regular expression '${QUANTITY_PATTERN}'`;
const BAD_SUFFIX = "unable to parse quantity's suffix";
const BAD_NUMBER = 'unable to parse numeric part of quantity';

const DECIMAL: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const BINARY: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };
const DECIMAL_OF = new Map(Object.entries(DECIMAL).map(([suffix, exponent]) => [exponent, suffix]));
const BINARY_SUFFIXES = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

const NANO = -9;
/** Binary quantities stop here, as upstream's do. */
const BINARY_MAX = 2n ** 63n - 1n;
// Bounds that no real quantity meets: a short text must not become a number of a million digits.
const EXPONENT_MAX = 400;
const LENGTH_MAX = 1000;

const PARTS = /^([+-]?)(\d*)(?:\.(\d*))?([eEinumkKMGTP]*[-+]?\d*)$/;

/** Amounts of a cluster are few, and each is asked for again and again: short ones are remembered. */
const known = new Map<string, Quantity>();
const KNOWN_MAX = 1_000;
const KNOWN_LENGTH_MAX = 16;

/** Throws a RangeError in upstream's words. */
export function parseQuantity(text: string): Quantity {
  const before = known.get(text);
  if (before !== undefined) return before;
  const quantity = parse(text);
  if (text.length <= KNOWN_LENGTH_MAX) {
    if (known.size === KNOWN_MAX) known.clear();
    known.set(text, quantity);
  }
  return quantity;
}

function parse(text: string): Quantity {
  if (text === '' || text.length > LENGTH_MAX) throw new RangeError(text === '' ? MALFORMED : BAD_NUMBER);
  const parts = PARTS.exec(text);
  if (parts === null) throw new RangeError(MALFORMED);
  const [, sign = '', whole = '', fraction = '', suffix = ''] = parts;
  const magnitude = BigInt(whole + fraction || '0');
  const digits = sign === '-' ? -magnitude : magnitude;

  if (Object.hasOwn(DECIMAL, suffix)) {
    return toNano({ digits, exponent: DECIMAL[suffix]! - fraction.length, format: 'decimal' });
  }
  if (Object.hasOwn(BINARY, suffix)) {
    return bounded(toNano({ digits: digits << BigInt(BINARY[suffix]!), exponent: -fraction.length, format: 'binary' }));
  }
  if (!/^[eE][-+]?\d+$/.test(suffix)) throw new RangeError(BAD_SUFFIX);
  const power = Number(suffix.slice(1));
  if (Math.abs(power) > EXPONENT_MAX) throw new RangeError(BAD_SUFFIX);
  return toNano({ digits, exponent: power - fraction.length, format: 'exponent' });
}

/** Whoever asks for something gets something: rounding goes away from zero. */
function toNano(quantity: Quantity): Quantity {
  return quantity.exponent >= NANO ? quantity : { ...quantity, digits: atScale(quantity, NANO), exponent: NANO };
}

function bounded(quantity: Quantity): Quantity {
  const magnitude = abs(quantity.digits);
  const one = 10n ** BigInt(-quantity.exponent);
  if (magnitude > BINARY_MAX * one) {
    return { digits: quantity.digits < 0n ? -BINARY_MAX : BINARY_MAX, exponent: 0, format: 'binary' };
  }
  return magnitude < one ? { ...quantity, format: 'decimal' } : quantity;
}

/** How many steps of 10^scale, rounded away from zero. */
function atScale({ digits, exponent }: Quantity, scale: number): bigint {
  if (exponent >= scale) return digits * 10n ** BigInt(exponent - scale);
  const step = 10n ** BigInt(scale - exponent);
  const rest = digits % step;
  const steps = digits / step;
  return rest === 0n ? steps : digits < 0n ? steps - 1n : steps + 1n;
}

const abs = (n: bigint) => (n < 0n ? -n : n);

export function formatQuantity(quantity: Quantity): string {
  if (quantity.digits === 0n) return '0';
  if (quantity.format !== 'binary') return formatDecimal(quantity);
  const value = atScale(quantity, 0);
  const exact = quantity.exponent >= 0 || value * 10n ** BigInt(-quantity.exponent) === quantity.digits;
  // Neither fractions nor what is below a kibi is said in binary suffixes.
  if (!exact || abs(value) < 1024n) return formatDecimal({ ...quantity, format: 'decimal' });
  let number = value;
  let at = 0;
  while (number % 1024n === 0n && at < BINARY_SUFFIXES.length - 1) {
    number /= 1024n;
    at++;
  }
  return `${number}${BINARY_SUFFIXES[at]}`;
}

function formatDecimal({ digits, exponent, format }: Quantity): string {
  let number = digits;
  let power = exponent;
  while (number % 10n === 0n) {
    number /= 10n;
    power++;
  }
  const past = ((power % 3) + 3) % 3;
  number *= 10n ** BigInt(past);
  power -= past;
  if (format === 'exponent') return power === 0 ? `${number}` : `${number}e${power}`;
  if (power > 18) {
    number *= 10n ** BigInt(power - 18);
    power = 18;
  }
  return `${number}${DECIMAL_OF.get(power)}`;
}

// Most texts are canonical already: up to three digits and a suffix.
const PLAIN = /^[1-9]\d{0,2}(?:m|k|M|G|T|[KMGT]i)?$/;

/** The one text for this quantity; throws as parseQuantity does. */
export function canonicalQuantity(text: string): string {
  return PLAIN.test(text) ? text : formatQuantity(parseQuantity(text.trim()));
}

export type QuantityLike = string | Quantity;
const quantityOf = (quantity: QuantityLike) => (typeof quantity === 'string' ? parseQuantity(quantity) : quantity);

export function compareQuantities(left: QuantityLike, right: QuantityLike): -1 | 0 | 1 {
  const [a, b] = aligned(quantityOf(left), quantityOf(right));
  return a < b ? -1 : a > b ? 1 : 0;
}

function aligned(a: Quantity, b: Quantity): [bigint, bigint, number] {
  const exponent = Math.min(a.exponent, b.exponent);
  return [atScale(a, exponent), atScale(b, exponent), exponent];
}

/** The sum is written as the left one was; nothing has no way of writing, so then as the right one. */
export function addQuantities(left: QuantityLike, right: QuantityLike): Quantity {
  const a = quantityOf(left);
  const b = quantityOf(right);
  const [x, y, exponent] = aligned(a, b);
  return { digits: x + y, exponent, format: a.digits === 0n ? b.format : a.format };
}

export function subtractQuantities(left: QuantityLike, right: QuantityLike): Quantity {
  const b = quantityOf(right);
  return addQuantities(left, { ...b, digits: -b.digits });
}

export function isZeroQuantity(quantity: QuantityLike): boolean {
  return quantityOf(quantity).digits === 0n;
}

/** In whole units, rounded away from zero. Beyond 2^53 it is as near as a number comes. */
export function quantityValue(quantity: QuantityLike): number {
  return Number(atScale(quantityOf(quantity), 0));
}

/** In thousandths, rounded away from zero: what the scheduler counts CPU in. */
export function quantityMilli(quantity: QuantityLike): number {
  return Number(atScale(quantityOf(quantity), -3));
}

export function quantityFrom(value: number | bigint, format: QuantityFormat = 'decimal'): Quantity {
  return { digits: BigInt(value), exponent: 0, format };
}

export function quantityFromMilli(milli: number | bigint, format: QuantityFormat = 'decimal'): Quantity {
  return { digits: BigInt(milli), exponent: -3, format };
}

/** Resource lists hold nothing finer than a thousandth: rounds what is, in place. */
export function roundResources(resources: Record<string, string> | undefined): void {
  if (resources === undefined) return;
  for (const [name, text] of Object.entries(resources)) {
    if (!/[nu]$|e-/.test(text)) continue;
    const quantity = parseQuantity(text);
    resources[name] = formatQuantity({ ...quantity, digits: atScale(quantity, -3), exponent: -3 });
  }
}
