// Quantities in their canonical text, as far as decoding and comparing need it.

const FORM = /^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$/;
const FORM_TEXT = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const PLAIN = /^(0|[1-9]\d{0,2})(m|k|M|G|Ki|Mi|Gi)?$/;
const DECIMAL = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const NANO = 1_000_000_000n;
const MAX = (2n ** 63n - 1n) * NANO;

interface Amount {
  readonly nanos: bigint;
  readonly form: 'decimal' | 'binary' | 'exponent';
}

function parse(text: string): Amount {
  const match = FORM.exec(text);
  if (match === null) throw new RangeError(FORM_TEXT);
  const [, number = '', suffix = ''] = match;
  const digits = /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(number);
  if (digits === null || (digits[2] ?? '') + (digits[3] ?? '') === '') {
    throw new RangeError('unable to parse numeric part of quantity');
  }
  const [, sign = '', whole = '', fraction = ''] = digits;
  let value = BigInt(whole + fraction);
  let exponent = -fraction.length;
  let form: Amount['form'] = 'decimal';
  let twos = 0n;
  const exp = /^[eE]([-+]?\d+)$/.exec(suffix);
  if (exp !== null) {
    form = 'exponent';
    exponent += Math.max(-100, Math.min(100, Number(exp[1])));
  } else if (DECIMAL.includes(suffix)) exponent += (DECIMAL.indexOf(suffix) - 3) * 3;
  else if (BINARY.includes(suffix)) {
    form = 'binary';
    twos = BigInt(BINARY.indexOf(suffix) * 10);
  } else throw new RangeError("unable to parse quantity's suffix");
  value *= 2n ** twos;
  const shift = exponent + 9;
  if (shift >= 0) value *= 10n ** BigInt(shift);
  else {
    const by = 10n ** BigInt(-shift);
    value = (value + by - 1n) / by;
  }
  if (value > MAX) value = MAX;
  return { nanos: sign === '-' ? -value : value, form };
}

function format({ nanos, form }: Amount): string {
  if (nanos === 0n) return '0';
  const sign = nanos < 0n ? '-' : '';
  let left = nanos < 0n ? -nanos : nanos;
  if (form === 'binary' && left >= 1024n * NANO && left % NANO === 0n) {
    left /= NANO;
    let unit = 0;
    while (unit < 6 && left % 1024n === 0n) {
      left /= 1024n;
      unit++;
    }
    return `${sign}${left}${BINARY[unit]}`;
  }
  let unit = 0;
  while (unit < 9 && left % 1000n === 0n) {
    left /= 1000n;
    unit++;
  }
  const suffix = form === 'exponent' ? (unit === 3 ? '' : `e${(unit - 3) * 3}`) : DECIMAL[unit];
  return `${sign}${left}${suffix}`;
}

export function canonicalQuantity(text: string): string {
  if (PLAIN.test(text) && text !== '0m') return text.startsWith('0') ? '0' : text;
  return format(parse(text));
}

export function compareQuantities(a: string, b: string): number {
  const [x, y] = [parse(a).nanos, parse(b).nanos];
  return x < y ? -1 : x > y ? 1 : 0;
}
