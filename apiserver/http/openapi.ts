// The OpenAPI documents of one state of the server: version 2 whole, as JSON and as protobuf; version 3 per group and
// version with an index of hashes. Made when first asked for, in small steps, and kept as bytes. When what is served
// changes, a new one of these takes the place of the old.
import { createHash } from 'node:crypto';
import type { ResourceDefinition } from '../../api/resource.ts';
import { apiVersionOf } from '../../api/resource.ts';
import type { Json } from '../../api/schema/openapi.ts';
import { nextTurn } from '../../api/turn.ts';
import type { Answer } from './answer.ts';
import { firstAccepted, noRepresentation } from './negotiate.ts';
import { definitions } from './openapi-definitions.ts';
import { type PathItem, pathItems } from './openapi-operations.ts';
import { encodeDefinition, encodeDocument, encodePath } from './openapi-protobuf.ts';
import { type Parameters, pathV2, securityV2 } from './openapi-v2.ts';
import { pathV3, securityV3 } from './openapi-v3.ts';

export interface ApiInfo {
  readonly title: string;
  readonly version: string;
}

/** What of a request these documents depend on. */
export interface DocumentRequest {
  readonly accept?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
  /** The hash a link of the index carries: what is asked for by its hash never changes. */
  readonly hash?: string | undefined;
}

const JSON_TYPE = 'application/json';
const PROTOBUF_TYPE = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';
const PROTOBUF_TYPES = [PROTOBUF_TYPE, 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf'];
/** Paths or definitions made in one turn of the event loop. */
const PER_TURN = 24;

interface Document {
  readonly bytes: Buffer;
  readonly hash: string;
}

export class OpenApi {
  readonly #resources: readonly ResourceDefinition[];
  readonly #info: ApiInfo;
  /** By name; version 3 documents by their path. A failure is not kept. */
  readonly #documents = new Map<string, Promise<Document>>();
  #index: Promise<Buffer> | undefined;
  #items: readonly PathItem[] | undefined;
  #own: ReadonlyMap<string, readonly ResourceDefinition[]> | undefined;

  /** Documents of version 3 whose resources did not change are taken over from `before`. */
  constructor(resources: readonly ResourceDefinition[], info: ApiInfo, before?: OpenApi) {
    this.#resources = resources;
    this.#info = info;
    if (before === undefined) return;
    for (const [name, document] of before.#documents) {
      const [now, was] = [this.#ownOf(name), before.#ownOf(name)];
      const isSame = now.length === was.length && now.every((one, i) => one === was[i]);
      if (!isSame || name.startsWith('v2 ')) continue;
      this.#documents.set(name, document);
      document.catch(() => this.#documents.delete(name));
    }
  }

  /** The resources that a document of version 3 describes. */
  #ownOf(name: string): readonly ResourceDefinition[] {
    this.#own ??= Map.groupBy(this.#resources, documentOf);
    return this.#own.get(name) ?? [];
  }

  #paths(): readonly PathItem[] {
    this.#items ??= pathItems(this.#resources);
    return this.#items;
  }

  /** /openapi/v2. Refuses a client that takes neither form. */
  async v2(request: DocumentRequest): Promise<Answer> {
    const chosen = firstAccepted(request.accept, [JSON_TYPE, ...PROTOBUF_TYPES]);
    if (chosen === undefined) throw noRepresentation([JSON_TYPE, ...PROTOBUF_TYPES]);
    const contentType = chosen === JSON_TYPE ? JSON_TYPE : PROTOBUF_TYPE;
    const form = chosen === JSON_TYPE ? 'json' : 'protobuf';
    const document = await this.#kept(`v2 ${form}`, () => this.#buildV2(form));
    return answer(document, contentType, request, { vary: 'Accept' });
  }

  /** /openapi/v3: where each document is, and its hash. */
  async v3Index(): Promise<Answer> {
    this.#index ??= this.#buildIndex().catch((cause) => {
      this.#index = undefined;
      throw cause;
    });
    const bytes = await this.#index;
    return { code: 200, contentType: 'text/plain; charset=utf-8', chunks: [bytes], length: bytes.length };
  }

  /** /openapi/v3/<name>, e.g. `apis/apps/v1`. Undefined: there is no such document. */
  async v3(name: string, request: DocumentRequest): Promise<Answer | undefined> {
    if (!this.#names().has(name)) return undefined;
    if (firstAccepted(request.accept, [JSON_TYPE]) === undefined) throw noRepresentation([JSON_TYPE]);
    const document = await this.#kept(name, () => this.#buildV3(name));
    if (request.hash === undefined) return answer(document, JSON_TYPE, request, {});
    if (request.hash !== document.hash) {
      const location = linkTo(name, document.hash);
      return { code: 301, contentType: 'text/plain; charset=utf-8', headers: { location }, chunks: [], length: 0 };
    }
    return answer(document, JSON_TYPE, request, { 'cache-control': 'public, immutable, max-age=31536000' });
  }

  #kept(key: string, build: () => Promise<Buffer>): Promise<Document> {
    let made = this.#documents.get(key);
    if (made === undefined) {
      made = build().then((bytes) => ({ bytes, hash: createHash('sha256').update(bytes).digest('hex').toUpperCase() }));
      this.#documents.set(key, made);
      made.catch(() => this.#documents.delete(key));
    }
    return made;
  }

  async #buildIndex(): Promise<Buffer> {
    const paths: Json = {};
    for (const name of [...this.#names()].sort()) {
      const { hash } = await this.#kept(name, () => this.#buildV3(name));
      paths[name] = { serverRelativeURL: linkTo(name, hash) };
    }
    return Buffer.from(`${JSON.stringify({ paths })}\n`);
  }

  #names(): Set<string> {
    return new Set(this.#paths().map(({ document }) => document));
  }

  async #buildV3(name: string): Promise<Buffer> {
    const own = this.#ownOf(name);
    const items = this.#paths().filter(({ document }) => document === name);
    const paths = await inTurns(items, (item: PathItem) => entry(item.path, pathV3(item)));
    const schemas = await inTurns(definitions(own, 'v3'), ([key, schema]) => entry(key, schema));
    const info = JSON.stringify(this.#info);
    const security = JSON.stringify(securityV3);
    return Buffer.from(
      `{"openapi":"3.0.0","info":${info},"paths":{${paths.join(',')}},` +
        `"components":{"schemas":{${schemas.join(',')}},"securitySchemes":${security}}}`,
    );
  }

  async #buildV2(form: 'json' | 'protobuf'): Promise<Buffer> {
    const shared: Parameters = new Map();
    const around = { swagger: '2.0', info: this.#info, ...securityV2 };
    const items = this.#paths();
    if (form === 'protobuf') {
      const paths = await inTurns(items, (item) => encodePath(item.path, pathV2(item, shared)));
      const schemas = await inTurns(definitions(this.#resources, 'v2'), ([key, one]) => encodeDefinition(key, one));
      return encodeDocument({ around, parameters: Object.fromEntries(shared), paths, definitions: schemas });
    }
    const paths = await inTurns(items, (item) => entry(item.path, pathV2(item, shared)));
    const schemas = await inTurns(definitions(this.#resources, 'v2'), ([key, one]) => entry(key, one));
    const parameters = JSON.stringify(Object.fromEntries(shared));
    return Buffer.from(
      `${JSON.stringify(around).slice(0, -1)},"paths":{${paths.join(',')}},` +
        `"definitions":{${schemas.join(',')}},"parameters":${parameters}}`,
    );
  }
}

function documentOf(resource: ResourceDefinition): string {
  return resource.group === '' ? `api/${resource.version}` : `apis/${apiVersionOf(resource)}`;
}

function linkTo(name: string, hash: string): string {
  return `/openapi/v3/${name}?hash=${hash}`;
}

function entry(key: string, value: Json): string {
  return `${JSON.stringify(key)}:${JSON.stringify(value)}`;
}

async function inTurns<T, R>(items: Iterable<T>, make: (item: T) => R): Promise<R[]> {
  const made: R[] = [];
  for (const item of items) {
    made.push(make(item));
    if (made.length % PER_TURN === 0) await nextTurn();
  }
  return made;
}

function answer(
  { bytes, hash }: Document,
  contentType: string,
  { ifNoneMatch }: DocumentRequest,
  more: Readonly<Record<string, string>>,
): Answer {
  const headers = { ...more, etag: `"${hash}"` };
  const isKnown = ifNoneMatch?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === headers.etag);
  if (isKnown) return { code: 304, contentType, headers, chunks: [], length: 0 };
  return { code: 200, contentType, headers, chunks: [bytes], length: bytes.length };
}
