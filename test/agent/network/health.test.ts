import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { HealthServers } from '../../../agent/network/health.ts';
import { silent } from '../../../api/log.ts';
import { systemClock } from '../../../api/system.ts';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

test('load balancers hear whether the node is in order and whether a Service has endpoints here', async () => {
  const [port, service] = [await freePort(), await freePort()];
  const health = new HealthServers({ bindAddress: '127.0.0.1', port, clock: systemClock, log: silent });
  const get = async (at: number, path = '/healthz') => {
    const response = await fetch(`http://127.0.0.1:${at}${path}`);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  try {
    assert.equal((await get(port)).status, 503);
    health.healthy = () => true;
    assert.equal((await get(port)).status, 200);
    assert.equal((await get(port, '/other')).status, 404);
    health.update(new Map([[service, { namespace: 'default', name: 'web', localEndpoints: 2 }]]));
    const { status, body } = await get(service, '/');
    assert.equal(status, 200);
    assert.deepEqual(body, {
      service: { namespace: 'default', name: 'web' },
      localEndpoints: 2,
      serviceProxyHealthy: true,
    });
    health.update(new Map([[service, { namespace: 'default', name: 'web', localEndpoints: 0 }]]));
    assert.equal((await get(service)).status, 503);
    health.update(new Map());
    await assert.rejects(get(service));
  } finally {
    await health[Symbol.asyncDispose]();
  }
});
