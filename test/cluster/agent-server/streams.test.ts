// exec, attach and port-forward over port 10250, through a real containerd's streaming server: bytes in both
// directions, ends that are seen at the other end, and nobody who may not.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { NONCE } from '../harness/images.ts';
import { beginLeakCheck, type LeakCheck } from '../harness/leaks.ts';
import { waitFor } from '../harness/wait.ts';
import { Channels, WEBSOCKET } from './websocket.ts';
import { type As, type TestPod, World } from './world.ts';

let world: World;
let leaks: LeakCheck;
let pod: TestPod;
before(async () => {
  leaks = await beginLeakCheck();
  world = await World.start();
  pod = await world.startPod('busybox');
});
after(async () => {
  if (pod !== undefined) await world.remove(pod);
  await world?.[Symbol.asyncDispose]();
  await leaks.verify();
});

const command = (...words: string[]) => words.map((word) => `command=${encodeURIComponent(word)}`).join('&');
const exec = (query: string, to = pod) => `/exec/test/${to.name}/main?${query}`;

async function channels(path: string, as: As = 'masters'): Promise<Channels> {
  const answer = await world.upgrade(path, WEBSOCKET, as);
  assert.ok('socket' in answer, `upgraded: ${JSON.stringify(answer)}`);
  assert.equal(answer.answer.headers['sec-websocket-protocol'], 'v4.channel.k8s.io');
  return new Channels(answer.socket, answer.rest);
}

test('a command runs in the container, its outputs and its end are told apart', async () => {
  const ws = await channels(exec(`output=1&error=1&${command('sh', '-c', 'cat /nonce; echo bad >&2; exit 3')}`));
  assert.match(await ws.until(3, /}/), /"reason":"NonZeroExitCode".*"message":"3"/);
  await waitFor('the end', () => ws.closed);
  assert.equal(ws.text(1), NONCE);
  assert.equal(ws.text(2), 'bad\n');
});

test('a terminal takes input and its size', async () => {
  const ws = await channels(exec(`stdin=true&stdout=true&tty=true&${command('sh')}`));
  ws.send(4, JSON.stringify({ Width: 93, Height: 31 }));
  ws.send(0, 'while [ "$(stty size)" != "31 93" ]; do sleep 0.05; done; echo size ok $NONCE\n');
  await ws.until(1, `size ok ${NONCE}`);
  ws.send(0, 'exit\n');
  assert.match(await ws.until(3, /}/), /"status":"Success"/);
});

test('a client that goes takes its command along, and many can be there at once', async () => {
  const marks = Array.from({ length: 12 }, (_, i) => `mark-${i}-${NONCE}`);
  const all = await Promise.all(
    marks.map((mark) => channels(exec(`input=1&output=1&${command('sh', '-c', `echo ${mark}; cat; : ${mark}`)}`))),
  );
  await Promise.all(all.map((ws, i) => ws.until(1, marks[i]!)));
  all.forEach((ws, i) => void ws.send(0, `to ${i}\n`));
  await Promise.all(all.map((ws, i) => ws.until(1, `to ${i}\n`)));
  for (const ws of all) ws.socket.destroy();
  await waitFor('the commands to be gone', async () => !(await world.exec(pod, 'ps')).includes('mark-'));
});

test('much output waits for a slow reader and comes whole', { timeout: 60_000 }, async () => {
  const ws = await channels(exec(`output=1&${command('sh', '-c', 'head -c 20000000 /dev/zero')}`));
  ws.socket.pause();
  await new Promise((resolve) => setTimeout(resolve, 500));
  ws.socket.resume();
  await waitFor('the end', () => ws.closed);
  assert.equal(ws.bytes(1).length, 20_000_000);
});

test('much input arrives whole', { timeout: 60_000 }, async () => {
  const ws = await channels(exec(`input=1&output=1&${command('sh', '-c', 'head -c 3000000 | md5sum')}`));
  for (let i = 0; i < 30; i++) ws.send(0, Buffer.alloc(100_000, 97));
  // As `head -c 3000000 /dev/zero | tr '\0' a | md5sum` says.
  const { stdout } = await world.node.exec('sh', ['-c', "head -c 3000000 /dev/zero | tr '\\0' a | md5sum"]);
  await ws.until(1, stdout);
});

test('attach shows what the container says from now on and feeds its input', async () => {
  const reader = await world.startPod('busybox', {
    command: ['sh', '-c', 'while read line; do echo "got $line $NONCE"; done; sleep 600'],
    stdin: true,
  });
  const ws = await channels(`/attach/test/${reader.name}/main?input=1&output=1`);
  ws.send(0, 'something\n');
  await ws.until(1, `got something ${NONCE}\n`);
  ws.socket.destroy();
  await world.remove(reader);
});

test('a port of the pod is reached, several times over one connection`s life and after', async () => {
  const web = await world.startPod('web');
  const answers = await Promise.all(
    [1, 2, 3].map(async () => {
      const ws = await channels(`/portForward/test/${web.name}?port=8080`);
      // Each channel begins with its port.
      await waitFor('the channel', () => ws.bytes(0).length >= 2 && ws.bytes(0).readUInt16LE() === 8080);
      ws.send(0, 'GET / HTTP/1.0\r\n\r\n');
      return ws.until(0, NONCE);
    }),
  );
  for (const answer of answers) assert.match(answer, new RegExp(`${web.name} ${NONCE}`));
  const closed = await channels(`/portForward/test/${web.name}?port=81`);
  await closed.until(1, /refused/);
  await world.remove(web);
});

/** A SPDY/3.1 ping: control frame, type 6, four bytes of id. The other side sends the same back. */
const PING = Buffer.from([0x80, 3, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1]);

test('SPDY is tunnelled end to end', async () => {
  const headers = {
    upgrade: 'SPDY/3.1',
    // As a proxy that joins repeated headers sends it.
    'x-stream-protocol-version': 'v4.channel.k8s.io, v3.channel.k8s.io',
  };
  for (const path of [exec(`output=1&${command('cat', '/nonce')}`), `/portForward/test/${pod.name}`]) {
    const own = path.startsWith('/exec') ? headers : { ...headers, 'x-stream-protocol-version': 'portforward.k8s.io' };
    const answer = await world.upgrade(path, own, 'masters', 'POST');
    assert.ok('socket' in answer, JSON.stringify(answer));
    assert.equal(answer.answer.headers.upgrade, 'SPDY/3.1');
    const version = String(answer.answer.headers['x-stream-protocol-version']);
    assert.equal(version, own['x-stream-protocol-version'].split(',')[0]);
    let seen = answer.rest;
    answer.socket.on('data', (chunk: Buffer) => {
      seen = Buffer.concat([seen, chunk]);
    });
    answer.socket.write(PING);
    await waitFor(
      `the ping to come back from ${path}`,
      () => {
        if (!seen.includes(PING)) throw new Error(`${answer.socket.destroyed} ${seen.toString('hex')}`);
        return true;
      },
      { intervalMs: 5, timeoutMs: 5000 },
    );
    answer.socket.destroy();
  }
});

test('a newer WebSocket client ends its input alone and still reads the output and how it ended', async () => {
  const v5 = { ...WEBSOCKET, 'sec-websocket-protocol': 'v5.channel.k8s.io' };
  const answer = await world.upgrade(exec(`input=1&output=1&error=1&${command('sh', '-c', 'md5sum; exit 4')}`), v5);
  assert.ok('socket' in answer, JSON.stringify(answer));
  assert.equal(answer.answer.headers['sec-websocket-protocol'], 'v5.channel.k8s.io');
  const ws = new Channels(answer.socket, answer.rest);
  for (let i = 0; i < 30; i++) ws.send(0, Buffer.alloc(100_000, 97));
  ws.send(255, Buffer.from([0]));
  const { stdout } = await world.node.exec('sh', ['-c', "head -c 3000000 /dev/zero | tr '\\0' a | md5sum"]);
  await ws.until(1, stdout);
  assert.match(await ws.until(3, /}/), /"reason":"NonZeroExitCode".*"message":"4"/);
  await waitFor('the end', () => ws.closed);
});

test('a newer WebSocket terminal takes input and its size', async () => {
  const v5 = { ...WEBSOCKET, 'sec-websocket-protocol': 'v5.channel.k8s.io, v4.channel.k8s.io' };
  const answer = await world.upgrade(exec(`stdin=true&stdout=true&tty=true&${command('sh')}`), v5);
  assert.ok('socket' in answer, JSON.stringify(answer));
  const ws = new Channels(answer.socket, answer.rest);
  ws.send(4, JSON.stringify({ Width: 93, Height: 31 }));
  ws.send(0, 'while [ "$(stty size)" != "31 93" ]; do sleep 0.05; done; echo size ok $NONCE\n');
  await ws.until(1, `size ok ${NONCE}`);
  ws.send(0, 'exit\n');
  assert.match(await ws.until(3, /}/), /"status":"Success"/);
});

test('SPDY comes through a WebSocket for the ports of a pod', async () => {
  const answer = await world.upgrade(`/portForward/test/${pod.name}`, {
    ...WEBSOCKET,
    'sec-websocket-protocol': 'SPDY/3.1+portforward.k8s.io',
  });
  assert.ok('socket' in answer, JSON.stringify(answer));
  assert.equal(answer.answer.headers['sec-websocket-protocol'], 'SPDY/3.1+portforward.k8s.io');
  const ws = new Channels(answer.socket, answer.rest);
  // The first byte of a message is the channel to the test, and the first of the ping's here.
  ws.send(PING[0]!, PING.subarray(1));
  // In as many messages as its bytes happened to arrive in.
  await waitFor('the ping to come back', () => Buffer.concat(ws.messages).includes(PING));
  ws.socket.destroy();
});

test('a client that speaks no protocol we know is refused', async () => {
  for (const protocol of ['v6.channel.k8s.io', 'SPDY/3.1+portforward.k8s.io']) {
    const answer = await world.upgrade(exec(`output=1&${command('cat')}`), {
      ...WEBSOCKET,
      'sec-websocket-protocol': protocol,
    });
    assert.ok('status' in answer);
    assert.equal(answer.status, 400);
    assert.match(answer.body, /unable to upgrade: none of the subprotocols/);
  }
});

const refused: [path: string, status: number, body: RegExp][] = [
  ['/exec/test/none/main?output=1&command=ls', 404, /^pod does not exist$/],
  ['/exec/test/POD/other?output=1&command=ls', 500, /^container not found \("other"\)$/],
  ['/exec/test/POD/main?output=1', 400, /^you must specify a command$/],
  ['/exec/test/POD/main?command=ls', 400, /at least 1 of stdin, stdout, stderr/],
  ['/exec/test/POD/wrong-uid/main?output=1&command=ls', 404, /^pod does not exist$/],
  ['/attach/test/POD/other?output=1', 500, /^container other not found in pod POD_test$/],
  ['/portForward/test/POD', 400, /query parameter "port" is required/],
  ['/portForward/test/POD?port=0', 400, /port "0" must be > 0/],
];
test('what cannot be is said before the connection is anything else', async () => {
  for (const [path, status, body] of refused) {
    const answer = await world.upgrade(path.replace('POD', pod.name), WEBSOCKET);
    assert.ok('status' in answer, path);
    assert.equal(answer.status, status, path);
    assert.match(answer.body.replace(pod.name, 'POD'), body);
  }
  const plain = await world.get(exec('output=1&command=ls'));
  assert.deepEqual(plain, { status: 400, body: 'Upgrade request required' });
});

test('nobody without a right reaches the runtime', async () => {
  world.change((state) => {
    state.users = { reader: { name: 'ann', groups: [] } };
    state.allowed = ['ann get stats'];
  });
  const mark = `/tmp/touched-${NONCE}`;
  const path = exec(`output=1&${command('touch', mark)}`);
  for (const [as, status] of [
    ['nobody', 401],
    [{ token: 'bad' }, 401],
    [{ token: 'reader' }, 403],
  ] as const) {
    const answer = await world.upgrade(path, WEBSOCKET, as);
    assert.ok('status' in answer);
    assert.equal(answer.status, status);
  }
  assert.equal((await world.get(`/run/test/${pod.name}/main?cmd=touch+${mark}`, 'nobody', 'POST')).status, 401);
  assert.equal(await world.exec(pod, `ls ${mark} 2>/dev/null || echo none`), 'none\n');
});

test('run gives the output of a command, or how it failed', async () => {
  const run = (cmd: string) =>
    world.get(`/run/test/${pod.name}/main?cmd=${encodeURIComponent(cmd)}`, 'masters', 'POST');
  assert.deepEqual(await run('cat /nonce'), { status: 200, body: NONCE });
  const failed = await run('cat /none');
  assert.equal(failed.status, 500);
  assert.match(failed.body, /exited with 1: cat: can't open/);
});

test('a stopped server ends its streams and leaves nothing running in containers', async () => {
  const ws = await channels(exec(`input=1&output=1&${command('sh', '-c', `echo there; cat; : last-${NONCE}`)}`));
  await ws.until(1, 'there');
  await world.server.kill('SIGTERM');
  await world.server.exited;
  await waitFor('the stream to end', () => ws.closed);
  await waitFor('the command to be gone', async () => !(await world.exec(pod, 'ps')).includes('last-'));
});
