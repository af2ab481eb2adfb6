// In which form an answer is given. JSON is what is stored; protobuf, Tables and metadata alone are made from it, and
// what is made of a stored object is made once for all who ask.
import { apiVersionOf } from '../../api/resource.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import { encodeMessage } from '../../api/schema/protobuf.ts';
import { encodeList, encodeObject, watchFrame as protobufFrame } from '../../api/schema/protobuf-envelope.ts';
import type { Schema } from '../../api/schema/schema.ts';
import { ListMeta } from '../../api/types/meta/list-meta.ts';
import { Status } from '../../api/types/meta/status.ts';
import type { CachedObject } from '../cache/contract.ts';
import type { Registry } from '../registry/registry.ts';
import type { ApiRequest, ListResponse, ObjectResponse, ValueResponse } from '../registry/request.ts';
import { DECODED_PER_TURN, mapInTurns } from '../registry/turns.ts';
import type { Answer, Req } from './answer.ts';
import { cellsOf } from './cells/index.ts';
import {
  bookmarkLine,
  bookmarkObject,
  eventLine,
  jsonAnswer,
  listAnswer,
  listMeta,
  metaOfList,
  objectAnswer,
  valueAnswer,
  watchFrame,
} from './encode.ts';
import { type Chosen, CONTENT_TYPES, negotiate, WATCH_TYPES } from './negotiate.ts';
import {
  includeObject,
  partialMetadata,
  partialMetadataList,
  type TableRequest,
  tableEvent,
  tableOf,
} from './tables.ts';
import type { WatchEncoding } from './watch-stream.ts';
import { yamlAnswer } from './yaml-answer.ts';

export interface Representation {
  object(response: ObjectResponse): Answer | Promise<Answer>;
  list(response: ListResponse): Answer | Promise<Answer>;
  value(response: ValueResponse): Answer | Promise<Answer>;
  watch(): WatchEncoding;
}

export function representationOf(req: Req, request: ApiRequest, registry: Registry): Representation {
  const { resource, verb } = request;
  const accept = req.headers.accept;
  const chosen = negotiate(accept, { watch: verb === 'watch', protobuf: !resource.schema.custom });
  if (chosen.as === 'Table') return table(request, registry, chosen, isPretty(req, request));
  if (chosen.as !== undefined) return metadataOnly(request, chosen, isPretty(req, request));
  if (chosen.encoding === 'protobuf') return protobuf(request);
  if (chosen.encoding === 'yaml') return inYaml(request);
  return isPretty(req, request) ? pretty(request) : json(request);
}

/** For people: asked for, or a client that only people use. */
function isPretty(req: Req, { options }: ApiRequest): boolean {
  const asked = options.query.get('pretty');
  if (asked !== null && asked !== '') return asked !== 'false' && asked !== '0';
  return /^(curl|Wget|Mozilla)\b/.test(String(req.headers['user-agent'] ?? ''));
}

function json({ resource }: ApiRequest): Representation {
  return {
    object: objectAnswer,
    list: (response) => listAnswer(resource, response),
    value: valueAnswer,
    watch: () => ({
      contentType: WATCH_TYPES.json,
      event: watchFrame,
      bookmark: (revision, initialEventsEnd) => bookmarkLine(resource, revision, initialEventsEnd),
      error: (status) => eventLine('ERROR', status),
    }),
  };
}

/** Items of a list do not repeat their kind. */
async function listValue({ resource }: ApiRequest, response: ListResponse): Promise<object> {
  const items = await mapInTurns(response.items, DECODED_PER_TURN, (item) => {
    const object = item.decoded() as KubeObject;
    if (resource.schema.custom) return object;
    const { apiVersion: _v, kind: _k, ...rest } = object;
    return rest;
  });
  return {
    kind: resource.listKind,
    apiVersion: apiVersionOf(resource),
    metadata: metaOfList(resource, response),
    items,
  };
}

function pretty(request: ApiRequest): Representation {
  return {
    ...json(request),
    object: ({ code, object }) => jsonAnswer(code, JSON.parse(object.bytes.toString()), true),
    list: async (response) => jsonAnswer(200, await listValue(request, response), true),
    value: ({ code, value }) => jsonAnswer(code, value, true),
  };
}

function inYaml(request: ApiRequest): Representation {
  return {
    ...json(request),
    object: ({ code, object }) => yamlAnswer(code, JSON.parse(object.bytes.toString())),
    list: async (response) => yamlAnswer(200, await listValue(request, response)),
    value: ({ code, value }) => yamlAnswer(code, value),
  };
}

// ------------------------------------------------------------------ protobuf

const envelopes = new WeakMap<CachedObject, Buffer>();
const messages = new WeakMap<CachedObject, Buffer>();

function kept(of: WeakMap<CachedObject, Buffer>, object: CachedObject, make: () => Buffer): Buffer {
  const known = of.get(object);
  if (known !== undefined) return known;
  const made = make();
  of.set(object, made);
  return made;
}

function protobuf(request: ApiRequest): Representation {
  const { resource } = request;
  const { schema } = resource;
  const envelope = (object: CachedObject) =>
    kept(envelopes, object, () => encodeObject(schema, object.decoded() as KubeObject));
  const answer = (code: number, chunks: readonly Buffer[]): Answer => {
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    return { code, contentType: CONTENT_TYPES.protobuf, chunks, length };
  };
  return {
    object: ({ code, object }) => answer(code, [envelope(object)]),
    async list(response) {
      const encode = (item: CachedObject) => kept(messages, item, () => encodeMessage(schema, item.decoded()));
      const items = await mapInTurns(response.items, DECODED_PER_TURN, encode);
      const metadata = encodeMessage(ListMeta, listMeta(response));
      return answer(200, encodeList(apiVersionOf(resource), resource.listKind, metadata, items));
    },
    value(response) {
      const known = schemaOf(response.value as KubeObject, request);
      if (known === undefined) return valueAnswer(response);
      return answer(response.code, [encodeObject(known, response.value as KubeObject)]);
    },
    watch: () => ({
      contentType: WATCH_TYPES.protobuf,
      event: (type, object) => protobufFrame(type, envelope(object)),
      bookmark: (revision, initialEventsEnd) =>
        protobufFrame('BOOKMARK', encodeObject(schema, bookmarkObject(resource, revision, initialEventsEnd))),
      error: (status) => protobufFrame('ERROR', encodeObject(Status as Schema, status)),
    }),
  };
}

/** What is told in another kind than the resource's own: a Status, or what the subresource takes. */
function schemaOf({ kind }: KubeObject, { resource, subresource }: ApiRequest): Schema | undefined {
  if (kind === 'Status') return Status as Schema;
  if (kind === resource.kind) return resource.schema;
  const own = subresource === undefined ? undefined : resource.subresources[subresource];
  return own?.kind === kind ? own.schema : undefined;
}

// ------------------------------------------------------------------ Tables and metadata

function table(request: ApiRequest, registry: Registry, { version }: Chosen, isForPeople: boolean): Representation {
  const { resource, options } = request;
  const include = includeObject(options.query.get('includeObject'));
  const { cells, rowConditions } = cellsOf(resource);
  const rows = (): TableRequest => ({
    ...{ resource, version, include, nowMs: registry.clock.now() },
    cells,
    conditions: rowConditions,
  });
  const say = (code: number, value: object) => jsonAnswer(code, value, isForPeople);
  return {
    object: ({ code, object }) => {
      const decoded = object.decoded() as KubeObject;
      const { resourceVersion } = decoded.metadata;
      return say(code, tableOf([decoded], { ...(resourceVersion && { resourceVersion }) }, rows()));
    },
    async list(response) {
      const request = rows();
      const one = (item: CachedObject) => tableOf([item.decoded() as KubeObject], {}, request).rows;
      const made = await mapInTurns(response.items, DECODED_PER_TURN, one);
      return say(200, { ...tableOf([], listMeta(response), request), rows: made.flat() });
    },
    value: ({ code, value }) => say(code, value),
    watch() {
      let first = true;
      return {
        contentType: WATCH_TYPES.json,
        event(type, object) {
          const line = eventLine(type, tableEvent(object.decoded() as KubeObject, first, rows()));
          first = false;
          return line;
        },
        bookmark(revision, initialEventsEnd) {
          const object = bookmarkObject(resource, revision, initialEventsEnd);
          const line = eventLine('BOOKMARK', tableEvent(object, first, rows()));
          first = false;
          return line;
        },
        error: (status) => eventLine('ERROR', status),
      };
    },
  };
}

function metadataOnly(request: ApiRequest, { version, encoding }: Chosen, isForPeople: boolean): Representation {
  const { resource } = request;
  const say = (code: number, value: object) =>
    encoding === 'yaml' ? yamlAnswer(code, value) : jsonAnswer(code, value, isForPeople);
  return {
    object: ({ code, object }) => say(code, partialMetadata(object.decoded() as KubeObject, version)),
    async list(response) {
      const decode = (item: CachedObject) => item.decoded() as KubeObject;
      const objects = await mapInTurns(response.items, DECODED_PER_TURN, decode);
      return say(200, partialMetadataList(objects, listMeta(response), version));
    },
    value: ({ code, value }) => say(code, value),
    watch: () => ({
      contentType: WATCH_TYPES.json,
      event: (type, object) => eventLine(type, partialMetadata(object.decoded() as KubeObject, version)),
      bookmark: (revision, initialEventsEnd) =>
        eventLine('BOOKMARK', partialMetadata(bookmarkObject(resource, revision, initialEventsEnd), version)),
      error: (status) => eventLine('ERROR', status),
    }),
  };
}
