// The Client over HTTPS: what agents use, and the control plane when it runs apart from the API.
import type { Clock } from '../clock.ts';
import { apiVersionOf, type ObjectKey, type ResourceDefinition } from '../resource.ts';
import type { KubeObject, New } from '../schema/kind.ts';
import { ApiError, type Status } from '../status.ts';
import type {
  Client,
  CreateOptions,
  DeleteOptions,
  GetOptions,
  ListOf,
  ListOptions,
  Patch,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from './client.ts';
import { linesOf } from './lines.ts';
import { pathOf } from './paths.ts';
import type { HttpResponse, Transport } from './transport.ts';

const REQUEST_TIMEOUT_MS = 30_000;
/** Larger than any object the API accepts. */
const WATCH_LINE_MAX_BYTES = 16 << 20;
const ANSWER_MAX_BYTES = 512 << 20;

const PATCH_TYPES: Record<Patch['type'], string> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

export class HttpsClient implements Client {
  readonly #transport: Transport;
  readonly #clock: Clock;

  constructor(transport: Transport, clock: Clock) {
    this.#transport = transport;
    this.#clock = clock;
  }

  async get<T extends KubeObject>(
    of: ResourceDefinition<T>,
    { namespace, name }: ObjectKey,
    { subresource, resourceVersion }: GetOptions = {},
    signal?: AbortSignal,
  ): Promise<T> {
    const path = pathOf(of, { namespace, name, subresource, query: { resourceVersion } });
    return this.#call<T>('GET', path, undefined, signal);
  }

  async list<T extends KubeObject>(
    of: ResourceDefinition<T>,
    { namespace, ...query }: ListOptions = {},
    signal?: AbortSignal,
  ): Promise<ListOf<T>> {
    const answer = await this.#call<ListOf<T>>('GET', pathOf(of, { namespace, query }), undefined, signal);
    const apiVersion = apiVersionOf(of);
    // Items of a list come without their kind; readers expect whole objects.
    for (const item of answer.items) Object.assign(item, { apiVersion, kind: of.kind });
    return answer;
  }

  async *watch<T extends KubeObject>(
    of: ResourceDefinition<T>,
    { namespace, ...query }: WatchOptions,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>> {
    const path = pathOf(of, { namespace, query: { ...query, watch: true } });
    const response = await this.#begun(path, signal);
    if (response.status !== 200) throw await this.#failure(response);
    for await (const line of linesOf(response.body, WATCH_LINE_MAX_BYTES)) {
      yield asEvent<T>(JSON.parse(line.toString()) as RawEvent);
    }
  }

  async create<T extends KubeObject>(
    of: ResourceDefinition<T>,
    object: New<T>,
    options: CreateOptions = {},
    signal?: AbortSignal,
  ): Promise<T> {
    const { namespace } = object.metadata;
    const body = { ...object, apiVersion: apiVersionOf(of), kind: of.kind };
    return this.#call<T>('POST', pathOf(of, { namespace, query: writeQuery(options) }), body, signal);
  }

  async update<T extends KubeObject>(
    of: ResourceDefinition<T>,
    object: T,
    { subresource, ...options }: WriteOptions = {},
    signal?: AbortSignal,
  ): Promise<T> {
    const { namespace, name } = object.metadata;
    return this.#call<T>(
      'PUT',
      pathOf(of, { namespace, name, subresource, query: writeQuery(options) }),
      object,
      signal,
    );
  }

  async patch<T extends KubeObject>(
    of: ResourceDefinition<T>,
    { namespace, name }: ObjectKey,
    patch: Patch,
    { subresource, ...options }: WriteOptions = {},
    signal?: AbortSignal,
  ): Promise<T> {
    const query = { ...writeQuery(options), ...(patch.type === 'apply' && patch.force && { force: true }) };
    const path = pathOf(of, { namespace, name, subresource, query });
    return this.#call<T>('PATCH', path, patch.body, signal, PATCH_TYPES[patch.type]);
  }

  async delete<T extends KubeObject>(
    of: ResourceDefinition<T>,
    { namespace, name }: ObjectKey,
    options: DeleteOptions = {},
    signal?: AbortSignal,
  ): Promise<void> {
    await this.#call('DELETE', pathOf(of, { namespace, name }), deleteBody(options), signal);
  }

  async deleteCollection<T extends KubeObject>(
    of: ResourceDefinition<T>,
    { namespace, ...query }: ListOptions,
    options: DeleteOptions = {},
    signal?: AbortSignal,
  ): Promise<void> {
    await this.#call('DELETE', pathOf(of, { namespace, query }), deleteBody(options), signal);
  }

  async post<R>(
    of: ResourceDefinition,
    { namespace, name }: ObjectKey,
    subresource: string,
    body: unknown,
    signal?: AbortSignal,
  ): Promise<R> {
    return this.#call<R>('POST', pathOf(of, { namespace, name, subresource }), body, signal);
  }

  /** A watch may last, but its beginning is an answer like others. */
  async #begun(path: string, signal: AbortSignal): Promise<HttpResponse> {
    const late = new AbortController();
    const tooLate = () => late.abort(new DOMException('The watch was not begun in time', 'TimeoutError'));
    using _deadline = this.#clock.after(REQUEST_TIMEOUT_MS, tooLate);
    const either = AbortSignal.any([signal, late.signal]);
    return await this.#transport.request({ method: 'GET', path, headers: JSON_ACCEPTED }, either);
  }

  async #call<R>(
    method: string,
    path: string,
    body: unknown,
    signal?: AbortSignal,
    contentType = 'application/json',
  ): Promise<R> {
    const deadline = this.#clock.deadline(REQUEST_TIMEOUT_MS);
    const either = signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
    const sent = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const headers = { ...JSON_ACCEPTED, ...(sent !== undefined && { 'content-type': contentType }) };
    const response = await this.#transport.request({ method, path, headers, body: sent }, either);
    if (response.status >= 400) throw await this.#failure(response);
    return JSON.parse(await textOf(response)) as R;
  }

  async #failure(response: HttpResponse): Promise<ApiError> {
    const text = await textOf(response);
    try {
      return ApiError.fromStatus(JSON.parse(text) as Partial<Status>, response.status);
    } catch {
      // A proxy or an unknown path answers in plain text.
      return new ApiError(response.status, '', text.trim() || `HTTP ${response.status}`);
    }
  }
}

const JSON_ACCEPTED = { accept: 'application/json' };

interface RawEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: unknown;
}

function asEvent<T extends KubeObject>({ type, object }: RawEvent): WatchEvent<T> {
  if (type === 'ERROR') {
    const status = object as Partial<Status>;
    throw ApiError.fromStatus(status, status.code ?? 500);
  }
  if (type !== 'BOOKMARK') return { type, object: object as T };
  const { resourceVersion, annotations } = (object as KubeObject).metadata;
  const initialEventsEnd = annotations?.['k8s.io/initial-events-end'] === 'true';
  return { type, resourceVersion, ...(initialEventsEnd && { initialEventsEnd }) };
}

function writeQuery({ dryRun, fieldManager }: WriteOptions): Record<string, string> {
  return { ...(dryRun && { dryRun: 'All' }), ...(fieldManager !== undefined && { fieldManager }) };
}

function deleteBody({ dryRun, ...options }: DeleteOptions): unknown {
  return { kind: 'DeleteOptions', apiVersion: 'v1', ...options, ...(dryRun && { dryRun: ['All'] }) };
}

async function textOf(response: HttpResponse): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.length;
    if (bytes > ANSWER_MAX_BYTES) throw new Error(`an answer of more than ${ANSWER_MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
