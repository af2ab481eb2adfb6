// Volumes of a storage driver: registered, attached, staged and published for pods, and all of it undone. The driver is a
// process that mounts for real; what is left is read from the node's own list of mounts.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Node } from '../../../api/types/core/node.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import type { CSINode } from '../../../api/types/storage/csi.ts';
import { Driver } from '../csi-driver/driver.ts';
import { Sidecars } from '../csi-driver/sidecars.ts';
import { useCluster } from '../harness/cluster.ts';
import { NONCE } from '../harness/images.ts';
import { waitFor } from '../harness/wait.ts';
import { CLAIMS, csiClass, csiObject, noMounts, untilReleased } from './csi.ts';
import { FOREVER, Pods, shell } from './pods.ts';

const cluster = useCluster();
const pods = new Pods(cluster);
const opened = new AsyncDisposableStack();
let driver: Driver;

after(() => opened.disposeAsync());

const mounts = (name: string) => ({ volumeMounts: [{ name, mountPath: '/v' }] });
const claimed = (claimName: string) => [{ name: 'v', persistentVolumeClaim: { claimName } }];

test('a driver that registers is told to the API, and what goes is taken back', async () => {
  driver = await Driver.start(cluster().node.node, { args: ['--max-volumes', '9', '--topology', 'test.csi/rack=r1'] });
  opened.use(new Sidecars({ api: cluster().api, driver }));
  await pods.call('POST', '/apis/storage.k8s.io/v1/csidrivers', csiObject(driver.name));
  await pods.call('POST', '/apis/storage.k8s.io/v1/storageclasses', csiClass('dirs', driver.name));
  const { api } = cluster();
  const known = () =>
    waitFor('the driver in CSINode', async () => {
      const { spec } = await api.get<CSINode>('/apis/storage.k8s.io/v1/csinodes/node-1');
      return (spec.drivers ?? []).find(({ name }) => name === driver.name);
    });
  assert.deepEqual(await known(), {
    name: driver.name,
    nodeID: 'node-1',
    topologyKeys: ['test.csi/rack'],
    allocatable: { count: 9 },
  });
  const { metadata } = await api.get<Node>('/api/v1/nodes/node-1');
  assert.equal(metadata.annotations?.['csi.volume.kubernetes.io/nodeid'], `{"${driver.name}":"node-1"}`);
  assert.equal(metadata.labels?.['test.csi/rack'], 'r1');
  await driver.stop('SIGTERM');
  await waitFor('the driver to be gone from CSINode', async () => {
    const { spec } = await api.get<CSINode>('/apis/storage.k8s.io/v1/csinodes/node-1');
    return !spec.drivers?.length;
  });
  await driver.start();
  await known();
});

test('what a pod wrote into a provisioned volume the next pods read, two of them at once; the last one unstages', async () => {
  await pods.call('POST', CLAIMS, {
    metadata: { name: 'data' },
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'dirs', resources: { requests: { storage: '32Mi' } } },
  });
  const spec = (script: string) => ({
    securityContext: { fsGroup: 3000 },
    volumes: claimed('data'),
    containers: [shell('main', `${script}; ${FOREVER}`, mounts('v'))],
  });
  await pods.create('writes', spec('cat /nonce > /v/nonce; echo written'));
  await pods.untilLogged('writes', 'main', 'written');
  await pods.remove('writes');
  await untilReleased(cluster(), driver);
  assert.equal(driver.calls('NodeUnstageVolume').length, 1);

  await pods.create('one', spec('cat /v/nonce; echo; echo read'));
  await pods.create('two', spec('cat /v/nonce; echo; echo read'));
  for (const name of ['one', 'two']) assert.ok((await pods.untilLogged(name, 'main', 'read')).includes(NONCE));
  const { status } = await cluster().api.get<Node>('/api/v1/nodes/node-1');
  assert.equal(status.volumesInUse?.length, 1);
  assert.deepEqual(
    status.volumesAttached?.map(({ name }) => name),
    status.volumesInUse,
  );
  const staged = driver.calls('NodeStageVolume');
  assert.equal(staged.length, 2, 'once for the first pod, once for both others');
  assert.deepEqual(staged[1]!.request.publishContext, { attachedTo: 'node-1' });
  assert.equal(staged[1]!.request.volumeContext['made'], 'yes');
  assert.match(
    staged[1]!.request.stagingTargetPath,
    new RegExp(`^/var/lib/kubelet/plugins/kubernetes.io/csi/${driver.name}/[0-9a-f]{64}/globalmount$`),
  );
  await pods.remove('one');
  assert.equal((await driver.mounts()).length > 0, true, 'the other pod still has it');
  assert.ok((await pods.log('two', 'main')).includes(NONCE));
  await pods.remove('two');
  await untilReleased(cluster(), driver);
  await noMounts(driver);
});

test('a volume waits for its attacher and is not mounted before', async () => {
  driver.faults({ method: 'ControllerPublishVolume', code: 8, message: 'no slot', times: 3 });
  await pods.create('later', {
    volumes: claimed('data'),
    containers: [shell('main', `echo up; ${FOREVER}`, mounts('v'))],
  });
  await pods.untilLogged('later', 'main', 'up');
  const calls = driver.calls().map(({ method, failed }) => `${method}${failed === undefined ? '' : ' failed'}`);
  assert.ok(calls.lastIndexOf('ControllerPublishVolume') < calls.lastIndexOf('NodeStageVolume'), calls.join(' '));
  await pods.remove('later');
  await untilReleased(cluster(), driver);
});

test('a driver that is gone when its pod goes is waited for, and the pod says why it stays', async () => {
  await pods.create('holds', {
    volumes: claimed('data'),
    containers: [shell('main', `echo up; ${FOREVER}`, mounts('v'))],
  });
  await pods.untilLogged('holds', 'main', 'up');
  await driver.stop('SIGTERM');
  await pods.call('DELETE', '/api/v1/namespaces/default/pods/holds');
  type Events = { items: { reason: string; message: string; involvedObject: { name: string } }[] };
  await waitFor('the event', async () => {
    const { items } = await cluster().api.get<Events>('/api/v1/namespaces/default/events');
    return items.find(
      ({ reason, message, involvedObject }) =>
        involvedObject.name === 'holds' &&
        reason === 'FailedUnmount' &&
        message.includes('list of registered CSI drivers'),
    );
  });
  assert.ok((await pods.get('holds')).metadata.deletionTimestamp);
  await driver.start();
  await pods.gone('holds');
  await untilReleased(cluster(), driver);
  await noMounts(driver);
});

test('a driver that was killed and comes back serves old pods and new ones', async () => {
  const spec = { volumes: claimed('data'), containers: [shell('main', `echo up; ${FOREVER}`, mounts('v'))] };
  await pods.create('before', spec);
  await pods.untilLogged('before', 'main', 'up');
  await driver.stop('SIGKILL');
  await driver.start();
  await pods.create('after', spec);
  await pods.untilLogged('after', 'main', 'up');
  const pod: Pod = await pods.get('before');
  assert.equal(pod.status.containerStatuses?.[0]?.restartCount, 0);
  await pods.remove('before');
  await pods.remove('after');
  await untilReleased(cluster(), driver);
  await noMounts(driver);
});

test('with the driver away, a new agent starts a container again with the volume it had', async () => {
  const script = `n=$(cat /v/count 2>/dev/null || echo 0); echo $((n+1)) > /v/count; echo up
    while [ ! -e /v/go$n ]; do sleep 0.1; done`;
  await pods.create('alone', { volumes: claimed('data'), containers: [shell('main', script, mounts('v'))] });
  await pods.untilLogged('alone', 'main', 'up');
  const volumeId = driver.calls('NodePublishVolume').at(-1)!.request.volumeId;
  const file = (name: string) => `${driver.root}/volumes/${volumeId}/data/${name}`;
  await driver.stop('SIGTERM');
  await cluster().kill('agent', 'SIGKILL');
  await cluster().restart('agent');
  await driver.node.exec('touch', [file('go0')]);
  await waitFor('the second start', async () => {
    const { stdout } = await driver.node.exec('cat', [file('count')]);
    return stdout.trim() === '2';
  });
  await driver.start();
  await pods.remove('alone');
  await untilReleased(cluster(), driver);
  await noMounts(driver);
});
