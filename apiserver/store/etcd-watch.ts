// One watch of etcd that outlives its streams: when a server restarts or a connection breaks it goes on, on the next
// server, behind the last revision it gave. It watches every key and filters here: then each revision is seen as its
// events, and "all up to here was given" is known without etcd's progress notifications, which in versions before
// 3.4.25 and 3.5.8 could overtake the events they vouch for.
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import type { EtcdClient } from './etcd-client.ts';
import { grpcError } from './etcd-client.ts';
import { ALL_KEYS, commitsOf, type EtcdEvent, type WatchResponse } from './etcd-messages.ts';
import { give, type Watcher } from './hub.ts';
import { CompactedError } from './store.ts';

const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 2_000;

export interface WatchDeps {
  readonly client: EtcdClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** What a revision that was seen tells the store. */
  readonly reached: (revision: number) => void;
}

/** The fault is the watcher's and not the server's: there is nothing to go on with elsewhere. */
class BrokenSink extends Error {}

/** Returns when the signal is aborted; throws when the watch cannot go on. */
export async function followEtcd(watcher: Watcher, deps: WatchDeps): Promise<void> {
  const { signal } = watcher;
  let waitMs = RETRY_FIRST_MS;
  while (!signal.aborted) {
    const before = watcher.next;
    try {
      await followStream(watcher, deps);
    } catch (err) {
      if (signal.aborted) return;
      if (err instanceof CompactedError) throw err;
      if (err instanceof BrokenSink) throw err.cause;
      deps.log.warn({ err: grpcError(err).details, from: watcher.next }, 'lost a watch of etcd, going on elsewhere');
    }
    waitMs = watcher.next > before ? RETRY_FIRST_MS : Math.min(waitMs * 2, RETRY_MAX_MS);
    await deps.clock.sleep(waitMs, signal).catch(() => {}); // woken early only to end
  }
}

function followStream(watcher: Watcher, { client, reached }: WatchDeps): Promise<void> {
  const { signal, sink } = watcher;
  return new Promise((resolve, reject) => {
    const { stream, failed } = client.stream<object, WatchResponse>('Watch', 'Watch');
    const from = watcher.next;
    let part: EtcdEvent[] = [];
    const cancel = () => stream.cancel();
    let over = false;
    const end = (err?: unknown) => {
      if (over) return;
      over = true;
      signal.removeEventListener('abort', cancel);
      stream.cancel();
      if (!signal.aborted && !(err instanceof BrokenSink)) failed();
      if (err === undefined) resolve();
      else reject(err);
    };
    const take = (response: WatchResponse) => {
      const compacted = Number(response.compact_revision);
      if (compacted > 0) return end(new CompactedError(compacted));
      if (response.canceled) return end(new Error(response.cancel_reason));
      part.push(...response.events);
      if (response.fragment) return;
      const events = part;
      part = [];
      for (const { revision, events: together } of commitsOf(events)) {
        reached(revision);
        try {
          give(watcher, revision, together);
        } catch (cause) {
          return end(new BrokenSink('a watcher threw', { cause }));
        }
        if (signal.aborted) return;
      }
      // The present of a server that lags is no news: what was given before reaches further.
      if (events.length > 0) sink.progress?.(watcher.next - 1);
      else if (response.created && Number(response.header.revision) === from - 1) sink.progress?.(from - 1);
    };
    stream.on('data', (response: WatchResponse) => {
      try {
        take(response);
      } catch (err) {
        end(err);
      }
    });
    stream.on('error', end);
    stream.on('end', () => end());
    signal.addEventListener('abort', cancel, { once: true });
    const create = { key: ALL_KEYS, range_end: ALL_KEYS, start_revision: from, prev_kv: true, fragment: true };
    stream.write({ create_request: create });
  });
}
