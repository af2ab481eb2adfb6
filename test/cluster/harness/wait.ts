// Waiting in tests: on a condition, with a deadline, and an error that shows what was seen last.
import { setTimeout as pause } from 'node:timers/promises';

export interface WaitOptions {
  timeoutMs?: number;
  intervalMs?: number;
  signal?: AbortSignal;
}

/** Thrown by a look that knows that waiting is in vain. */
export class InVain extends Error {}

/** Resolves to the first value of `look` that is neither undefined nor false. What it throws counts as not yet. */
export async function waitFor<T>(
  description: string,
  look: () => Promise<T> | T,
  { timeoutMs = 30_000, intervalMs = 50, signal }: WaitOptions = {},
): Promise<Exclude<T, undefined | false>> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    let seen: unknown;
    try {
      const value = await look();
      if (value !== undefined && value !== false) return value as Exclude<T, undefined | false>;
      seen = value;
    } catch (err) {
      if (err instanceof InVain) throw new Error(`waited for ${description} in vain: ${err.message}`, { cause: err });
      seen = err;
    }
    if (performance.now() >= end) {
      const last = seen instanceof Error ? seen.message : JSON.stringify(seen);
      throw new Error(`waited ${timeoutMs} ms for ${description}; last seen: ${last}`, { cause: seen });
    }
    await pause(intervalMs, undefined, { signal });
  }
}
