// The Client of whoever lives in the server's process: the same requests as over HTTPS, entering at authorization with
// an identity of their own. Only encoding is skipped: what comes back is shared and frozen.
import type {
  Client,
  DeleteOptions,
  GetOptions,
  ListOf,
  ListOptions,
  Patch,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from '../../api/client/client.ts';
import type { ObjectKey, ResourceDefinition, Verb } from '../../api/resource.ts';
import { deepFreeze } from '../../api/schema/freeze.ts';
import type { KubeObject, New } from '../../api/schema/kind.ts';
import { ApiError } from '../../api/status.ts';
import type { Identity } from './identities.ts';
import { NO_OPTIONS, parseOptions, type RequestOptions } from './options.ts';
import type { Registry } from './registry.ts';
import type { ApiRequest, ApiResponse, RequestBody } from './request.ts';
import { DECODED_PER_TURN, mapInTurns } from './turns.ts';
import { QueuedSink } from './watch-queue.ts';

const NEVER = new AbortController().signal;
const PATCH_TYPES = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

export class InProcessClient implements Client {
  readonly #registry: Registry;
  readonly #identity: Identity;

  constructor(registry: Registry, identity: Identity) {
    this.#registry = registry;
    this.#identity = identity;
  }

  async get<T extends KubeObject>(
    of: ResourceDefinition<T>,
    key: ObjectKey,
    { subresource, resourceVersion = '' }: GetOptions = {},
    signal = NEVER,
  ): Promise<T> {
    const options = { ...NO_OPTIONS, resourceVersion };
    return objectOf(await this.#ask('get', of, { ...key, subresource, options, signal }));
  }

  async list<T extends KubeObject>(
    of: ResourceDefinition<T>,
    { namespace, ...options }: ListOptions = {},
    signal = NEVER,
  ): Promise<ListOf<T>> {
    const response = await this.#ask('list', of, { namespace, options: readOptions('list', options), signal });
    if (response.type !== 'list') throw unexpected(response);
    const { items, revision, continue: token, remaining } = response;
    return {
      items: await mapInTurns(items, DECODED_PER_TURN, (item) => item.decoded() as T),
      metadata: {
        resourceVersion: String(revision),
        ...(token !== undefined && { continue: token }),
        ...(remaining !== undefined && { remainingItemCount: remaining }),
      },
    };
  }

  async *watch<T extends KubeObject>(
    of: ResourceDefinition<T>,
    { namespace, ...options }: WatchOptions,
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent<T>> {
    const matched = options.sendInitialEvents === undefined ? {} : { resourceVersionMatch: 'NotOlderThan' };
    const parsed = readOptions('watch', { ...options, ...matched });
    const response = await this.#ask('watch', of, { namespace, options: parsed, signal });
    if (response.type !== 'watch') throw unexpected(response);
    const over = new AbortController();
    const until = AbortSignal.any([signal, over.signal]);
    const sink = new QueuedSink<T>();
    signal.addEventListener('abort', () => sink.end(), { once: true, signal: over.signal });
    const started = response.start(sink, until);
    started.catch((err: unknown) => sink.fail(err));
    try {
      yield* sink;
      signal.throwIfAborted();
    } finally {
      over.abort();
      sink.end();
      await started.catch(() => {}); // told through the sink already
    }
  }

  async create<T extends KubeObject>(
    of: ResourceDefinition<T>,
    object: New<T>,
    options: WriteOptions = {},
    signal = NEVER,
  ): Promise<T> {
    const namespace = object.metadata.namespace;
    return objectOf(await this.#write('create', of, { namespace, name: '' }, { object }, options, signal));
  }

  async update<T extends KubeObject>(
    of: ResourceDefinition<T>,
    object: T,
    options: WriteOptions = {},
    signal = NEVER,
  ): Promise<T> {
    return objectOf(await this.#write('update', of, object.metadata, { object }, options, signal));
  }

  async patch<T extends KubeObject>(
    of: ResourceDefinition<T>,
    key: ObjectKey,
    patch: Patch,
    options: WriteOptions = {},
    signal = NEVER,
  ): Promise<T> {
    const body = { object: structuredClone(patch.body), contentType: PATCH_TYPES[patch.type] };
    const force = patch.type === 'apply' ? patch.force : undefined;
    return objectOf(await this.#write('patch', of, key, body, { ...options, force }, signal));
  }

  async delete<T extends KubeObject>(
    of: ResourceDefinition<T>,
    key: ObjectKey,
    options: DeleteOptions = {},
    signal = NEVER,
  ): Promise<void> {
    await this.#ask('delete', of, { ...key, ...deletion(options), signal });
  }

  async deleteCollection<T extends KubeObject>(
    of: ResourceDefinition<T>,
    { namespace, ...selection }: ListOptions,
    options: DeleteOptions = {},
    signal = NEVER,
  ): Promise<void> {
    const asked = deletion(options);
    const selected = readOptions('list', selection);
    const merged = { ...selected, dryRun: asked.options.dryRun, deletion: asked.options.deletion };
    await this.#ask('deletecollection', of, { namespace, options: merged, signal });
  }

  async post<R>(
    of: ResourceDefinition,
    { namespace, name }: ObjectKey,
    subresource: string,
    body: unknown,
    signal = NEVER,
  ): Promise<R> {
    const request = { namespace, name, subresource, body: { object: body }, signal };
    return contentOf(await this.#ask('create', of, request)) as R;
  }

  #write(
    verb: Verb,
    of: ResourceDefinition,
    { namespace, name }: ObjectKey,
    body: RequestBody,
    { subresource, dryRun = false, fieldManager, force }: WriteOptions & { force?: boolean },
    signal: AbortSignal,
  ): Promise<ApiResponse> {
    const options: RequestOptions = { ...NO_OPTIONS, dryRun, fieldManager, force };
    return this.#ask(verb, of, { namespace, name, subresource, body, options, signal });
  }

  #ask(
    verb: Verb,
    of: ResourceDefinition,
    { namespace = '', name = '', options = NO_OPTIONS, ...rest }: Partial<ApiRequest>,
  ): Promise<ApiResponse> {
    const request = {
      signal: NEVER,
      ...rest,
      ...this.#identity,
      verb,
      resource: of,
      namespace,
      name,
      options,
      warnings: [],
    };
    return this.#registry.handle(request);
  }
}

function readOptions(verb: string, options: Readonly<Record<string, unknown>>): RequestOptions {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(options)) if (value !== undefined) query.set(key, String(value));
  return parseOptions(verb, query);
}

function deletion({ dryRun = false, ...rest }: DeleteOptions): { options: RequestOptions } {
  return { options: { ...NO_OPTIONS, dryRun, deletion: rest } };
}

function objectOf<T>(response: ApiResponse): T {
  if (response.type === 'object') return deepFreeze(response.object.decoded() as T) as T;
  return contentOf(response) as T;
}

function contentOf(response: ApiResponse): unknown {
  if (response.type === 'object') return response.object.decoded();
  if (response.type === 'value') return response.value;
  throw unexpected(response);
}

function unexpected({ type }: ApiResponse): ApiError {
  return new ApiError(500, 'InternalError', `a ${type} response where none was expected`);
}
