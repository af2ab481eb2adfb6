// The OpenAPI v2 document as protobuf, which is how older clients ask for it: the messages of gnostic's openapi.v2.
// Each part of the document becomes one field, so that the whole is its parts one after the other.

import type { Json } from '../../api/schema/openapi.ts';
import { BYTES, FIXED64, VARINT, Writer } from '../../api/schema/protobuf-wire.ts';

type Write = (writer: Writer, json: Json) => void;
type WriteValue = (writer: Writer, value: never) => void;

const scratch = new Writer();

function nested(writer: Writer, field: number, write: () => void): void {
  const before = writer.size;
  write();
  writer.close(field, before);
}

const text =
  (field: number, key: string): Write =>
  (writer, json) => {
    if (typeof json[key] === 'string') writer.stringField(field, json[key]);
  };
const flag =
  (field: number, key: string): Write =>
  (writer, json) => {
    if (json[key] !== true) return;
    writer.varint(1);
    writer.tag(field, VARINT);
  };
const whole =
  (field: number, key: string): Write =>
  (writer, json) => {
    if (typeof json[key] !== 'number') return;
    writer.integer(json[key]);
    writer.tag(field, VARINT);
  };
const real =
  (field: number, key: string): Write =>
  (writer, json) => {
    if (typeof json[key] !== 'number') return;
    writer.double(json[key]);
    writer.tag(field, FIXED64);
  };
const texts =
  (field: number, key: string): Write =>
  (writer, json) => {
    for (const item of listOf(json[key]).toReversed()) writer.stringField(field, String(item));
  };
const sub =
  (field: number, key: string, write: WriteValue): Write =>
  (writer, json) => {
    if (json[key] !== undefined) nested(writer, field, () => write(writer, json[key] as never));
  };
const many =
  (field: number, key: string, write: WriteValue): Write =>
  (writer, json) => {
    for (const item of listOf(json[key]).toReversed()) nested(writer, field, () => write(writer, item as never));
  };

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A message whose fields are written in this order; the writer works backwards. */
const message = (...fields: Write[]): Write => {
  const reversed = fields.toReversed();
  return (writer, json) => {
    for (const field of reversed) field(writer, json);
  };
};

/** A map as a list of name and value. */
function named(writer: Writer, field: number, name: string, write: () => void): void {
  nested(writer, field, () => {
    nested(writer, 2, write);
    writer.stringField(1, name);
  });
}
const namedAll =
  (field: number, write: WriteValue): Write =>
  (writer, json) => {
    for (const [name, value] of Object.entries(json).toReversed()) {
      named(writer, field, name, () => write(writer, value as never));
    }
  };

/** Any value is kept as YAML, of which JSON is a part. */
const anyValue = (writer: Writer, value: unknown) => writer.stringField(2, JSON.stringify(value));
const extensions =
  (field: number): Write =>
  (writer, json) => {
    for (const [name, value] of Object.entries(json).toReversed()) {
      if (name.startsWith('x-')) named(writer, field, name, () => anyValue(writer, value));
    }
  };

const schema: Write = (writer, json) => schemaMessage(writer, json);
const additional: WriteValue = (writer: Writer, value: Json | boolean) => {
  if (typeof value === 'object') nested(writer, 1, () => schema(writer, value));
  else {
    writer.varint(value ? 1 : 0);
    writer.tag(2, VARINT);
  }
};
const schemaMessage = message(
  text(1, '$ref'),
  text(2, 'format'),
  text(3, 'title'),
  text(4, 'description'),
  sub(5, 'default', anyValue),
  real(6, 'multipleOf'),
  real(7, 'maximum'),
  flag(8, 'exclusiveMaximum'),
  real(9, 'minimum'),
  flag(10, 'exclusiveMinimum'),
  whole(11, 'maxLength'),
  whole(12, 'minLength'),
  text(13, 'pattern'),
  whole(14, 'maxItems'),
  whole(15, 'minItems'),
  flag(16, 'uniqueItems'),
  whole(17, 'maxProperties'),
  whole(18, 'minProperties'),
  texts(19, 'required'),
  many(20, 'enum', anyValue),
  sub(21, 'additionalProperties', additional),
  sub(22, 'type', (writer: Writer, type: string) => writer.stringField(1, type)),
  sub(23, 'items', (writer: Writer, items: Json) => nested(writer, 1, () => schema(writer, items))),
  many(24, 'allOf', schema),
  sub(25, 'properties', namedAll(1, schema)),
  extensions(31),
);

const bodyParameter = message(
  text(1, 'description'),
  text(2, 'name'),
  text(3, 'in'),
  flag(4, 'required'),
  sub(5, 'schema', schema),
);
/** Parameters in the query have one field more than those in the path, and all after it move by one. */
const plainParameter = (shift: 0 | 1) =>
  message(
    flag(1, 'required'),
    text(2, 'in'),
    text(3, 'description'),
    text(4, 'name'),
    text(5 + shift, 'type'),
    text(6 + shift, 'format'),
    flag(19 + shift, 'uniqueItems'),
  );
const queryParameter = plainParameter(1);
const pathParameter = plainParameter(0);

const parameter: Write = (writer, json) => {
  if (json['in'] === 'body') nested(writer, 1, () => bodyParameter(writer, json));
  else if (json['in'] === 'path') nested(writer, 2, () => nested(writer, 4, () => pathParameter(writer, json)));
  else nested(writer, 2, () => nested(writer, 3, () => queryParameter(writer, json)));
};
const parameterItem: Write = (writer, json) => {
  if (json['$ref'] === undefined) nested(writer, 1, () => parameter(writer, json));
  else nested(writer, 2, () => text(1, '$ref')(writer, json));
};

const response = message(
  text(1, 'description'),
  sub(2, 'schema', (writer: Writer, json: Json) => nested(writer, 1, () => schema(writer, json))),
);
const responses = namedAll(1, (writer: Writer, json: Json) => nested(writer, 1, () => response(writer, json)));

const operation = message(
  texts(1, 'tags'),
  text(3, 'description'),
  text(5, 'operationId'),
  texts(6, 'produces'),
  texts(7, 'consumes'),
  many(8, 'parameters', parameterItem),
  sub(9, 'responses', responses),
  texts(10, 'schemes'),
  extensions(13),
);
const path = message(
  sub(2, 'get', operation),
  sub(3, 'put', operation),
  sub(4, 'post', operation),
  sub(5, 'delete', operation),
  sub(6, 'options', operation),
  sub(7, 'head', operation),
  sub(8, 'patch', operation),
  many(9, 'parameters', parameterItem),
);

const head = message(text(1, 'swagger'), sub(2, 'info', message(text(1, 'title'), text(2, 'version'))));
const security = message(
  many(
    12,
    'security',
    namedAll(1, () => {}),
  ),
  sub(
    13,
    'securityDefinitions',
    namedAll(1, (writer: Writer, json: Json) =>
      nested(writer, 2, () => message(text(1, 'type'), text(2, 'name'), text(3, 'in'))(writer, json)),
    ),
  ),
);

function bytesOf(write: (writer: Writer) => void): Buffer {
  try {
    write(scratch);
    return scratch.take();
  } finally {
    scratch.clear();
  }
}

export function encodePath(name: string, item: Json): Buffer {
  return bytesOf((writer) => named(writer, 2, name, () => path(writer, item)));
}

export function encodeDefinition(name: string, definition: Json): Buffer {
  return bytesOf((writer) => named(writer, 1, name, () => schema(writer, definition)));
}

export interface DocumentParts {
  /** swagger, info, security, securityDefinitions. */
  readonly around: Json;
  readonly parameters: Json;
  readonly paths: readonly Buffer[];
  readonly definitions: readonly Buffer[];
}

export function encodeDocument({ around, parameters, paths, definitions }: DocumentParts): Buffer {
  const field = (number: number, parts: readonly Buffer[]): Buffer[] => {
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    const header = bytesOf((writer) => {
      writer.varint(size);
      writer.tag(number, BYTES);
    });
    return [header, ...parts];
  };
  return Buffer.concat([
    bytesOf((writer) => head(writer, around)),
    ...field(8, paths),
    ...field(9, definitions),
    ...field(10, [bytesOf((writer) => namedAll(1, parameter)(writer, parameters))]),
    bytesOf((writer) => security(writer, around)),
  ]);
}
