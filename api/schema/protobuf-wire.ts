// The wire of protocol buffers. Messages are written from their end to their start, so that a length is known when it
// is written; reading checks every length against what is there.
import { type BigNumber, fromBigInt, isBigNumber } from './json-value.ts';

export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const FIXED32 = 5;
export type Wire = typeof VARINT | typeof FIXED64 | typeof BYTES;

/** Bytes that are no message. */
export class ProtobufProblem extends Error {
  override readonly name = 'ProtobufProblem';
}

const KEEP = 1024 * 1024;

/** Writes backwards: what is written last comes first. */
export class Writer {
  #buffer = Buffer.allocUnsafeSlow(16 * 1024);
  #at = this.#buffer.length;

  /** Bytes written so far. */
  get size(): number {
    return this.#buffer.length - this.#at;
  }

  #reserve(bytes: number): number {
    if (this.#at < bytes) {
      const size = this.size;
      const grown = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, size + bytes + 1024));
      this.#buffer.copy(grown, grown.length - size, this.#at);
      this.#buffer = grown;
      this.#at = grown.length - size;
    }
    this.#at -= bytes;
    return this.#at;
  }

  /** Of a non-negative safe integer. */
  varint(value: number): void {
    if (value < 128) {
      const at = this.#reserve(1);
      this.#buffer[at] = value;
      return;
    }
    let size = 1;
    for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) size++;
    let at = this.#reserve(size);
    let rest = value;
    for (; size > 1; size--) {
      this.#buffer[at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[at] = rest;
  }

  /** Negative numbers take ten bytes, as two's complement of 64 bits. */
  integer(value: number | BigNumber): void {
    if (typeof value === 'number' && value >= 0) {
      this.varint(value);
      return;
    }
    let rest = BigInt.asUintN(64, isBigNumber(value) ? BigInt(value.rawJSON) : BigInt(value));
    const bytes: number[] = [];
    for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
    bytes.push(Number(rest));
    // First the place, for it may lie in another buffer.
    const at = this.#reserve(bytes.length);
    this.#buffer.set(bytes, at);
  }

  double(value: number): void {
    const at = this.#reserve(8);
    this.#buffer.writeDoubleLE(value, at);
  }

  text(value: string): void {
    const size = Buffer.byteLength(value);
    const at = this.#reserve(size);
    this.#buffer.write(value, at, 'utf8');
  }

  raw(value: Uint8Array): void {
    const at = this.#reserve(value.length);
    this.#buffer.set(value, at);
  }

  tag(field: number, wire: Wire): void {
    this.varint(field * 8 + wire);
  }

  /** Ends a length-delimited field that was begun when this many bytes were written. */
  close(field: number, sizeBefore: number): void {
    this.varint(this.size - sizeBefore);
    this.tag(field, BYTES);
  }

  stringField(field: number, value: string): void {
    const before = this.size;
    this.text(value);
    this.close(field, before);
  }

  /** An exact-size copy of what was written; the writer is empty again. */
  take(): Buffer {
    const out = Buffer.allocUnsafeSlow(this.size);
    this.#buffer.copy(out, 0, this.#at);
    if (this.#buffer.length > KEEP) this.#buffer = Buffer.allocUnsafeSlow(16 * 1024);
    this.#at = this.#buffer.length;
    return out;
  }

  /** Forgets what an encoding that failed has left. */
  clear(): void {
    this.#at = this.#buffer.length;
  }
}

const TWO_32 = 4294967296;

export class Reader {
  readonly buffer: Buffer;
  at: number;

  constructor(buffer: Buffer, at = 0) {
    this.buffer = buffer;
    this.at = at;
  }

  #byte(): number {
    const byte = this.buffer[this.at++];
    if (byte === undefined) throw new ProtobufProblem('unexpected EOF');
    return byte;
  }

  /** The low 53 bits are right for what is a length, a tag or an int32. */
  varint(): number {
    const first = this.#byte();
    if (first < 128) return first;
    let value = first & 127;
    let scale = 128;
    for (let i = 1; i < 10; i++) {
      const byte = this.#byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
    throw new ProtobufProblem('proto: integer overflow');
  }

  int64(): number | BigNumber {
    const start = this.at;
    const near = this.varint();
    if (near <= Number.MAX_SAFE_INTEGER) return near;
    let value = 0n;
    for (let i = this.at - 1; i >= start; i--) value = (value << 7n) | BigInt(this.buffer[i]! & 127);
    return fromBigInt(BigInt.asIntN(64, value))!;
  }

  int32(): number {
    const value = this.int64();
    const number = typeof value === 'number' ? value : Number(value.rawJSON);
    return (number % TWO_32) | 0;
  }

  double(): number {
    if (this.at + 8 > this.buffer.length) throw new ProtobufProblem('unexpected EOF');
    const value = this.buffer.readDoubleLE(this.at);
    this.at += 8;
    return value;
  }

  /** Where the length-delimited value ends that begins here. */
  end(limit: number): number {
    const length = this.varint();
    const end = this.at + length;
    if (end > limit) throw new ProtobufProblem('unexpected EOF');
    return end;
  }

  text(limit: number): string {
    const end = this.end(limit);
    const value = this.buffer.toString('utf8', this.at, end);
    this.at = end;
    return value;
  }

  /** Shares memory with the input. */
  bytes(limit: number): Buffer {
    const end = this.end(limit);
    const value = this.buffer.subarray(this.at, end);
    this.at = end;
    return value;
  }

  skip(wire: number, limit: number): void {
    if (wire === VARINT) this.varint();
    else if (wire === FIXED64) this.at += 8;
    else if (wire === BYTES) this.at = this.end(limit);
    else if (wire === FIXED32) this.at += 4;
    else throw new ProtobufProblem(`proto: illegal wireType ${wire}`);
    if (this.at > limit) throw new ProtobufProblem('unexpected EOF');
  }

  /** Calls for each field up to the limit; the callee reads the value or returns false to have it skipped. */
  fields(limit: number, read: (field: number, wire: number) => boolean): void {
    while (this.at < limit) {
      const tag = this.varint();
      const field = Math.floor(tag / 8);
      if (field === 0 || tag > 0xffffffff)
        throw new ProtobufProblem(`proto: illegal tag ${field} (wire type ${tag % 8})`);
      if (!read(field, tag % 8)) this.skip(tag % 8, limit);
    }
    if (this.at > limit) throw new ProtobufProblem('unexpected EOF');
  }
}
