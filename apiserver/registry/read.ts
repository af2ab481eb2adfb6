// GET and LIST: answered from the watch cache with the bytes that are already there.
import { ApiError, badRequest, notFound, type Status } from '../../api/status.ts';
import type { CachedObject, CacheSnapshot } from '../cache/contract.ts';
import { CompactedError, FutureRevisionError } from '../store/store.ts';
import { type ContinueToken, decodeContinue, encodeContinue } from './continue-token.ts';
import { parseResourceVersion, type RequestOptions } from './options.ts';
import type { ApiRequest, ListResponse, ObjectResponse } from './request.ts';
import { type ResourceStore, viewOf } from './resource-store.ts';
import { selectorOf } from './selectors.ts';
import { DECODED_PER_TURN, eachInTurns, mapInTurns } from './turns.ts';

const FUTURE_WAIT_MS = 3_000;

export async function getObject(of: ResourceStore, request: ApiRequest): Promise<ObjectResponse> {
  const revision = parseResourceVersion(request.options.resourceVersion, 'get');
  if (revision === undefined) await newest(of, request.signal);
  else await notOlderThan(of, revision, request.signal);
  return { type: 'object', code: 200, object: viewOf(of, existing(of, request)) };
}

export function existing(of: ResourceStore, { namespace, name }: { namespace: string; name: string }): CachedObject {
  const found = of.cache.get(namespace, name);
  if (found === undefined) throw notFound(of.definition, name);
  return found;
}

export async function listObjects(of: ResourceStore, request: ApiRequest): Promise<ListResponse> {
  const { namespace, options } = request;
  const selector = selectorOf(of.definition, options);
  const token = options.continue === '' ? undefined : continueFrom(options);
  const snapshot = await snapshotFor(of, options, token, request.signal);
  const within = namespace !== '' ? namespace : selector.namespace;
  const limit = options.limit > 0 ? options.limit : Number.POSITIVE_INFINITY;
  const items: CachedObject[] = [];
  let more = 0;
  // What is converted is decoded, and checked for what has to be filled in or taken out.
  const converts = of.strategy.conversion !== undefined;
  const perTurn = converts && !selector.empty ? DECODED_PER_TURN : 1_000;
  await eachInTurns(snapshot.objects({ namespace: within, after: token?.after }), perTurn, (object) => {
    if (!selector.empty && !selector.matches(viewOf(of, object))) return true;
    if (items.length < limit) items.push(object);
    // How many are left is only said when nothing is filtered, for then it costs no more than counting.
    else if (++more > 0 && !selector.empty) return false;
    return true;
  });
  const last = items.at(-1);
  return {
    type: 'list',
    items: converts ? await mapInTurns(items, DECODED_PER_TURN, (item) => viewOf(of, item)) : items,
    revision: snapshot.revision,
    ...(more > 0 && last !== undefined && { continue: encodeContinue(snapshot.revision, last) }),
    ...(more > 0 && selector.empty && { remaining: more }),
  };
}

function continueFrom({ continue: text, resourceVersion }: RequestOptions): ContinueToken {
  if (resourceVersion !== '' && resourceVersion !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  return decodeContinue(text);
}

async function snapshotFor(
  of: ResourceStore,
  options: RequestOptions,
  token: ContinueToken | undefined,
  signal: AbortSignal,
): Promise<CacheSnapshot> {
  const { cache } = of;
  if (token !== undefined) return continued(of, token);
  const revision = parseResourceVersion(options.resourceVersion, 'list');
  if (revision === undefined) {
    await newest(of, signal);
    return cache.snapshot();
  }
  await notOlderThan(of, revision, signal);
  // A limit without a match means exactly this version, so that pages fit together.
  const exact = options.resourceVersionMatch === 'Exact' || (options.limit > 0 && options.resourceVersionMatch === '');
  if (!exact || revision === 0) return cache.snapshot();
  return atRevision(
    of,
    revision,
    () => new ApiError(410, 'Expired', `The resourceVersion for the provided list is too old.`),
  );
}

async function atRevision(of: ResourceStore, revision: number, expired: () => ApiError): Promise<CacheSnapshot> {
  try {
    return await of.cache.at(revision);
  } catch (err) {
    if (err instanceof CompactedError) throw expired();
    if (err instanceof FutureRevisionError) throw tooLarge(revision, of.cache.revision);
    throw err;
  }
}

const INCONSISTENT =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
  'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
  'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
  'deleted between the time the first chunk was returned and now may show up in the list.';

/** Carries the token with which a client may go on, knowing that the pages no longer fit together. */
class ContinueExpired extends ApiError {
  readonly #token: string;
  constructor(token: string) {
    super(410, 'Expired', INCONSISTENT);
    this.#token = token;
  }
  override toStatus(): Status {
    return { ...super.toStatus(), metadata: { continue: this.#token } };
  }
}

async function continued(of: ResourceStore, { revision, after, next }: ContinueToken): Promise<CacheSnapshot> {
  if (revision < 0) return of.cache.snapshot();
  return atRevision(of, revision, () => new ContinueExpired(next(after)));
}

/** A read without a version sees every write that was answered before it. */
export async function newest(of: ResourceStore, signal: AbortSignal): Promise<void> {
  await of.cache.waitFor(await of.store.latestRevision(signal), signal);
}

/** Waits until the cache has seen `revision`; a revision that does not come soon is refused with a retry. */
export async function notOlderThan(of: ResourceStore, revision: number, signal: AbortSignal): Promise<void> {
  if (revision <= of.cache.revision) return;
  const deadline = of.context.clock.deadline(FUTURE_WAIT_MS);
  try {
    await of.cache.waitFor(revision, AbortSignal.any([signal, deadline]));
  } catch (err) {
    signal.throwIfAborted();
    if (deadline.aborted) throw tooLarge(revision, of.cache.revision);
    throw err;
  }
}

function tooLarge(asked: number, current: number): ApiError {
  const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }];
  const message = `Timeout: Too large resource version: ${asked}, current: ${current}`;
  return new ApiError(504, 'Timeout', message, { causes, retryAfterSeconds: 1 });
}
