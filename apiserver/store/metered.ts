// A store whose answers are timed. Watches and leases pass through.
import type { Clock } from '../../api/clock.ts';
import type { Store } from './store.ts';

export type Observe = (operation: string, seconds: number) => void;

const TIMED = ['get', 'range', 'txn', 'compact', 'latestRevision'] as const;
const NAMES = {
  get: 'get',
  range: 'list',
  txn: 'txn',
  compact: 'compact',
  latestRevision: 'getCurrentResourceVersion',
};

/** Changes the store's own methods, so that nothing stands between it and those who close it. */
export function meter(store: Store, clock: Clock, observe: Observe): void {
  for (const method of TIMED) {
    const plain = (store[method] as (...args: unknown[]) => Promise<unknown>).bind(store);
    const timed = async (...args: unknown[]) => {
      const began = clock.monotonic();
      try {
        return await plain(...args);
      } finally {
        observe(NAMES[method], (clock.monotonic() - began) / 1000);
      }
    };
    Object.defineProperty(store, method, { value: timed });
  }
}
