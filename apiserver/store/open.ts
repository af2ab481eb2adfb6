// The store a configuration names. What a store needs beyond our own code is loaded only when it is the one.
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import type { StoreConfig } from '../config.ts';
import type { Store } from './store.ts';

export interface StoreDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** The disk failed; the process must end without writing anything more. */
  readonly onFatal: (error: Error) => void;
}

export async function openStore(config: StoreConfig, deps: StoreDeps, signal?: AbortSignal): Promise<Store> {
  switch (config.kind) {
    case 'embedded': {
      const { EmbeddedStore } = await import('./embedded.ts');
      return EmbeddedStore.open({ path: config.path, ...deps });
    }
    case 'memory': {
      const { MemoryStore } = await import('./memory.ts');
      return new MemoryStore(deps.clock);
    }
    case 'etcd': {
      const { EtcdStore } = await import('./etcd.ts');
      return EtcdStore.open({ ...config, clock: deps.clock, log: deps.log }, signal);
    }
    default:
      return config satisfies never;
  }
}
