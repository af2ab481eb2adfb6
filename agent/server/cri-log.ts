// The format in which runtimes write what containers say, one record per line:
//
//   2026-01-02T03:04:05.678901234Z stdout P the beginning of a line, \n
//   2026-01-02T03:04:05.678901240Z stdout F and its end\n
//
// P means that the line goes on in the stream's next record. Nothing of a record is held back but its head, so a
// record of any length costs no memory. Source: the kubelet CRI logging design (log tags may be followed by ':...').
import type { LogOptions } from './log-options.ts';

const NEWLINE = 10;
const SPACE = 32;
const PARTIAL = 80;
const FULL = 70;
const COLON = 58;
/** A time, a stream and a tag are about 45 bytes; what is longer is no record. */
const HEAD_MAX = 128;
const LINE_END = Buffer.from('\n');
const NOTHING = Buffer.alloc(0);

export type StreamName = 'stdout' | 'stderr';

export interface RecordHead {
  readonly time: string;
  readonly stream: StreamName;
  /** The record ends the line. */
  readonly full: boolean;
  /** Where the content begins. */
  readonly length: number;
}

/**
 * 'short' when more bytes are needed to tell; a number is how many bytes to skip of what is no record (up to and with
 * its newline, or all that was given when that has none).
 */
export function readHead(bytes: Buffer): RecordHead | 'short' | number {
  const end = Math.min(bytes.length, HEAD_MAX);
  let spaces = 0;
  let first = 0;
  let second = 0;
  for (let at = 0; at < end; at++) {
    const byte = bytes[at];
    if (byte === NEWLINE) return at + 1;
    if (byte !== SPACE) continue;
    spaces++;
    if (spaces === 1) first = at;
    else if (spaces === 2) second = at;
    else return headOf(bytes, first, second, at) ?? skipLine(bytes);
  }
  return end < HEAD_MAX ? 'short' : skipLine(bytes);
}

function headOf(bytes: Buffer, first: number, second: number, third: number): RecordHead | undefined {
  const tag = bytes[second + 1];
  const isTag = (tag === FULL || tag === PARTIAL) && (third === second + 2 || bytes[second + 2] === COLON);
  const stream = bytes.toString('latin1', first + 1, second);
  const isTime = first >= 20 && bytes[4] === 45 && bytes[10] === 84;
  if (!isTag || !isTime || (stream !== 'stdout' && stream !== 'stderr')) return undefined;
  return { time: bytes.toString('latin1', 0, first), stream, full: tag === FULL, length: third + 1 };
}

function skipLine(bytes: Buffer): number {
  const newline = bytes.indexOf(NEWLINE);
  return newline < 0 ? bytes.length : newline + 1;
}

/** Turns records into what the reader wants to see, block by block. */
export class LogFormatter {
  readonly #options: Pick<LogOptions, 'timestamps' | 'sinceMs' | 'stream'>;
  #left: number;
  #carry: Buffer = NOTHING;
  /** In the middle of a record, or of something that is none and skipped until its newline. */
  #in: { readonly full: boolean; readonly shown: boolean } | 'skipped' | undefined;
  /** Streams whose last shown record did not end its line. */
  readonly #open = new Set<StreamName>();

  constructor(options: Pick<LogOptions, 'timestamps' | 'sinceMs' | 'stream' | 'limitBytes'>) {
    this.#options = options;
    this.#left = options.limitBytes ?? Number.POSITIVE_INFINITY;
  }

  /** As many bytes as were asked for have been given. */
  get done(): boolean {
    return this.#left <= 0;
  }

  /** The result may be empty. `block` can be used again afterwards. */
  push(block: Buffer): Buffer {
    const out: Buffer[] = [];
    let at = 0;
    while (at < block.length && !this.done) {
      at = this.#in === undefined ? this.#head(block, at, out) : this.#content(block, at, this.#in, out);
    }
    return Buffer.concat(out);
  }

  /** The file was replaced: what was cut off in the old one does not go on in the new one. */
  reset(): void {
    this.#carry = NOTHING;
    this.#in = undefined;
  }

  #head(block: Buffer, at: number, out: Buffer[]): number {
    const before = this.#carry;
    const rest = block.subarray(at);
    const bytes = before.length === 0 ? rest : Buffer.concat([before, rest.subarray(0, HEAD_MAX)]);
    this.#carry = NOTHING;
    const head = readHead(bytes);
    if (head === 'short') {
      this.#carry = Buffer.from(bytes);
      return block.length;
    }
    if (typeof head === 'number') {
      this.#in = bytes[head - 1] === NEWLINE ? undefined : 'skipped';
      return at + head - before.length;
    }
    const shown = this.#wants(head);
    this.#in = { full: head.full, shown };
    if (shown) {
      if (this.#options.timestamps && !this.#open.has(head.stream)) this.#put(stampOf(head.time), out);
      if (head.full) this.#open.delete(head.stream);
      else this.#open.add(head.stream);
    }
    return at + head.length - before.length;
  }

  #content(block: Buffer, at: number, now: { full: boolean; shown: boolean } | 'skipped', out: Buffer[]): number {
    const newline = block.indexOf(NEWLINE, at);
    const end = newline < 0 ? block.length : newline;
    if (newline >= 0) this.#in = undefined;
    if (now !== 'skipped' && now.shown) {
      this.#put(block.subarray(at, end), out);
      if (newline >= 0 && now.full) this.#put(LINE_END, out);
    }
    return newline < 0 ? end : end + 1;
  }

  #wants({ time, stream }: RecordHead): boolean {
    const { sinceMs, stream: wanted } = this.#options;
    if (wanted !== 'All' && wanted.toLowerCase() !== stream) return false;
    // Milliseconds are enough: `since` is given in whole ones, and parsing cuts off what is finer.
    return sinceMs === undefined || !(Date.parse(time) < sinceMs);
  }

  #put(bytes: Buffer, out: Buffer[]): void {
    if (bytes.length === 0 || this.done) return;
    const part = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes;
    this.#left -= part.length;
    out.push(part);
  }
}

/** Always nine digits of a second, so that columns line up. */
function stampOf(time: string): Buffer {
  const parts = /^([^.Z+]{19})(?:\.(\d+))?(.*)$/.exec(time);
  if (parts === null) return Buffer.from(`${time} `);
  const [, seconds, fraction = '', zone] = parts;
  return Buffer.from(`${seconds}.${fraction.padEnd(9, '0')}${zone} `);
}
