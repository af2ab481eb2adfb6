import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silent } from '../../../api/log.ts';
import { systemClock } from '../../../api/system.ts';
import { EmbeddedStore } from '../../../apiserver/store/embedded.ts';
import { type Implementation, storeContract } from './contract.ts';
import { storeRobustness } from './robustness.ts';

const implementation: Implementation = {
  name: 'embedded',
  async open() {
    const folder = mkdtempSync(join(tmpdir(), 'skiff-store-'));
    const onFatal = (error: Error) => {
      throw error;
    };
    const options = { path: join(folder, 'store.db'), clock: systemClock, log: silent, onFatal };
    let store = await EmbeddedStore.open(options);
    return {
      store,
      async reopen() {
        await store[Symbol.asyncDispose]();
        store = await EmbeddedStore.open(options);
        return store;
      },
      async close() {
        await store[Symbol.asyncDispose]();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
};
storeContract(implementation);
storeRobustness(implementation);
