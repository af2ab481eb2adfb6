// A whole registry on the in-memory store, without HTTP: with clients in process, for whoever a test wants to be.
import { generateKeyPairSync } from 'node:crypto';
import type { Clock } from '../../../api/clock.ts';
import { silent } from '../../../api/log.ts';
import { systemClock, systemRandom } from '../../../api/system.ts';
import { namespaces, serviceAccounts } from '../../../api/types/core/resources.ts';
import { Caches } from '../../../apiserver/cache/caches.ts';
import { DecodedStore } from '../../../apiserver/cache/decoded.ts';
import { openRegistry } from '../../../apiserver/open-registry.ts';
import { SERVER_ITSELF } from '../../../apiserver/registry/identities.ts';
import { InProcessClient } from '../../../apiserver/registry/in-process-client.ts';
import type { Registry } from '../../../apiserver/registry/registry.ts';
import { MemoryStore } from '../../../apiserver/store/memory.ts';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const serviceAccountKey = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;

export class TestRegistry implements AsyncDisposable {
  readonly registry: Registry;
  readonly store: MemoryStore;
  /** May do everything. */
  readonly client: InProcessClient;
  readonly #stack: AsyncDisposableStack;

  private constructor(registry: Registry, store: MemoryStore, stack: AsyncDisposableStack) {
    this.registry = registry;
    this.store = store;
    this.#stack = stack;
    this.client = new InProcessClient(registry, SERVER_ITSELF);
  }

  /** With the namespace `ns` and its default account. */
  static async open(clock: Clock = systemClock): Promise<TestRegistry> {
    const stack = new AsyncDisposableStack();
    const stop = new AbortController();
    const store = stack.use(new MemoryStore(clock));
    const around = { store, clock, random: systemRandom, log: silent };
    const caches = stack.use(new Caches({ ...around, decoded: new DecodedStore(1 << 24) }));
    stack.defer(() => stop.abort());
    const config = {
      serviceCidrs: ['10.43.0.0/24'],
      nodePortRange: { from: 30000, to: 30009 },
      serviceAccountIssuer: 'https://test',
      serviceAccountKey,
      nodes: { tls: undefined },
    };
    const registry = await openRegistry(config, { ...around, caches }, stop.signal);
    const test = new TestRegistry(registry, store, stack);
    await test.client.create(namespaces, { metadata: { name: 'ns' }, spec: {} });
    await test.client.create(serviceAccounts, { metadata: { name: 'default', namespace: 'ns' } });
    return test;
  }

  as(name: string, ...groups: string[]): InProcessClient {
    const user = { name, groups: [...groups, 'system:authenticated'] };
    return new InProcessClient(this.registry, { user, agent: 'test' });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

/** The first `count` of what comes. */
export async function take<T>(items: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of items) if (taken.push(item) === count) break;
  return taken;
}
