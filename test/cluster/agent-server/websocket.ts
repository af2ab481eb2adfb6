// Just enough of WebSocket (RFC 6455) for a test: binary frames with a channel number in front, as exec and
// port-forward use them.
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { waitFor } from '../harness/wait.ts';

export const WEBSOCKET = {
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': randomBytes(16).toString('base64'),
  'sec-websocket-protocol': 'v4.channel.k8s.io',
  origin: 'https://test',
};

export class Channels {
  readonly socket: Duplex;
  readonly #received = new Map<number, Buffer[]>();
  #rest: Buffer;
  /** Every message whole, for protocols without channels. */
  readonly messages: Buffer[] = [];
  closed = false;

  constructor(socket: Duplex, rest: Buffer) {
    this.socket = socket;
    this.#rest = rest;
    this.#parse();
    socket.on('data', (chunk: Buffer) => {
      this.#rest = Buffer.concat([this.#rest, chunk]);
      this.#parse();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
    });
    socket.on('end', () => socket.end());
  }

  send(channel: number, data: string | Buffer): void {
    const payload = Buffer.concat([Buffer.from([channel]), Buffer.from(data)]);
    const long = payload.length > 125;
    const mask = randomBytes(4);
    const head = long ? Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]) : Buffer.from([0x82, 0x80 | payload.length]);
    if (long) head.writeBigUInt64BE(BigInt(payload.length), 2);
    for (let i = 0; i < payload.length; i++) payload[i]! ^= mask[i % 4]!;
    this.socket.write(Buffer.concat([head, mask, payload]));
  }

  bytes(channel: number): Buffer {
    return Buffer.concat(this.#received.get(channel) ?? []);
  }

  text(channel: number): string {
    return this.bytes(channel).toString();
  }

  async until(channel: number, wanted: RegExp | string): Promise<string> {
    return waitFor(
      `${wanted} on channel ${channel}`,
      () => {
        const seen = this.text(channel);
        if (typeof wanted === 'string' ? seen.includes(wanted) : wanted.test(seen)) return seen;
        throw new Error(JSON.stringify(seen.slice(-200)));
      },
      { intervalMs: 5 },
    );
  }

  #parse(): void {
    for (;;) {
      const bytes = this.#rest;
      if (bytes.length < 2) return;
      const short = bytes[1]! & 0x7f;
      const head = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (bytes.length < head) return;
      const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
      if (bytes.length < head + length) return;
      const payload = bytes.subarray(head, head + length);
      this.#rest = bytes.subarray(head + length);
      const opcode = bytes[0]! & 0x0f;
      if (opcode === 8) this.socket.end();
      if (opcode > 2 || payload.length === 0) continue;
      this.messages.push(Buffer.from(payload));
      const channel = payload[0]!;
      const list = this.#received.get(channel) ?? [];
      list.push(Buffer.from(payload.subarray(1)));
      this.#received.set(channel, list);
    }
  }
}
