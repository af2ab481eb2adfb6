// ApiResponses as bytes. JSON of stored objects is there already: it is framed, never encoded again.
import { apiVersionOf, type ResourceDefinition } from '../../api/resource.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import type { CachedObject } from '../cache/contract.ts';
import type { ListResponse, ObjectResponse, ValueResponse } from '../registry/request.ts';
import type { Answer } from './answer.ts';

const NEWLINE = Buffer.from('\n');
const COMMA = Buffer.from(',');
const OPEN = Buffer.from('{');
const END = Buffer.from(']}\n');
const JSON_TYPE = 'application/json';

export function objectAnswer({ code, object }: ObjectResponse): Answer {
  const { bytes } = object;
  return { code, contentType: JSON_TYPE, chunks: [bytes, NEWLINE], length: bytes.length + 1 };
}

export function valueAnswer({ code, value }: ValueResponse): Answer {
  if (code === 204) return { code, chunks: [] };
  return jsonAnswer(code, value);
}

export function jsonAnswer(code: number, value: unknown, pretty = false): Answer {
  const text = pretty ? JSON.stringify(value, undefined, 2) : `${JSON.stringify(value)}\n`;
  const bytes = Buffer.from(text);
  return { code, contentType: JSON_TYPE, chunks: [bytes], length: bytes.length };
}

export function listMeta({ revision, continue: token, remaining }: ListResponse): object {
  return {
    resourceVersion: String(revision),
    ...(token !== undefined && { continue: token }),
    ...(remaining !== undefined && { remainingItemCount: remaining }),
  };
}

/** A list of custom objects says that nothing follows where others say nothing. */
export function metaOfList({ schema }: ResourceDefinition, response: ListResponse): object {
  return schema.custom ? { continue: '', ...listMeta(response) } : listMeta(response);
}

/** Items of a list do not repeat their kind, so the head that every stored object begins with is cut off. */
export function listAnswer(definition: ResourceDefinition, response: ListResponse): Answer {
  const head = {
    kind: definition.listKind,
    apiVersion: apiVersionOf(definition),
    metadata: metaOfList(definition, response),
  };
  const begin = Buffer.from(`${JSON.stringify(head).slice(0, -1)},"items":[`);
  // Custom objects keep their kind in lists.
  const cut = definition.schema.custom ? Buffer.alloc(0) : itemHead(definition);
  let length = begin.length + END.length;
  for (const [i, item] of response.items.entries()) length += bodyOf(item, cut).length + 1 + (i > 0 ? 1 : 0);
  return { code: 200, contentType: JSON_TYPE, chunks: listChunks(begin, response.items, cut), length };
}

function* listChunks(begin: Buffer, items: readonly CachedObject[], cut: Buffer): Iterable<Buffer> {
  yield begin;
  let first = true;
  for (const item of items) {
    if (!first) yield COMMA;
    first = false;
    yield OPEN;
    yield bodyOf(item, cut);
  }
  yield END;
}

function itemHead(definition: ResourceDefinition): Buffer {
  const { kind } = definition;
  return Buffer.from(`${JSON.stringify({ kind, apiVersion: apiVersionOf(definition) }).slice(0, -1)},`);
}

/** What follows the opening brace. */
function bodyOf({ bytes }: CachedObject, head: Buffer): Buffer {
  const isOurs = head.length > 0 && bytes.length > head.length && bytes.subarray(0, head.length).equals(head);
  return bytes.subarray(isOurs ? head.length : 1);
}

/** Frames of watch events made so far: as many as there were events somebody watched, however many watched. */
export const encoded = { watchFrames: 0 };

const frames = new WeakMap<CachedObject, Map<string, Buffer>>();

/** A watch event as a line, made once and shared by all who watch. */
export function watchFrame(type: string, object: CachedObject): Buffer {
  const byType = frames.get(object) ?? new Map<string, Buffer>();
  frames.set(object, byType);
  const known = byType.get(type);
  if (known !== undefined) return known;
  const before = `{"type":"${type}","object":`;
  const { bytes } = object;
  const frame = Buffer.allocUnsafeSlow(before.length + bytes.length + 2);
  frame.write(before, 0, 'latin1');
  bytes.copy(frame, before.length);
  frame.write('}\n', before.length + bytes.length, 'latin1');
  byType.set(type, frame);
  encoded.watchFrames++;
  return frame;
}

export function eventLine(type: string, object: unknown): Buffer {
  return Buffer.from(`${JSON.stringify({ type, object })}\n`);
}

/** What carries a version and nothing else. */
export function bookmarkObject(
  definition: ResourceDefinition,
  revision: number,
  initialEventsEnd: boolean,
): KubeObject {
  const annotations = initialEventsEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {};
  const metadata = { resourceVersion: String(revision), ...annotations } as KubeObject['metadata'];
  return { kind: definition.kind, apiVersion: apiVersionOf(definition), metadata };
}

export function bookmarkLine(definition: ResourceDefinition, revision: number, initialEventsEnd: boolean): Buffer {
  return eventLine('BOOKMARK', bookmarkObject(definition, revision, initialEventsEnd));
}
