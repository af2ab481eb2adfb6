// WATCH: the cache's events, seen through a selector. An object that enters the selection is ADDED, one that leaves it
// DELETED as of that revision, whatever happened to it in the store.
import type { KubeObject } from '../../api/schema/kind.ts';
import { ApiError } from '../../api/status.ts';
import { nextTurn } from '../../api/turn.ts';
import type { CacheEvent, CacheSnapshot } from '../cache/contract.ts';
import { CompactedError } from '../store/store.ts';
import { asOf } from './objects.ts';
import { parseResourceVersion } from './options.ts';
import { newest, notOlderThan } from './read.ts';
import type { ApiRequest, WatchResponse, WatchSink } from './request.ts';
import { type ResourceStore, viewOf } from './resource-store.ts';
import { type Selector, selectorOf } from './selectors.ts';

/** Of the objects a watch begins with. */
const TOLD_PER_TURN = 200;
const BOOKMARK_EVERY_MS = 55_000;

interface WatchPlan {
  /** What is told first, as ADDED. */
  readonly initial?: CacheSnapshot;
  readonly afterRevision: number;
  readonly selector: Selector;
  readonly namespace: string;
}

export async function watchObjects<T extends KubeObject>(
  of: ResourceStore<T>,
  request: ApiRequest,
): Promise<WatchResponse> {
  const { options } = request;
  const selector = selectorOf(of.definition, options);
  const namespace = request.namespace !== '' ? request.namespace : (selector.namespace ?? '');
  const revision = parseResourceVersion(options.resourceVersion, 'watch');
  const wantsInitial = options.sendInitialEvents ?? (revision === undefined || revision === 0);
  if (wantsInitial) {
    if (revision === undefined) await newest(of, request.signal);
    else await notOlderThan(of, revision, request.signal);
  }
  const initial = wantsInitial ? of.cache.snapshot() : undefined;
  const afterRevision = initial?.revision ?? revision ?? of.cache.revision;
  const plan: WatchPlan = { initial, afterRevision, selector, namespace };
  return { type: 'watch', start: (sink, signal) => run(of, request, plan, sink, signal) };
}

async function run(
  of: ResourceStore,
  request: ApiRequest,
  plan: WatchPlan,
  sink: WatchSink,
  signal: AbortSignal,
): Promise<void> {
  const { selector, namespace, initial } = plan;
  const { allowWatchBookmarks, sendInitialEvents, timeoutSeconds } = request.options;
  const { clock, random } = of.context;
  const over = new AbortController();
  const until = AbortSignal.any([signal, over.signal]);
  const finish = () => {
    if (until.aborted) return;
    over.abort();
    sink.end();
  };
  if (initial !== undefined) {
    let told = 0;
    for (const object of initial.objects({ namespace: namespace || undefined })) {
      if (!selector.empty && !selector.matches(viewOf(of, object))) continue;
      sink.event('ADDED', viewOf(of, object));
      if (++told % TOLD_PER_TURN !== 0) continue;
      await sink.drained();
      await nextTurn();
    }
    if (signal.aborted) return;
    if (sendInitialEvents === true && allowWatchBookmarks) sink.bookmark(initial.revision, true);
  }
  // Spread, so that all watches of a cluster do not come back in the same second.
  const seconds = timeoutSeconds ?? 1800 + Math.floor(random.float() * 1800);
  const timer = clock.after(seconds * 1000, finish);
  const bookmarks = allowWatchBookmarks ? everyWhile(of, sink, until) : undefined;
  until.addEventListener('abort', () => timer[Symbol.dispose](), { once: true });
  of.retired.addEventListener('abort', finish, { once: true, signal: until });
  if (of.retired.aborted) finish();
  const afterRevision = plan.afterRevision;
  const watchOptions = {
    afterRevision,
    ...(namespace !== '' && { namespace }),
    // The index knows the fields of the stored version.
    ...(selector.indexed && of.strategy.conversion === undefined && { field: selector.indexed }),
  };
  const cacheSink = {
    event: (event: CacheEvent) => {
      if (until.aborted) return;
      bookmarks?.seen(event.revision);
      deliver(of, selector, event, sink);
    },
    progress: (revision: number) => bookmarks?.seen(revision),
    closed: (error: Error) => {
      if (until.aborted) return;
      sink.error(closedStatus(error, afterRevision).toStatus());
      finish();
    },
  };
  try {
    of.cache.watch(watchOptions, cacheSink, until);
  } catch (err) {
    cacheSink.closed(err as Error);
  }
}

function deliver(of: ResourceStore, selector: Selector, event: CacheEvent, sink: WatchSink): void {
  const { object, previous } = event;
  if (selector.empty) {
    sink.event(event.type, viewOf(of, object));
    return;
  }
  const was = previous !== undefined && selector.matches(viewOf(of, previous));
  const is = event.type !== 'DELETED' && selector.matches(viewOf(of, object));
  if (is) sink.event(was ? 'MODIFIED' : 'ADDED', viewOf(of, object));
  else if (was) {
    const last = event.type === 'DELETED' ? object : asOf(previous, event.revision);
    sink.event('DELETED', viewOf(of, last));
  }
}

function closedStatus(error: Error, asked: number): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof CompactedError) {
    return new ApiError(410, 'Expired', `too old resource version: ${asked} (${error.compactedRevision})`);
  }
  return new ApiError(500, 'InternalError', 'the watch was interrupted; start it again', undefined, { cause: error });
}

/** Tells a quiet watcher from time to time how far it has come, so that it can go on from there. */
function everyWhile(of: ResourceStore, sink: WatchSink, until: AbortSignal): { seen(revision: number): void } {
  const { clock } = of.context;
  let reached = 0;
  let told = 0;
  const tell = () => {
    if (until.aborted) return;
    const revision = Math.max(reached, of.cache.revision);
    if (revision > told) sink.bookmark(revision, false);
    told = revision;
    timer = clock.after(BOOKMARK_EVERY_MS, tell);
  };
  let timer = clock.after(BOOKMARK_EVERY_MS, tell);
  until.addEventListener('abort', () => timer[Symbol.dispose](), { once: true });
  return {
    seen: (revision) => {
      reached = revision;
    },
  };
}
