// Probes of what takes a connection and then says nothing end by their own timeout.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { ask } from '../../../agent/pods/probes/handlers.ts';
import { systemClock } from '../../../api/system.ts';
import { aContainer } from './make.ts';

const kinds = [
  { it: 'http', action: (port: number) => ({ httpGet: { port, path: '/' } }) },
  { it: 'https', action: (port: number) => ({ httpGet: { port, path: '/', scheme: 'HTTPS' } }) },
  { it: 'grpc', action: (port: number) => ({ grpc: { port, service: '' } }) },
];
for (const { it, action } of kinds) {
  test(`an ${it} probe does not wait longer than its timeout`, { timeout: 5_000 }, async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => void sockets.push(socket.on('error', () => {}))).listen(0, '127.0.0.1');
    await once(server, 'listening');
    await using stack = new AsyncDisposableStack();
    stack.defer(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    const { port } = server.address() as AddressInfo;
    const target = { podIp: '127.0.0.1', containerId: 'c', container: aContainer('app') };
    const deps = { clock: systemClock, runtime: {} } as never;
    const startMs = performance.now();
    const { result } = await ask(action(port) as never, target as never, 200, deps, new AbortController().signal);
    assert.equal(result, 'failure');
    assert.ok(performance.now() - startMs < 2_000);
  });
}
