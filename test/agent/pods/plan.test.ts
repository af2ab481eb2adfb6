import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerHash } from '../../../agent/pods/hash.ts';
import { type Action, planOrphan, planPod } from '../../../agent/pods/plan.ts';
import { type ImageState, NO_MEMORY, type World } from '../../../agent/pods/world.ts';
import type { Container } from '../../../api/types/core/container.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { aContainer, aPod, aSandbox, aSidecar, aWorld, exited, running } from './make.ts';

const nothing: World = { ...NO_MEMORY, sandboxes: [], containers: [] };
const box = aSandbox();
const gone = aSandbox({ ready: false, ips: [] });
/** Its first process was killed: it holds its address still. */
const fainted = aSandbox({ ready: false });
const start = (name: string, attempt = 0, backOffMs = 0): Action => ({
  do: 'startContainer',
  name,
  attempt,
  backOffMs,
});
const stop = (name: string, graceSeconds: number, attempt = 0): Action => ({
  do: 'stopContainer',
  id: `${name}-${attempt}`,
  name,
  graceSeconds,
});
const never = { restartPolicy: 'Never' } as const;
const onFailure = { restartPolicy: 'OnFailure' } as const;
const deleted = { deletionTimestamp: '1970-01-01T00:00:30Z', deletionGracePeriodSeconds: 30 };

const cases: { it: string; pod: Pod; world: World; nowMs?: number; wants: Action[] }[] = [
  {
    it: 'sets up volumes that cannot be missing beside the sandbox, and asks for the image meanwhile',
    pod: aPod(),
    world: nothing,
    wants: [
      { do: 'pullImage', container: 'web' },
      { do: 'runSandbox', attempt: 0, mounting: true },
    ],
  },
  {
    it: 'mounts all other volumes before anything else',
    pod: aPod({ spec: { volumes: [{ name: 'settings', configMap: { name: 'settings' } }] } }),
    world: { ...nothing, images: new Map([['web', { state: 'pulling' }]]) },
    wants: [{ do: 'mountVolumes' }],
  },
  {
    it: 'creates the sandbox before any container',
    pod: aPod(),
    world: aWorld([]),
    wants: [{ do: 'runSandbox', attempt: 0 }],
  },
  {
    it: 'opens the network before any container starts',
    pod: aPod(),
    world: aWorld([box], [], { networked: new Set(), present: ['web'] }),
    wants: [{ do: 'openNetwork', id: 'box-0', ips: ['10.42.0.5'] }],
  },
  {
    it: 'opens the network of an adopted pod even when its volumes fail',
    pod: aPod(),
    world: aWorld([box], [running('web')], {
      networked: new Set(),
      volumesReady: false,
      failures: new Map([['', { reason: 'FailedMount', message: '', retryAtMs: 9_000 }]]),
    }),
    wants: [{ do: 'openNetwork', id: 'box-0', ips: ['10.42.0.5'] }],
  },
  {
    it: 'asks for the image first',
    pod: aPod({ containers: ['web', 'log'] }),
    world: aWorld([box], [], { present: ['log'] }),
    wants: [{ do: 'pullImage', container: 'web' }, start('log')],
  },
  {
    it: 'does nothing while an image is pulled',
    pod: aPod(),
    world: aWorld([box], [], { images: new Map([['web', { state: 'pulling' }]]) }),
    wants: [],
  },
  {
    it: 'waits out the back-off of a failed pull, then asks again',
    pod: aPod(),
    world: aWorld([box], [], {
      images: new Map([['web', { state: 'failed', reason: 'ErrImagePull', message: '', retryAtMs: 10_000 }]]),
    }),
    nowMs: 4_000,
    wants: [{ do: 'wait', ms: 6_000 }],
  },
  {
    it: 'waits before it tries a container that could not be made again',
    pod: aPod(),
    world: aWorld([box], [], {
      present: ['web'],
      failures: new Map([['web', { reason: 'CreateContainerConfigError', message: '', retryAtMs: 5_000 }]]),
    }),
    nowMs: 4_500,
    wants: [{ do: 'wait', ms: 500 }],
  },
  { it: 'leaves a running container alone', pod: aPod(), world: aWorld([box], [running('web')]), wants: [] },
  {
    it: 'restarts a container at once the first time',
    pod: aPod(),
    world: aWorld([box], [exited('web', { exitCode: 1 })], { present: ['web'] }),
    nowMs: 2_001,
    wants: [start('web', 1, 10_000)],
  },
  {
    it: 'waits out the back-off before a crashed container starts again',
    pod: aPod(),
    world: aWorld([box], [exited('web', { attempt: 1, backOffMs: 10_000 })], { present: ['web'] }),
    nowMs: 6_000,
    wants: [{ do: 'wait', ms: 6_000 }],
  },
  {
    it: 'doubles the back-off with each start',
    pod: aPod(),
    world: aWorld([box], [exited('web', { attempt: 1, backOffMs: 10_000 })], { present: ['web'] }),
    nowMs: 12_000,
    wants: [start('web', 2, 20_000)],
  },
  {
    it: 'never waits longer than five minutes',
    pod: aPod(),
    world: aWorld([box], [exited('web', { attempt: 9, backOffMs: 300_000 })], { present: ['web'] }),
    nowMs: 302_000,
    wants: [start('web', 10, 300_000)],
  },
  {
    it: 'starts over with the back-off after ten good minutes',
    pod: aPod(),
    world: aWorld([box], [exited('web', { attempt: 9, backOffMs: 300_000, finishedAtMs: 602_000 })], {
      present: ['web'],
    }),
    nowMs: 602_000,
    wants: [start('web', 10, 10_000)],
  },
  {
    it: 'counts a start that never happened as no time at all',
    pod: aPod(),
    world: aWorld([box], [exited('web', { attempt: 1, startedAtMs: 0, finishedAtMs: 9e11, backOffMs: 10_000 })], {
      present: ['web'],
    }),
    nowMs: 9e11 + 1_000,
    wants: [{ do: 'wait', ms: 9_000 }],
  },
  {
    it: 'removes a container that was made but never started, and makes it again under the same number',
    pod: aPod(),
    world: aWorld([box], [running('web', { state: 'created', attempt: 2, backOffMs: 20_000 })], { present: ['web'] }),
    wants: [{ do: 'removeContainer', id: 'web-2', name: 'web' }, start('web', 2, 20_000)],
  },
  {
    it: 'stops a container whose liveness probe gave up, with the grace of the probe',
    pod: aPod(),
    world: aWorld([box], [running('web')], {
      probes: new Map([['web-0', { started: true, ready: false, unhealthy: 'dead', graceSeconds: 3 }]]),
    }),
    wants: [{ do: 'stopContainer', id: 'web-0', name: 'web', graceSeconds: 3, why: 'dead' }],
  },
  {
    it: 'restarts a container whose image was changed',
    pod: aPod({ containers: [aContainer('web', { image: 'busybox:2' })] }),
    world: aWorld([box], [running('web', { hash: containerHash(aContainer('web')) })]),
    wants: [
      {
        do: 'stopContainer',
        id: 'web-0',
        name: 'web',
        graceSeconds: 30,
        why: 'Container web definition changed, will be restarted',
      },
    ],
  },
  {
    it: 'leaves a container that is being stopped alone',
    pod: aPod(),
    world: aWorld([box], [running('web')], {
      stopping: new Map([['web-0', 30_000]]),
      probes: new Map([['web-0', { started: true, ready: false, unhealthy: 'dead' }]]),
    }),
    wants: [],
  },
  {
    it: 'runs init containers one after the other',
    pod: aPod({ inits: ['first', 'second'] }),
    world: aWorld([box], [exited('first')], { present: ['first', 'second', 'web'] }),
    wants: [start('second')],
  },
  {
    it: 'waits for a running init container',
    pod: aPod({ inits: ['first'] }),
    world: aWorld([box], [running('first')], { present: ['web'] }),
    wants: [],
  },
  {
    it: 'starts the containers when the last init container succeeded',
    pod: aPod({ inits: ['first'] }),
    world: aWorld([box], [exited('first')], { present: ['web'] }),
    wants: [start('web')],
  },
  {
    it: 'tries a failed init container again with back-off',
    pod: aPod({ inits: ['first'] }),
    world: aWorld([box], [exited('first', { exitCode: 1, attempt: 1, backOffMs: 10_000 })], { present: ['first'] }),
    nowMs: 3_000,
    wants: [{ do: 'wait', ms: 9_000 }],
  },
  {
    it: 'does not run init containers again because their remains were collected',
    pod: aPod({ inits: ['first'] }),
    world: aWorld([box], [exited('web', { exitCode: 1 })], { present: ['web', 'first'] }),
    nowMs: 3_000,
    wants: [start('web', 1, 10_000)],
  },
  {
    it: 'waits for a sidecar to have started before it goes on',
    pod: aPod({ inits: [aSidecar('mesh')] }),
    world: aWorld([box], [running('mesh')], {
      present: ['web'],
      probes: new Map([['mesh-0', { started: false, ready: false }]]),
    }),
    wants: [],
  },
  {
    it: 'goes on when the sidecar has started',
    pod: aPod({ inits: [aSidecar('mesh')] }),
    world: aWorld([box], [running('mesh')], { present: ['web'] }),
    wants: [start('web')],
  },
  {
    it: 'restarts a sidecar while the others run, whatever the policy of the pod',
    pod: aPod({ inits: [aSidecar('mesh')], spec: never }),
    world: aWorld([box], [exited('mesh'), running('web')], { present: ['mesh'] }),
    nowMs: 3_000,
    wants: [start('mesh', 1, 10_000)],
  },
  {
    it: 'replaces a dead sandbox',
    pod: aPod(),
    world: aWorld([gone], [exited('web')]),
    wants: [{ do: 'runSandbox', attempt: 1 }],
  },
  {
    it: 'stops what still runs in a dead sandbox before it replaces it',
    pod: aPod(),
    world: aWorld([gone], [running('web')]),
    wants: [{ ...stop('web', 30), why: 'Pod sandbox changed, it will be killed and re-created.' } as Action],
  },
  {
    it: 'starts everything again in a new sandbox, init containers too',
    pod: aPod({ inits: ['first'] }),
    world: aWorld([aSandbox({ id: 'box-1', attempt: 1 }), gone], [exited('web'), exited('first')], {
      present: ['first', 'web'],
    }),
    nowMs: 3_000,
    wants: [start('first', 1, 10_000)],
  },
  {
    it: 'stops a sandbox that died before it makes another',
    pod: aPod({ containers: ['web'] }),
    world: aWorld([fainted], [exited('web')]),
    wants: [{ do: 'stopSandbox', id: 'box-0' }],
  },
  {
    it: 'stops a sandbox that died before a pod of it is forgotten',
    pod: aPod({ metadata: deleted }),
    world: aWorld([fainted], [exited('web')]),
    wants: [{ do: 'stopSandbox', id: 'box-0' }],
  },
  {
    it: 'does not run a pod twice that must not restart',
    pod: aPod({ spec: never, containers: ['web', 'log'] }),
    world: aWorld([gone], [exited('web')]),
    wants: [],
  },
  {
    it: 'stops the sandbox of a pod that has run its course',
    pod: aPod({ spec: never }),
    world: aWorld([box], [exited('web')]),
    wants: [{ do: 'stopSandbox', id: 'box-0' }],
  },
  {
    it: 'keeps the containers of a finished pod for their logs',
    pod: aPod({ spec: never }),
    world: aWorld([gone], [exited('web')], { cleaned: true }),
    wants: [],
  },
  {
    it: 'stops sidecars when the main containers have ended',
    pod: aPod({ spec: never, inits: [aSidecar('mesh'), aSidecar('log')] }),
    world: aWorld([box], [running('mesh'), running('log'), exited('web')]),
    wants: [stop('log', 30)],
  },
  {
    it: 'restarts only what failed under OnFailure',
    pod: aPod({ spec: onFailure, containers: ['web', 'log'] }),
    world: aWorld([box], [exited('web'), exited('log', { exitCode: 1 })], { present: ['web', 'log'] }),
    nowMs: 3_000,
    wants: [start('log', 1, 10_000)],
  },
  {
    it: 'ends a pod that was active too long',
    pod: aPod({ spec: { activeDeadlineSeconds: 10 }, status: { startTime: '1970-01-01T00:00:00Z' } }),
    world: aWorld([box], [running('web')]),
    nowMs: 10_000,
    wants: [stop('web', 30)],
  },
  {
    it: 'looks again when the active deadline comes',
    pod: aPod({ spec: { activeDeadlineSeconds: 10 }, status: { startTime: '1970-01-01T00:00:00Z' } }),
    world: aWorld([box], [running('web')]),
    nowMs: 4_000,
    wants: [{ do: 'wait', ms: 6_000 }],
  },
  {
    it: 'stops a deleted pod within what is left of its grace',
    pod: aPod({ metadata: deleted }),
    world: aWorld([box], [running('web')]),
    nowMs: 12_000,
    wants: [stop('web', 18)],
  },
  {
    it: 'lets even a pod without grace see the signal',
    pod: aPod({ metadata: { deletionTimestamp: '1970-01-01T00:00:00Z', deletionGracePeriodSeconds: 0 } }),
    world: aWorld([box], [running('web')]),
    wants: [stop('web', 2)],
  },
  {
    it: 'waits while a deleted pod is being stopped',
    pod: aPod({ metadata: deleted }),
    world: aWorld([box], [running('web')], { stopping: new Map([['web-0', 30_000]]) }),
    wants: [{ do: 'wait', ms: 30_000 }],
  },
  {
    it: 'hurries a stop when the grace is shortened',
    pod: aPod({ metadata: { deletionTimestamp: '1970-01-01T00:00:05Z', deletionGracePeriodSeconds: 5 } }),
    world: aWorld([box], [running('web')], { stopping: new Map([['web-0', 30_000]]) }),
    wants: [stop('web', 5)],
  },
  {
    it: 'stops sidecars of a deleted pod after the main containers',
    pod: aPod({ metadata: deleted, inits: [aSidecar('mesh')] }),
    world: aWorld([box], [running('mesh'), running('web')]),
    wants: [stop('web', 30)],
  },
  {
    it: 'stops the sandbox of a deleted pod last',
    pod: aPod({ metadata: deleted }),
    world: aWorld([box], [exited('web')]),
    wants: [{ do: 'stopSandbox', id: 'box-0' }],
  },
  {
    it: 'cleans up before it lets the API forget a pod',
    pod: aPod({ metadata: deleted }),
    world: aWorld([gone], [exited('web')]),
    wants: [{ do: 'cleanUp' }],
  },
  {
    it: 'lets the API forget a pod when nothing of it is left to undo',
    pod: aPod({ metadata: deleted }),
    world: aWorld([gone], [exited('web')], { cleaned: true }),
    wants: [{ do: 'confirmDeletion' }],
  },
  {
    it: 'starts nothing of a pod this node cannot run',
    pod: aPod(),
    world: aWorld([], [], { refused: { reason: 'x', message: 'y' } }),
    wants: [],
  },
  {
    it: 'collects all but the newest of the dead instances, and the sandboxes nobody uses',
    pod: aPod(),
    world: aWorld(
      [aSandbox({ id: 'box-1', attempt: 1 }), gone],
      [
        running('web', { attempt: 3, sandboxId: 'box-1' }),
        exited('web', { attempt: 2, sandboxId: 'box-1' }),
        exited('web', { attempt: 1 }),
      ],
    ),
    wants: [
      { do: 'removeContainer', id: 'web-1', name: 'web' },
      { do: 'removeSandbox', id: 'box-0' },
    ],
  },
  {
    it: 'refreshes volumes when it is time',
    pod: aPod(),
    world: aWorld([box], [running('web')], { refreshAtMs: 60_000 }),
    nowMs: 60_000,
    wants: [{ do: 'refreshVolumes' }],
  },
];
const pictures = aContainer('web', { volumeMounts: [{ name: 'pictures', mountPath: '/p' }] });
const withImage = aPod({
  containers: [pictures],
  spec: { volumes: [{ name: 'pictures', image: { reference: 'pictures:1' } }] },
});
const key = 'volume pictures';
const before = (image?: ImageState) =>
  aWorld([], [], { volumesReady: false, images: new Map(image === undefined ? [] : [[key, image]]) });
cases.push(
  {
    it: 'pulls an image that is a volume before anything is mounted',
    pod: withImage,
    world: before(),
    wants: [{ do: 'pullImage', container: key }],
  },
  { it: 'waits while it comes', pod: withImage, world: before({ state: 'pulling' }), wants: [] },
  {
    it: 'waits out the back-off of its pull',
    pod: withImage,
    world: before({ state: 'failed', reason: 'ImagePullBackOff', message: '', retryAtMs: 9_000 }),
    wants: [{ do: 'wait', ms: 9_000 }],
  },
  {
    it: 'mounts when it is there',
    pod: withImage,
    world: before({ state: 'present', imageRef: 'sha256:2' }),
    wants: [{ do: 'pullImage', container: 'web' }, { do: 'mountVolumes' }],
  },
  {
    it: 'asks no registry for the volume of a container that runs, after a restart of the agent',
    pod: withImage,
    world: aWorld([aSandbox()], [running('web')], { volumesReady: false }),
    wants: [{ do: 'mountVolumes' }],
  },
);

for (const { it, pod, world, nowMs = 0, wants } of cases) {
  test(`planPod ${it}`, () => assert.deepEqual(planPod(pod, world, nowMs), wants));
}

const orphans: { it: string; world: World; wants: Action[] }[] = [
  {
    it: 'stops the containers first',
    world: aWorld([box], [running('web', { graceSeconds: 7 })]),
    wants: [stop('web', 7)],
  },
  { it: 'then stops the sandbox', world: aWorld([box], [exited('web')]), wants: [{ do: 'stopSandbox', id: 'box-0' }] },
  { it: 'then cleans up', world: aWorld([gone], [exited('web')]), wants: [{ do: 'cleanUp' }] },
  {
    it: 'then removes everything',
    world: aWorld([gone], [exited('web')], { cleaned: true }),
    wants: [
      { do: 'removeContainer', id: 'web-0', name: 'web' },
      { do: 'removeSandbox', id: 'box-0' },
    ],
  },
  { it: 'ends when nothing is left', world: aWorld([], [], { cleaned: true }), wants: [] },
];
for (const { it, world, wants } of orphans) {
  test(`planOrphan ${it}`, () => assert.deepEqual(planOrphan(world), wants));
}

test('planPod starts an ephemeral container once, beside what runs', () => {
  const pod = aPod({ spec: { ephemeralContainers: [aContainer('debug')] } });
  const present = ['debug'];
  assert.deepEqual(planPod(pod, aWorld([box], [running('web')], { present }), 0), [start('debug')]);
  assert.deepEqual(planPod(pod, aWorld([box], [running('web'), exited('debug')], { present }), 0), []);
});

const sized = (resources: Container['resources'], resizePolicy?: Container['resizePolicy']) =>
  aPod({ containers: [aContainer('web', { resources, ...(resizePolicy && { resizePolicy }) })] });
const has = { cpuShares: 102, cpuQuota: 20_000, memoryLimit: 64 * 2 ** 20 };
const small = { requests: { cpu: '100m' }, limits: { cpu: '200m', memory: '64Mi' } };
const more = { requests: { cpu: '100m' }, limits: { cpu: '400m', memory: '64Mi' } };
const resizes: { it: string; pod: Pod; has?: typeof has; wants: Action[] }[] = [
  { it: 'leaves a container alone that has what it asks for', pod: sized(small), has, wants: [] },
  {
    it: 'changes limits in place',
    pod: sized(more),
    has,
    wants: [{ do: 'resizeContainer', id: 'web-0', name: 'web' }],
  },
  {
    it: 'restarts a container that cannot be resized in place',
    pod: sized(more, [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }]),
    has,
    wants: [{ ...stop('web', 30), why: 'Container web resize requires restart' } as Action],
  },
  {
    it: 'restarts nothing for a resource that did not change',
    pod: sized(more, [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }]),
    has,
    wants: [{ do: 'resizeContainer', id: 'web-0', name: 'web' }],
  },
  { it: 'changes nothing where the runtime does not tell', pod: sized(more), wants: [] },
];
for (const { it, pod, has: resources, wants } of resizes) {
  test(`planPod ${it}`, () => {
    assert.deepEqual(planPod(pod, aWorld([box], [running('web', { resources })]), 0), wants);
  });
}
