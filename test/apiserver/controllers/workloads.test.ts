// Jobs, stateful sets and daemon sets against a whole API, once in its process and once over HTTPS. A stand-in for
// kubelets says that pods run and lets deleted ones go.
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
import { controllerRevisions, daemonSets, statefulSets } from '../../../api/types/apps/resources.ts';
import { jobs } from '../../../api/types/batch/resources.ts';
import { nodes, pods } from '../../../api/types/core/resources.ts';
import { persistentVolumeClaims } from '../../../api/types/core/storage-resources.ts';
import { runControllers } from '../../../apiserver/controllers/manager.ts';
import { waitFor } from '../../cluster/harness/wait.ts';
import { startTestServer, type TestServer } from '../test-server.ts';
import { reserved } from './example.ts';

const namespace = 'default';
const deps = { clock: systemClock, random: systemRandom, log: silent };
const settings = { rootCa: 'a certificate', clusterCidrs: ['10.42.0.0/16'], reserved, signToken: () => '' };

interface Rig {
  readonly client: Client;
  readonly stack: AsyncDisposableStack;
  /** Ends the controllers and starts them anew, with nothing remembered; undefined where the server owns them. */
  readonly restart?: () => Promise<void>;
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
    const server = stack.use(await startTestServer({ run: ['api', 'controllers'] }));
    return { client: await clientOf(server, stack), stack };
  },
  async 'over HTTPS'() {
    const stack = new AsyncDisposableStack();
    const server = stack.use(await startTestServer({ run: ['api'] }));
    const client = await clientOf(server, stack);
    let stop = new AbortController();
    const run = () => runControllers({ reader: client, clientFor: () => client, settings, ...deps }, stop.signal);
    let running = run();
    const end = async () => {
      stop.abort();
      await running;
    };
    stack.defer(end);
    const restart = async () => {
      await end();
      stop = new AbortController();
      running = run();
    };
    return { client, stack, restart };
  },
};

for (const [how, start] of Object.entries(transports)) {
  describe(`workloads ${how}`, () => {
    let rig: Rig;
    before(async () => {
      rig = await start();
    });
    after(() => rig.stack.disposeAsync());

    const all = async <T extends KubeObject>(of: ResourceDefinition<T>) =>
      (await rig.client.list(of, { namespace })).items;
    const template = (app: string, image = 'app:1') => ({
      metadata: { labels: { app } },
      spec: { containers: [{ name: 'app', image }] },
    });
    const patch = <T extends KubeObject>(of: ResourceDefinition<T>, name: string, body: unknown) =>
      rig.client.patch(of, { namespace, name }, { type: 'merge', body });
    const unlessGone = (err: unknown) => {
      if (!isNotFound(err)) throw err;
    };

    /** One look of all kubelets: pods that wait run and are ready, pods on their way out are gone. */
    async function play(): Promise<void> {
      for (const { metadata, status } of await all(pods)) {
        if (metadata.deletionTimestamp !== undefined) {
          await rig.client.delete(pods, metadata, { gracePeriodSeconds: 0 }).catch(unlessGone);
        } else if (status.phase === 'Pending') await report(metadata.name, 'Running');
      }
    }
    async function report(name: string, phase: string): Promise<void> {
      const lastTransitionTime = '2026-01-01T00:00:00Z';
      const conditions = [{ type: 'Ready', status: phase === 'Running' ? 'True' : 'False', lastTransitionTime }];
      const body = { status: { phase, conditions } };
      await rig.client
        .patch(pods, { namespace, name }, { type: 'strategic', body }, { subresource: 'status' })
        .catch(unlessGone);
    }
    const images = async () => (await all(pods)).map(({ spec }) => spec.containers[0]!.image);

    test('a job counts every completion once, however often its controller starts anew', async () => {
      const spec = { completions: 6, parallelism: 2, completionMode: 'Indexed', template: template('job') };
      Object.assign(spec.template.spec, { restartPolicy: 'Never' });
      await rig.client.create(jobs, { metadata: { name: 'j', namespace }, spec } as never);
      let restarts = 0;
      const job = await waitFor('the job to complete', async () => {
        for (const pod of await all(pods))
          if (pod.status.phase === 'Pending') await report(pod.metadata.name, 'Succeeded');
        const found = await rig.client.get(jobs, { namespace, name: 'j' });
        if ((found.status.succeeded ?? 0) > restarts && restarts++ < 3) await rig.restart?.();
        return found.status.completionTime === undefined ? undefined : found;
      });
      const { succeeded, failed, completedIndexes, uncountedTerminatedPods } = job.status;
      assert.deepEqual([succeeded, failed, completedIndexes], [6, undefined, '0-5']);
      assert.deepEqual(uncountedTerminatedPods, {});
      assert.ok((await all(pods)).every(({ metadata }) => metadata.finalizers === undefined));
      await rig.client.delete(jobs, { namespace, name: 'j' }, { propagationPolicy: 'Background' });
      await waitFor('the pods to be gone', async () => (await all(pods)).length === 0);
    });

    test('a stateful set grows in order, rolls, goes back to its old revision, and takes its storage along', async () => {
      const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
      const spec = {
        ...{ replicas: 2, serviceName: 'web', selector: { matchLabels: { app: 'web' } }, template: template('web') },
        persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Retain' },
        volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: claim }],
      };
      await rig.client.create(statefulSets, { metadata: { name: 'web', namespace }, spec } as never);
      const rolled = (image: string) =>
        waitFor(`two pods of ${image}`, async () => {
          await play();
          const { status, metadata } = await rig.client.get(statefulSets, { namespace, name: 'web' });
          const isSettled = status.readyReplicas === 2 && status.observedGeneration === metadata.generation;
          return (
            isSettled &&
            status.currentRevision === status.updateRevision &&
            (await images()).every((is) => is === image)
          );
        });
      await rolled('app:1');
      assert.deepEqual((await all(pods)).map(({ metadata }) => metadata.name).sort(), ['web-0', 'web-1']);
      await patch(statefulSets, 'web', { spec: { template: template('web', 'app:2') } });
      await rolled('app:2');
      await patch(statefulSets, 'web', { spec: { template: template('web') } });
      await rolled('app:1');
      assert.deepEqual((await all(controllerRevisions)).map(({ revision }) => Number(revision)).sort(), [2, 3]);
      const owned = (await all(persistentVolumeClaims)).map(({ metadata }) => [
        metadata.name,
        metadata.ownerReferences?.[0]?.kind,
      ]);
      assert.deepEqual(owned, [
        ['data-web-0', 'StatefulSet'],
        ['data-web-1', 'StatefulSet'],
      ]);
      await rig.client.delete(statefulSets, { namespace, name: 'web' }, { propagationPolicy: 'Background' });
      await waitFor('the pods and their storage to be gone', async () => {
        await play();
        return (await all(pods)).length + (await all(persistentVolumeClaims)).length === 0;
      });
    });

    test('a daemon set runs on every node, and follows its template with a surge', async () => {
      const now = new Date().toISOString();
      for (const name of ['a', 'b']) {
        const conditions = [{ type: 'Ready', status: 'True', reason: 'KubeletReady', lastHeartbeatTime: now }];
        await rig.client.create(nodes, { metadata: { name }, spec: {}, status: { conditions } } as never);
      }
      const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
      const spec = { selector: { matchLabels: { app: 'd' } }, template: template('d'), updateStrategy };
      await rig.client.create(daemonSets, { metadata: { name: 'd', namespace }, spec } as never);
      const rolled = (image: string) =>
        waitFor(`both nodes on ${image}`, async () => {
          await play();
          const { status, metadata } = await rig.client.get(daemonSets, { namespace, name: 'd' });
          if (status.observedGeneration !== metadata.generation || status.updatedNumberScheduled !== 2) return false;
          const found = await images();
          return status.numberAvailable === 2 && found.length === 2 && found.every((is) => is === image);
        });
      await rolled('app:1');
      await patch(daemonSets, 'd', { spec: { template: template('d', 'app:2') } });
      await rolled('app:2');
    });
  });
}
