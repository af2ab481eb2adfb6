// What the runtime says of a container, in the planner's words.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Observer } from '../../../agent/pods/observe.ts';
import { planPod } from '../../../agent/pods/plan.ts';
import { aPod, aWorld } from './make.ts';

const CREATE = 'failed to create containerd task: failed to create shim task: context canceled: unknown';
const cases: { it: string; reason: string; message: string; wants: string }[] = [
  { it: 'the agent was killed before there was a process', reason: 'StartError', message: CREATE, wants: 'created' },
  {
    it: 'the agent was killed while the process was started: it may have run',
    reason: 'StartError',
    message: 'failed to start containerd task "x": context canceled: unknown',
    wants: 'exited',
  },
  {
    it: 'there is no such program',
    reason: 'StartError',
    message: 'failed to create containerd task: exec: "nope": executable file not found in $PATH: unknown',
    wants: 'exited',
  },
  { it: 'it ran and failed', reason: 'Error', message: '', wants: 'exited' },
];

for (const { it, reason, message, wants } of cases) {
  test(`a container that has ended because ${it} counts as ${wants}`, async () => {
    const sandbox = { id: 'box-0', metadata: { name: 'web-1', namespace: 'shop', attempt: 0 }, createdAt: '1' };
    const container = { id: 'web-0', state: 'CONTAINER_EXITED', podSandboxId: 'box-0' };
    const runtime = {
      listSandboxes: async () => [{ ...sandbox, state: 'SANDBOX_READY' }],
      sandboxStatus: async () => ({ network: { ip: '10.42.0.5', additionalIps: [] } }),
      listContainers: async () => [container],
      containerStatus: async () => ({
        ...{ ...container, reason, message, exitCode: 128, metadata: { name: 'web', attempt: 0 } },
        ...{ labels: {}, annotations: {}, image: { image: 'busybox' }, imageRef: 'sha256:1', logPath: '' },
        ...{ createdAt: '1', startedAt: '0', finishedAt: '2', mounts: [] },
      }),
    };
    const folders = { kubeletDir: '/nowhere', logsDir: '/nowhere' };
    const observer = new Observer(runtime as never, folders as never);
    const { sandboxes, containers } = await observer.observe('uid-1', AbortSignal.timeout(1_000));
    assert.deepEqual(
      containers.map(({ state }) => state),
      [wants],
    );
    const never = aPod({ spec: { restartPolicy: 'Never' } });
    const actions = planPod(never, aWorld(sandboxes, containers, { present: ['web'] }), 0);
    const again = actions.filter((action) => action.do === 'startContainer').map(({ attempt }) => attempt);
    assert.deepEqual(again, wants === 'created' ? [0] : []);
  });
}
