// Request bodies, read whole and bounded.
import type { Readable } from 'node:stream';
import { ApiError } from '../../api/status.ts';

export const BODY_MAX = 3 * 1024 * 1024;

export async function readBody(stream: Readable, max = BODY_MAX): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > max) {
      throw new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${max}`);
    }
    chunks.push(chunk);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length);
}
