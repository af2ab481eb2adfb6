// Media types of request bodies. What comes out is plain JSON, whatever went in.
import { parseJson } from '../../api/schema/json.ts';
import { SyntaxProblem } from '../../api/schema/json-value.ts';
import { decodeObject, PROTOBUF } from '../../api/schema/protobuf-envelope.ts';
import { ProtobufProblem } from '../../api/schema/protobuf-wire.ts';
import type { Schema } from '../../api/schema/schema.ts';
import { parseYaml } from '../../api/schema/yaml.ts';
import { ApiError } from '../../api/status.ts';

export interface ParsedBody {
  readonly value: unknown;
  /** What a strict reader complains of, as it says it. */
  readonly complaints: readonly string[];
  /** The same, as a warning says it. */
  readonly warnings: readonly string[];
}

const BODIES = ['application/json', 'application/yaml', PROTOBUF];
export const PATCHES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
  'application/apply-patch+cbor',
];

export function mediaType(contentType: string): string {
  return contentType.split(';', 1)[0]!.trim().toLowerCase();
}

/** `schema` is what a protobuf message, which does not name its fields, is read with. */
export async function parseBody(bytes: Buffer, contentType: string, schema: Schema): Promise<ParsedBody> {
  switch (mediaType(contentType) || 'application/json') {
    case 'application/json': {
      const { value, duplicates } = parseJson(bytes);
      return { value, complaints: duplicates, warnings: duplicates };
    }
    case 'application/yaml':
      return parseYamlBody(bytes);
    case PROTOBUF:
      if (isCustom(schema)) throw unsupportedMediaType(TEXTS);
      return parseProtobuf(bytes, schema);
    default:
      throw unsupportedMediaType(isCustom(schema) ? TEXTS : BODIES);
  }
}

/** Custom kinds have no messages. */
const TEXTS = BODIES.filter((type) => type !== PROTOBUF);

function isCustom(schema: Schema): boolean {
  return schema.kind === 'object' && schema.custom === true;
}

async function parseYamlBody(bytes: Buffer): Promise<ParsedBody> {
  const { value, duplicates } = await parseYaml(bytes);
  const complaints = duplicates.length === 0 ? [] : [`yaml: unmarshal errors:\n  ${duplicates.join('\n  ')}`];
  return { value, complaints, warnings: duplicates };
}

function parseProtobuf(bytes: Buffer, schema: Schema): ParsedBody {
  try {
    return { value: decodeObject(schema, bytes).value, complaints: [], warnings: [] };
  } catch (err) {
    throw err instanceof ProtobufProblem ? new SyntaxProblem(err.message, { cause: err }) : err;
  }
}

export function unsupportedMediaType(supported: readonly string[]): ApiError {
  const accepted = supported.join(', ');
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted}`;
  return new ApiError(415, 'UnsupportedMediaType', message);
}
