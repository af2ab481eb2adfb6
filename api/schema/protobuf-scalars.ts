// How scalars travel: numbers and texts as themselves; times, quantities and raw JSON as small messages of their own.
import { formatDuration, parseDuration } from './go-duration.ts';
import { formatMicroTime, formatTime, timeOf } from './go-time.ts';
import { parseJson } from './json.ts';
import { jsonSchema, schemaOr } from './json-schema-or.ts';
import { type BigNumber, fromBigInt, isBigNumber, SyntaxProblem } from './json-value.ts';
import { BYTES, FIXED64, ProtobufProblem, type Reader, VARINT, type Wire, type Writer } from './protobuf-wire.ts';
import type { ScalarSchema, Schema } from './schema.ts';

export interface Codec {
  readonly wire: Wire;
  /** Writes the value without tag and length; undefined is its zero. */
  write(writer: Writer, value: unknown): void;
  /** Reads a value that ends at the limit (numbers end by themselves). */
  read(reader: Reader, limit: number, depth: number): unknown;
}

type CodecOf = (schema: Schema) => Codec;

export function scalarCodec(schema: ScalarSchema, codecOf: CodecOf): Codec {
  switch (schema.kind) {
    case 'string':
      return string;
    case 'boolean':
      return boolean;
    case 'int32':
      return int32;
    case 'int64':
      return int64;
    case 'double':
      return double;
    case 'bytes':
      return bytes;
    case 'quantity':
      return quantity;
    case 'intOrString':
      return intOrString;
    case 'time':
      return timeCodec(formatTime, false);
    case 'microTime':
      return timeCodec((seconds, nanos) => formatMicroTime(seconds, nanos), true);
    case 'duration':
      return duration;
    case 'any':
      return anyCodec(schema, codecOf);
    default:
      return schema.kind satisfies never;
  }
}

const string: Codec = {
  wire: BYTES,
  write: (writer, value) => writer.text((value as string | undefined) ?? ''),
  read: readText,
};

function readText(reader: Reader, limit: number): string {
  const value = reader.buffer.toString('utf8', reader.at, limit);
  reader.at = limit;
  return value;
}

const boolean: Codec = {
  wire: VARINT,
  write: (writer, value) => writer.varint(value === true ? 1 : 0),
  read: (reader) => reader.varint() !== 0,
};
const int32: Codec = {
  wire: VARINT,
  write: (writer, value) => writer.integer((value as number | undefined) ?? 0),
  read: (reader) => reader.int32(),
};
const int64: Codec = {
  wire: VARINT,
  write: (writer, value) => writer.integer((value as number | BigNumber | undefined) ?? 0),
  read: (reader) => reader.int64(),
};
const double: Codec = {
  wire: FIXED64,
  write: (writer, value) => writer.double((value as number | undefined) ?? 0),
  read(reader) {
    const value = reader.double();
    if (!Number.isFinite(value)) throw new ProtobufProblem('proto: a number that JSON cannot say');
    return value;
  },
};
const bytes: Codec = {
  wire: BYTES,
  write: (writer, value) => writer.raw(Buffer.from((value as string | undefined) ?? '', 'base64')),
  read(reader, limit) {
    const value = reader.buffer.toString('base64', reader.at, limit);
    reader.at = limit;
    return value;
  },
};

/** A message with one text in field 1. */
const quantity: Codec = {
  wire: BYTES,
  write: (writer, value) => writer.stringField(1, (value as string | undefined) ?? '0'),
  read(reader, limit) {
    let text = '0';
    reader.fields(limit, (field, wire) => {
      if (field !== 1 || wire !== BYTES) return false;
      text = reader.text(limit);
      return true;
    });
    return text;
  },
};

const INT = 0;
const STRING = 1;
const intOrString: Codec = {
  wire: BYTES,
  write(writer, value = 0) {
    const isText = typeof value === 'string';
    writer.stringField(3, isText ? value : '');
    writer.integer(isText ? 0 : (value as number));
    writer.tag(2, VARINT);
    writer.varint(isText ? STRING : INT);
    writer.tag(1, VARINT);
  },
  read(reader, limit) {
    let type: unknown = INT;
    let number = 0;
    let text = '';
    reader.fields(limit, (field, wire) => {
      if (field === 1 && wire === VARINT) type = reader.int64();
      else if (field === 2 && wire === VARINT) number = reader.int32();
      else if (field === 3 && wire === BYTES) text = reader.text(limit);
      else return false;
      return true;
    });
    return type === STRING ? text : number;
  },
};

/** Seconds and nanoseconds; the zero time is an empty message. */
function timeCodec(format: (seconds: number, nanos: number) => string | undefined, hasNanos: boolean): Codec {
  return {
    wire: BYTES,
    write(writer, value) {
      if (typeof value !== 'string') return;
      const { seconds, nanos } = timeOf(value);
      writer.integer(hasNanos ? nanos : 0);
      writer.tag(2, VARINT);
      writer.integer(seconds);
      writer.tag(1, VARINT);
    },
    read(reader, limit) {
      if (reader.at === limit) return null;
      let seconds: unknown = 0;
      let nanos = 0;
      reader.fields(limit, (field, wire) => {
        if (field === 1 && wire === VARINT) seconds = reader.int64();
        else if (field === 2 && wire === VARINT) nanos = reader.int32();
        else return false;
        return true;
      });
      if (typeof seconds !== 'number' || nanos < 0 || nanos > 999_999_999) throw new ProtobufProblem('proto: bad time');
      try {
        return format(seconds, nanos) ?? null;
      } catch (cause) {
        throw new ProtobufProblem('proto: bad time', { cause });
      }
    },
  };
}

const duration: Codec = {
  wire: BYTES,
  write(writer, value) {
    const nanos = typeof value === 'string' ? parseDuration(value) : 0n;
    writer.integer(fromBigInt(nanos) ?? 0);
    writer.tag(1, VARINT);
  },
  read(reader, limit) {
    let nanos: number | BigNumber = 0;
    reader.fields(limit, (field, wire) => {
      if (field !== 1 || wire !== VARINT) return false;
      nanos = reader.int64();
      return true;
    });
    return formatDuration(BigInt(isBigNumber(nanos) ? (nanos as BigNumber).rawJSON : nanos));
  },
};

const ENVELOPE = Buffer.from('k8s\0', 'latin1');

/** RawExtension, FieldsV1 and JSON: JSON text in field 1. */
const rawJson: Codec = {
  wire: BYTES,
  write(writer, value) {
    if (value !== undefined) writer.stringField(1, JSON.stringify(value));
  },
  read(reader, limit) {
    let raw: Buffer | undefined;
    reader.fields(limit, (field, wire) => {
      if (field !== 1 || wire !== BYTES) return false;
      raw = reader.bytes(limit);
      return true;
    });
    if (raw === undefined || raw.length === 0) return null;
    if (raw.subarray(0, 4).equals(ENVELOPE)) throw new ProtobufProblem('an object inside the object is not JSON');
    try {
      return parseJson(raw).value;
    } catch (cause) {
      if (cause instanceof SyntaxProblem) throw new ProtobufProblem(cause.message, { cause });
      throw cause;
    }
  },
};

/** What JSON Schema leaves open is two fields in protobuf: a schema, or the other thing. */
function anyCodec(schema: ScalarSchema, codecOf: CodecOf): Codec {
  switch (schemaOr(schema)) {
    case 'boolean':
      return schemaOrBool(codecOf(jsonSchema));
    case 'schemas':
      return schemaOrList(codecOf(jsonSchema), codecOf(jsonSchema));
    case 'strings':
      return schemaOrList(codecOf(jsonSchema), string);
    default:
      return rawJson;
  }
}

const ONE = 1;
const MANY = 2;

function schemaOrBool(schema: Codec): Codec {
  return {
    wire: BYTES,
    write(writer, value) {
      if (typeof value === 'object') {
        const before = writer.size;
        schema.write(writer, value);
        writer.close(2, before);
      }
      // A schema allows what it describes.
      writer.varint(value === true || typeof value === 'object' ? 1 : 0);
      writer.tag(1, VARINT);
    },
    read(reader, limit, depth) {
      let value: unknown = false;
      reader.fields(limit, (field, wire) => {
        if (field === 1 && wire === VARINT) {
          const allows = reader.varint() !== 0;
          if (typeof value === 'boolean') value = allows;
        } else if (field === 2 && wire === BYTES) value = schema.read(reader, reader.end(limit), depth + 1);
        else return false;
        return true;
      });
      return value;
    },
  };
}

function schemaOrList(schema: Codec, item: Codec): Codec {
  return {
    wire: BYTES,
    write(writer, value) {
      const items = Array.isArray(value) ? value : [];
      for (let i = items.length - 1; i >= 0; i--) {
        const before = writer.size;
        item.write(writer, items[i]);
        writer.close(MANY, before);
      }
      if (Array.isArray(value) || value === undefined) return;
      const before = writer.size;
      schema.write(writer, value);
      writer.close(ONE, before);
    },
    read(reader, limit, depth) {
      let single: unknown;
      const items: unknown[] = [];
      reader.fields(limit, (field, wire) => {
        if (field === ONE && wire === BYTES) single = schema.read(reader, reader.end(limit), depth + 1);
        else if (field === MANY && wire === BYTES) items.push(item.read(reader, reader.end(limit), depth + 1));
        else return false;
        return true;
      });
      return single ?? items;
    },
  };
}
