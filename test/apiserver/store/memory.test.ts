import { systemClock } from '../../../api/system.ts';
import { MemoryStore } from '../../../apiserver/store/memory.ts';
import { type Implementation, storeContract } from './contract.ts';
import { storeRobustness } from './robustness.ts';

const implementation: Implementation = {
  name: 'memory',
  async open() {
    const store = new MemoryStore(systemClock);
    return { store, close: () => store[Symbol.asyncDispose]() };
  },
};
storeContract(implementation);
storeRobustness(implementation);
