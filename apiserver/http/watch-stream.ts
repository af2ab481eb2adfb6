// A watch on the wire. Events of one turn leave in one write; a reader that cannot keep up is cut off and comes back
// with a list: nothing is buffered without bound.
import { once } from 'node:events';
import type { WatchResponse, WatchSink } from '../registry/request.ts';
import { type Res, write } from './answer.ts';

/** Bytes that may wait for one slow reader. */
const QUEUED_MAX = 8 * 1024 * 1024;

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

export async function streamWatch(
  res: Res,
  response: WatchResponse,
  encoding: WatchEncoding,
  signal: AbortSignal,
): Promise<void> {
  const ended = Promise.withResolvers<void>();
  let waiting: Buffer[] = [];
  let scheduled = false;
  let over = false;
  const flush = () => {
    scheduled = false;
    if (over || waiting.length === 0) return;
    const bytes = joined(waiting);
    waiting = [];
    write(res, bytes);
    if (res.writableLength > QUEUED_MAX) {
      over = true;
      res.destroy();
      ended.resolve();
    }
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
