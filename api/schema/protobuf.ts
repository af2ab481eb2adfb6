// Messages from definitions, in both directions: canonical JSON form on one side, the bytes that upstream's generated
// code writes on the other. A zero that JSON leaves out is written (proto2: what is no pointer is always there); what
// is read goes through the same canonicalisation as JSON does. Compiled once per schema.
import { decode } from './decode.ts';
import { MAX_DEPTH, setOwn, TOO_DEEP } from './json-value.ts';
import { type Codec, scalarCodec } from './protobuf-scalars.ts';
import { BYTES, ProtobufProblem, type Reader, type Wire, Reader as WireReader, Writer } from './protobuf-wire.ts';
import { type Field, type ObjectSchema, resolve, type Schema } from './schema.ts';

const scratch = new Writer();

/** The message of the value alone; protobuf-envelope.ts says what goes around it. */
export function encodeMessage(schema: Schema, value: unknown): Buffer {
  try {
    codecOf(schema).write(scratch, value ?? undefined);
    return scratch.take();
  } finally {
    scratch.clear();
  }
}

export function decodeMessage<T>(schema: Schema<T>, message: Buffer): T {
  const json = codecOf(schema).read(new WireReader(message), message.length, 0);
  return decode(schema, json).value;
}

const codecs = new WeakMap<object, Codec>();

export function codecOf(schema: Schema): Codec {
  let made = codecs.get(schema);
  if (made === undefined) {
    made = compile(schema);
    codecs.set(schema, made);
  }
  return made;
}

function compile(schema: Schema): Codec {
  switch (schema.kind) {
    case 'lazy':
      return codecOf(resolve(schema));
    case 'object':
      return objectCodec(schema);
    case 'list':
      return wrappedList(schema.items);
    case 'map':
      throw new Error('a map inside a list or map has no protobuf form');
    default:
      return scalarCodec(schema, codecOf);
  }
}

/** Writes one field of an object, and reads it into one. */
interface Part {
  readonly number: number;
  write(writer: Writer, object: Record<string, unknown>): void;
  read(reader: Reader, wire: number, limit: number, object: Record<string, unknown>, depth: number): void;
}

function objectCodec(schema: ObjectSchema): Codec {
  // Late, since definitions contain themselves.
  let message: Message | undefined;
  const own = () => {
    message ??= messageOf(
      Object.entries(schema.fields).filter(([, field]) => field.proto > 0),
      0,
    );
    return message;
  };
  return {
    wire: BYTES,
    write: (writer, value) => own().write(writer, (value ?? {}) as Record<string, unknown>),
    read(reader, limit, depth) {
      const object: Record<string, unknown> = {};
      own().read(reader, limit, object, depth);
      return object;
    },
  };
}

interface Message {
  write(writer: Writer, object: Record<string, unknown>): void;
  read(reader: Reader, limit: number, object: Record<string, unknown>, depth: number): void;
}

/** The fields that travel in this message; `level` says how many of their `via` lead to it. */
function messageOf(fields: readonly (readonly [string, Field])[], level: number): Message {
  const parts: Part[] = [];
  const inner = new Map<number, (readonly [string, Field])[]>();
  for (const [key, field] of fields) {
    const via = field.via?.[level];
    if (via === undefined) parts.push(fieldPart(key, field));
    else inner.set(via[0], [...(inner.get(via[0]) ?? []), [key, field]]);
  }
  for (const [number, nested] of inner) parts.push(nestedPart(number, messageOf(nested, level + 1)));
  parts.sort((a, b) => b.number - a.number);
  const byNumber = new Map(parts.map((part) => [part.number, part]));
  return {
    write(writer, object) {
      for (const part of parts) part.write(writer, object);
    },
    read(reader, limit, object, depth) {
      if (depth > MAX_DEPTH) throw new ProtobufProblem(TOO_DEEP);
      reader.fields(limit, (number, wire) => {
        const part = byNumber.get(number);
        if (part === undefined) return false;
        part.read(reader, wire, limit, object, depth);
        return true;
      });
    },
  };
}

/** JSON shows these fields flat; as a message inside the message they are always there. */
function nestedPart(number: number, message: Message): Part {
  return {
    number,
    write(writer, object) {
      const before = writer.size;
      message.write(writer, object);
      writer.close(number, before);
    },
    read(reader, wire, limit, object, depth) {
      expect(wire, BYTES, number);
      message.read(reader, reader.end(limit), object, depth + 1);
    },
  };
}

function fieldPart(key: string, field: Field): Part {
  const target = resolve(field.schema);
  if (target.kind === 'list') return listPart(key, field.proto, codecOf(target.items));
  if (target.kind === 'map') return mapPart(key, field.proto, codecOf(target.values));
  const number = field.proto;
  const codec = codecOf(target);
  // A slice of bytes and a pointer tell nothing from empty.
  const always = !field.ptr && target.kind !== 'bytes';
  return {
    number,
    write(writer, object) {
      const value = object[key] ?? undefined;
      if (value !== undefined || always) writeField(writer, number, codec, value);
    },
    read(reader, wire, limit, object, depth) {
      object[key] = readField(reader, wire, limit, codec, number, depth);
    },
  };
}

function writeField(writer: Writer, number: number, codec: Codec, value: unknown): void {
  const before = writer.size;
  codec.write(writer, value);
  if (codec.wire === BYTES) writer.close(number, before);
  else writer.tag(number, codec.wire);
}

function readField(reader: Reader, wire: number, limit: number, codec: Codec, number: number, depth: number): unknown {
  expect(wire, codec.wire, number);
  return codec.read(reader, codec.wire === BYTES ? reader.end(limit) : limit, depth + 1);
}

function expect(wire: number, wants: Wire, number: number): void {
  if (wire !== wants) throw new ProtobufProblem(`proto: wrong wireType = ${wire} for field ${number}`);
}

function listPart(key: string, number: number, codec: Codec): Part {
  return {
    number,
    write(writer, object) {
      const items = object[key];
      if (!Array.isArray(items)) return;
      for (let i = items.length - 1; i >= 0; i--) writeField(writer, number, codec, items[i] ?? undefined);
    },
    read(reader, wire, limit, object, depth) {
      const known = object[key] as unknown[] | undefined;
      const items = known ?? [];
      if (known === undefined) object[key] = items;
      if (wire === BYTES && codec.wire !== BYTES) {
        // Packed: upstream does not write it, but readers must know it.
        const end = reader.end(limit);
        while (reader.at < end) items.push(codec.read(reader, end, depth + 1));
      } else items.push(readField(reader, wire, limit, codec, number, depth));
    },
  };
}

/** Entries are messages of a key and a value, written in the order of their keys. */
function mapPart(key: string, number: number, codec: Codec): Part {
  return {
    number,
    write(writer, object) {
      const map = object[key] as Record<string, unknown> | undefined;
      if (map === undefined || map === null) return;
      for (const name of Object.keys(map).sort().reverse()) {
        const before = writer.size;
        writeField(writer, 2, codec, map[name] ?? undefined);
        writer.stringField(1, name);
        writer.close(number, before);
      }
    },
    read(reader, wire, limit, object, depth) {
      expect(wire, BYTES, number);
      const end = reader.end(limit);
      let name = '';
      let value: unknown = null;
      reader.fields(end, (inner, innerWire) => {
        if (inner === 1) {
          expect(innerWire, BYTES, inner);
          name = reader.text(end);
        } else if (inner === 2) value = readField(reader, innerWire, end, codec, inner, depth);
        else return false;
        return true;
      });
      const known = object[key] as Record<string, unknown> | undefined;
      const map = known ?? {};
      if (known === undefined) object[key] = map;
      setOwn(map, name, value);
    },
  };
}

/** A list where a message must be (a value of a map): upstream wraps it, as in ExtraValue. */
function wrappedList(itemSchema: Schema): Codec {
  const items = listPart('items', 1, codecOf(itemSchema));
  return {
    wire: BYTES,
    write: (writer, value) => items.write(writer, { items: value }),
    read(reader, limit, depth) {
      const object: Record<string, unknown> = { items: [] };
      reader.fields(limit, (number, wire) => {
        if (number !== 1) return false;
        items.read(reader, wire, limit, object, depth);
        return true;
      });
      return object['items'];
    },
  };
}
