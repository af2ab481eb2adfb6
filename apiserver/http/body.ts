// Request bodies, read whole and bounded.
import { ApiError, badRequest } from '../../api/status.ts';
import type { Req } from './answer.ts';

export const BODY_MAX = 3 * 1024 * 1024;

/** Leaves the connection usable when the body is too large: what is still to come is for the caller to let go of. */
export function readBody(req: Req, max = BODY_MAX): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const take = (chunk: Buffer) => {
      length += chunk.length;
      if (length <= max) {
        chunks.push(chunk);
        return;
      }
      req.off('data', take);
      reject(new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${max}`));
    };
    req.on('data', take);
    req.once('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length)));
    req.once('error', reject);
    // Every request is closed in the end; most have been read by then, and an error costs its stack.
    req.once('close', () => {
      if (!req.readableEnded) reject(badRequest('the request ended before its body did'));
    });
  });
}
