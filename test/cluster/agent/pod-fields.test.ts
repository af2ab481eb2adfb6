// Fields of pods that few use and that must do what they say.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useCluster } from '../harness/cluster.ts';
import { FOREVER, Pods, shell, statusOf } from './pods.ts';

const cluster = useCluster({ agentArgs: ['--allowed-unsafe-sysctls=kernel.msg*'] });
const pods = new Pods(cluster);

test('a rule of its own starts a container again in a pod that never restarts, and another exit code ends it', async () => {
  const script = 'n=$(cat /v/n 2>/dev/null || echo 0); echo $((n+1)) > /v/n; [ $n = 1 ] && exit 43; exit 42';
  const rule = { action: 'Restart', exitCodes: { operator: 'In', values: [42] } };
  const more = { restartPolicy: 'Never', restartPolicyRules: [rule], volumeMounts: [{ name: 'v', mountPath: '/v' }] };
  await pods.create('ruled', {
    restartPolicy: 'Never',
    volumes: [{ name: 'v', emptyDir: {} }],
    containers: [shell('main', script, more)],
  });
  const pod = await pods.until('ruled', 'failed', ({ status }) => status.phase === 'Failed');
  const { restartCount, state, lastState } = statusOf(pod, 'main');
  assert.deepEqual([restartCount, state?.terminated?.exitCode, lastState?.terminated?.exitCode], [1, 43, 42]);
  await pods.remove('ruled');
});

test('a container is asked to stop by the signal it chose, and killed when it does not', async () => {
  const hears =
    'trap "echo heard > /dev/termination-log; exit 0" USR1; trap "echo no" TERM; while :; do sleep 1 & wait $!; done';
  const deaf = 'trap "" USR1 TERM; while :; do sleep 1 & wait $!; done';
  const lifecycle = { stopSignal: 'SIGUSR1' } as const;
  await pods.create('signalled', {
    os: { name: 'linux' },
    terminationGracePeriodSeconds: 3,
    containers: [shell('hears', hears, { lifecycle }), shell('deaf', deaf, { lifecycle })],
  });
  const running = await pods.ready('signalled');
  assert.equal(statusOf(running, 'hears').stopSignal, 'SIGUSR1');
  const finalizers = [{ op: 'add', path: '/metadata/finalizers', value: ['test.example/look'] }];
  const path = '/api/v1/namespaces/default/pods/signalled';
  await cluster().kubectl(['patch', 'pod', 'signalled', '--type=json', '-p', JSON.stringify(finalizers)]);
  await pods.call('DELETE', path);
  const ended = await pods.until('signalled', 'ended', (pod) =>
    ['hears', 'deaf'].every((name) => statusOf(pod, name).state?.terminated !== undefined),
  );
  const end = (name: string) => statusOf(ended, name).state?.terminated;
  assert.deepEqual([end('hears')?.exitCode, end('hears')?.message], [0, 'heard\n']);
  assert.equal(end('deaf')?.exitCode, 137);
  await cluster().kubectl([
    'patch',
    'pod',
    'signalled',
    '--type=json',
    '-p',
    '[{"op":"remove","path":"/metadata/finalizers"}]',
  ]);
  await pods.gone('signalled');
});

test('a variable comes from a file that an init container wrote, and never through a link out of the volume', async () => {
  const volumes = [{ name: 'v', emptyDir: {} }];
  const volumeMounts = [{ name: 'v', mountPath: '/v' }];
  const write = (script: string) => [shell('init', script, { volumeMounts })];
  const env = (optional: boolean, key = 'COLOR') => [
    { name: 'COLOR', valueFrom: { fileKeyRef: { volumeName: 'v', path: 'env', key, optional } } },
  ];
  const spec = { volumes, restartPolicy: 'Never' as const };
  await pods.create('told', {
    ...spec,
    initContainers: write(`echo "COLOR='deep blue'" > /v/env`),
    containers: [shell('main', 'echo "is $COLOR"', { env: env(false) })],
  });
  await pods.create('link', {
    ...spec,
    initContainers: write('ln -s /etc/shadow /v/env'),
    containers: [shell('main', 'true', { env: env(false) })],
  });
  await pods.create('absent', {
    ...spec,
    initContainers: write('true'),
    containers: [shell('main', 'echo "is $COLOR."', { env: env(true) })],
  });
  await pods.untilLogged('told', 'main', 'is deep blue');
  await pods.untilLogged('absent', 'main', 'is .');
  const link = await pods.until(
    'link',
    'refused',
    (pod) => statusOf(pod, 'main').state?.waiting?.reason === 'CreateContainerConfigError',
  );
  assert.match(statusOf(link, 'main').state?.waiting?.message ?? '', /"env" is a link/);
  await Promise.all(['told', 'link', 'absent'].map((name) => pods.remove(name)));
});

test('a sysctl that the node allows is set, and another is refused for good', async () => {
  const sysctls = (name: string) => ({ securityContext: { sysctls: [{ name, value: '4096' }] } });
  await pods.create('allowed', {
    ...sysctls('kernel.msgmax'),
    containers: [shell('main', `cat /proc/sys/kernel/msgmax; ${FOREVER}`)],
  });
  await pods.create('forbidden', { ...sysctls('kernel.sem'), containers: [shell('main', FOREVER)] });
  await pods.untilLogged('allowed', 'main', '4096');
  const { status } = await pods.until('forbidden', 'refused', (pod) => pod.status.phase === 'Failed');
  assert.deepEqual(
    [status.reason, status.message],
    ['SysctlForbidden', 'Pod was rejected: forbidden sysctl: "kernel.sem" not allowlisted'],
  );
  await Promise.all(['allowed', 'forbidden'].map((name) => pods.remove(name)));
});
