// Container logs over port 10250, from a real containerd: what was said is read back with this run's nonce, while it
// is said, over rotation, and by who may.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { NONCE } from '../harness/images.ts';
import { beginLeakCheck, type LeakCheck } from '../harness/leaks.ts';
import { waitFor } from '../harness/wait.ts';
import { World } from './world.ts';

let world: World;
let leaks: LeakCheck;
before(async () => {
  leaks = await beginLeakCheck();
  world = await World.start();
});
after(async () => {
  await world?.[Symbol.asyncDispose]();
  await leaks.verify();
});

const logs = (pod: { name: string }, query = '') => `/containerLogs/test/${pod.name}/main?${query}`;
const script = (text: string) => ({ command: ['sh', '-c', text] });

test('what a container said is read, whole, from the end, and with the time', async () => {
  const pod = await world.startPod(
    'busybox',
    script('echo one; echo two >&2; sleep 0.5; echo nonce $NONCE; sleep 600'),
  );
  const all = await waitFor('the log', async () => {
    const { body } = await world.get(logs(pod));
    return body.includes(NONCE) && body;
  });
  assert.deepEqual(all.split('\n').sort(), ['', `nonce ${NONCE}`, 'one', 'two']);
  assert.equal((await world.get(logs(pod, 'tailLines=1&stream=All'))).body, `nonce ${NONCE}\n`);
  assert.equal((await world.get(logs(pod, 'stream=Stderr'))).body, 'two\n');
  assert.match(
    (await world.get(logs(pod, 'timestamps=true&stream=Stderr'))).body,
    /^\d{4}-[\d-]+T[\d:]+\.\d{9}\S+ two\n$/,
  );
  assert.equal((await world.get(logs(pod, 'limitBytes=2&stream=Stderr'))).body, 'tw');
  await world.remove(pod);
});

test('a line of a megabyte and bytes that are no text come as they were said', async () => {
  const pod = await world.startPod('busybox', {
    command: ['sh', '-c', 'head -c 1000000 /dev/zero | tr "\\0" x; echo; printf "\\377\\0\\001 $NONCE\\n"; sleep 600'],
  });
  const body = await waitFor('the log', async () => {
    const answer = await world.get(logs(pod));
    return answer.body.includes(NONCE) && answer.body;
  });
  assert.equal(body.indexOf('\n'), 1_000_000);
  assert.equal((await world.get(logs(pod, 'tailLines=2'))).body.length, body.length);
  assert.ok((await world.get(logs(pod, 'tailLines=1'))).body.startsWith('\ufffd\0\x01 '));
  await world.remove(pod);
});

test('a follower sees every line once, over rotations, and ends with the container', { timeout: 60_000 }, async () => {
  const rest = 'x'.repeat(1_000);
  const say = `echo "line $i $NONCE ${rest}"; i=$((i+1)); [ $((i % 100)) = 0 ] && sleep 0.05`;
  const talk = `i=0; while [ $i -lt 6000 ]; do ${say}; done; sleep 1`;
  const pod = await world.startPod('busybox', script(talk));
  const { status, body } = await world.get(logs(pod, 'follow=true'));
  assert.equal(status, 200);
  const lines = body.trimEnd().split('\n');
  assert.equal(lines.length, 6_000);
  lines.forEach((line, i) => void assert.equal(line, `line ${i} ${NONCE} ${rest}`));
  const files = readdirSync(pod.logDir);
  assert.ok(files.length > 1 && files.length <= 3, `rotated and bounded: ${files}`);
  assert.ok(
    files.some((file) => file.endsWith('.gz')),
    `compressed: ${files}`,
  );
  await world.remove(pod);
});

test('lines of a megabyte come whole to a follower, over rotations', { timeout: 60_000 }, async () => {
  const line = `printf "$i "; yes x | tr -d "\\n" | head -c 1048576; echo; i=$((i+1)); sleep 0.3`;
  const pod = await world.startPod('busybox', script(`i=0; while [ $i -lt 6 ]; do ${line}; done; echo end; sleep 1`));
  const { body } = await world.get(logs(pod, 'follow=true'));
  const wants = Array.from({ length: 6 }, (_, i) => `${i} ${'x'.repeat(1_048_576)}`);
  // Not by value: a difference of megabytes would be printed.
  assert.ok(body === [...wants, 'end', ''].join('\n'), `${body.length} bytes came`);
  assert.ok(readdirSync(pod.logDir).length > 1, 'it was rotated meanwhile');
  await world.remove(pod);
});

test('a follower from now on sees only what comes', async () => {
  const pod = await world.startPod(
    'busybox',
    script('echo before; sleep 1; while [ ! -e /go ]; do sleep 0.1; done; echo after; sleep 600'),
  );
  await waitFor('the first line', async () => (await world.get(logs(pod))).body === 'before\n');
  const answer = await world.open(logs(pod, 'follow=true&tailLines=0'));
  let seen = '';
  answer.on('data', (chunk: Buffer) => {
    seen += chunk;
  });
  await world.exec(pod, 'touch /go');
  await waitFor('the line', () => seen === 'after\n', { intervalMs: 10 });
  answer.destroy();
  await world.remove(pod);
});

test('a follower that does not read costs nothing, and one that left is forgotten', async () => {
  const pod = await world.startPod('busybox', script('while :; do head -c 3000 /dev/zero | tr "\\0" y; echo; done'));
  const answer = await world.open(logs(pod, 'follow=true'));
  answer.pause();
  await new Promise((resolve) => answer.once('readable', resolve));
  const files = async () => {
    const { stdout } = await world.node.exec('sh', [
      '-c',
      `ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c '${pod.name}.*log' || true`,
    ]);
    return Number(stdout);
  };
  const open = await files();
  answer.destroy();
  await waitFor('the file to be closed', async () => (await files()) < open, { intervalMs: 200 });
  await world.remove(pod);
});

const missing: [path: string, status: number, body: string][] = [
  ['/containerLogs/test/none/main', 404, 'pod "none" does not exist'],
  ['/containerLogs/test/POD/other', 404, 'container "other" not found in pod "POD"'],
  ['/containerLogs/test/POD/main?previous=true', 400, 'previous terminated container "main" in pod "POD" not found'],
  ['/containerLogs/test/POD', 404, '404 page not found\n'],
];
test('what is not there is said in upstream`s words', async () => {
  const pod = await world.startPod('busybox');
  for (const [path, status, body] of missing) {
    const answer = await world.get(path.replace('POD', pod.name));
    assert.deepEqual(answer, { status, body: body.replace('POD', pod.name) });
  }
  await world.remove(pod);
});

test('logs are for those who may: no name is 401, no right is 403', async () => {
  const pod = await world.startPod('busybox');
  world.change((state) => {
    state.users = { good: { name: 'ann', groups: [] }, other: { name: 'bob', groups: [] } };
    state.allowed = ['ann get proxy'];
  });
  assert.equal((await world.get(logs(pod), 'nobody')).status, 401);
  assert.equal((await world.get(logs(pod), { token: 'bad' })).status, 401);
  assert.deepEqual(await world.get(logs(pod), { token: 'other' }), {
    status: 403,
    body: 'Forbidden (user=bob, verb=get, resource=nodes, subresource(s)=[proxy])\n',
  });
  assert.equal((await world.get(logs(pod), { token: 'good' })).status, 200);
  await world.remove(pod);
});

test('pods and their usage are shown', async () => {
  const pod = await world.startPod('busybox', script('i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; sleep 600'));
  assert.equal((await world.get('/healthz')).body, 'ok');
  const { items } = JSON.parse((await world.get('/pods')).body) as { items: { metadata: { name: string } }[] };
  assert.ok(items.some(({ metadata }) => metadata.name === pod.name));
  const running = (await world.get('/runningpods/')).body;
  assert.match(running, new RegExp(`"name":"${pod.name}"`));
  type Summary = {
    node: { cpu: { usageCoreNanoSeconds: number }; memory: { workingSetBytes: number }; fs: { capacityBytes: number } };
    pods: {
      podRef: { name: string };
      network?: { name: string; rxBytes: number };
      containers: { cpu?: { usageCoreNanoSeconds: number }; memory?: { workingSetBytes: number } }[];
    }[];
  };
  const seen = await waitFor('usage', async () => {
    const summary = JSON.parse((await world.get('/stats/summary')).body) as Summary;
    const own = summary.pods.find(({ podRef }) => podRef.name === pod.name);
    return own?.containers[0]?.cpu !== undefined && { ...summary, own };
  });
  assert.ok(seen.own.containers[0]!.cpu!.usageCoreNanoSeconds > 0);
  assert.ok(seen.own.containers[0]!.memory!.workingSetBytes > 0);
  assert.equal(seen.own.network?.name, 'eth0');
  assert.ok(
    seen.node.cpu.usageCoreNanoSeconds > 0 && seen.node.memory.workingSetBytes > 0 && seen.node.fs.capacityBytes > 0,
  );
  const resource = (await world.get('/metrics/resource')).body;
  assert.match(resource, /^node_cpu_usage_seconds_total [\d.]+ \d{13}$/m);
  const labels = `container="main",namespace="test",pod="${pod.name}"`;
  assert.match(resource, new RegExp(`^container_cpu_usage_seconds_total\\{${labels}\\} [\\d.e-]+ \\d{13}$`, 'm'));
  const cadvisor = (await world.get('/metrics/cadvisor')).body;
  assert.match(cadvisor, /^container_memory_working_set_bytes\{container="main",.*\} \d+ \d{13}$/m);
  assert.match(
    cadvisor,
    new RegExp(`^container_network_receive_bytes_total\\{.*interface="eth0".*pod="${pod.name}"`, 'm'),
  );
  assert.match((await world.get('/metrics')).body, /^kubelet_running_pods \d+$/m);
  await world.remove(pod);
});
