// What volumes of a storage driver can be: inline, devices, with secrets and tokens, parts of them, growing ones.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { PersistentVolumeClaim } from '../../../api/types/core/persistent-volume-claim.ts';
import { Driver } from '../csi-driver/driver.ts';
import { Sidecars } from '../csi-driver/sidecars.ts';
import { useCluster } from '../harness/cluster.ts';
import { NONCE } from '../harness/images.ts';
import { waitFor } from '../harness/wait.ts';
import { CLAIMS, csiClass, csiObject, noMounts, untilReleased, volumeAndClaim } from './csi.ts';
import { FOREVER, Pods, shell } from './pods.ts';

const cluster = useCluster();
const pods = new Pods(cluster);
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

const mount = (name: string, more: object = {}) => ({ volumeMounts: [{ name, mountPath: '/v', ...more }] });
const claimed = (claimName: string) => ({ name: 'v', persistentVolumeClaim: { claimName } });
const VOLUMES = '/api/v1/persistentvolumes';
const DRIVERS = '/apis/storage.k8s.io/v1/csidrivers';

async function write(name: string, driver: Driver, csi: object = {}, spec: object = {}): Promise<void> {
  const [volume, claim] = volumeAndClaim(name, driver.name, csi, spec);
  await pods.call('POST', VOLUMES, volume);
  await pods.call('POST', CLAIMS, claim);
}

let plain: Driver;
/** Without anything that is optional: nothing is attached, staged or grown. */
let inline: Driver;

test('an inline volume is told of its pod and has its secret and tokens; it goes with the pod', async () => {
  const { node } = cluster().node;
  plain = await Driver.start(node);
  inline = await Driver.start(node, { name: 'inline.csi.skiff.dev', args: ['--without', 'STAGE_UNSTAGE_VOLUME'] });
  opened.use(new Sidecars({ api: cluster().api, driver: plain }));
  await pods.call('POST', DRIVERS, csiObject(plain.name));
  await pods.call('POST', '/apis/storage.k8s.io/v1/storageclasses', csiClass('plain', plain.name));
  const spec = {
    attachRequired: false,
    podInfoOnMount: true,
    volumeLifecycleModes: ['Ephemeral', 'Persistent'],
    tokenRequests: [{ audience: 'vault', expirationSeconds: 600 }],
    requiresRepublish: true,
  };
  await pods.call('POST', DRIVERS, csiObject(inline.name, spec));
  await pods.call('POST', '/api/v1/namespaces/default/secrets', {
    metadata: { name: 'key' },
    stringData: { password: NONCE },
  });
  await pods.create('inline', {
    volumes: [
      {
        name: 'v',
        csi: { driver: inline.name, volumeAttributes: { size: 'small' }, nodePublishSecretRef: { name: 'key' } },
      },
    ],
    containers: [
      shell('main', `cat /v/context.json; echo; cat /v/secrets.json; echo; echo up; ${FOREVER}`, mount('v')),
    ],
  });
  const log = await pods.untilLogged('inline', 'main', 'up');
  const [context, secrets] = log.split('\n').map((line) => (line.startsWith('{') ? JSON.parse(line) : undefined));
  const { metadata } = await pods.get('inline');
  const { 'csi.storage.k8s.io/serviceAccount.tokens': tokens, ...told } = context as Record<string, string>;
  assert.deepEqual(told, {
    size: 'small',
    'csi.storage.k8s.io/ephemeral': 'true',
    'csi.storage.k8s.io/pod.name': 'inline',
    'csi.storage.k8s.io/pod.namespace': 'default',
    'csi.storage.k8s.io/pod.uid': metadata.uid,
    'csi.storage.k8s.io/serviceAccount.name': 'default',
  });
  assert.deepEqual(secrets, { password: NONCE });
  const { vault } = JSON.parse(tokens!) as Record<string, { token: string; expirationTimestamp: string }>;
  const claims = JSON.parse(Buffer.from(vault!.token.split('.')[1]!, 'base64url').toString()) as { aud: string[] };
  assert.deepEqual(claims.aud, ['vault']);
  assert.ok(Date.parse(vault!.expirationTimestamp) > Date.now());
  await pods.remove('inline');
  await noMounts(inline);
  assert.equal(inline.calls('NodeStageVolume').length, 0);
});

test('a driver that takes no inline volumes gets none, and the event says so', async () => {
  await pods.create('refused', {
    volumes: [{ name: 'v', csi: { driver: plain.name } }],
    containers: [shell('main', FOREVER, mount('v'))],
  });
  type Events = { items: { message: string; involvedObject: { name: string } }[] };
  await waitFor('the event', async () => {
    const { items } = await cluster().api.get<Events>('/api/v1/namespaces/default/events');
    const wants = `volume mode "Ephemeral" not supported by driver ${plain.name} (only supports ["Persistent"])`;
    return items.find(({ message, involvedObject }) => involvedObject.name === 'refused' && message.includes(wants));
  });
  await pods.remove('refused');
});

test('a driver that neither attaches nor stages publishes only', async () => {
  await write('direct', inline);
  await pods.create('direct', {
    volumes: [claimed('direct')],
    containers: [shell('main', `echo kept > /v/f && echo up; ${FOREVER}`, mount('v'))],
  });
  await pods.untilLogged('direct', 'main', 'up');
  const [call] = inline.calls('NodePublishVolume').filter(({ request }) => request.volumeId === 'direct');
  assert.deepEqual([call!.request.stagingTargetPath, call!.request.publishContext], ['', {}]);
  await pods.remove('direct');
  await untilReleased(cluster(), inline);
  await noMounts(inline);
});

test('a file system has the options, the secrets and the group that were asked for, and a part of it is a volume too', async () => {
  const secretRef = { namespace: 'default', name: 'key' };
  await write(
    'fs',
    plain,
    { fsType: 'ext4', nodeStageSecretRef: secretRef, volumeAttributes: { colour: 'blue' } },
    { mountOptions: ['noatime'] },
  );
  const volumes = [{ ...claimed('fs'), persistentVolumeClaim: { claimName: 'fs' } }];
  const script = `grep ' /v ' /proc/mounts; cat /nonce > /v/f; ls -ldn /v; echo up; ${FOREVER}`;
  await pods.create('part', {
    securityContext: { fsGroup: 4000 },
    volumes,
    containers: [shell('main', script, mount('v', { subPath: 'a/b' }))],
  });
  const log = await pods.untilLogged('part', 'main', 'up');
  assert.match(log, /ext4 \S*noatime/);
  const [staged] = plain.calls('NodeStageVolume').filter(({ request }) => request.volumeId === 'fs');
  assert.deepEqual(staged!.request.secrets, { password: NONCE });
  assert.equal(staged!.request.volumeContext['colour'], 'blue');
  assert.equal(staged!.request.volumeCapability!.mount!.volumeMountGroup, '4000');
  await pods.remove('part');
  await untilReleased(cluster(), plain);
  await pods.create('whole', {
    volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'fs', readOnly: true } }],
    containers: [shell('main', `cat /v/a/b/f; touch /v/x || echo refused; echo up; ${FOREVER}`, mount('v'))],
  });
  const read = await pods.untilLogged('whole', 'main', 'up');
  assert.ok(read.includes(NONCE) && read.includes('refused'), read);
  await pods.remove('whole');
  await untilReleased(cluster(), plain);
  await noMounts(plain);
});

test('a block volume is a device of its container, and what is written to it stays', async () => {
  try {
    await write('disk', plain, {}, { volumeMode: 'Block' });
    const spec = (script: string) => ({
      volumes: [claimed('disk')],
      containers: [shell('main', script, { volumeDevices: [{ name: 'v', devicePath: '/dev/data' }] })],
    });
    await pods.create('writes', spec(`dd if=/nonce of=/dev/data conv=fsync; echo up; ${FOREVER}`));
    await pods.untilLogged('writes', 'main', 'up');
    const { stdout } = await plain.node.exec('sh', ['-c', 'cd /var/lib/kubelet; ls -d pods/*/volumeDevices/*/disk']);
    assert.match(stdout, /^pods\/[0-9a-f-]+\/volumeDevices\/kubernetes\.io~csi\/disk$/m);
    await pods.remove('writes');
    await untilReleased(cluster(), plain);
    await pods.create('reads', spec(`dd if=/dev/data bs=${NONCE.length} count=1; echo; echo up; ${FOREVER}`));
    assert.ok((await pods.untilLogged('reads', 'main', 'up')).includes(NONCE));
    await pods.remove('reads');
    await untilReleased(cluster(), plain);
    await noMounts(plain);
  } finally {
    await plain.detachLoops();
  }
});

test('a claim grows while its pod uses it, and before the next pod starts', async () => {
  await pods.call('POST', '/apis/storage.k8s.io/v1/storageclasses', {
    ...csiClass('ram', plain.name),
    parameters: { 'csi.storage.k8s.io/fstype': 'tmpfs' },
  });
  await pods.call('POST', CLAIMS, {
    metadata: { name: 'grows' },
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'ram', resources: { requests: { storage: '32Mi' } } },
  });
  const spec = {
    volumes: [claimed('grows')],
    containers: [shell('main', `while :; do df -m /v | tail -1; sleep 0.3; done`, mount('v'))],
  };
  const grow = (storage: string) =>
    cluster().api.call(
      'PATCH',
      `${CLAIMS}/grows`,
      { spec: { resources: { requests: { storage } } } },
      'application/merge-patch+json',
    );
  const has = (storage: string) =>
    waitFor(`the claim to have ${storage}`, async () => {
      const { status } = await cluster().api.get<PersistentVolumeClaim>(`${CLAIMS}/grows`);
      const { capacity, conditions = [], allocatedResourceStatuses = {} } = status;
      if (capacity?.['storage'] !== storage) throw new Error(JSON.stringify(status));
      assert.deepEqual([conditions, allocatedResourceStatuses], [[], {}]);
      return true;
    });
  await pods.create('one', spec);
  await pods.untilLogged('one', 'main', ' 32 ');
  type Summary = {
    pods: { podRef: { name: string }; volume?: { name: string; pvcRef: object; capacityBytes: number }[] }[];
  };
  await waitFor('the statistics of the volume', async () => {
    const found = await cluster().api.get<Summary>('/api/v1/nodes/node-1/proxy/stats/summary');
    const [volume] = found.pods.find(({ podRef }) => podRef.name === 'one')?.volume ?? [];
    if (volume === undefined) return undefined;
    assert.deepEqual(volume.pvcRef, { name: 'grows', namespace: 'default' });
    assert.equal(volume.capacityBytes, 32 * 1024 * 1024);
    return true;
  });
  await grow('48Mi');
  await has(String(48 * 1024 * 1024));
  await pods.untilLogged('one', 'main', ' 48 ');
  type Events = { items: { reason: string }[] };
  const { items } = await cluster().api.get<Events>('/api/v1/namespaces/default/events');
  assert.ok(items.some(({ reason }) => reason === 'FileSystemResizeSuccessful'));
  await pods.remove('one');
  await untilReleased(cluster(), plain);
  await grow('64Mi');
  await waitFor('the volume to have grown for the controller', async () => {
    const { status } = await cluster().api.get<PersistentVolumeClaim>(`${CLAIMS}/grows`);
    return status.conditions?.some(({ type }) => type === 'FileSystemResizePending');
  });
  await pods.create('two', spec);
  await has(String(64 * 1024 * 1024));
  await pods.untilLogged('two', 'main', ' 64 ');
  await pods.remove('two');
  await untilReleased(cluster(), plain);
  await noMounts(plain);
});
