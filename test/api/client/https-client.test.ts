import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HttpsClient } from '../../../api/client/https-client.ts';
import type { HttpRequest, HttpResponse, Transport } from '../../../api/client/transport.ts';
import { pods } from '../../../api/types/core/resources.ts';
import { settle, VirtualClock } from '../../sim/virtual-clock.ts';

/** A server that answers with these pieces, and then says nothing more until the signal aborts. */
function clientOf(pieces: readonly string[] | undefined, clock: VirtualClock): HttpsClient {
  const untilAborted = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
  const request = async (_request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> => {
    if (pieces === undefined) return untilAborted(signal);
    async function* body() {
      for (const piece of pieces ?? []) yield Buffer.from(piece);
      await untilAborted(signal);
    }
    return { status: 200, headers: {}, body: body() };
  };
  return new HttpsClient({ request } as unknown as Transport, clock);
}

const never = new AbortController().signal;
const event = (name: string) => `${JSON.stringify({ type: 'ADDED', object: { metadata: { name } } })}\n`;

test('a watch that the server does not begin is given up', async () => {
  const clock = new VirtualClock();
  const first = clientOf(undefined, clock).watch(pods, {}, never)[Symbol.asyncIterator]().next();
  const outcome = assert.rejects(first, /not begun in time/);
  await clock.advance(30_000);
  await outcome;
});

test('a watch that has begun has no deadline', async () => {
  const clock = new VirtualClock();
  const half = event('b');
  const events = clientOf([event('a'), half.slice(0, 9), half.slice(9)], clock).watch(pods, {}, never);
  const reader = events[Symbol.asyncIterator]();
  const names: unknown[] = [];
  for (let i = 0; i < 2; i++) {
    const { value } = await reader.next();
    names.push(value?.type === 'ADDED' && value.object.metadata.name);
  }
  assert.deepEqual(names, ['a', 'b']);
  let over = false;
  const third = reader.next().finally(() => {
    over = true;
  });
  third.catch(() => undefined);
  await clock.advance(3_600_000);
  await settle();
  assert.equal(over, false);
});
