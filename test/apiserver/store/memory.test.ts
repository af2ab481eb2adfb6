import { systemClock } from '../../../api/system.ts';
import { MemoryStore } from '../../../apiserver/store/memory.ts';
import { storeContract } from './contract.ts';

storeContract({
  name: 'memory',
  async open() {
    const store = new MemoryStore(systemClock);
    return { store, close: () => store[Symbol.asyncDispose]() };
  },
});
