// What reading JSON leaves that plain values cannot say: integers beyond 2^53, keys that are names of the language, and
// how a text is wrong.

export interface Parsed {
  readonly value: unknown;
  /** What a strict reader complains of, as a warning says it: `duplicate field "data.a"`. */
  readonly duplicates: readonly string[];
}

/** Text that is no JSON (or YAML). The message is upstream's. */
export class SyntaxProblem extends Error {
  override readonly name = 'SyntaxProblem';
}

/** Everything that walks values recurses; a tenth of what Go allows is far more than any object has. */
export const MAX_DEPTH = 1000;
export const TOO_DEEP = 'exceeded max depth';

/** An integer that a double cannot hold. It passes through JSON.stringify unharmed and is nothing but its digits. */
export interface BigNumber {
  readonly rawJSON: string;
}

interface RawJson {
  rawJSON(text: string): BigNumber;
  isRawJSON(value: unknown): value is BigNumber;
}
const raw = JSON as unknown as RawJson;

export function isBigNumber(value: unknown): value is BigNumber {
  return typeof value === 'object' && value !== null && raw.isRawJSON(value);
}

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/** The number that stands for this integer: as upstream, what fits no int64 becomes a double. */
export function integerFrom(digits: string): number | BigNumber {
  const near = Number(digits);
  if (Number.isSafeInteger(near)) return near;
  return fromBigInt(BigInt(digits)) ?? near;
}

export function fromBigInt(value: bigint): number | BigNumber | undefined {
  if (value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  return value <= INT64_MAX && value >= INT64_MIN ? raw.rawJSON(value.toString()) : undefined;
}

/** Assigns as data, whatever the key is called. */
export function setOwn(target: object, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  } else (target as Record<string, unknown>)[key] = value;
}
