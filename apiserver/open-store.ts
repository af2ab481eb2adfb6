// The store that the configuration asks for.
import type { Clock } from '../api/clock.ts';
import type { Logger } from '../api/log.ts';
import type { StoreConfig } from './config.ts';
import type { Store } from './store/store.ts';

export interface StoreDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly onFatal: (error: Error) => void;
}

/** What the log may hold when it cannot be moved into the file any more, twice. */
const RESERVE_BYTES = 16 << 20;

/** Each kind is loaded when it is asked for: gRPC and SQLite's worker cost memory. */
export async function openStore(config: StoreConfig, deps: StoreDeps, signal: AbortSignal): Promise<Store> {
  switch (config.kind) {
    case 'memory': {
      const { MemoryStore } = await import('./store/memory.ts');
      return new MemoryStore(deps.clock);
    }
    case 'embedded': {
      const { EmbeddedStore } = await import('./store/embedded.ts');
      return EmbeddedStore.open({ path: config.path, reserveBytes: RESERVE_BYTES, ...deps });
    }
    case 'etcd': {
      const { EtcdStore } = await import('./store/etcd.ts');
      return EtcdStore.open({ ...config, ...deps }, signal);
    }
  }
}
