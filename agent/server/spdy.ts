// The client's side of SPDY/3.1, as far as the runtime's streaming server needs it. Pure: frames from bytes and bytes
// from frames. Headers are written as zlib's stored blocks, which every reader of zlib understands; those that come
// back say nothing that is not known and are skipped. That server has no flow control but the connection's own.

export type SpdyEvent =
  | { readonly is: 'data'; readonly stream: number; readonly bytes: Buffer }
  /** The other side says no more on this stream. */
  | { readonly is: 'end'; readonly stream: number }
  | { readonly is: 'reset'; readonly stream: number }
  /** To be sent back as it is. */
  | { readonly is: 'ping'; readonly frame: Buffer };

const HEAD_BYTES = 8;
const FIN = 1;
const [SYN_STREAM, SYN_REPLY, RST_STREAM, PING, HEADERS] = [1, 2, 3, 6, 8];
const STREAM_ID = 0x7f_ff_ff_ff;

interface DataFrame {
  readonly stream: number;
  readonly fin: boolean;
  left: number;
}

export class SpdyReader {
  #rest: Buffer = Buffer.alloc(0);
  #data: DataFrame | undefined;

  push(chunk: Buffer): SpdyEvent[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const events: SpdyEvent[] = [];
    while (this.#data !== undefined ? this.#piece(this.#data, events) : this.#frame(events));
    return events;
  }

  /** False when more bytes are needed. */
  #piece(data: DataFrame, events: SpdyEvent[]): boolean {
    const bytes = this.#rest.subarray(0, data.left);
    this.#rest = this.#rest.subarray(bytes.length);
    data.left -= bytes.length;
    if (bytes.length > 0) events.push({ is: 'data', stream: data.stream, bytes });
    if (data.left > 0) return false;
    if (data.fin) events.push({ is: 'end', stream: data.stream });
    this.#data = undefined;
    return true;
  }

  #frame(events: SpdyEvent[]): boolean {
    if (this.#rest.length < HEAD_BYTES) return false;
    const first = this.#rest.readUInt32BE(0);
    const fin = (this.#rest[4]! & FIN) !== 0;
    const length = this.#rest.readUIntBE(5, 3);
    if (first <= STREAM_ID) {
      this.#rest = this.#rest.subarray(HEAD_BYTES);
      this.#data = { stream: first, fin, left: length };
      return true;
    }
    if (this.#rest.length < HEAD_BYTES + length) return false;
    const frame = this.#rest.subarray(0, HEAD_BYTES + length);
    this.#rest = this.#rest.subarray(frame.length);
    const type = first & 0xff_ff;
    if (type === PING) events.push({ is: 'ping', frame });
    const about = length >= 4 ? frame.readUInt32BE(HEAD_BYTES) & STREAM_ID : 0;
    if (type === RST_STREAM) events.push({ is: 'reset', stream: about });
    if ((type === SYN_REPLY || type === HEADERS) && fin) events.push({ is: 'end', stream: about });
    return true;
  }
}

const ZLIB_HEAD = Buffer.from([0x78, 0x01]);
/** Makes the other side's inflater hand out what it has. */
const EMPTY_BLOCK = Buffer.from([0, 0, 0, 0xff, 0xff]);

/** Streams that are opened one after another: the first carries the beginning of the one zlib stream of all headers. */
export class SpdyOpener {
  #last = -1;

  open(headers: Readonly<Record<string, string>>): { readonly stream: number; readonly frame: Buffer } {
    const zlibHead = this.#last < 0 ? [ZLIB_HEAD] : [];
    this.#last += 2;
    const ids = Buffer.alloc(10);
    ids.writeUInt32BE(this.#last, 0);
    const payload = Buffer.concat([ids, ...zlibHead, ...storedBlock(headerBlock(headers)), EMPTY_BLOCK]);
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeUInt32BE(0x80_03_00_00 + SYN_STREAM!, 0);
    head.writeUIntBE(payload.length, 5, 3);
    return { stream: this.#last, frame: Buffer.concat([head, payload]) };
  }
}

function headerBlock(headers: Readonly<Record<string, string>>): Buffer {
  const entries = Object.entries(headers);
  return Buffer.concat([uint32(entries.length), ...entries.flat().flatMap(sized)]);
}

function sized(text: string): Buffer[] {
  const bytes = Buffer.from(text);
  return [uint32(bytes.length), bytes];
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function storedBlock(bytes: Buffer): Buffer[] {
  const head = Buffer.alloc(5);
  head.writeUInt16LE(bytes.length, 1);
  head.writeUInt16LE(~bytes.length & 0xff_ff, 3);
  return [head, bytes];
}

/** Longer data becomes several frames. */
const DATA_MAX_BYTES = 0xff_ff_ff;

export function dataFrames(stream: number, bytes: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += DATA_MAX_BYTES) {
    const piece = bytes.subarray(at, at + DATA_MAX_BYTES);
    frames.push(dataHead(stream, piece.length, 0), piece);
  }
  return frames;
}

export function endFrame(stream: number): Buffer {
  return dataHead(stream, 0, FIN);
}

function dataHead(stream: number, length: number, flags: number): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(stream, 0);
  head[4] = flags;
  head.writeUIntBE(length, 5, 3);
  return head;
}
