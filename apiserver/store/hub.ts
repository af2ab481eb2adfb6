// Who watches the store, and the one place that calls them: revisions in order, each watch only what lies under its
// prefix. The embedded and the in-memory store hand every commit to a hub; what lies in the past they replay first.
import type { StoreEvent, WatchSink } from './store.ts';

/** A watch. `next` is the first revision it has not been given yet. */
export interface Watcher {
  readonly prefix: string;
  readonly sink: WatchSink;
  readonly signal: AbortSignal;
  next: number;
}

export class WatchHub {
  readonly #live = new Set<Watcher>();

  /** From now on the watcher is given what is delivered; its past must have been given to it in this same turn. */
  add(watcher: Watcher): void {
    if (watcher.signal.aborted) return;
    this.#live.add(watcher);
    watcher.signal.addEventListener('abort', () => this.#live.delete(watcher), { once: true });
  }

  deliver(revision: number, events: readonly StoreEvent[]): void {
    for (const watcher of this.#live) if (!offer(watcher, revision, events)) this.#live.delete(watcher);
  }

  /** Everything up to `revision` has been delivered. */
  progress(revision: number): void {
    for (const watcher of this.#live) {
      if (!watcher.signal.aborted && watcher.next <= revision + 1) watcher.sink.progress?.(revision);
    }
  }

  close(error: Error): void {
    const watchers = [...this.#live];
    this.#live.clear();
    for (const { sink, signal } of watchers) if (!signal.aborted) sink.closed(error);
  }
}

/** False when the sink threw and was closed: it is broken; the writes and the other watches are not. */
export function offer(watcher: Watcher, revision: number, events: readonly StoreEvent[]): boolean {
  try {
    give(watcher, revision, events);
    return true;
  } catch (err) {
    watcher.sink.closed(err instanceof Error ? err : new Error(String(err)));
    return false;
  }
}

/** Hands one revision to one watcher, unless it has had it or it starts later. */
export function give(watcher: Watcher, revision: number, events: readonly StoreEvent[]): void {
  if (revision < watcher.next || watcher.signal.aborted) return;
  watcher.next = revision + 1;
  const { prefix } = watcher;
  // Most revisions hold one event, and it is either under the prefix or it is not.
  const first = events[0];
  if (events.length === 1 && first !== undefined) {
    if (first.kv.key.startsWith(prefix)) watcher.sink.events(revision, events);
    return;
  }
  const mine = events.filter(({ kv }) => kv.key.startsWith(prefix));
  if (mine.length > 0) watcher.sink.events(revision, mine);
}
