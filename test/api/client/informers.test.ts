import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from '../../../api/client/client.ts';
import { Informers } from '../../../api/client/informers.ts';
import { silent } from '../../../api/log.ts';
import type { ConfigMap } from '../../../api/types/core/config-map.ts';
import { configMaps } from '../../../api/types/core/resources.ts';
import { VirtualClock } from '../../sim/virtual-clock.ts';

test('shared informers keep everything of an object but who manages its fields', async () => {
  const metadata = { namespace: 'ns', name: 'x', uid: 'u', resourceVersion: '1', labels: { a: 'b' } };
  const managedFields = [{ manager: 'someone', operation: 'Update', apiVersion: 'v1' }];
  const stored = Object.freeze({ metadata: { ...metadata, managedFields }, data: { key: 'value' } });
  const client = {
    list: async () => ({ items: [stored], metadata: { resourceVersion: '1' } }),
    async *watch(_of: unknown, _asked: unknown, signal: AbortSignal) {
      yield* [];
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    },
  } as unknown as Client;
  const informers = new Informers(client, { clock: new VirtualClock(), log: silent });
  const informer = informers.of(configMaps);
  const end = new AbortController();
  const running = informers.run(end.signal);
  await informers.synced(end.signal);
  const kept = informer.get('ns/x') as ConfigMap;
  assert.deepEqual(kept, { metadata, data: { key: 'value' } });
  assert.ok(Object.isFrozen(kept) && Object.isFrozen(kept.metadata));
  assert.equal(stored.metadata.managedFields, managedFields);
  end.abort();
  await running;
});
