// The real clock and the real dice. Only composition roots (main.ts, cli/, tests, benches) import this file;
// everything else is handed a Clock and a Random.
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from './clock.ts';
import type { Random } from './random.ts';

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    sleep(ms, undefined, { signal }).catch(() => {
      throw signal?.reason;
    }),
  deadline: (ms) => AbortSignal.timeout(ms),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};

export const systemRandom: Random = {
  uuid: () => randomUUID(),
  float: () => Math.random(),
  bytes: (length) => randomBytes(length),
};
