// Request bodies, read whole and bounded: each by its size and by the time its request has, all that have not arrived
// whole together by their bytes. When those are too many, the one that has been arriving for longest makes room.
import { ApiError, badRequest, tooManyRequests } from '../../api/status.ts';
import type { Req } from './answer.ts';

export const BODY_MAX = 3 * 1024 * 1024;

interface Arriving {
  length: number;
  readonly refuse: (err: Error) => void;
}

export class Bodies {
  readonly #maxBytes: number;
  /** The oldest first. */
  readonly #arriving = new Set<Arriving>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Leaves the connection usable when the body is refused: what is still to come is for the caller to let go of. */
  read(req: Req, signal: AbortSignal, max = BODY_MAX): Promise<Buffer> {
    const declared = Number(req.headers['content-length'] ?? 0);
    if (declared > max) return Promise.reject(tooLarge(max));
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    let chunks: Buffer[] = [];
    const one: Arriving = { length: 0, refuse: (err) => settle(() => reject(err)) };
    const take = (chunk: Buffer) => {
      one.length += chunk.length;
      this.#bytes += chunk.length;
      chunks.push(chunk);
      if (one.length > max) one.refuse(tooLarge(max));
      else this.#makeRoom();
    };
    const settle = (how: () => void) => {
      if (!this.#arriving.delete(one)) return;
      this.#bytes -= one.length;
      req.off('data', take);
      signal.removeEventListener('abort', aborted);
      how();
      chunks = [];
    };
    const aborted = () => one.refuse(signal.reason as Error);
    this.#arriving.add(one);
    signal.addEventListener('abort', aborted, { once: true });
    req.on('data', take);
    req.once('end', () => settle(() => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, one.length))));
    req.once('error', one.refuse);
    // Every request is closed in the end; most have been read by then, and an error costs its stack.
    req.once('close', () => {
      if (this.#arriving.has(one)) one.refuse(badRequest('the request ended before its body did'));
    });
    return promise;
  }

  #makeRoom(): void {
    for (const oldest of this.#arriving) {
      if (this.#bytes <= this.#maxBytes) return;
      oldest.refuse(tooManyRequests('too many requests, please try again later', 1));
    }
  }
}

function tooLarge(max: number): ApiError {
  return new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${max}`);
}
