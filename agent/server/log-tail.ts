// Where the last N lines of a log begin, found from the end of the file, so that a tail costs what it shows.
import type { FileHandle } from 'node:fs/promises';
import { readHead } from './cri-log.ts';

const BLOCK_BYTES = 64 * 1024;
/** Enough of a record to know whether it ends its line. */
const PEEK_BYTES = 128;
const NEWLINE = 10;

/**
 * The offset of the first record of the N-th last line below `size`. A line is what the container wrote as one, in
 * however many records; what is not finished counts as a line.
 */
export async function tailOffset(file: Pick<FileHandle, 'read'>, size: number, lines: number): Promise<number> {
  if (lines === 0) return size;
  const block = Buffer.allocUnsafe(BLOCK_BYTES + PEEK_BYTES);
  let found = size;
  let count = 0;
  for (let high = size; high > 0; ) {
    const low = Math.max(0, high - BLOCK_BYTES);
    const bytes = await readFully(file, block, low, Math.min(size, high + PEEK_BYTES) - low);
    // A record begins after each newline, and at the beginning of the file.
    for (let at = high - low - 1; at >= (low === 0 ? -1 : 0); at--) {
      if (at >= 0) {
        at = bytes.lastIndexOf(NEWLINE, at);
        if (at < 0 && low > 0) break;
      }
      const begin = at + 1;
      if (low + begin >= size) continue;
      const head = readHead(bytes.subarray(begin));
      if (typeof head === 'number') continue; // no record: it is not shown, so it does not count
      const endsLine = head === 'short' || head.full || found === size;
      if (endsLine && count === lines) return found;
      if (endsLine) count++;
      found = low + begin;
    }
    high = low;
  }
  return found;
}

async function readFully(file: Pick<FileHandle, 'read'>, into: Buffer, from: number, length: number): Promise<Buffer> {
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(into, done, length - done, from + done);
    if (bytesRead === 0) break; // cut off meanwhile
    done += bytesRead;
  }
  return into.subarray(0, done);
}
