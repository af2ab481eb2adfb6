// Copies of JSON values.
import { isBigNumber, setOwn } from './json-value.ts';

/** Shares nothing with the value but its strings. */
export function clone<T>(value: T): T {
  return copy(value) as T;
}

function copy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const out = new Array<unknown>(value.length);
    for (let i = 0; i < value.length; i++) out[i] = copy(value[i]);
    return out;
  }
  if (isBigNumber(value)) return value;
  const out: Record<string, unknown> = {};
  for (const key in value) {
    const child = (value as Record<string, unknown>)[key];
    const copied = typeof child === 'object' ? copy(child) : child;
    if (key === '__proto__') setOwn(out, key, copied);
    else out[key] = copied;
  }
  return out;
}
