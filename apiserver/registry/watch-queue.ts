// A watch as an async iterable, for readers in the same process. What waits is bounded: a reader that falls too far
// behind is cut off, as a slow client over HTTP would be, and lists again.
import type { WatchEvent } from '../../api/client/client.ts';
import { ApiError, type Status } from '../../api/status.ts';
import type { CachedObject } from '../cache/contract.ts';
import type { WatchSink } from './request.ts';

const WAITING_MAX = 50_000;

export class QueuedSink<T> implements WatchSink, AsyncIterable<WatchEvent<T>> {
  #waiting: WatchEvent<T>[] = [];
  #ended = false;
  #failure: unknown;
  #wake: (() => void) | undefined;
  #drained: (() => void) | undefined;

  event(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: CachedObject): void {
    this.#push({ type, object: object.decoded() as T });
  }

  bookmark(revision: number, initialEventsEnd: boolean): void {
    const end = initialEventsEnd ? { initialEventsEnd } : {};
    this.#push({ type: 'BOOKMARK', resourceVersion: String(revision), ...end });
  }

  error(status: Status): void {
    this.fail(ApiError.fromStatus(status, status.code ?? 500));
  }

  fail(err: unknown): void {
    this.#failure ??= err;
    this.end();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
    this.#drained?.();
  }

  async drained(): Promise<void> {
    if (this.#ended || this.#waiting.length === 0) return;
    await new Promise<void>((resolve) => {
      this.#drained = resolve;
    });
  }

  #push(event: WatchEvent<T>): void {
    if (this.#ended) return;
    if (this.#waiting.length >= WAITING_MAX) {
      this.fail(new ApiError(410, 'Expired', 'the watcher could not keep up'));
      return;
    }
    this.#waiting.push(event);
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<WatchEvent<T>> {
    for (;;) {
      const batch = this.#waiting;
      this.#waiting = [];
      this.#drained?.();
      yield* batch;
      if (this.#waiting.length > 0) continue;
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#ended) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }
}
