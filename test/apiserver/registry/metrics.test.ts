import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { DAY_MS, issue, newAuthority, newKey } from '../../../api/pki/x509.ts';
import { systemClock, systemRandom } from '../../../api/system.ts';
import { nodes, pods } from '../../../api/types/core/resources.ts';
import { nodeMetrics, podMetrics } from '../../../api/types/metrics/resources.ts';
import { NodeStats } from '../../../apiserver/registry/node-stats.ts';
import { serveMetrics } from '../../../apiserver/registry/resources/metrics/metrics.ts';
import { nodeMetricsOf } from '../../../apiserver/registry/resources/metrics/usage.ts';
import { TestRegistry } from './fixture.ts';

const T = '2026-01-02T03:04:05Z';
const made = { random: systemRandom, nowMs: Date.now() };

async function kubelet(summary: () => unknown) {
  const ca = newAuthority({ subject: { commonName: 'ca' }, validMs: DAY_MS }, made);
  const key = newKey();
  const names = { dns: ['localhost'], ips: ['127.0.0.1'] };
  const subject = { commonName: 'kubelet' };
  const cert = issue(ca, { subject, usages: ['server'], publicKey: key, validMs: DAY_MS, ...names }, made);
  let asked = 0;
  const server = createServer({ cert, key }, (_req, res) => {
    asked++;
    res.end(JSON.stringify(summary()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const tls = { ca: ca.certPem, cert, key };
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { tls, port, asked: () => asked, [Symbol.dispose]: close };
}

test('use of nodes and pods is asked of kubelets, kept for a moment, and not there without nodes', async () => {
  await using api = await TestRegistry.open();
  const { client, registry } = api;
  let uid = '';
  using node = await kubelet(() => {
    const use = { cpu: { time: T, usageNanoCores: 250_000_000 }, memory: { time: T, workingSetBytes: 2 << 20 } };
    const podRef = { name: 'p', namespace: 'ns', uid };
    return { node: use, pods: [{ podRef, containers: [{ name: 'app', ...use }] }] };
  });
  const stop = new AbortController();
  const clock = { ...systemClock, sleep: async () => {} };
  const stats = new NodeStats({ tls: node.tls }, clock);
  try {
    assert.equal(registry.hasGroup('metrics.k8s.io'), false);
    await client.create(nodes, { metadata: { name: 'silent' }, spec: {} } as never);
    await client.create(nodes, {
      metadata: { name: 'n' },
      spec: {},
      status: {
        conditions: [{ type: 'Ready', status: 'True' }],
        addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
        daemonEndpoints: { kubeletEndpoint: { Port: node.port } },
      },
    } as never);
    const spec = { nodeName: 'n', containers: [{ name: 'app', image: 'i' }] };
    const pod = await client.create(pods, {
      metadata: { name: 'p', namespace: 'ns', labels: { a: 'b' } },
      spec,
    } as never);
    uid = pod.metadata.uid;
    await serveMetrics(registry, stats, stop.signal);
    assert.equal(registry.hasGroup('metrics.k8s.io'), true);
    assert.equal(node.asked(), 2, 'twice for a rate, then kept');
    const found = await client.list(podMetrics as never, { namespace: 'ns' });
    assert.equal(found.items.length, 1);
    const item = found.items[0] as unknown as { containers: unknown; metadata: { labels: unknown } };
    assert.deepEqual(item.containers, [{ name: 'app', usage: { cpu: '250000000n', memory: '2048Ki' } }]);
    assert.deepEqual(item.metadata.labels, { a: 'b' });
    const none = await client.list(podMetrics as never, { namespace: 'ns', labelSelector: 'a=c' });
    assert.equal(none.items.length, 0);
    const one = (await client.get(nodeMetrics as never, { name: 'n' })) as unknown as { usage: unknown };
    assert.deepEqual(one.usage, { cpu: '250000000n', memory: '2048Ki' });
    assert.equal(node.asked(), 2, 'twice for a rate, then kept');
    await assert.rejects(
      client.get(podMetrics as never, { namespace: 'ns', name: 'x' }),
      /podmetrics.metrics.k8s.io "ns\/x" not found/,
    );
  } finally {
    stop.abort();
  }
});

test('what was measured once shows its average since it began', () => {
  const summary = {
    node: {
      startTime: '2026-01-02T03:04:00Z',
      cpu: { time: T, usageCoreNanoSeconds: 10e9 },
      memory: { time: T, workingSetBytes: 1024 },
    },
  };
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } } as never;
  assert.equal(nodeMetricsOf(node, { summary, windowMs: 1100 }, 0)?.usage['cpu'], '2000000000n');
  assert.equal(nodeMetricsOf(node, { summary, windowMs: 1100 }, 0)?.window, '1.1s');
});
