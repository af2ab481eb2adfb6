// A whole API in memory with a scheduler on it: no certificates, no HTTP, everybody may do everything.
import { generateKeyPairSync } from 'node:crypto';
import type { Client } from '../../../api/client/client.ts';
import type { Clock } from '../../../api/clock.ts';
import { silent } from '../../../api/log.ts';
import type { ResourceDefinition } from '../../../api/resource.ts';
import type { KubeObject } from '../../../api/schema/kind.ts';
import { systemClock, systemRandom } from '../../../api/system.ts';
import type { Event } from '../../../api/types/core/event.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { events, pods } from '../../../api/types/core/resources.ts';
import { builtinResources } from '../../../api/types/resources.ts';
import { AdmissionChain } from '../../../apiserver/admission/admission.ts';
import { TokenIssuer } from '../../../apiserver/authn/tokens.ts';
import { Caches } from '../../../apiserver/cache/caches.ts';
import { DecodedStore } from '../../../apiserver/cache/decoded.ts';
import { identityOf } from '../../../apiserver/registry/identities.ts';
import { InProcessClient } from '../../../apiserver/registry/in-process-client.ts';
import { projectionOf } from '../../../apiserver/registry/projection.ts';
import { Registry } from '../../../apiserver/registry/registry.ts';
import { strategyOf } from '../../../apiserver/registry/resources/index.ts';
import { addressRange, NumberSupply } from '../../../apiserver/registry/supplies.ts';
import { runScheduler } from '../../../apiserver/scheduler/scheduler.ts';
import { MemoryStore } from '../../../apiserver/store/memory.ts';

const DEADLINE_MS = 10_000;

export interface TestClusterOptions {
  /** Between the scheduler and the API. */
  wrap?: (client: Client) => Client;
}

export class TestCluster implements AsyncDisposable {
  readonly client: Client;
  readonly #stop: AbortController;
  readonly #stack: AsyncDisposableStack;

  private constructor(client: Client, stop: AbortController, stack: AsyncDisposableStack) {
    this.client = client;
    this.#stop = stop;
    this.#stack = stack;
  }

  static async start({ wrap = (client) => client }: TestClusterOptions = {}): Promise<TestCluster> {
    const log = silent;
    const clock: Clock = systemClock;
    const stop = new AbortController();
    const stack = new AsyncDisposableStack();
    const store = stack.use(new MemoryStore(clock));
    const caches = stack.use(new Caches({ store, clock, log, decoded: new DecodedStore(1 << 24) }));
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const registry: Registry = new Registry({
      ...{ clock, random: systemRandom, log, store },
      admission: new AdmissionChain([]),
      authorizer: { authorize: () => ({ answer: 'allow' }), *rulesOf() {} },
      tokens: new TokenIssuer(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 'https://test'),
      supplies: {
        addresses: [addressRange('10.43.0.0/16', systemRandom)],
        nodePorts: new NumberSupply(30000, 32767, systemRandom),
      },
      nodes: { tls: { cert: Buffer.alloc(0), key: Buffer.alloc(0), ca: Buffer.alloc(0) } },
      openCache: (definition, prefix) =>
        caches.open({ prefix, namespaced: definition.namespaced, project: projectionOf(definition) }),
    });
    for (const definition of builtinResources) registry.serve(definition, strategyOf(definition));
    await registry.ready(stop.signal);
    const client = new InProcessClient(registry, identityOf('system:kube-scheduler'));
    const done = runScheduler({ client: wrap(client), clock, random: systemRandom, log }, stop.signal);
    stack.defer(async () => {
      stop.abort();
      await done;
    });
    return new TestCluster(client, stop, stack);
  }

  async create<T extends KubeObject>(of: ResourceDefinition<T>, object: object): Promise<T> {
    return this.client.create(of, object as never, {}, this.#stop.signal);
  }

  /** The pod, as soon as it is as wanted. */
  async podThat(name: string, is: (pod: Pod) => boolean): Promise<Pod> {
    return this.eventually(`pod ${name}`, async () => {
      const pod = await this.client.get(pods, { namespace: 'default', name });
      return is(pod) ? pod : undefined;
    });
  }

  async eventThat(reason: string, podName: string): Promise<Event> {
    return this.eventually(`event ${reason}`, async () => {
      const { items } = await this.client.list(events, { namespace: 'default' });
      return items.find((event) => event.reason === reason && event.involvedObject.name === podName);
    });
  }

  async eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
    const until = Date.now() + DEADLINE_MS;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (Date.now() > until) throw new Error(`${what} is not as wanted after ${DEADLINE_MS} ms`);
      await systemClock.sleep(5);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
