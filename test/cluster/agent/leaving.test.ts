// Leaving well: behind a Service pods are replaced, moved and drained while clients on both nodes open a connection for
// every request, and none of them notices. No pod has a preStop hook. With the wait set to 0 they do notice.
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { useCluster } from '../harness/cluster.ts';
import { waitFor } from '../harness/wait.ts';

// What peers need to follow depends on how busy the machine is, and test machines are.
const cluster = useCluster({ nodes: 2, agentArgs: ['--farewell-peers=500ms'] });
const CLIENT = resolve(import.meta.dirname, 'load-client.ts');
const SERVER = resolve(import.meta.dirname, 'load-server.ts');
const RATE = 150;
const TRIES = 4;
const REPLICAS = 4;

interface Outcome {
  answered: number;
  failed: number;
  examples: string[];
}

test('a rollout and a drain under load drop no request without any preStop hook', async () => {
  const url = await deploy();
  const outcomes = await underLoad(url, async () => {
    await rollOut('1');
    await rollOut('2');
    const drain = ['drain', 'node-2', '--ignore-daemonsets', '--delete-emptydir-data', '--force', '--timeout=60s'];
    await cluster().kubectl(drain, { timeoutMs: 70_000 });
    await untilRolledOut();
    await cluster().kubectl(['uncordon', 'node-2']);
  });
  for (const { answered, failed, examples } of outcomes) {
    assert.deepEqual([failed, examples], [0, []], `of ${answered + failed}`);
    assert.ok(answered > 5 * RATE, `only ${answered} requests were made`);
  }
});

test('without the wait the same clients do notice: the test can fail', async () => {
  for (const node of cluster().nodes) {
    await node.kill('agent', 'SIGTERM');
    await node.start('agent', { SKIFF_FAREWELL_MAX: '0s' });
  }
  const url = await deploy();
  let failed = 0;
  for (let round = 0; round < TRIES && failed === 0; round++) {
    const outcomes = await underLoad(url, () => rollOut(`again-${round}`));
    failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0);
  }
  assert.ok(failed > 0, 'no request was dropped although pods ended before anybody had been told');
});

/** The address of the service, when every replica is ready. */
async function deploy(): Promise<string> {
  const labels = { app: 'shop' };
  const container = {
    name: 'web',
    image: 'skiff.local/test/web:1',
    // busybox's server queues nine connections, which a busy machine fills in a moment.
    command: ['chroot', '/host', process.execPath, SERVER],
    volumeMounts: [{ name: 'host', mountPath: '/host' }],
    readinessProbe: { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 1 },
  };
  // Both nodes have some, so that each has to follow what happens on the other.
  const spread = { maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' };
  const deployment = {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'shop' } },
    spec: {
      replicas: REPLICAS,
      selector: { matchLabels: labels },
      strategy: { rollingUpdate: { maxSurge: 2, maxUnavailable: 0 } },
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: 10,
          topologySpreadConstraints: [{ ...spread, labelSelector: { matchLabels: labels } }],
          containers: [container],
          volumes: [{ name: 'host', hostPath: { path: '/' } }],
        },
      },
    },
  };
  const service = {
    ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'shop' } },
    spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
  };
  const budget = {
    ...{ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'shop' } },
    spec: { minAvailable: REPLICAS - 1, selector: { matchLabels: labels } },
  };
  const list = { apiVersion: 'v1', kind: 'List', items: [deployment, service, budget] };
  await cluster().kubectl(['apply', '-f', '-'], { input: JSON.stringify(list) });
  await untilRolledOut();
  type Service = { spec: { clusterIP: string } };
  const { spec } = await cluster().api.get<Service>('/api/v1/namespaces/default/services/shop');
  return `http://${spec.clusterIP}/healthz`;
}

async function rollOut(version: string): Promise<void> {
  const patch = { spec: { template: { metadata: { annotations: { version } } } } };
  const path = '/apis/apps/v1/namespaces/default/deployments/shop';
  const { status } = await cluster().api.call('PATCH', path, patch, 'application/merge-patch+json');
  assert.equal(status, 200);
  await untilRolledOut();
}

/** Every pod is a new one, ready, and the old ones are gone. */
async function untilRolledOut(): Promise<void> {
  await cluster().kubectl(['rollout', 'status', 'deployment/shop', '--timeout=90s'], { timeoutMs: 100_000 });
  type Pods = { items: unknown[] };
  const path = '/api/v1/namespaces/default/pods?labelSelector=app%3Dshop';
  await waitFor('the old pods to be gone', async () => {
    return (await cluster().api.get<Pods>(path)).items.length === REPLICAS;
  });
}

/** What clients on every node saw while something happened. */
async function underLoad(url: string, work: () => Promise<void>): Promise<Outcome[]> {
  const clients = await Promise.all(
    cluster().nodes.map(async ({ node }) => {
      const { child } = node.spawn('node', [CLIENT, url, String(RATE)], { stdio: ['pipe', 'pipe', 'ignore'] });
      const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
      await lines.next();
      return { child, lines };
    }),
  );
  try {
    await work();
  } finally {
    for (const { child } of clients) child.stdin!.end();
  }
  return Promise.all(clients.map(async ({ lines }) => JSON.parse((await lines.next()).value ?? '') as Outcome));
}
