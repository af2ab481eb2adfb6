// The server's side of RFC 6455, as far as exec, attach and port-forward need it. Pure: frames from bytes and bytes
// from frames. A message is told in pieces as they come, so that its length costs no memory.
import { createHash } from 'node:crypto';
import { Problem } from './problem.ts';

export type WebSocketEvent =
  /** `begins`: the first bytes of a message. */
  | { readonly is: 'data'; readonly bytes: Buffer; readonly begins: boolean }
  | { readonly is: 'ping'; readonly bytes: Buffer }
  | { readonly is: 'close' };

const ACCEPT_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const CONTROL_MAX_BYTES = 125;
const [CONTINUED, TEXT, BINARY, CLOSE, PING, PONG] = [0, 1, 2, 8, 9, 10];

/** The head of the answer that makes a request a WebSocket. */
export function acceptance(key: string | undefined, protocol: string): string {
  if (key === undefined) throw new Problem(400, 'Sec-WebSocket-Key is required');
  const accept = createHash('sha1')
    .update(key + ACCEPT_GUID)
    .digest('base64');
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${accept}`,
    `Sec-WebSocket-Protocol: ${protocol}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

interface Frame {
  readonly opcode: number;
  readonly mask: Buffer;
  readonly length: number;
  /** Bytes of it that were taken. */
  taken: number;
}

export class WebSocketReader {
  #rest: Buffer = Buffer.alloc(0);
  #frame: Frame | undefined;
  #begins = true;

  /** Throws on what no client may send. */
  push(chunk: Buffer): WebSocketEvent[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const events: WebSocketEvent[] = [];
    for (;;) {
      this.#frame ??= this.#head();
      if (this.#frame === undefined) return events;
      const bytes = this.#payload(this.#frame);
      if (bytes === undefined) return events;
      const event = this.#event(this.#frame, bytes);
      if (event !== undefined) events.push(event);
      if (this.#frame.taken === this.#frame.length) this.#frame = undefined;
    }
  }

  #head(): Frame | undefined {
    const bytes = this.#rest;
    if (bytes.length < 2) return undefined;
    const [first, second] = [bytes[0]!, bytes[1]!];
    const opcode = first & 0x0f;
    if ((first & 0x70) !== 0 || (second & 0x80) === 0) throw new Problem(400, 'WebSocket: a frame without a mask');
    const short = second & 0x7f;
    const head = (short === 126 ? 4 : short === 127 ? 10 : 2) + 4;
    if (bytes.length < head) return undefined;
    const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
    if (opcode >= CLOSE! && length > CONTROL_MAX_BYTES) throw new Problem(400, 'WebSocket: a control frame too long');
    if (opcode === TEXT || opcode === BINARY) this.#begins = true;
    this.#rest = bytes.subarray(head);
    return { opcode, mask: bytes.subarray(head - 4, head), length, taken: 0 };
  }

  /** What is there of the frame, readable; of a control frame only the whole. */
  #payload(frame: Frame): Buffer | undefined {
    const wanted = frame.length - frame.taken;
    if (this.#rest.length === 0 && wanted > 0) return undefined;
    if (frame.opcode >= CLOSE! && this.#rest.length < wanted) return undefined;
    const length = Math.min(wanted, this.#rest.length);
    const bytes = Buffer.allocUnsafeSlow(length);
    for (let i = 0; i < length; i++) bytes[i] = this.#rest[i]! ^ frame.mask[(frame.taken + i) & 3]!;
    this.#rest = this.#rest.subarray(length);
    frame.taken += length;
    return bytes;
  }

  #event({ opcode }: Frame, bytes: Buffer): WebSocketEvent | undefined {
    switch (opcode) {
      case TEXT:
      case BINARY:
      case CONTINUED: {
        if (bytes.length === 0) return undefined;
        const begins = this.#begins;
        this.#begins = false;
        return { is: 'data', bytes, begins };
      }
      case CLOSE:
        return { is: 'close' };
      case PING:
        return { is: 'ping', bytes };
      case PONG:
        return undefined;
      default:
        throw new Problem(400, `WebSocket: a frame of unknown kind ${opcode}`);
    }
  }
}

/** One message in one frame, from pieces that are not copied. */
export function binaryFrame(...pieces: readonly Buffer[]): Buffer[] {
  return [
    frameHead(
      BINARY!,
      pieces.reduce((sum, { length }) => sum + length, 0),
    ),
    ...pieces,
  ];
}

export function pongFrame(bytes: Buffer): Buffer[] {
  return [frameHead(PONG!, bytes.length), bytes];
}

const NORMAL_CLOSURE = 1000;

export function closeFrame(): Buffer {
  const code = Buffer.alloc(2);
  code.writeUInt16BE(NORMAL_CLOSURE);
  return Buffer.concat([frameHead(CLOSE!, 2), code]);
}

function frameHead(opcode: number, length: number): Buffer {
  const first = 0x80 | opcode;
  if (length < 126) return Buffer.from([first, length]);
  if (length < 65_536) {
    const head = Buffer.from([first, 126, 0, 0]);
    head.writeUInt16BE(length, 2);
    return head;
  }
  const head = Buffer.from([first, 127, 0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}
