// Time as a value that main.ts hands down. Nothing else in the tree may ask the machine for the time or set a
// timer (test/architecture.test.ts), which is what lets the whole control plane run on virtual time.

export interface Clock {
  /** Wall time in milliseconds since 1970: for what is shown or stored. It may jump. */
  now(): number;
  /** Milliseconds that never go back: for durations. */
  monotonic(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** A signal that aborts with a TimeoutError after `ms`. It does not keep the process alive. */
  deadline(ms: number): AbortSignal;
  /** Calls `run` once after `ms` unless disposed before. */
  after(ms: number, run: () => void): Disposable;
}

/** The time as the API writes it: RFC 3339 to the second, UTC. */
export function timestamp(ms: number): string {
  const second = Math.floor(ms / 1000);
  // Every write says the time, and most say the same.
  if (second !== latest.second) latest = { second, text: `${new Date(ms).toISOString().slice(0, 19)}Z` };
  return latest.text;
}

let latest = { second: Number.NaN, text: '' };

/** The time with microseconds, as leases and events carry it. */
export function microTimestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23)}000Z`;
}
