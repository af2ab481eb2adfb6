// The real kubectl through the real API server to port 10250: it speaks WebSockets and, where told not
// to, SPDY. What people see when something is wrong is upstream's wording.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get } from 'node:https';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { pkiFiles } from '../../../cli/pki.ts';
import { Pods, shell } from '../agent/pods.ts';
import { useCluster } from '../harness/cluster.ts';
import { NONCE } from '../harness/images.ts';
import { kubectlTooOld } from '../harness/kubectl.ts';
import { waitFor } from '../harness/wait.ts';

const cluster = useCluster();
const pods = new Pods(cluster);
const skip = await kubectlTooOld();
const kubectl = (args: string[], input?: string | Buffer) => cluster().kubectl(args, { input, mayFail: true });

test('exec passes input on to its end, output and the exit code back', { skip }, async () => {
  await pods.create('main', { containers: [shell('main', 'echo "nonce $NONCE"; exec sleep 3600', { stdin: true })] });
  await pods.ready('main');
  // cat ends when its input does: the end of stdin has to arrive.
  const whole = await kubectl(['exec', '-i', 'main', '--', 'sh', '-c', 'cat; echo "end $NONCE" >&2; exit 7'], 'hello');
  assert.deepEqual([whole.stdout, whole.code], ['hello', 7]);
  assert.match(whole.stderr, new RegExp(`end ${NONCE}\ncommand terminated with exit code 7`));
});

test('WebSockets are spoken without falling back, SPDY where it is asked for', { skip }, async () => {
  const spoken = async (websockets: string) => {
    const env = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: websockets, KUBECONFIG: cluster().kubeconfig };
    const { stdout, stderr } = await cluster().node.node.exec(
      'kubectl',
      ['-v=4', 'exec', 'main', '--', 'cat', '/nonce'],
      { env },
    );
    assert.equal(stdout, NONCE);
    assert.doesNotMatch(stderr, /fallback/i);
    return /subprotocol is v5/.test(stderr) ? 'v5' : 'spdy';
  };
  assert.deepEqual([await spoken('true'), await spoken('false')], ['v5', 'spdy']);
});

test('megabytes go in and come out whole', { skip }, async () => {
  const data = randomBytes(6_000_000);
  const sum = createHash('md5').update(data).digest('hex');
  const { stdout } = await kubectl(
    ['exec', '-i', 'main', '--', 'sh', '-c', 'cat > /tmp/data; md5sum < /tmp/data'],
    data,
  );
  assert.equal(stdout.split(' ')[0], sum);
  const back = await kubectl(['exec', 'main', '--', 'sh', '-c', 'base64 /tmp/data']);
  const bytes = Buffer.from(back.stdout.replaceAll('\n', ''), 'base64');
  assert.equal(createHash('md5').update(bytes).digest('hex'), sum);
});

test('cp brings a file in and out again', { skip }, async () => {
  const { node } = cluster().node;
  await node.exec('tee', ['/root/given'], { input: NONCE });
  assert.deepEqual(
    [
      (await kubectl(['cp', '/root/given', 'main:/tmp/given'])).code,
      (await kubectl(['cp', 'main:/tmp/given', '/root/taken'])).code,
    ],
    [0, 0],
  );
  assert.equal((await node.exec('cat', ['/root/taken'])).stdout, NONCE);
});

test('attach speaks with the first process of a container', { skip }, async () => {
  const talk = 'while read line; do echo "got $line $NONCE"; done; exec sleep 3600';
  await pods.create('talker', { containers: [shell('main', talk, { stdin: true })] });
  await pods.ready('talker');
  const attached = cluster().node.node.spawn('kubectl', ['attach', '-i', 'talker'], {
    env: { KUBECONFIG: cluster().kubeconfig },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let seen = '';
  attached.child.stdout!.on('data', (chunk: Buffer) => {
    seen += chunk;
  });
  attached.child.stdin!.write('something\n');
  await waitFor('an answer', () => seen.includes(`got something ${NONCE}`));
  await attached.kill('SIGKILL');
  await attached.exited;
});

test('port-forward carries several connections', { skip }, async () => {
  const { node } = cluster().node;
  await pods.create('web', { containers: [{ name: 'main', image: 'skiff.local/test/web:1' }] });
  await pods.ready('web');
  const forward = node.spawn('kubectl', ['port-forward', 'web', '18081:8080'], {
    env: { KUBECONFIG: cluster().kubeconfig },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [forward.child.stdout!, forward.child.stderr!]) {
    stream.on('data', (chunk: Buffer) => {
      said += chunk;
    });
  }
  await waitFor('kubectl to listen', () => {
    if (!forward.running) throw new Error(said);
    return said.includes('Forwarding from');
  });
  const ask = async () => (await node.exec('busybox', ['wget', '-q', '-O', '-', 'http://127.0.0.1:18081/'])).stdout;
  assert.equal(await ask(), `web ${NONCE}\n`);
  assert.deepEqual(await Promise.all([ask(), ask(), ask()]), Array(3).fill(`web ${NONCE}\n`));
  await forward.kill('SIGTERM');
  await once(forward.child, 'exit').catch(() => {});
});

test('logs of the instance before, of one that ended, and of none', { skip }, async () => {
  await pods.create('twice', {
    containers: [shell('main', 'echo "run $NONCE"; [ -e /tmp/x ] && exec sleep 3600; exit 1')],
  });
  await pods.until('twice', 'restarted', ({ status }) => (status.containerStatuses?.[0]?.restartCount ?? 0) > 0);
  assert.equal((await kubectl(['logs', '-p', 'twice'])).stdout, `run ${NONCE}\n`);
  assert.equal((await kubectl(['logs', 'twice'])).stdout, `run ${NONCE}\n`);
  const none = await kubectl(['logs', '-p', 'main']);
  assert.equal(none.code, 1);
  assert.equal(
    none.stderr,
    'Error from server (BadRequest): previous terminated container "main" in pod "main" not found\n',
  );
});

test('what cannot be is said as people know it', { skip }, async () => {
  await pods.create('noimage', {
    containers: [{ name: 'main', image: 'skiff.local/test/none:1', imagePullPolicy: 'Never' }],
  });
  await pods.until(
    'noimage',
    'waiting',
    ({ status }) => status.containerStatuses?.[0]?.state?.waiting?.reason === 'ErrImageNeverPull',
  );
  const logs = await kubectl(['logs', 'noimage']);
  assert.equal(
    logs.stderr,
    'Error from server (BadRequest): container "main" in pod "noimage" is waiting to start: ErrImageNeverPull\n',
  );
  const exec = await kubectl(['exec', 'noimage', '--', 'ls']);
  assert.match(exec.stderr, /container not found \("main"\)/);
  const missing = await kubectl(['exec', 'main', '--', 'no-such-command']);
  assert.match(missing.stderr, /"no-such-command": executable file not found/);
  const forward = await kubectl(['port-forward', 'noimage', '18082:80']);
  assert.match(forward.stderr, /unable to forward port because pod is not running/);
});

test('cp brings a tree in and out again, as it was', { skip, timeout: 600_000 }, async () => {
  const { node } = cluster().node;
  const files = process.env['SKIFF_LONG'] === '1' ? 1_000 : 20;
  // 1 MB each, a thousand of them with SKIFF_LONG=1; every file differs and some are links.
  await node.exec('sh', [
    '-c',
    `mkdir -p /root/tree/a/b && cd /root/tree && i=0; while [ $i -lt ${files} ]; do
       { echo $i; head -c 1000000 /dev/urandom; } > a/b/$i; i=$((i+1)); done; ln -s a/b/0 link; : > empty`,
  ]);
  const sum = 'find . -type f | sort | xargs md5sum | md5sum';
  const before = (await node.exec('sh', ['-c', `cd /root/tree && ${sum}`])).stdout;
  assert.equal((await kubectl(['cp', '/root/tree', 'main:/tmp/'])).code, 0);
  const inside = await kubectl(['exec', 'main', '--', 'sh', '-c', `cd /tmp/tree && ${sum}`]);
  assert.equal(inside.stdout, before);
  assert.equal((await kubectl(['cp', '--retries=2', 'main:/tmp/tree', '/root/back'])).code, 0);
  assert.equal((await node.exec('sh', ['-c', `cd /root/back && ${sum}`])).stdout, before);
  await kubectl(['exec', 'main', '--', 'rm', '-r', '/tmp/tree']);
});

test('debug joins a pod and gets onto a node', { skip }, async () => {
  const image = '--image=skiff.local/test/busybox:1';
  const talk = ['--', 'sh', '-c', 'cat /proc/1/cmdline; echo; echo "debug $NONCE"'];
  const pod = await kubectl(['debug', 'main', image, '--target=main', '--profile=general', '-c', 'looker', ...talk]);
  assert.equal(pod.code, 0, pod.stderr);
  const said = await waitFor('what the debug container says', async () => {
    const { stdout } = await kubectl(['logs', 'main', '-c', 'looker']);
    return stdout.includes(`debug ${NONCE}`) ? stdout : undefined;
  });
  assert.ok(said.startsWith('sleep\x003600'), 'it sees the processes of its target');
  await cluster().node.node.exec('sh', ['-c', `echo ${NONCE} > /etc/of-this-node`]);
  const look = ['--profile=sysadmin', '--', 'cat', '/host/etc/of-this-node'];
  const onNode = await kubectl(['debug', 'node/node-1', image, ...look]);
  const name = /node-debugger-[a-z0-9-]+/.exec(onNode.stdout + onNode.stderr)?.[0];
  assert.ok(name, onNode.stderr);
  await pods.until(name, 'ended', ({ status }) => status.phase === 'Succeeded');
  assert.equal((await kubectl(['logs', name])).stdout, `${NONCE}\n`);
});

test('the node shows its configuration, its log files and what probes said', { skip }, async () => {
  const [command, port] = [['cat', '/nonce'], 9];
  await pods.create('probed', {
    containers: [
      shell('main', 'exec sleep 3600', {
        livenessProbe: { exec: { command }, periodSeconds: 1 },
        readinessProbe: { tcpSocket: { port }, periodSeconds: 1 },
      }),
    ],
  });
  const page = (path: string) => kubectl(['get', '--raw', `/api/v1/nodes/node-1/proxy/${path}`]);
  const counted = (type: string, result: string) =>
    new RegExp(
      `^prober_probe_total{probe_type="${type}",result="${result}",container="main",pod="probed",.*} [1-9]`,
      'm',
    );
  await waitFor('probes to be counted', async () => {
    const { stdout } = await page('metrics/probes');
    return counted('Liveness', 'successful').test(stdout) && counted('Readiness', 'failed').test(stdout);
  });
  const { kubeletconfig } = JSON.parse((await page('configz')).stdout);
  assert.deepEqual([kubeletconfig.kind, kubeletconfig.clusterDomain], ['KubeletConfiguration', 'cluster.local']);
  assert.match((await page('logs/')).stdout, /<a href="pods\/">pods\/<\/a>/);
  const { node } = cluster().node;
  await node.exec('sh', ['-c', `echo ${NONCE} > /var/log/given && ln -sf /etc/skiff/admin.kubeconfig /var/log/secret`]);
  assert.equal((await page('logs/given')).stdout, `${NONCE}\n`);
  for (const path of ['logs/secret', 'logs/../../etc/hostname', 'logs/none'])
    assert.match((await page(path)).stderr, /404|NotFound/i);
  const checkpoint = await kubectl([
    'create',
    '--raw',
    '/api/v1/nodes/node-1/proxy/checkpoint/default/main/main',
    '-f',
    '/dev/null',
  ]);
  assert.match(checkpoint.stderr, /checkpointing of default\/main\/main failed \(UNIMPLEMENTED/);
});

test('logs can be read from the node while the API is away', { skip }, async () => {
  const { node } = cluster().node;
  const files = pkiFiles(node.path('/var/lib/skiff/pki'));
  const tls = {
    ca: readFileSync(files.cert('ca')),
    cert: readFileSync(files.cert('apiserver-kubelet-client')),
    key: readFileSync(files.key('apiserver-kubelet-client')),
  };
  await cluster().kill('server');
  const body = await new Promise<string>((resolve, reject) => {
    const path = '/containerLogs/default/main/main';
    get({ host: node.address, port: 10250, path, ...tls }, (answer) => text(answer).then(resolve, reject)).on(
      'error',
      reject,
    );
  });
  assert.equal(body, `nonce ${NONCE}\n`);
  await cluster().restart('server');
});
