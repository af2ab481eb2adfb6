// A watch on the wire. Events of one turn leave in one write; a reader that cannot keep up is cut off and comes back
// with a list: nothing is buffered without bound.
import { once } from 'node:events';
import type { Clock } from '../../api/clock.ts';
import type { WatchResponse, WatchSink } from '../registry/request.ts';
import { type Res, write } from './answer.ts';
import type { HttpLimits } from './limits.ts';

/** Below this nobody is cut off because of what waits for others. */
const HARMLESS_BYTES = 1 << 20;

/** How events look in one representation. */
export interface WatchEncoding {
  readonly contentType: string;
  event(...args: Parameters<WatchSink['event']>): Buffer;
  bookmark(...args: Parameters<WatchSink['bookmark']>): Buffer;
  error(...args: Parameters<WatchSink['error']>): Buffer;
}

let last: { readonly frames: readonly Buffer[]; readonly bytes: Buffer } = { frames: [], bytes: Buffer.alloc(0) };

/** In one turn all who watch the same are told the same: the frames are joined once for all of them. */
function joined(frames: readonly Buffer[]): Buffer {
  if (frames.length === 1) return frames[0]!;
  const isSame = frames.length === last.frames.length && frames.every((frame, i) => frame === last.frames[i]);
  if (!isSame) last = { frames, bytes: Buffer.concat(frames) };
  return last.bytes;
}

/** What waits for all watchers, and who has waited for too long. */
export class Backlog {
  readonly #limits: Pick<HttpLimits, 'watcherBytes' | 'watchersBytes' | 'stalledMs'>;
  readonly #clock: Clock;
  #bytes = 0;

  constructor(limits: Pick<HttpLimits, 'watcherBytes' | 'watchersBytes' | 'stalledMs'>, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** `look` is to be called after every write. */
  follow(res: Res, cutOff: () => void): { look(): void } {
    const { watcherBytes, watchersBytes, stalledMs } = this.#limits;
    let counted = 0;
    let drains = 0;
    let timer: Disposable | undefined;
    const count = (bytes: number) => {
      this.#bytes += bytes - counted;
      counted = bytes;
    };
    const watch = () => {
      const before = drains;
      timer = this.#clock.after(stalledMs, () => {
        timer = undefined;
        if (!res.writableNeedDrain) return;
        if (drains === before) cutOff();
        else watch();
      });
    };
    res.on('drain', () => {
      drains++;
      count(res.writableLength);
    });
    res.once('close', () => {
      timer?.[Symbol.dispose]();
      count(0);
    });
    return {
      look: () => {
        if (!res.writableNeedDrain) {
          if (counted !== 0) count(0);
          return;
        }
        count(res.writableLength);
        if (timer === undefined) watch();
        if (counted > watcherBytes || (this.#bytes > watchersBytes && counted > HARMLESS_BYTES)) cutOff();
      },
    };
  }
}

export async function streamWatch(
  res: Res,
  response: WatchResponse,
  encoding: WatchEncoding,
  backlog: Backlog,
  signal: AbortSignal,
): Promise<void> {
  const ended = Promise.withResolvers<void>();
  let waiting: Buffer[] = [];
  let scheduled = false;
  let over = false;
  const follower = backlog.follow(res, () => {
    over = true;
    res.destroy();
    ended.resolve();
  });
  const flush = () => {
    scheduled = false;
    if (over || waiting.length === 0) return;
    const bytes = joined(waiting);
    waiting = [];
    write(res, bytes);
    follower.look();
  };
  const push = (bytes: Buffer) => {
    waiting.push(bytes);
    if (scheduled) return;
    scheduled = true;
    process.nextTick(flush);
  };
  const sink: WatchSink = {
    event: (type, object) => push(encoding.event(type, object)),
    bookmark: (revision, initialEventsEnd) => push(encoding.bookmark(revision, initialEventsEnd)),
    error: (status) => push(encoding.error(status)),
    drained: async () => {
      flush();
      if (!over && res.writableNeedDrain) await once(res, 'drain', { signal });
    },
    end: () => {
      flush();
      ended.resolve();
    },
  };
  signal.addEventListener('abort', () => ended.resolve(), { once: true });
  await response.start(sink, signal);
  await ended.promise;
  over = true;
  if (!signal.aborted) res.end();
}
