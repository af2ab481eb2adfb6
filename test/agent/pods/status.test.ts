import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podStatus } from '../../../agent/pods/status.ts';
import type { World } from '../../../agent/pods/world.ts';
import { timestamp } from '../../../api/clock.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { aContainer, aPod, aSandbox, aSidecar, aWorld, exited, running } from './make.ts';

const host = { hostIps: ['192.0.2.7'], runtimeName: 'containerd' };
const box = aSandbox();
const gone = aSandbox({ ready: false });
const deleted = { deletionTimestamp: '1970-01-01T00:00:30Z' };

/** Phase, one word per container, and the conditions that hold. */
function summary(pod: Pod, world: World, nowMs = 3_000) {
  const status = podStatus(pod, world, host, nowMs);
  const words = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].map(
    ({ name, state, ready }) =>
      `${name}:${state?.waiting?.reason ?? state?.terminated?.reason ?? 'Running'}${ready ? ' ready' : ''}`,
  );
  const holds = (status.conditions ?? []).filter((each) => each.status === 'True').map(({ type }) => type);
  return { phase: status.phase, words, holds };
}

const network = 'PodReadyToStartContainers';
const all = [network, 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'];
const cases: { it: string; pod: Pod; world: World; nowMs?: number; wants: ReturnType<typeof summary> }[] = [
  {
    it: 'is Pending and creating before there is a sandbox',
    pod: aPod(),
    world: aWorld([]),
    wants: { phase: 'Pending', words: ['web:ContainerCreating'], holds: ['Initialized', 'PodScheduled'] },
  },
  {
    it: 'is initializing while init containers run',
    pod: aPod({ inits: ['first'] }),
    world: aWorld([box], [running('first')]),
    wants: { phase: 'Pending', words: ['first:Running', 'web:PodInitializing'], holds: [network, 'PodScheduled'] },
  },
  {
    it: 'is Running and ready',
    pod: aPod(),
    world: aWorld([box], [running('web')]),
    wants: { phase: 'Running', words: ['web:Running ready'], holds: all },
  },
  {
    it: 'stays Pending until every container has been started',
    pod: aPod({ containers: ['web', 'log'] }),
    world: aWorld([box], [running('web')]),
    wants: {
      phase: 'Pending',
      words: ['log:ContainerCreating', 'web:Running ready'],
      holds: [network, 'Initialized', 'PodScheduled'],
    },
  },
  {
    it: 'is not ready before its probe says so',
    pod: aPod(),
    world: aWorld([box], [running('web')], { probes: new Map([['web-0', { started: true, ready: false }]]) }),
    wants: { phase: 'Running', words: ['web:Running'], holds: [network, 'Initialized', 'PodScheduled'] },
  },
  {
    it: 'counts a container as creating until its postStart hook has ended',
    pod: aPod(),
    world: aWorld([box], [running('web')], { hooked: new Set(['web-0']) }),
    wants: {
      phase: 'Pending',
      words: ['web:ContainerCreating'],
      holds: [network, 'Initialized', 'PodScheduled'],
    },
  },
  {
    it: 'names the back-off of a crashed container, and stays Running',
    pod: aPod(),
    world: aWorld([box], [exited('web', { exitCode: 1, attempt: 1, backOffMs: 10_000 })]),
    wants: { phase: 'Running', words: ['web:CrashLoopBackOff'], holds: [network, 'Initialized', 'PodScheduled'] },
  },
  {
    it: 'says why an image is not there',
    pod: aPod(),
    world: aWorld([box], [], {
      images: new Map([['web', { state: 'failed', reason: 'ImagePullBackOff', message: 'm', retryAtMs: 9e9 }]]),
    }),
    wants: { phase: 'Pending', words: ['web:ImagePullBackOff'], holds: [network, 'Initialized', 'PodScheduled'] },
  },
  {
    it: 'keeps the reason while the pull is tried again',
    pod: aPod(),
    world: aWorld([box], [], {
      images: new Map([['web', { state: 'pulling', before: { reason: 'ImagePullBackOff', message: 'm' } }]]),
    }),
    wants: { phase: 'Pending', words: ['web:ImagePullBackOff'], holds: [network, 'Initialized', 'PodScheduled'] },
  },
  {
    it: 'says which step failed',
    pod: aPod(),
    world: aWorld([box], [], {
      failures: new Map([['web', { reason: 'CreateContainerConfigError', message: 'm', retryAtMs: 0 }]]),
    }),
    wants: {
      phase: 'Pending',
      words: ['web:CreateContainerConfigError'],
      holds: [network, 'Initialized', 'PodScheduled'],
    },
  },
  {
    it: 'is Succeeded when every container ended well',
    pod: aPod({ spec: { restartPolicy: 'Never' } }),
    world: aWorld([gone], [exited('web')]),
    wants: { phase: 'Succeeded', words: ['web:Completed'], holds: ['Initialized', 'PodScheduled'] },
  },
  {
    it: 'is Failed when one did not, and none starts again',
    pod: aPod({ spec: { restartPolicy: 'Never' } }),
    world: aWorld([gone], [exited('web', { exitCode: 2 })]),
    wants: { phase: 'Failed', words: ['web:Error'], holds: ['Initialized', 'PodScheduled'] },
  },
  {
    it: 'is Failed when an init container failed for good',
    pod: aPod({ spec: { restartPolicy: 'Never' }, inits: ['first'] }),
    world: aWorld([gone], [exited('first', { exitCode: 2 })]),
    wants: { phase: 'Failed', words: ['first:Error', 'web:PodInitializing'], holds: ['PodScheduled'] },
  },
  {
    it: 'stays Running until the last sidecar has ended',
    pod: aPod({ spec: { restartPolicy: 'Never' }, inits: [aSidecar('mesh')] }),
    world: aWorld([box], [running('mesh'), exited('web')]),
    wants: {
      phase: 'Running',
      words: ['mesh:Running ready', 'web:Completed'],
      holds: [network, 'Initialized', 'PodScheduled'],
    },
  },
  {
    it: 'ends as Failed when deleted and not all ended well',
    pod: aPod({ metadata: deleted }),
    world: aWorld([gone], [exited('web', { exitCode: 137 })]),
    wants: { phase: 'Failed', words: ['web:Error'], holds: ['Initialized', 'PodScheduled'] },
  },
];
for (const { it, pod, world, nowMs, wants } of cases) {
  test(`a pod ${it}`, () => assert.deepEqual(summary(pod, world, nowMs), wants));
}

test('a condition keeps the time since when it holds', () => {
  const first = podStatus(aPod(), aWorld([box], [running('web')]), host, 5_000);
  const again = podStatus(aPod({ status: first }), aWorld([box], [running('web')]), host, 60_000);
  assert.deepEqual(again.conditions, first.conditions);
  assert.equal(again.startTime, timestamp(5_000));
});

test('a finished pod stays finished', () => {
  const before = { phase: 'Failed', reason: 'Evicted', message: 'low on memory' } as const;
  const { phase, reason, message } = podStatus(aPod({ status: before }), aWorld([gone]), host, 0);
  assert.deepEqual({ phase, reason, message }, before);
});

test('a crashed container shows what it said and how long it is held back', () => {
  const end = exited('web', { attempt: 3, exitCode: 7, reason: 'Error', message: 'no config', backOffMs: 80_000 });
  const [status] = podStatus(aPod(), aWorld([box], [end]), host, 10_000).containerStatuses ?? [];
  assert.equal(status?.restartCount, 3);
  assert.deepEqual(status?.state, {
    waiting: {
      reason: 'CrashLoopBackOff',
      message: 'back-off 1m20s restarting failed container=web pod=web-1_shop(uid-1)',
    },
  });
  assert.deepEqual(status?.lastState, {
    terminated: {
      exitCode: 7,
      reason: 'Error',
      message: 'no config',
      startedAt: timestamp(1_000),
      finishedAt: timestamp(2_000),
      containerID: 'containerd://web-3',
    },
  });
});

test('a pod waits for conditions of others before it is ready', () => {
  const spec = { readinessGates: [{ conditionType: 'example.com/lb' }] };
  const world = aWorld([box], [running('web')]);
  const ready = (pod: Pod) => podStatus(pod, world, host, 0).conditions?.find(({ type }) => type === 'Ready');
  assert.equal(ready(aPod({ spec }))?.reason, 'ReadinessGatesNotReady');
  const status = { conditions: [{ type: 'example.com/lb', status: 'True' }] };
  assert.equal(ready(aPod({ spec, status }))?.status, 'True');
});

test('a pod on the network of its node has the addresses of the node', () => {
  const pod = aPod({ spec: { hostNetwork: true }, containers: [aContainer('web')] });
  const { podIP, hostIP } = podStatus(pod, aWorld([aSandbox({ ips: [] })], [running('web')]), host, 0);
  assert.deepEqual([podIP, hostIP], ['192.0.2.7', '192.0.2.7']);
});
