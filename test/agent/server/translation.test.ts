// WebSocket put into SPDY and back: as pure functions of bytes, however these are cut into pieces.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inflateSync, constants as zlib } from 'node:zlib';
import fc from 'fast-check';
import { SpdyOpener, SpdyReader } from '../../../agent/server/spdy.ts';
import { type Said, translationOf } from '../../../agent/server/translation.ts';
import { acceptance, WebSocketReader } from '../../../agent/server/websocket.ts';

const MASK = Buffer.from([7, 1, 200, 33]);
/** What a client sends. */
function frame(opcode: number, payload: Buffer, { fin = true } = {}): Buffer {
  const length = payload.length;
  const short = length < 126 ? length : length < 65_536 ? 126 : 127;
  const sized = Buffer.alloc(short === 126 ? 2 : short === 127 ? 8 : 0);
  if (short === 126) sized.writeUInt16BE(length);
  if (short === 127) sized.writeBigUInt64BE(BigInt(length));
  const masked = Buffer.from(payload.map((byte, i) => byte ^ MASK[i % 4]!));
  return Buffer.concat([Buffer.from([(fin ? 0x80 : 0) | opcode, 0x80 | short]), sized, MASK, masked]);
}
const message = (channel: number, data: string | Buffer) =>
  frame(2, Buffer.concat([Buffer.from([channel]), Buffer.from(data)]));
const reply = (stream: number) => Buffer.from([0x80, 3, 0, 2, 0, 0, 0, 4, 0, 0, 0, stream]);
const data = (stream: number, text: string, fin = 0) =>
  Buffer.concat([Buffer.from([0, 0, 0, stream, fin, 0, 0, text.length]), Buffer.from(text)]);

const pieces = (bytes: Buffer, cuts: readonly number[]): Buffer[] => {
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, i) => bytes.subarray(from, at[i]));
};
const cuts = fc.array(fc.nat(2_000), { maxLength: 20 });

test('a message arrives as it was sent, whatever its length and however its bytes arrive', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), cuts, (messages, where) => {
      const reader = new WebSocketReader();
      const stream = Buffer.concat(messages.map((each) => frame(2, Buffer.from(each))));
      const seen: Buffer[] = [];
      for (const event of pieces(stream, where).flatMap((piece) => reader.push(piece))) {
        assert.equal(event.is, 'data');
        if (event.is === 'data')
          event.begins ? seen.push(event.bytes) : seen.push(Buffer.concat([seen.pop()!, event.bytes]));
      }
      assert.deepEqual(
        seen,
        messages.filter(({ length }) => length > 0).map((each) => Buffer.from(each)),
      );
    }),
  );
  const long = Buffer.alloc(70_000, 'x');
  assert.deepEqual(new WebSocketReader().push(frame(2, long)), [{ is: 'data', bytes: long, begins: true }]);
});

test('a message in fragments is one, with a ping between them', () => {
  const reader = new WebSocketReader();
  const stream = [
    frame(2, Buffer.from('ab'), { fin: false }),
    frame(9, Buffer.from('hi')),
    frame(0, Buffer.from('cd')),
  ];
  assert.deepEqual(reader.push(Buffer.concat(stream)), [
    { is: 'data', bytes: Buffer.from('ab'), begins: true },
    { is: 'ping', bytes: Buffer.from('hi') },
    { is: 'data', bytes: Buffer.from('cd'), begins: false },
  ]);
});

const forbidden: [what: string, bytes: Buffer][] = [
  ['a frame without a mask', Buffer.from([0x82, 1, 65, 0, 0, 0, 0])],
  ['a long control frame', frame(9, Buffer.alloc(126))],
  ['a frame of unknown kind', frame(5, Buffer.from('x'))],
];
for (const [what, bytes] of forbidden) {
  test(`${what} is refused`, () => assert.throws(() => new WebSocketReader().push(bytes), { code: 400 }));
}

test('the answer to an upgrade is the one of RFC 6455, section 1.3', () => {
  assert.match(acceptance('dGhlIHNhbXBsZSBub25jZQ==', 'x'), /Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/);
  assert.throws(() => acceptance(undefined, 'x'), { code: 400 });
});

test('streams are opened one after the other, their headers in one zlib stream', () => {
  const opener = new SpdyOpener();
  const opened = [opener.open({ streamtype: 'error' }), opener.open({ streamtype: 'stdin', two: 'é' })];
  assert.deepEqual(
    opened.map(({ stream }) => stream),
    [1, 3],
  );
  const headers = Buffer.concat(opened.map((each) => each.frame.subarray(18)));
  const text = inflateSync(headers, { finishFlush: zlib.Z_SYNC_FLUSH }).toString('latin1');
  const sized = (word: string) =>
    `\0\0\0${String.fromCharCode(Buffer.byteLength(word))}${Buffer.from(word).toString('latin1')}`;
  const block = (...words: string[]) => `\0\0\0${String.fromCharCode(words.length / 2)}${words.map(sized).join('')}`;
  assert.equal(text, block('streamtype', 'error') + block('streamtype', 'stdin', 'two', 'é'));
  for (const { frame: bytes } of opened) assert.equal(bytes.readUIntBE(5, 3), bytes.length - 8);
});

test('what SPDY says is understood however its bytes arrive', () => {
  const ping = Buffer.from([0x80, 3, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1]);
  const settings = Buffer.from([0x80, 3, 0, 4, 0, 0, 0, 4, 0, 0, 0, 0]);
  const stream = Buffer.concat([settings, reply(1), data(5, 'hello '), ping, data(5, 'you', 1)]);
  fc.assert(
    fc.property(cuts, (where) => {
      const reader = new SpdyReader();
      const events = pieces(stream, where).flatMap((piece) => reader.push(piece));
      const text = events.map((event) => (event.is === 'data' ? event.bytes.toString() : ''));
      assert.equal(text.join(''), 'hello you');
      assert.deepEqual(
        events.filter(({ is }) => is !== 'data'),
        [
          { is: 'ping', frame: ping },
          { is: 'end', stream: 5 },
        ],
      );
    }),
  );
});

const bytesOf = (said: Said, to: 'toClient' | 'toRuntime') => Buffer.concat(said[to]);

test('a command`s channels are its streams, and the end of stdin is told', () => {
  const command = translationOf('v5.channel.k8s.io', { stdin: true, stdout: true, stderr: true, tty: false });
  // error 1, stdin 3, stdout 5, stderr 7
  assert.equal(command.opening().length, 4);
  const input = command.fromClient(Buffer.concat([message(0, 'in'), message(255, Buffer.from([0]))]));
  assert.deepEqual(bytesOf(input, 'toRuntime'), Buffer.concat([data(3, 'in'), data(3, '', 1)]));
  const output = command.fromRuntime(Buffer.concat([reply(1), data(5, 'out'), data(7, 'err'), data(1, '{}', 1)]));
  assert.deepEqual(
    bytesOf(output, 'toClient'),
    Buffer.concat([
      Buffer.from([0x82, 4, 1]),
      Buffer.from('out'),
      Buffer.from([0x82, 4, 2]),
      Buffer.from('err'),
      Buffer.from([0x82, 3, 3]),
      Buffer.from('{}'),
    ]),
  );
  assert.throws(() => command.fromClient(message(4, '{}')), /channel 4 is none/);
});

test('a terminal has a stream for its size and none for errors', () => {
  const command = translationOf('v5.channel.k8s.io', { stdin: true, stdout: true, stderr: true, tty: true });
  const opened = Buffer.concat([...command.opening()]).toString('latin1');
  assert.deepEqual(opened.match(/(?<=streamtype.{4})[a-z]+/gs), ['error', 'stdin', 'stdout', 'resize']);
});

test('a client that pings is answered, one that closes is let go', () => {
  const ports = translationOf('SPDY/3.1+portforward.k8s.io', undefined);
  const said = ports.fromClient(
    Buffer.concat([frame(9, Buffer.from('p')), frame(2, Buffer.from('spdy')), frame(8, Buffer.alloc(0))]),
  );
  assert.equal(bytesOf(said, 'toRuntime').toString(), 'spdy');
  assert.deepEqual(bytesOf(said, 'toClient'), Buffer.from([0x8a, 1, 112, 0x88, 2, 0x03, 0xe8]));
  assert.equal(said.over, true);
  assert.deepEqual(bytesOf(ports.fromRuntime(Buffer.from('x')), 'toClient'), Buffer.from([0x82, 1, 120]));
});
