// DER, as much of it as certificates need (ITU-T X.690): values are written as Buffers inside out, and read as a
// tree of nodes over the input's bytes. Reading is strict about lengths and bounded in depth, because certificate
// requests come from strangers.

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

export interface DerNode {
  readonly tag: number;
  /** The value without tag and length. */
  readonly content: Buffer;
  /** The value as it stands in the input, tag and length included. */
  readonly raw: Buffer;
  /** Of constructed values (sequence, set, explicit tags); empty otherwise. */
  readonly children: readonly DerNode[];
}

export class DerError extends Error {
  override name = 'DerError';
}

export function tlv(tag: number, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

export const sequence = (...parts: Uint8Array[]): Buffer => tlv(TAG.sequence, ...parts);
export const set = (...parts: Uint8Array[]): Buffer => tlv(TAG.set, ...parts);
export const octetString = (content: Uint8Array): Buffer => tlv(TAG.octetString, content);
export const bitString = (content: Uint8Array, unusedBits = 0): Buffer =>
  tlv(TAG.bitString, Buffer.from([unusedBits]), content);
export const utf8String = (text: string): Buffer => tlv(TAG.utf8String, Buffer.from(text));
export const boolean = (value: boolean): Buffer => tlv(TAG.boolean, Buffer.from([value ? 0xff : 0]));
export const nothing = (): Buffer => tlv(TAG.null);
/** `[n] EXPLICIT`: the value inside a wrapper. */
export const explicit = (n: number, ...parts: Uint8Array[]): Buffer => tlv(0xa0 | n, ...parts);
/** `[n] IMPLICIT` of a primitive value: the wrapper's tag replaces the value's own. */
export const implicit = (n: number, content: Uint8Array): Buffer => tlv(0x80 | n, content);

/** A non-negative integer from its big-endian bytes. */
export function integer(value: Uint8Array | number): Buffer {
  const bytes = typeof value === 'number' ? Buffer.from([value]) : Buffer.from(value);
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const minimal = bytes.subarray(start);
  // A set top bit would read as a negative number.
  return tlv(TAG.integer, minimal[0]! & 0x80 ? Buffer.concat([Buffer.from([0]), minimal]) : minimal);
}

export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return tlv(TAG.oid, Buffer.from([first * 40 + second, ...rest].flatMap(base128)));
}

/** Seconds precision; two-digit years before 2050 as RFC 5280 asks (4.1.2.5). */
export function time(ms: number): Buffer {
  const digits = new Date(ms)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:T]/g, '');
  return Number(digits.slice(0, 4)) < 2050
    ? tlv(TAG.utcTime, Buffer.from(digits.slice(2)))
    : tlv(TAG.generalizedTime, Buffer.from(digits));
}

/** Named bits (`digitalSignature` is bit 0) as the shortest bit string. */
export function namedBits(bits: readonly number[]): Buffer {
  const last = Math.max(...bits);
  const bytes = Buffer.alloc((last >> 3) + 1);
  for (const bit of bits) bytes[bit >> 3]! |= 0x80 >> (bit & 7);
  return bitString(bytes, 7 - (last & 7));
}

const DEPTH_MAX = 16;

/** Reads exactly one value that fills the input. */
export function readDer(input: Uint8Array): DerNode {
  const [node, ...more] = readAll(Buffer.from(input.buffer, input.byteOffset, input.byteLength), 0);
  if (node === undefined) throw new DerError('empty input');
  if (more.length > 0) throw new DerError('trailing bytes after the value');
  return node;
}

export function readOid(node: DerNode): string {
  expectTag(node, TAG.oid);
  const numbers: number[] = [];
  let value = 0;
  for (const byte of node.content) {
    value = value * 128 + (byte & 0x7f);
    if (!Number.isSafeInteger(value)) throw new DerError('object identifier too large');
    if (byte & 0x80) continue;
    numbers.push(value);
    value = 0;
  }
  const [head = 0, ...rest] = numbers;
  const first = Math.min(2, Math.floor(head / 40));
  return [first, head - first * 40, ...rest].join('.');
}

export function readText(node: DerNode): string {
  switch (node.tag) {
    case TAG.utf8String:
    case TAG.printableString:
    case TAG.ia5String:
      return node.content.toString('utf8');
    case TAG.teletexString:
      return node.content.toString('latin1');
    case TAG.bmpString:
      return Buffer.from(node.content.subarray(0, node.content.length & ~1))
        .swap16()
        .toString('utf16le');
    default:
      throw new DerError(`not a character string: tag 0x${node.tag.toString(16)}`);
  }
}

export function readBits(node: DerNode): number[] {
  const bytes = readBitString(node);
  return Array.from({ length: bytes.length * 8 }, (_, bit) => bit).filter(
    (bit) => bytes[bit >> 3]! & (0x80 >> (bit & 7)),
  );
}

export function readBitString(node: DerNode): Buffer {
  expectTag(node, TAG.bitString);
  if (node.content.length === 0 || node.content[0]! > 7) throw new DerError('malformed bit string');
  return node.content.subarray(1);
}

/** A bit string that holds whole bytes: a signature, a key. */
export function readBitStringBytes(node: DerNode): Buffer {
  const bytes = readBitString(node);
  if (node.content[0] !== 0) throw new DerError('a bit string of whole bytes was expected');
  return bytes;
}

export function expectTag(node: DerNode | undefined, tag: number): DerNode {
  if (node?.tag !== tag) {
    throw new DerError(`expected tag 0x${tag.toString(16)}, found ${node ? `0x${node.tag.toString(16)}` : 'the end'}`);
  }
  return node;
}

function readAll(input: Buffer, depth: number): DerNode[] {
  if (depth > DEPTH_MAX) throw new DerError('nested too deeply');
  const nodes: DerNode[] = [];
  let at = 0;
  while (at < input.length) {
    const node = readOne(input, at, depth);
    nodes.push(node);
    at += node.raw.length;
  }
  return nodes;
}

function readOne(input: Buffer, at: number, depth: number): DerNode {
  const tag = input[at]!;
  if ((tag & 0x1f) === 0x1f) throw new DerError('multi-byte tags are not used in certificates');
  const { length, size } = readLength(input, at + 1);
  const from = at + 1 + size;
  if (from + length > input.length) throw new DerError('value longer than its input');
  const content = input.subarray(from, from + length);
  const children = tag & 0x20 ? readAll(content, depth + 1) : [];
  return { tag, content, raw: input.subarray(at, from + length), children };
}

function readLength(input: Buffer, at: number): { length: number; size: number } {
  const first = input[at];
  if (first === undefined) throw new DerError('missing length');
  if (first < 0x80) return { length: first, size: 1 };
  const size = first & 0x7f;
  if (size === 0 || size > 4 || at + size >= input.length) throw new DerError('malformed length');
  return { length: input.readUIntBE(at + 1, size), size: size + 1 };
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest & 0xff);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

function base128(value: number): number[] {
  const bytes = [value & 0x7f];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) bytes.unshift(0x80 | (rest & 0x7f));
  return bytes;
}
