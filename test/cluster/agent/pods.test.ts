// From a Pod object to a running container and back, with the real server, agent and containerd.
import assert from 'node:assert/strict';
import { readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { useCluster } from '../harness/cluster.ts';
import { NONCE } from '../harness/images.ts';
import { waitFor } from '../harness/wait.ts';
import { conditionOf, FOREVER, Pods, shell, statusOf, waitsFor } from './pods.ts';

const cluster = useCluster();
const pods = new Pods(cluster);
const inNode = async (...command: [string, ...string[]]) =>
  (await cluster().node.node.exec(command[0], command.slice(1))).stdout;

test('a pod runs, its log carries the nonce, and nothing is left when it is deleted', async () => {
  await pods.call('POST', '/api/v1/namespaces/default/configmaps', {
    metadata: { name: 'settings' },
    data: { color: 'blue' },
  });
  await pods.call('POST', '/api/v1/namespaces/default/secrets', {
    metadata: { name: 'login' },
    stringData: { password: 'hush' },
  });
  const mount = (name: string, mountPath: string, subPath?: string) => ({
    name,
    mountPath,
    ...(subPath && { subPath }),
  });
  await pods.create('whole', {
    hostname: 'db-0',
    subdomain: 'db',
    hostAliases: [{ ip: '192.0.2.9', hostnames: ['alias.example'] }],
    securityContext: { fsGroup: 2000 },
    volumes: [
      { name: 'scratch', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
      { name: 'settings', configMap: { name: 'settings' } },
      { name: 'login', secret: { secretName: 'login', defaultMode: 0o400 } },
      {
        name: 'all',
        projected: {
          sources: [
            { serviceAccountToken: { path: 'token', expirationSeconds: 600 } },
            { downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }] } },
          ],
        },
      },
    ],
    initContainers: [shell('first', 'echo from-init > /scratch/f', { volumeMounts: [mount('scratch', '/scratch')] })],
    containers: [
      shell(
        'main',
        `cat /nonce; echo; cat /scratch/f /one /login/password; echo; cat /all/name /etc/hosts /etc/resolv.conf; hostname
         echo "env $COLOR $IP $KUBERNETES_SERVICE_HOST"; ls -l /all/..data/ /login/..data/; df /scratch
         [ "$(wc -c < /all/token)" -gt 100 ] && echo has-token; touch /settings/x || echo read-only; ${FOREVER}`,
        {
          env: [
            { name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'color' } } },
            { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
          ],
          volumeMounts: [
            mount('scratch', '/scratch'),
            mount('settings', '/settings'),
            mount('settings', '/one', 'color'),
            mount('login', '/login'),
            mount('all', '/all'),
          ],
          resources: { requests: { cpu: '100m', memory: '16Mi' }, limits: { cpu: '200m', memory: '32Mi' } },
        },
      ),
    ],
  });
  const pod = await pods.ready('whole');
  const ip = pod.status.podIP!;
  const log = await pods.untilLogged('whole', 'main', 'read-only');
  for (const part of [
    NONCE,
    'from-init',
    'blue',
    'hush',
    'whole',
    `${ip}\tdb-0.db.default.svc.cluster.local\tdb-0`,
    '192.0.2.9\talias.example',
    'search default.svc.cluster.local svc.cluster.local cluster.local',
    'nameserver 10.43.0.10',
    `env blue ${ip} 10.43.0.1`,
    'has-token',
    'tmpfs                     1024',
  ]) {
    assert.ok(log.includes(part), `${part} in\n${log}`);
  }
  assert.equal(pod.status.phase, 'Running');
  assert.deepEqual(statusOf(pod, 'first').state?.terminated?.reason, 'Completed');

  const { uid } = pod.metadata;
  const group = `/sys/fs/cgroup/memory/kubepods/burstable/pod${uid}`;
  const limit = await inNode(
    'sh',
    '-c',
    `cat ${group}/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/kubepods/burstable/pod${uid}/memory.max`,
  );
  assert.equal(limit.trim(), String(32 * 2 ** 20));
  await pods.remove('whole');
  await waitFor('nothing of the pod to be left', async () => {
    const left = await inNode(
      'sh',
      '-c',
      `ls /var/lib/kubelet/pods /var/log/pods /var/log/containers; grep ${uid} /proc/mounts; find /sys/fs/cgroup -name 'pod${uid}'; true`,
    );
    if (left.includes(uid) || left.includes('whole')) throw new Error(left);
    return true;
  });
});

test('a container has namespaces of its own and is limited as it asks', async () => {
  await pods.create('alone', {
    securityContext: { runAsUser: 1000, runAsGroup: 3000, supplementalGroups: [4000] },
    containers: [
      shell('main', `id; grep -E "NoNewPrivs|Seccomp:|CapEff" /proc/self/status; touch /x; ${FOREVER}`, {
        securityContext: {
          readOnlyRootFilesystem: true,
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
          seccompProfile: { type: 'RuntimeDefault' },
        },
      }),
    ],
  });
  await pods.ready('alone');
  const log = await pods.untilLogged('alone', 'main', 'Read-only file system');
  assert.match(log, /uid=1000 gid=3000 groups=3000,4000/);
  assert.match(log, /CapEff:\s0{16}/);
  assert.match(log, /NoNewPrivs:\s1/);
  assert.match(log, /Seccomp:\s2/);
  const pids = await cluster().node.node.pids();
  const own = pids.filter((pid) => namespaceOf(pid) !== namespaceOf(cluster().node.node.pid));
  assert.ok(own.length > 0, 'processes in a network namespace of their own');
  await pods.remove('alone');
});

function namespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined; // ended since it was listed
  }
}

test('what goes wrong is said in the words of upstream', async () => {
  const broken: { name: string; container: Partial<Parameters<typeof shell>[2]>; wants: RegExp; says: RegExp }[] = [
    {
      name: 'no-image',
      container: { image: 'skiff.invalid/none:1' },
      wants: /^(ErrImagePull|ImagePullBackOff)$/,
      says: /skiff.invalid/,
    },
    {
      name: 'bad-image',
      container: { image: 'NOT AN IMAGE' },
      wants: /^InvalidImageName$/,
      says: /couldn't parse image name/,
    },
    {
      name: 'never-pulled',
      container: { image: 'skiff.local/none:1', imagePullPolicy: 'Never' },
      wants: /^ErrImageNeverPull$/,
      says: /policy of Never/,
    },
    {
      name: 'no-command',
      container: { command: ['/nope'] },
      wants: /^(RunContainerError|CrashLoopBackOff)$/,
      says: /nope|back-off/,
    },
    {
      name: 'no-config',
      container: { envFrom: [{ configMapRef: { name: 'later' } }] },
      wants: /^CreateContainerConfigError$/,
      says: /configmap "later" not found/,
    },
    {
      name: 'root',
      container: { securityContext: { runAsNonRoot: true } },
      wants: /^CreateContainerConfigError$/,
      says: /image will run as root/,
    },
    {
      name: 'crash',
      container: { command: ['sh', '-c', 'exit 7'] },
      wants: /^CrashLoopBackOff$/,
      says: /back-off 10s restarting failed container=main pod=crash_default/,
    },
  ];
  await Promise.all(
    broken.map(({ name, container }) => pods.create(name, { containers: [shell('main', FOREVER, container)] })),
  );
  await Promise.all(
    broken.map(async ({ name, wants, says }) => {
      const pod = await pods.until(name, String(wants), (each) => wants.test(waitsFor(each, 'main') ?? ''));
      assert.match(statusOf(pod, 'main').state?.waiting?.message ?? '', says);
      assert.notEqual(conditionOf(pod.status, 'Ready'), 'True');
    }),
  );
  await pods.until('no-image', 'backing off', (pod) => waitsFor(pod, 'main') === 'ImagePullBackOff');
  assert.equal(statusOf(await pods.get('crash'), 'main').lastState?.terminated?.exitCode, 7);
  await pods.call('POST', '/api/v1/namespaces/default/configmaps', { metadata: { name: 'later' }, data: { A: 'b' } });
  await pods.ready('no-config');
  await Promise.all(broken.map(({ name }) => pods.remove(name)));
});

test('pods that need not run for ever come to an end', async () => {
  await pods.create('done', { restartPolicy: 'Never', containers: [shell('main', 'echo bye > /dev/termination-log')] });
  await pods.create('failed', {
    restartPolicy: 'Never',
    containers: [shell('main', 'echo oh no; exit 3', { terminationMessagePolicy: 'FallbackToLogsOnError' })],
  });
  await pods.create('late', { activeDeadlineSeconds: 1, containers: [shell('main', FOREVER)] });
  await pods.create('retried', { restartPolicy: 'OnFailure', containers: [shell('main', '[ -e /tmp/2 ] || exit 1')] });
  const done = await pods.until('done', 'Succeeded', ({ status }) => status.phase === 'Succeeded');
  assert.equal(statusOf(done, 'main').state?.terminated?.message, 'bye\n');
  const failed = await pods.until('failed', 'Failed', ({ status }) => status.phase === 'Failed');
  assert.match(statusOf(failed, 'main').state?.terminated?.message ?? '', /oh no/);
  const late = await pods.until('late', 'Failed', ({ status }) => status.phase === 'Failed');
  assert.equal(late.status.reason, 'DeadlineExceeded');
  await pods.until('retried', 'restarted', (pod) => statusOf(pod, 'main').restartCount > 0);
  // A finished pod keeps its log but not its address.
  assert.match(await pods.log('failed', 'main'), /oh no/);
  await Promise.all(['done', 'failed', 'late', 'retried'].map((name) => pods.remove(name)));
});

test('init containers, sidecars, hooks and probes keep their order', async () => {
  await pods.create('ordered', {
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: 10,
    volumes: [{ name: 'v', emptyDir: {} }],
    initContainers: [
      shell(
        'mesh',
        `echo mesh-up >> /v/log; trap "echo mesh-down >> /v/log; exit 0" TERM; while :; do sleep 3600 & wait $!; done`,
        {
          restartPolicy: 'Always',
          startupProbe: { exec: { command: ['grep', 'mesh-up', '/v/log'] }, periodSeconds: 1 },
          volumeMounts: [{ name: 'v', mountPath: '/v' }],
        },
      ),
      shell('init', 'echo init >> /v/log', { volumeMounts: [{ name: 'v', mountPath: '/v' }] }),
    ],
    containers: [
      shell('main', `trap "echo main-down >> /v/log; exit 0" TERM; while :; do sleep 3600 & wait $!; done`, {
        lifecycle: {
          postStart: { exec: { command: ['sh', '-c', 'echo started >> /v/log'] } },
          preStop: { exec: { command: ['sh', '-c', 'echo stopping >> /v/log'] } },
        },
        readinessProbe: { exec: { command: ['grep', 'started', '/v/log'] }, periodSeconds: 1 },
        volumeMounts: [{ name: 'v', mountPath: '/v' }],
      }),
      shell('watch', FOREVER, {
        volumeMounts: [{ name: 'v', mountPath: '/v' }],
      }),
    ],
  });
  const pod = await pods.ready('ordered');
  const { uid } = pod.metadata;
  const file = `/var/lib/kubelet/pods/${uid}/volumes/kubernetes.io~empty-dir/v/log`;
  assert.deepEqual((await inNode('cat', file)).trim().split('\n'), ['mesh-up', 'init', 'started']);
  await inNode('ln', file, '/var/lib/kubelet/kept-log');
  await pods.remove('ordered');
  const lines = (await inNode('cat', '/var/lib/kubelet/kept-log')).trim().split('\n');
  assert.deepEqual(lines.slice(3), ['stopping', 'main-down', 'mesh-down']);
});

test('a container whose liveness probe fails is started again, one that is not ready is left alone', async () => {
  const probe = { periodSeconds: 1, failureThreshold: 2 };
  await pods.create('sick', {
    containers: [
      shell('dead', FOREVER, { livenessProbe: { tcpSocket: { port: 81 }, ...probe } }),
      shell('busy', FOREVER, { readinessProbe: { httpGet: { path: '/', port: 82 }, ...probe } }),
    ],
  });
  const pod = await pods.until('sick', 'restarted', (each) => statusOf(each, 'dead').restartCount >= 1);
  assert.equal(statusOf(pod, 'busy').restartCount, 0);
  assert.equal(statusOf(pod, 'busy').ready, false);
  await pods.remove('sick');
});

test('config maps are followed in running pods without a restart', async (t) => {
  if (process.env['SKIFF_SLOW_TESTS'] !== '1') return t.skip('takes a minute: SKIFF_SLOW_TESTS=1');
  await pods.call('POST', '/api/v1/namespaces/default/configmaps', { metadata: { name: 'live' }, data: { k: 'old' } });
  await pods.create('follows', {
    volumes: [{ name: 'v', configMap: { name: 'live' } }],
    containers: [
      shell('main', 'while :; do cat /v/k; echo; sleep 1; done', { volumeMounts: [{ name: 'v', mountPath: '/v' }] }),
    ],
  });
  await pods.ready('follows');
  await pods.call('PUT', '/api/v1/namespaces/default/configmaps/live', {
    metadata: { name: 'live' },
    data: { k: 'new' },
  });
  await waitFor('the new value', async () => (await pods.log('follows', 'main')).includes('new'), {
    timeoutMs: 130_000,
  });
  await pods.remove('follows');
});

test('an ephemeral container joins a running pod and sees its processes', async () => {
  await pods.create('debugged', { containers: [shell('main', FOREVER)] });
  const pod = await pods.ready('debugged');
  const debug = { ...shell('debug', 'ps; echo looked; sleep 3600'), targetContainerName: 'main' };
  const path = '/api/v1/namespaces/default/pods/debugged/ephemeralcontainers';
  await pods.call('PUT', path, { ...pod, spec: { ...pod.spec, ephemeralContainers: [debug] } });
  const log = await pods.untilLogged('debugged', 'debug', 'looked');
  assert.match(log, /trap "exit 0"/);
  await pods.until(
    'debugged',
    'debugged',
    ({ status }) => status.ephemeralContainerStatuses?.[0]?.state?.running !== undefined,
  );
  await pods.remove('debugged');
});

test('limits change while the container runs', async () => {
  const limits = (memory: string) => ({ requests: { cpu: '50m', memory: '16Mi' }, limits: { cpu: '100m', memory } });
  await pods.create('resized', { containers: [shell('main', FOREVER, { resources: limits('32Mi') })] });
  const pod = await pods.ready('resized');
  const [main] = pod.spec.containers;
  const path = '/api/v1/namespaces/default/pods/resized/resize';
  await pods.call('PUT', path, { ...pod, spec: { ...pod.spec, containers: [{ ...main, resources: limits('48Mi') }] } });
  const resized = await pods.until(
    'resized',
    'larger',
    (each) => statusOf(each, 'main').resources?.limits?.['memory'] === '48Mi',
  );
  assert.equal(statusOf(resized, 'main').restartCount, 0);
  const id = statusOf(resized, 'main').containerID!.replace('containerd://', '');
  const files = `find /sys/fs/cgroup -path '*${id}*' ( -name memory.max -o -name memory.limit_in_bytes )`;
  const [, ...found] = ['', ...files.split(' ').map((word) => word.replaceAll("'", ''))];
  const file = (await inNode(found[0]!, ...found.slice(1))).trim().split('\n')[0]!;
  assert.equal((await inNode('cat', file)).trim(), String(48 * 2 ** 20));
  await pods.remove('resized');
});
