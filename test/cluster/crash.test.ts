// kill -9 of the server, of the agent and of both, under pods that run: nobody who uses them notices. The containers are
// the same ones as before, the service answers all the while, and afterwards the cluster works as it did.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { useCluster } from './harness/cluster.ts';
import { NONCE } from './harness/images.ts';
import type { NodeProcess } from './harness/node-namespace.ts';
import { waitFor } from './harness/wait.ts';
import { apply, BUSYBOX, isReady, output, shellPod, untilPodReady, untilReady, WEB } from './proof.ts';

const cluster = useCluster();
const ANSWERS_WHILE_DOWN = 20;

interface ContainerView {
  name: string;
  containerID?: string;
  restartCount: number;
  state?: { running?: { startedAt: string }; terminated?: { startedAt: string; exitCode: number } };
}
interface PodStatuses {
  metadata: { name: string };
  status: { initContainerStatuses?: ContainerView[]; containerStatuses?: ContainerView[] };
}

/** What a restart of a container would change, of every pod. */
async function marks(): Promise<string[]> {
  const { items } = await cluster().api.get<{ items: PodStatuses[] }>('/api/v1/namespaces/default/pods');
  return items
    .filter(({ metadata }) => !metadata.name.startsWith('after-'))
    .flatMap(({ metadata, status }) =>
      [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].map(
        ({ name, containerID, restartCount, state }) =>
          `${metadata.name}/${name} ${containerID} ${restartCount} ${(state?.running ?? state?.terminated)?.startedAt}`,
      ),
    )
    .sort();
}

/** Asks the service from the node, again and again, and keeps every answer. */
class Asker implements AsyncDisposable {
  readonly #process: NodeProcess;
  #said = '';

  constructor(address: string) {
    const ask = `timeout 2 busybox wget -qO- http://${address}/ || echo failed`;
    this.#process = cluster().node.node.spawn('sh', ['-c', `while :; do ${ask}; sleep 0.05; done`]);
    this.#process.child.stdout!.on('data', (chunk) => {
      this.#said += chunk;
    });
  }

  get answers(): string[] {
    return this.#said.split('\n').slice(0, -1);
  }

  /** Until so many more came. */
  async more(count: number): Promise<void> {
    const wanted = this.answers.length + count;
    await waitFor(`${count} answers of the service`, () => this.answers.length >= wanted);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.kill('SIGKILL');
    await this.#process.exited;
  }
}

let serviceIp: string;

test('a deployment with its service, a bare pod and one with an init container run', async () => {
  await output(cluster(), 'create', 'deployment', 'web', `--image=${WEB}`, '--replicas=3');
  await output(cluster(), 'expose', 'deployment', 'web', '--port=80', '--target-port=8080');
  await output(cluster(), 'run', 'bare', `--image=${BUSYBOX}`);
  const init = { name: 'init', image: BUSYBOX, command: ['true'] };
  await apply(
    cluster(),
    shellPod('inited', 'trap "exit 0" TERM; sleep 3600 & wait', { spec: { initContainers: [init] } }),
  );
  await untilReady(cluster(), 'app=web', 3);
  await untilPodReady(cluster(), 'bare');
  await untilPodReady(cluster(), 'inited');
  serviceIp = await output(cluster(), 'get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}');
});

const deaths = [['server'], ['agent'], ['server', 'agent']] as const;
for (const [i, parts] of deaths.entries()) {
  test(`kill -9 of ${parts.join(' and ')}: no container restarts, the service answers, new pods start`, async () => {
    const earlier = await marks();
    assert.equal(earlier.length, 6);
    await using asker = new Asker(serviceIp);
    await asker.more(1);
    await Promise.all(parts.map((part) => cluster().kill(part, 'SIGKILL')));
    await asker.more(ANSWERS_WHILE_DOWN);
    for (const part of parts) await cluster().restart(part);
    await output(cluster(), 'run', `after-${i}`, `--image=${BUSYBOX}`);
    await untilPodReady(cluster(), `after-${i}`);
    // The deployment counts pods the agent answers for: all of them, and none was made anew.
    await untilReady(cluster(), 'app=web', 3);
    await cluster().untilNodesReady();
    assert.deepEqual(await marks(), earlier);
    const { answers } = asker;
    assert.deepEqual(
      answers.filter((answer) => !answer.endsWith(NONCE)),
      [],
      `of ${answers.length} answers`,
    );
    assert.equal(await output(cluster(), 'logs', `after-${i}`), `nonce ${NONCE}\n`);
    assert.equal(await output(cluster(), 'exec', 'bare', '--', 'cat', '/nonce'), NONCE);
  });
}

test('an adopted deployment heals itself, scales and gives its service new pods', async () => {
  const [victim] = await untilReady(cluster(), 'app=web', 3);
  await output(cluster(), 'delete', 'pod', victim!.metadata.name, '--now');
  await output(cluster(), 'scale', 'deployment', 'web', '--replicas=4');
  const names = (await untilReady(cluster(), 'app=web', 4)).map(({ metadata }) => metadata.name).sort();
  await using asker = new Asker(serviceIp);
  await waitFor('every pod to answer', () => {
    const seen = new Set(asker.answers.map((answer) => answer.split(' ')[0]!));
    return names.every((name) => seen.has(name));
  });
});

test('a container that ends while server and agent are down is started again, once', async () => {
  const script = 'trap "exit 0" TERM; sleep 3601 & wait';
  await apply(cluster(), shellPod('fragile', script));
  const first = await untilPodReady(cluster(), 'fragile');
  await Promise.all([cluster().kill('server'), cluster().kill('agent')]);
  const { node } = cluster().node;
  const shell = await waitFor('its one shell', async () => {
    // Between fork and exec a child looks like its parent.
    const shells = (await node.pids()).filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(script));
    return shells.length === 1 && shells[0];
  });
  process.kill(shell, 'SIGKILL');
  await waitFor('its process to end', () => !existsSync(`/proc/${shell}`));
  await cluster().restart('server');
  await cluster().restart('agent');
  const again = await waitFor('the second start', async () => {
    const pod = await podWithCount('fragile', 1);
    return isReady(pod) ? pod : undefined;
  });
  const [was, is] = [first.status.containerStatuses![0]!, again.status.containerStatuses![0]!];
  assert.notEqual(is.containerID, was.containerID);
  assert.equal(is.lastState?.terminated?.exitCode, 137);
  // A pod that comes later has been through the same worker's hands: whatever else was to happen has happened.
  await output(cluster(), 'run', 'after-end', `--image=${BUSYBOX}`);
  await untilPodReady(cluster(), 'after-end');
  assert.equal((await untilPodReady(cluster(), 'fragile')).status.containerStatuses![0]!.containerID, is.containerID);
});

async function podWithCount(name: string, restarts: number) {
  const pod = await untilPodReady(cluster(), name);
  assert.equal(pod.status.containerStatuses![0]!.restartCount, restarts);
  return pod;
}
