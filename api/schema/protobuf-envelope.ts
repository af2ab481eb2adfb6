// What surrounds messages on the wire: the envelope that names the kind, lists made of items that are encoded already,
// and the frames of a watch. Facts: runtime.Unknown and meta.v1.WatchEvent.
import { decodeMessage, encodeMessage } from './protobuf.ts';
import { BYTES, ProtobufProblem, Reader, Writer } from './protobuf-wire.ts';
import type { Schema } from './schema.ts';

export const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const MAGIC = Buffer.from('k8s\0', 'latin1');

export interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  /** Shares memory with the envelope. */
  readonly message: Buffer;
}

const scratch = new Writer();

/** Empty contentEncoding and contentType, which upstream writes. */
const TRAILER = Buffer.from([0x1a, 0x00, 0x22, 0x00]);

export function envelope(apiVersion: string, kind: string, message: Buffer): Buffer {
  return Buffer.concat(envelopeChunks(apiVersion, kind, [message]));
}

/** An envelope around a message that comes in pieces; nothing is copied. */
function envelopeChunks(apiVersion: string, kind: string, message: readonly Buffer[]): Buffer[] {
  const size = message.reduce((sum, chunk) => sum + chunk.length, 0);
  scratch.varint(size);
  scratch.tag(2, BYTES);
  const before = scratch.size;
  scratch.stringField(2, kind);
  scratch.stringField(1, apiVersion);
  scratch.close(1, before);
  scratch.raw(MAGIC);
  return [scratch.take(), ...message, TRAILER];
}

interface Named {
  readonly apiVersion: string;
  readonly kind: string;
}

export function encodeObject(schema: Schema, value: Named): Buffer {
  return envelope(value.apiVersion, value.kind, encodeMessage(schema, value));
}

/** A list whose items are messages already. `metadata` is the encoded ListMeta. */
export function encodeList(apiVersion: string, kind: string, metadata: Buffer, items: readonly Buffer[]): Buffer[] {
  const chunks: Buffer[] = [fieldHeader(1, metadata.length), metadata];
  for (const item of items) chunks.push(fieldHeader(2, item.length), item);
  return envelopeChunks(apiVersion, kind, chunks);
}

function fieldHeader(field: number, length: number): Buffer {
  scratch.varint(length);
  scratch.tag(field, BYTES);
  return scratch.take();
}

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

/** Length, then a WatchEvent without magic whose object is a whole envelope. */
export function watchFrame(type: WatchEventType, object: Buffer): Buffer {
  scratch.raw(object);
  scratch.varint(object.length);
  scratch.tag(1, BYTES);
  scratch.close(2, 0);
  scratch.stringField(1, type);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(scratch.size);
  scratch.raw(length);
  return scratch.take();
}

export function readWatchEvent(frame: Buffer): { type: string; object: Buffer } {
  const reader = new Reader(frame);
  let type = '';
  let object = frame.subarray(0, 0);
  reader.fields(frame.length, (field, wire) => {
    if (wire !== BYTES) return false;
    if (field === 1) type = reader.text(frame.length);
    else if (field === 2) {
      const end = reader.end(frame.length);
      reader.fields(end, (inner, innerWire) => {
        if (inner !== 1 || innerWire !== BYTES) return false;
        object = reader.bytes(end);
        return true;
      });
    } else return false;
    return true;
  });
  return { type, object };
}

export function isEnvelope(bytes: Buffer): boolean {
  return bytes.length >= 4 && bytes.subarray(0, 4).equals(MAGIC);
}

export function readEnvelope(bytes: Buffer): Envelope {
  if (!isEnvelope(bytes)) {
    if (bytes.length === 0) throw new ProtobufProblem('empty data');
    throw new ProtobufProblem('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  }
  if (bytes.length === MAGIC.length) throw new ProtobufProblem('empty body');
  const reader = new Reader(bytes, MAGIC.length);
  const { length } = bytes;
  let apiVersion = '';
  let kind = '';
  let message = bytes.subarray(length);
  let encoding = '';
  reader.fields(length, (field, wire) => {
    if (wire !== BYTES) return false;
    if (field === 1) {
      const end = reader.end(length);
      reader.fields(end, (inner, innerWire) => {
        if (innerWire !== BYTES) return false;
        if (inner === 1) apiVersion = reader.text(end);
        else if (inner === 2) kind = reader.text(end);
        else return false;
        return true;
      });
    } else if (field === 2) message = reader.bytes(length);
    else if (field === 3) encoding = reader.text(length);
    else return false;
    return true;
  });
  if (encoding !== '') throw new ProtobufProblem(`content encoding ${JSON.stringify(encoding)} is not supported`);
  return { apiVersion, kind, message };
}

export interface Decoded<T> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly value: T;
}

/** The kind travels in the envelope only; the value gets it back where it has a place for it. */
export function decodeObject<T>(schema: Schema<T>, bytes: Buffer): Decoded<T> {
  const { apiVersion, kind, message } = readEnvelope(bytes);
  const value = decodeMessage(schema, message);
  return { apiVersion, kind, value: { ...(apiVersion && { apiVersion }), ...(kind && { kind }), ...value } };
}
