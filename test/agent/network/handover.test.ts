import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { HANDED_OVER, holdDnsSockets, takeDnsSockets } from '../../../cli/dns-sockets.ts';

test('a question that waits in a socket of somebody else is answered by the server that gets it', async () => {
  await using sockets = await holdDnsSockets('127.0.0.1', 0);
  const { port, fds } = sockets;
  const client = new Resolver({ timeout: 5_000, tries: 1 });
  client.setServers([`127.0.0.1:${port}`]);
  const waiting = client.resolve4('web.default.svc.cluster.local');
  const child = spawn(process.execPath, [join(import.meta.dirname, 'dns-child.ts')], {
    stdio: ['pipe', 'pipe', 'inherit', ...fds],
  });
  try {
    await once(child.stdout!, 'data');
    assert.deepEqual(await waiting, ['10.43.0.7']);
  } finally {
    const closed = once(child, 'close');
    child.stdin!.end();
    await closed;
  }
});

const env = { ...HANDED_OVER };
const given: { it: string; env: NodeJS.ProcessEnv; wants: object | undefined }[] = [
  { it: 'by a parent', env, wants: { udpFd: 3, tcpFd: 4 } },
  { it: 'by systemd, to this process', env: { ...env, LISTEN_PID: '7' }, wants: { udpFd: 3, tcpFd: 4 } },
  { it: 'in the order of the unit', env: { ...env, LISTEN_FDNAMES: 'dns-tcp:dns-udp' }, wants: { udpFd: 4, tcpFd: 3 } },
  { it: 'not when they are for another process', env: { ...env, LISTEN_PID: '8' }, wants: undefined },
  { it: 'not when one is missing', env: { ...env, LISTEN_FDS: '1' }, wants: undefined },
  { it: 'not when nothing is said', env: {}, wants: undefined },
];
for (const each of given) {
  test(`sockets of DNS are handed over ${each.it}`, () => {
    const variables = { ...each.env };
    assert.deepEqual(takeDnsSockets(variables, 7), each.wants);
    assert.deepEqual(variables, {}, 'nobody else is told of them');
  });
}
