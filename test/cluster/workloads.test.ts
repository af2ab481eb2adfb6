// A person with kubectl: pods, logs, exec, deployments, services and names, on one node with real containers.
import assert from 'node:assert/strict';
import { readFileSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { useCluster } from './harness/cluster.ts';
import { NONCE } from './harness/images.ts';
import { kubectlTooOld } from './harness/kubectl.ts';
import { waitFor } from './harness/wait.ts';
import {
  apply,
  BUSYBOX,
  output,
  podNamed,
  podsOf,
  shellPod,
  untilGone,
  untilPodReady,
  untilReady,
  WEB,
} from './proof.ts';

const cluster = useCluster();

test('the node is shown Ready with true facts', async () => {
  const [line] = (await output(cluster(), 'get', 'nodes', '-o', 'wide', '--no-headers')).trim().split('\n');
  const columns = line!.split(/\s{2,}/);
  const kernel = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim();
  assert.deepEqual(columns.slice(0, 2), ['node-1', 'Ready']);
  assert.ok(columns.includes(cluster().node.node.address), line!);
  assert.ok(columns.includes(kernel), line!);
  assert.match(line!, /containerd:\/\/1\./);
});

test('a log line with the nonce of this run is read by kubectl logs', async () => {
  await output(cluster(), 'run', 'speaker', `--image=${BUSYBOX}`);
  await untilPodReady(cluster(), 'speaker');
  assert.equal(await output(cluster(), 'logs', 'speaker'), `nonce ${NONCE}\n`);
});

test('a container has a network namespace of its own and an address of the pod network', async () => {
  const { status } = await podNamed(cluster(), 'speaker');
  assert.match(status.podIP ?? '', /^10\.42\.0\.\d+$/);
  const { node } = cluster().node;
  const shells = (await node.pids()).filter((pid) =>
    readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`NONCE=${NONCE}`),
  );
  assert.ok(shells.length > 0, 'no process with the nonce in its environment');
  const nodeNet = readlinkSync(`/proc/${node.pid}/ns/net`);
  for (const pid of shells) assert.notEqual(readlinkSync(`/proc/${pid}/ns/net`), nodeNet);
});

test('kubectl get shows pods with the columns that people know', async () => {
  const text = await output(cluster(), 'get', 'pods', '-o', 'wide');
  const [head, ...rows] = text.trim().split('\n');
  assert.match(head!, /^NAME\s+READY\s+STATUS\s+RESTARTS\s+AGE\s+IP\s+NODE\s+NOMINATED NODE\s+READINESS GATES$/);
  const row = rows.find((each) => each.startsWith('speaker'));
  assert.match(row!, /^speaker\s+1\/1\s+Running\s+0\s+\d+s\s+10\.42\.0\.\d+\s+node-1\s+<none>\s+<none>$/);
});

test('kubectl describe tells the story of a pod in events', async () => {
  const told = await waitFor('all events', async () => {
    const text = await output(cluster(), 'describe', 'pod', 'speaker');
    return ['Scheduled', 'Pulled', 'Created', 'Started'].every((reason) => text.includes(reason)) ? text : undefined;
  });
  assert.match(told, /Successfully assigned default\/speaker to node-1/);
});

test('kubectl logs -f follows until the container ends', async () => {
  await apply(
    cluster(),
    shellPod('counter', 'for i in 1 2 3; do echo line $i; sleep 0.3; done', { spec: { restartPolicy: 'Never' } }),
  );
  await waitFor(
    'the container to have started',
    async () => (await podNamed(cluster(), 'counter')).status.phase !== 'Pending',
  );
  assert.equal(await output(cluster(), 'logs', '-f', 'counter'), 'line 1\nline 2\nline 3\n');
});

test('kubectl exec runs a command, passes input on, and tells its exit code', async () => {
  assert.equal(await output(cluster(), 'exec', 'speaker', '--', 'cat', '/nonce'), NONCE);
  const echoed = await cluster().kubectl(['exec', '-i', 'speaker', '--', 'cat'], { input: 'hello\n' });
  assert.equal(echoed.stdout, 'hello\n');
  const failed = await cluster().kubectl(['exec', 'speaker', '--', 'sh', '-c', 'exit 7'], { mayFail: true });
  assert.equal(failed.code, 7);
});

test('kubectl exec -it gives the command a terminal', async () => {
  // `script` lends kubectl the terminal that it asks for.
  const { node } = cluster().node;
  const command = 'kubectl exec -it speaker -- sh -c "test -t 0 && test -t 1 && echo a terminal"';
  const env = { KUBECONFIG: cluster().kubeconfig };
  const { stdout } = await node.exec('script', ['-qec', command, '/dev/null'], { env });
  assert.match(stdout, /a terminal/);
});

test('kubectl port-forward carries a connection to the pod', async () => {
  await output(cluster(), 'run', 'lone', `--image=${WEB}`);
  await untilPodReady(cluster(), 'lone');
  const { node } = cluster().node;
  const forward = node.spawn('kubectl', ['port-forward', 'pod/lone', '18080:8080'], {
    env: { KUBECONFIG: cluster().kubeconfig },
  });
  try {
    const answer = await waitFor('an answer through the tunnel', async () => {
      const { stdout } = await node.exec('busybox', [
        'timeout',
        '2',
        'busybox',
        'wget',
        '-qO-',
        'http://127.0.0.1:18080/',
      ]);
      return stdout;
    });
    assert.equal(answer, `lone ${NONCE}\n`);
  } finally {
    await forward.kill('SIGTERM');
    await forward.exited;
  }
});

test('kubectl create makes what it sends as protobuf', async () => {
  await output(cluster(), 'create', 'namespace', 'made');
  await output(cluster(), 'create', 'configmap', 'facts', '--from-literal=a=1', '-n', 'made');
  assert.equal(await output(cluster(), 'get', 'configmap', 'facts', '-n', 'made', '-o', 'jsonpath={.data.a}'), '1');
  await output(cluster(), 'create', 'job', 'once', `--image=${BUSYBOX}`, '--', 'cat', '/nonce');
  await output(cluster(), 'wait', '--for=condition=complete', 'job/once', '--timeout=30s');
  assert.equal(await output(cluster(), 'logs', 'job/once'), NONCE);
  assert.equal((await output(cluster(), 'auth', 'can-i', 'create', 'pods')).trim(), 'yes');
  const denied = await cluster().kubectl(['auth', 'can-i', 'create', 'pods', '--as=nobody'], { mayFail: true });
  assert.equal(denied.stdout.trim(), 'no');
});

test('kubectl apply works from the client and from the server, and again without a change', async () => {
  const manifest = (value: string) =>
    JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'applied' }, data: { value } });
  assert.match(await apply(cluster(), manifest('1')), /created/);
  assert.match(await apply(cluster(), manifest('2')), /configured/);
  assert.match(await apply(cluster(), manifest('2')), /unchanged/);
  assert.match(await apply(cluster(), manifest('3'), '--server-side'), /serverside-applied/);
  assert.equal(await output(cluster(), 'get', 'configmap', 'applied', '-o', 'jsonpath={.data.value}'), '3');
});

test('kubectl explain knows the fields of a pod', { skip: await kubectlTooOld() }, async () => {
  const text = await output(cluster(), 'explain', 'pod.spec');
  assert.match(text, /KIND:\s+Pod/);
  assert.match(text, /containers\s+<\[\]Container> -required-/);
});

test('a deployment starts, scales, heals itself and rolls', async () => {
  await output(cluster(), 'create', 'deployment', 'web', `--image=${WEB}`, '--replicas=3');
  const [first] = await untilReady(cluster(), 'app=web', 3);
  await output(cluster(), 'scale', 'deployment', 'web', '--replicas=5');
  await untilReady(cluster(), 'app=web', 5);
  await output(cluster(), 'scale', 'deployment', 'web', '--replicas=3');
  await untilReady(cluster(), 'app=web', 3);
  const [victim] = await podsOf(cluster(), 'app=web');
  await output(cluster(), 'delete', 'pod', victim!.metadata.name);
  const healed = await untilReady(cluster(), 'app=web', 3);
  assert.ok(healed.every(({ metadata }) => metadata.uid !== victim!.metadata.uid));
  await output(cluster(), 'set', 'env', 'deployment/web', 'VERSION=2');
  await output(cluster(), 'rollout', 'status', 'deployment/web', '--timeout=60s');
  const rolled = await untilReady(cluster(), 'app=web', 3);
  assert.ok(
    rolled.every(
      ({ metadata }) => metadata.labels?.['pod-template-hash'] !== first!.metadata.labels?.['pod-template-hash'],
    ),
  );
  assert.match(await output(cluster(), 'get', 'deployment', 'web'), /^web\s+3\/3\s+3\s+3\s+/m);
});

test('a service answers from a pod and from the node, with the name of each pod behind it', async () => {
  await output(cluster(), 'expose', 'deployment', 'web', '--port=80', '--target-port=8080');
  const names = (await untilReady(cluster(), 'app=web', 3)).map(({ metadata }) => metadata.name).sort();
  const clusterIp = await output(cluster(), 'get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}');
  const fromNode = new Set<string>();
  await waitFor('all pods to answer the node', async () => {
    const { stdout } = await cluster().node.node.exec('busybox', [
      'timeout',
      '2',
      'busybox',
      'wget',
      '-qO-',
      `http://${clusterIp}/`,
    ]);
    fromNode.add(stdout.split(' ')[0]!);
    return fromNode.size === 3;
  });
  assert.deepEqual([...fromNode].sort(), names);
  const fromPod = new Set<string>();
  await waitFor('all pods to answer a pod', async () => {
    fromPod.add(
      (await output(cluster(), 'exec', 'speaker', '--', 'timeout', '2', 'wget', '-qO-', 'http://web/')).split(' ')[0]!,
    );
    return fromPod.size === 3;
  });
  assert.deepEqual([...fromPod].sort(), names);
});

test('nslookup of a service answers in a pod', async () => {
  const clusterIp = await output(cluster(), 'get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}');
  const answer = await output(cluster(), 'exec', 'speaker', '--', 'nslookup', 'web.default.svc.cluster.local');
  assert.match(answer, new RegExp(`Address(?: 1)?: ${clusterIp.replaceAll('.', '\\.')}`));
  const short = await cluster().kubectl(['exec', 'speaker', '--', 'nslookup', 'web.default'], { mayFail: true });
  assert.match(short.stdout, new RegExp(clusterIp.replaceAll('.', '\\.')));
});

test('a service whose map elements are deleted by hand stops, until the agent puts them back', async () => {
  const clusterIp = await output(cluster(), 'get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}');
  const { node } = cluster().node;
  const answers = async () =>
    (await node.exec('busybox', ['timeout', '2', 'busybox', 'wget', '-qO-', `http://${clusterIp}/`], { mayFail: true }))
      .code === 0;
  // While the agent is held nobody can put them back: so it is they that carry the service.
  await cluster().node.pause('agent');
  try {
    await deleteElementsOf(clusterIp);
    assert.equal(await answers(), false);
  } finally {
    await cluster().node.resume('agent');
  }
  await waitFor('the service to answer again', answers);
});

/** Takes every element that names the address out of skiff's maps. */
async function deleteElementsOf(address: string): Promise<void> {
  const { node } = cluster().node;
  type Listed = { nftables: { map?: { family: string; table: string; name: string; elem?: unknown[] } }[] };
  const { stdout } = await node.exec('nft', ['-j', 'list', 'maps']);
  const commands = (JSON.parse(stdout) as Listed).nftables.flatMap(({ map }) =>
    (map?.elem ?? [])
      .filter((element) => JSON.stringify(element).includes(`"${address}"`))
      .map((element) => {
        const [key] = element as [unknown];
        return { delete: { element: { family: map!.family, table: map!.table, name: map!.name, elem: [key] } } };
      }),
  );
  assert.ok(commands.length > 0, `no element names ${address}`);
  // What Node calls a pipe is a socket, which nft cannot open a second time.
  await node.exec('sh', ['-c', 'cat | nft -j -f -'], { input: JSON.stringify({ nftables: commands }) });
}

test('deleting a pod gives it time to end and then it is gone', async () => {
  const script = 'trap "sleep 1; exit 0" TERM; echo ready; while :; do sleep 1000 & wait; done';
  await apply(cluster(), shellPod('graceful', script));
  await untilPodReady(cluster(), 'graceful');
  await output(cluster(), 'delete', 'pod', 'graceful', '--wait=false');
  assert.notEqual((await podNamed(cluster(), 'graceful')).metadata.deletionTimestamp, undefined);
  await untilGone(cluster(), '/api/v1/namespaces/default/pods/graceful');
});

test('deleting a deployment takes its sets and pods along', async () => {
  await output(cluster(), 'delete', 'deployment', 'web');
  await waitFor('no pods to be left', async () => (await podsOf(cluster(), 'app=web')).length === 0);
  await waitFor('no sets to be left', async () => (await output(cluster(), 'get', 'rs', '-o', 'name')).trim() === '');
});

test('deleting a namespace empties and removes it', async () => {
  await output(cluster(), 'delete', 'namespace', 'made', '--timeout=30s');
  await untilGone(cluster(), '/api/v1/namespaces/made');
});

test('with containerd stopped a new pod does not become Ready, and does once it is back', async () => {
  await cluster().kill('containerd', 'SIGTERM');
  await output(cluster(), 'run', 'late', `--image=${BUSYBOX}`);
  await waitFor('the node to notice', async () => /NotReady/.test(await output(cluster(), 'get', 'nodes')), {
    timeoutMs: 60_000,
  });
  assert.notEqual((await podNamed(cluster(), 'late')).status.phase, 'Running');
  await cluster().restart('containerd');
  await untilPodReady(cluster(), 'late');
});
