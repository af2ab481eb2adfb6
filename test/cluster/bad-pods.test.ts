// Pods that cannot run or do not stay: what `kubectl get` shows of them one after another, what their status says, and
// what their events tell. All of them at once, and everything kubectl prints is kept, so that nothing short is missed.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Container } from '../../api/types/core/container.ts';
import type { ContainerStatus } from '../../api/types/core/container-status.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { useCluster } from './harness/cluster.ts';
import { kubectlTooOld } from './harness/kubectl.ts';
import type { NodeProcess } from './harness/node-namespace.ts';
import { waitFor } from './harness/wait.ts';
import { apply, BUSYBOX } from './proof.ts';

const cluster = useCluster();
/** The texts of kubectl itself are those of recent versions. */
const skip = await kubectlTooOld();
/** Nobody listens there: a registry that refuses at once. */
const NO_IMAGE = 'localhost:5999/none:1';
const NOT_HELPFUL = 'preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.';
const LOST_COMMAND =
  'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "/nope": stat /nope: no such file or directory: unknown';

type Ending = NonNullable<NonNullable<ContainerStatus['state']>['terminated']>;

interface Row {
  it: string;
  name: string;
  spec?: Partial<Pod['spec']>;
  container?: Partial<Container>;
  /** The STATUS column, in this order; others may come in between. */
  shows: string[];
  phase: string;
  /** How its container ended last. */
  ended?: Partial<Ending>;
  restarts?: 'some' | 'none';
  waits?: string | RegExp;
  events: [reason: string, message: string | RegExp][];
}

const exits = (code: number) => ({ command: ['sh', '-c', `exit ${code}`] });
const backOff = (name: string): Row['events'][number] => [
  'BackOff',
  new RegExp(`^Back-off restarting failed container app in pod ${name}_default\\([-0-9a-f]{36}\\)$`),
];

const rows: Row[] = [
  {
    it: 'whose image cannot be pulled waits longer each time',
    name: 'no-image',
    container: { image: NO_IMAGE },
    shows: ['ErrImagePull', 'ImagePullBackOff', 'ErrImagePull', 'ImagePullBackOff'],
    phase: 'Pending',
    restarts: 'none',
    waits:
      /^Back-off pulling image "localhost:5999\/none:1": ErrImagePull: failed to pull and unpack image .*connection refused/,
    events: [
      ['Pulling', `Pulling image "${NO_IMAGE}"`],
      [
        'Failed',
        /^Failed to pull image "localhost:5999\/none:1": failed to pull and unpack image .*connection refused/,
      ],
      ['Failed', 'Error: ErrImagePull'],
      ['BackOff', `Back-off pulling image "${NO_IMAGE}"`],
      ['Failed', 'Error: ImagePullBackOff'],
    ],
  },
  {
    it: 'whose image must not be pulled',
    name: 'never-pulled',
    container: { image: NO_IMAGE, imagePullPolicy: 'Never' },
    shows: ['ErrImageNeverPull'],
    phase: 'Pending',
    waits: `Container image "${NO_IMAGE}" is not present with pull policy of Never`,
    events: [
      ['ErrImageNeverPull', `Container image "${NO_IMAGE}" is not present with pull policy of Never`],
      ['Failed', 'Error: ErrImageNeverPull'],
    ],
  },
  {
    it: 'whose image has no valid name',
    name: 'bad-image',
    container: { image: 'not//valid' },
    shows: ['InvalidImageName'],
    phase: 'Pending',
    waits: /couldn't parse image name "not\/\/valid": invalid reference format/,
    events: [['InspectFailed', /couldn't parse image name "not\/\/valid"/]],
  },
  {
    it: 'whose command does not exist',
    name: 'no-command',
    container: { command: ['/nope'] },
    shows: ['RunContainerError', 'CrashLoopBackOff'],
    phase: 'Running',
    ended: { reason: 'StartError', exitCode: 128, message: LOST_COMMAND },
    restarts: 'some',
    events: [['Failed', `Error: ${LOST_COMMAND}`], backOff('no-command')],
  },
  {
    it: 'whose command does not exist and which is never started again',
    name: 'no-command-once',
    spec: { restartPolicy: 'Never' },
    container: { command: ['/nope'] },
    shows: ['StartError'],
    phase: 'Failed',
    ended: { reason: 'StartError', exitCode: 128, message: LOST_COMMAND },
    restarts: 'none',
    events: [['Failed', `Error: ${LOST_COMMAND}`]],
  },
  {
    it: 'that exits with 0 and is always started again',
    name: 'zero-always',
    container: exits(0),
    shows: ['Completed', 'CrashLoopBackOff', 'Completed', 'CrashLoopBackOff'],
    phase: 'Running',
    ended: { reason: 'Completed', exitCode: 0 },
    restarts: 'some',
    waits: /^back-off (20s|40s) restarting failed container=app pod=zero-always_default\([-0-9a-f]{36}\)$/,
    events: [['Created', 'Created container: app'], ['Started', 'Started container app'], backOff('zero-always')],
  },
  {
    it: 'that exits with 3 and is always started again',
    name: 'three-always',
    container: exits(3),
    shows: ['Error', 'CrashLoopBackOff', 'Error', 'CrashLoopBackOff'],
    phase: 'Running',
    ended: { reason: 'Error', exitCode: 3 },
    restarts: 'some',
    events: [backOff('three-always')],
  },
  {
    it: 'that exits with 0 and is started again on failure',
    name: 'zero-on-failure',
    spec: { restartPolicy: 'OnFailure' },
    container: exits(0),
    shows: ['Completed'],
    phase: 'Succeeded',
    ended: { reason: 'Completed', exitCode: 0 },
    restarts: 'none',
    events: [['Started', 'Started container app']],
  },
  {
    it: 'that exits with 3 and is started again on failure',
    name: 'three-on-failure',
    spec: { restartPolicy: 'OnFailure' },
    container: exits(3),
    shows: ['Error', 'CrashLoopBackOff'],
    phase: 'Running',
    ended: { reason: 'Error', exitCode: 3 },
    restarts: 'some',
    events: [backOff('three-on-failure')],
  },
  {
    it: 'that exits with 0 and is never started again',
    name: 'zero-never',
    spec: { restartPolicy: 'Never' },
    container: exits(0),
    shows: ['Completed'],
    phase: 'Succeeded',
    ended: { reason: 'Completed', exitCode: 0 },
    restarts: 'none',
    events: [['Started', 'Started container app']],
  },
  {
    it: 'that exits with 3 and is never started again',
    name: 'three-never',
    spec: { restartPolicy: 'Never' },
    container: exits(3),
    shows: ['Error'],
    phase: 'Failed',
    ended: { reason: 'Error', exitCode: 3 },
    restarts: 'none',
    events: [['Started', 'Started container app']],
  },
  {
    it: 'that takes more memory than it may have',
    name: 'greedy',
    spec: { restartPolicy: 'Never' },
    container: { command: ['sh', '-c', 'exec tail /dev/zero'], resources: { limits: { memory: '16Mi' } } },
    shows: ['OOMKilled'],
    phase: 'Failed',
    ended: { reason: 'OOMKilled', exitCode: 137 },
    restarts: 'none',
    events: [['Started', 'Started container app']],
  },
  {
    it: 'whose init container fails',
    name: 'no-init',
    spec: { initContainers: [{ name: 'first', image: BUSYBOX, ...exits(4) }] },
    shows: ['Init:0/1', 'Init:Error', 'Init:CrashLoopBackOff'],
    phase: 'Pending',
    restarts: 'none',
    waits: '',
    events: [['BackOff', /^Back-off restarting failed container first in pod no-init_default\(/]],
  },
  {
    it: 'whose config map is missing',
    name: 'no-config',
    container: { envFrom: [{ configMapRef: { name: 'absent' } }] },
    shows: ['CreateContainerConfigError'],
    phase: 'Pending',
    waits: 'configmap "absent" not found',
    events: [['Failed', 'Error: configmap "absent" not found']],
  },
  {
    it: 'whose config map lacks the key',
    name: 'no-key',
    container: { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'kube-root-ca.crt', key: 'nope' } } }] },
    shows: ['CreateContainerConfigError'],
    phase: 'Pending',
    waits: "couldn't find key nope in ConfigMap default/kube-root-ca.crt",
    events: [['Failed', "Error: couldn't find key nope in ConfigMap default/kube-root-ca.crt"]],
  },
  {
    it: 'whose secret is missing',
    name: 'no-secret',
    container: { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'absent', key: 'k' } } }] },
    shows: ['CreateContainerConfigError'],
    phase: 'Pending',
    waits: 'secret "absent" not found',
    events: [['Failed', 'Error: secret "absent" not found']],
  },
  {
    it: 'whose volume wants a config map that is missing',
    name: 'no-volume',
    spec: { volumes: [{ name: 'v', configMap: { name: 'absent' } }] },
    container: { volumeMounts: [{ name: 'v', mountPath: '/v' }] },
    shows: ['ContainerCreating'],
    phase: 'Pending',
    events: [['FailedMount', 'MountVolume.SetUp failed for volume "v" : configmap "absent" not found']],
  },
  {
    it: 'that is too large for every node',
    name: 'too-large',
    container: { resources: { requests: { cpu: '1000' } } },
    shows: ['Pending'],
    phase: 'Pending',
    events: [
      ['FailedScheduling', `0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, ${NOT_HELPFUL}`],
    ],
  },
  {
    it: 'that wants a node which does not exist',
    name: 'choosy',
    spec: { nodeSelector: { disk: 'ssd' } },
    shows: ['Pending'],
    phase: 'Pending',
    events: [
      [
        'FailedScheduling',
        `0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, ${NOT_HELPFUL}`,
      ],
    ],
  },
];

let printed = '';
let watching: NodeProcess | undefined;

after(async () => {
  await watching?.kill('SIGKILL');
  await watching?.exited;
});

test('pods of all bad kinds are accepted', { skip }, async () => {
  watching = cluster().node.node.spawn('kubectl', ['get', 'pods', '--watch', '--no-headers'], {
    env: { KUBECONFIG: cluster().kubeconfig },
  });
  watching.child.stdout!.on('data', (chunk) => {
    printed += chunk;
  });
  const items = rows.map(({ name, spec, container }) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { containers: [{ name: 'app', image: BUSYBOX, ...container }], ...spec },
  }));
  await apply(cluster(), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
});

/** The STATUS column of one pod, as it changed. */
function statuses(name: string): string[] {
  const column = printed.split('\n').flatMap((line) => {
    const cells = line.split(/\s+/);
    return cells[0] === name ? [cells[2]!] : [];
  });
  return column.filter((status, i) => status !== column[i - 1]);
}

function isInOrder(wanted: readonly string[], seen: readonly string[]): boolean {
  let at = 0;
  for (const status of seen) if (status === wanted[at]) at++;
  return at === wanted.length;
}

const fits = (wanted: string | RegExp, text: string) =>
  typeof wanted === 'string' ? wanted === text : wanted.test(text);

async function eventsOf(name: string): Promise<{ reason: string; message: string }[]> {
  const path = `/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3D${name}`;
  return (await cluster().api.get<{ items: { reason: string; message: string }[] }>(path)).items;
}

for (const { it, name, shows, phase, ended, restarts, waits, events } of rows) {
  test(`a pod ${it} shows ${shows.join(', ')}`, { skip }, async () => {
    await waitFor(
      `${name} to be shown as ${shows.join(', ')}`,
      () => {
        if (!isInOrder(shows, statuses(name))) throw new Error(statuses(name).join(', '));
        return true;
      },
      { timeoutMs: 45_000 },
    );
    const { status } = await cluster().api.get<Pod>(`/api/v1/namespaces/default/pods/${name}`);
    assert.equal(status.phase, phase);
    const container = status.containerStatuses?.[0];
    const ending = container?.state?.terminated ?? container?.lastState?.terminated;
    for (const [key, value] of Object.entries(ended ?? {})) assert.equal(ending?.[key as keyof Ending], value);
    if (restarts === 'some') assert.ok(container!.restartCount > 0);
    if (restarts === 'none') assert.equal(container!.restartCount, 0);
    const message = container?.state?.waiting?.message ?? '';
    if (waits !== undefined) assert.ok(fits(waits, message), message);
    await waitFor(`the events of ${name}`, async () => {
      const told = await eventsOf(name);
      const missing = events.filter(
        ([reason, text]) => !told.some((event) => event.reason === reason && fits(text, event.message)),
      );
      if (missing.length > 0) throw new Error(JSON.stringify({ missing: missing.map(String), told: told.map(brief) }));
      return true;
    });
    if (phase === 'Pending' && container === undefined) {
      const scheduled = status.conditions?.find(({ type }) => type === 'PodScheduled');
      assert.deepEqual(
        [scheduled?.status, scheduled?.reason, scheduled?.message],
        ['False', 'Unschedulable', events[0]![1]],
      );
    }
  });
}

const brief = ({ reason, message }: { reason: string; message: string }) => `${reason}: ${message}`;

test('what is missing may come later: the pod then runs', { skip }, async () => {
  const absent = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'absent' }, data: { a: 'b' } };
  await apply(cluster(), JSON.stringify(absent));
  for (const name of ['no-config', 'no-volume']) {
    await waitFor(`${name} to run`, () => isInOrder(['Running'], statuses(name)));
  }
});
