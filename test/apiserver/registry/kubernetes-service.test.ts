import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silent } from '../../../api/log.ts';
import { nextTurn } from '../../../api/turn.ts';
import { endpoints, namespaces, services } from '../../../api/types/core/resources.ts';
import { endpointSlices } from '../../../api/types/discovery/resources.ts';
import { keepKubernetesService, publishKubernetesService } from '../../../apiserver/registry/kubernetes-service.ts';
import { VirtualClock } from '../../sim/virtual-clock.ts';
import { TestRegistry } from './fixture.ts';

const own = { address: '192.0.2.7', port: 6443, clusterIP: '10.43.0.1' };
const key = { namespace: 'default', name: 'kubernetes' };
const TURNS_MAX = 10_000;

test('the service of the API comes back when somebody deletes it or its endpoints', async () => {
  await using at = await TestRegistry.open();
  await at.client.create(namespaces, { metadata: { name: 'default' }, spec: {} });
  const clock = new VirtualClock();
  const stop = new AbortController();
  await publishKubernetesService(at.client, own, stop.signal);
  const keeping = keepKubernetesService(at.client, own, { clock, log: silent }, stop.signal);
  await at.client.delete(services, key);
  await at.client.delete(endpoints, key);
  await at.client.delete(endpointSlices, key);
  await clock.advance(10_000);
  const there = () => at.client.get(endpointSlices, key).catch(() => undefined); // the last of them to be made
  for (let turns = 0; (await there()) === undefined; turns++) {
    assert.ok(turns < TURNS_MAX, 'it did not come back');
    await nextTurn();
  }
  assert.equal((await at.client.get(services, key)).spec?.clusterIP, own.clusterIP);
  assert.equal((await at.client.get(endpoints, key)).subsets?.[0]?.addresses?.[0]?.ip, own.address);
  stop.abort();
  await keeping;
});
