import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';

/** A process that keeps sockets for another does not read from them. Node does, unless its inner handle is told. */
interface Handle {
  fd: number;
  recvStop(): void;
}
function udpHandle(socket: Socket): Handle {
  const state = Object.getOwnPropertySymbols(socket).find((symbol) => symbol.description === 'state symbol')!;
  return (socket as unknown as Record<symbol, { handle: Handle }>)[state]!.handle;
}
const tcpHandle = (server: Server) => (server as unknown as { _handle: Handle })._handle;

test('a question that waits in a socket of somebody else is answered by the server that gets it', async () => {
  const tcp = createServer().listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const { port } = tcp.address() as { port: number };
  const udp = createSocket('udp4').bind(port, '127.0.0.1');
  await once(udp, 'listening');
  udpHandle(udp).recvStop();

  const client = new Resolver({ timeout: 5_000, tries: 1 });
  client.setServers([`127.0.0.1:${port}`]);
  const waiting = client.resolve4('web.default.svc.cluster.local');
  const child = spawn(process.execPath, [join(import.meta.dirname, 'dns-child.ts')], {
    stdio: ['pipe', 'pipe', 'inherit', udpHandle(udp).fd, tcpHandle(tcp).fd],
  });
  try {
    await once(child.stdout!, 'data');
    assert.deepEqual(await waiting, ['10.43.0.7']);
  } finally {
    const closed = once(child, 'close');
    child.stdin!.end();
    await closed;
    udp.close();
    tcp.close();
  }
});
