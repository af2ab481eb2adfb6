// Scalars as they may come and as we keep them: one canonical text for each quantity, time, duration and byte string.
// Each reader returns the canonical value, undefined for a time that is zero, MISMATCH for the wrong kind of JSON, or
// throws in upstream's words what is wrong with the text.

import { canonicalQuantity } from '../quantity.ts';
import { canonicalDuration } from './go-duration.ts';
import { canonicalMicroTime, canonicalTime } from './go-time.ts';
import { isBigNumber } from './json-value.ts';
import type { ScalarKind } from './schema.ts';

export const MISMATCH: unique symbol = Symbol('mismatch');

export type ReadScalar = (json: unknown) => unknown;

const isInt32 = (json: unknown) => typeof json === 'number' && (json | 0) === json;

export const readScalar: Readonly<Record<ScalarKind, ReadScalar>> = {
  string: (json) => (typeof json === 'string' ? json : MISMATCH),
  boolean: (json) => (typeof json === 'boolean' ? json : MISMATCH),
  int32: (json) => (isInt32(json) ? json : MISMATCH),
  int64: (json) => (Number.isSafeInteger(json) || isBigNumber(json) ? json : MISMATCH),
  double: (json) => (typeof json === 'number' ? json : isBigNumber(json) ? Number(json.rawJSON) : MISMATCH),
  bytes: (json) => (typeof json === 'string' ? canonicalBase64(json) : MISMATCH),
  quantity: (json) => canonicalQuantity(textOf(json)),
  intOrString: (json) => (typeof json === 'string' || isInt32(json) ? json : MISMATCH),
  time: (json) => (typeof json === 'string' ? canonicalTime(json) : MISMATCH),
  microTime: (json) => (typeof json === 'string' ? canonicalMicroTime(json) : MISMATCH),
  duration: (json) => (typeof json === 'string' ? canonicalDuration(json) : MISMATCH),
  any: (json) => json,
};

/** What null means where a value must be: an item of a list, a value of a map. */
export const zeroScalar: Readonly<Record<ScalarKind, unknown>> = {
  string: '',
  boolean: false,
  int32: 0,
  int64: 0,
  double: 0,
  bytes: '',
  quantity: '0',
  intOrString: 0,
  time: null,
  microTime: null,
  duration: '0s',
  any: null,
};

/** A quantity may be written as a number; anything else is not one, and its text says so best. */
function textOf(json: unknown): string {
  return typeof json === 'string' ? json : JSON.stringify(json);
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

export function canonicalBase64(text: string): string {
  if (text.length % 4 === 0 && BASE64.test(text)) {
    // Bits that padding hides do not count: written back they are zero.
    if (!text.endsWith('=')) return text;
    return text.slice(0, -4) + Buffer.from(text.slice(-4), 'base64').toString('base64');
  }
  const plain = text.replace(/[\r\n]/g, '');
  if (plain !== text) return canonicalBase64(plain);
  const bad = /[^A-Za-z0-9+/]/.exec(text)?.index ?? text.length - (text.length % 4);
  throw new RangeError(`illegal base64 data at input byte ${bad}`);
}
