// Controllers and scheduler against a whole API, once in its process and once over HTTPS as when they run apart: the
// same story has to come true both ways.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import type { Client } from '../../../api/client/client.ts';
import { HttpsClient } from '../../../api/client/https-client.ts';
import { Transport } from '../../../api/client/transport.ts';
import { silent } from '../../../api/log.ts';
import type { ResourceDefinition } from '../../../api/resource.ts';
import type { KubeObject } from '../../../api/schema/kind.ts';
import { isNotFound } from '../../../api/status.ts';
import { systemClock, systemRandom } from '../../../api/system.ts';
import { deployments, replicaSets } from '../../../api/types/apps/resources.ts';
import type { Node } from '../../../api/types/core/node.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { configMaps, namespaces, nodes, pods, serviceAccounts, services } from '../../../api/types/core/resources.ts';
import { endpointSlices } from '../../../api/types/discovery/resources.ts';
import { runControllers } from '../../../apiserver/controllers/manager.ts';
import { runScheduler } from '../../../apiserver/scheduler/scheduler.ts';
import { waitFor } from '../../cluster/harness/wait.ts';
import { startTestServer, type TestServer } from '../test-server.ts';
import { reserved } from './example.ts';

const deps = { clock: systemClock, random: systemRandom, log: silent };
const settings = { rootCa: 'a certificate', clusterCidrs: ['10.42.0.0/16'], reserved, signToken: () => '' };

interface Rig {
  readonly client: Client;
  readonly stack: AsyncDisposableStack;
}

async function clientOf(server: TestServer, stack: AsyncDisposableStack): Promise<Client> {
  const { ca, cert, key } = server.files;
  const [caPem, certPem, keyPem] = await Promise.all([ca, cert, key].map((file) => readFile(file)));
  const credentials = () => ({ ca: caPem!, cert: certPem!, key: keyPem! });
  const transport = new Transport({ server: server.url, credentials, userAgent: 'test', clock: systemClock });
  return new HttpsClient(stack.use(transport), systemClock);
}

const transports: Record<string, () => Promise<Rig>> = {
  async 'in process'() {
    const stack = new AsyncDisposableStack();
    const server = stack.use(await startTestServer({ run: ['api', 'scheduler', 'controllers'] }));
    return { client: await clientOf(server, stack), stack };
  },
  async 'over HTTPS'() {
    const stack = new AsyncDisposableStack();
    const server = stack.use(await startTestServer({ run: ['api'] }));
    const client = await clientOf(server, stack);
    const stop = new AbortController();
    const running = Promise.all([
      runControllers({ reader: client, clientFor: () => client, settings, ...deps }, stop.signal),
      runScheduler({ client, ...deps }, stop.signal),
    ]);
    stack.defer(async () => {
      stop.abort();
      await running;
    });
    return { client, stack };
  },
};

const labels = { app: 'web' };
const namespace = 'story';

for (const [how, start] of Object.entries(transports)) {
  describe(`loops ${how}`, () => {
    let rig: Rig;
    before(async () => {
      rig = await start();
    });
    after(() => rig.stack.disposeAsync());

    const all = async <T extends KubeObject>(of: ResourceDefinition<T>) =>
      (await rig.client.list(of, { namespace })).items;
    const isGone = (err: unknown) => isNotFound(err) || Promise.reject(err);

    test('a new namespace gets an account and the root certificates', async () => {
      await rig.client.create(namespaces, { metadata: { name: namespace }, spec: {} });
      await waitFor('the account', async () => (await all(serviceAccounts)).length === 1);
      await waitFor('the certificates', async () => (await all(configMaps)).length === 1);
    });

    test('a node gets a part of the pod network and loses its taint when it is ready', async () => {
      const now = new Date().toISOString();
      const allocatable = { cpu: '4', memory: '8Gi', pods: '110' };
      const conditions = [{ type: 'Ready', status: 'True', reason: 'KubeletReady', lastHeartbeatTime: now }];
      const status = { capacity: allocatable, allocatable, conditions } as unknown as Node['status'];
      await rig.client.create(nodes, { metadata: { name: 'n' }, spec: {}, status } as never);
      await waitFor(
        'the network',
        async () => (await rig.client.get(nodes, { name: 'n' })).spec.podCIDR === '10.42.0.0/24',
      );
      await waitFor('no taint', async () => (await rig.client.get(nodes, { name: 'n' })).spec.taints === undefined);
    });

    test('a deployment makes its set and pods, and they are scheduled', async () => {
      const template = { metadata: { labels }, spec: { containers: [{ name: 'app', image: 'app:1' }] } };
      const spec = { replicas: 3, selector: { matchLabels: labels }, template };
      await rig.client.create(deployments, { metadata: { name: 'web', namespace }, spec } as never);
      const placed = await waitFor('three pods on the node', async () => {
        const found = await all(pods);
        return found.length === 3 && found.every(({ spec }) => spec.nodeName === 'n') ? found : undefined;
      });
      assert.equal((await all(replicaSets)).length, 1);
      for (const pod of placed) await play(rig.client, pod);
      await waitFor('three available', async () => {
        const { status } = await rig.client.get(deployments, { namespace, name: 'web' });
        return status.availableReplicas === 3;
      });
    });

    test('a service has the pods behind it', async () => {
      const ports = [{ port: 80, targetPort: 8080 }];
      await rig.client.create(services, {
        metadata: { name: 'web', namespace },
        spec: { selector: labels, ports },
      } as never);
      await waitFor('three endpoints', async () => {
        const slices = await all(endpointSlices);
        return (
          slices.flatMap(({ endpoints }) => endpoints ?? []).filter(({ conditions }) => conditions?.ready).length === 3
        );
      });
    });

    test('a deleted deployment takes its pods along, without anybody asking for them', async () => {
      await rig.client.delete(deployments, { namespace, name: 'web' });
      await waitFor('the pods to be asked to end', async () => {
        const found = await all(pods);
        // No kubelet ends them here: that they are being deleted is all that controllers can do.
        return found.every(({ metadata }) => metadata.deletionTimestamp !== undefined);
      });
      assert.equal((await all(replicaSets)).length, 0);
    });

    test('a deleted namespace ends when its pods have', async () => {
      for (const { metadata } of await all(pods)) await rig.client.delete(pods, metadata, { gracePeriodSeconds: 0 });
      await rig.client.delete(namespaces, { name: namespace });
      await waitFor('the namespace to be gone', () =>
        rig.client.get(namespaces, { name: namespace }).then(() => false, isGone),
      );
    });
  });
}

/** What a kubelet would report of a pod that runs. */
async function play(client: Client, pod: Pod): Promise<void> {
  const ip = `10.42.0.${10 + (Number.parseInt(pod.metadata.uid.slice(0, 2), 16) % 200)}`;
  const conditions = ['Ready', 'ContainersReady'].map((type) => ({
    type,
    status: 'True',
    lastTransitionTime: pod.metadata.creationTimestamp,
  }));
  const body = { status: { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions } };
  await client.patch(pods, pod.metadata, { type: 'strategic', body }, { subresource: 'status' });
}
