// agent/network: answers of other DNS servers, kept for as long as they say, but not long, and not many.
import { RCODE, readRecords, TYPE } from './dns-wire.ts';

const POSITIVE_MAX_S = 30;
const NEGATIVE_MAX_S = 10;

interface Entry {
  readonly message: Buffer;
  readonly storedAt: number;
  readonly until: number;
}

export class DnsCache {
  readonly #entries = new Map<string, Entry>();
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax = 4 << 20) {
    this.#bytesMax = bytesMax;
  }

  /** A copy whose times to live have gone on; the id is whatever the caller writes. */
  get(key: string, nowMs: number): Buffer | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#delete(key);
    if (nowMs >= entry.until) return undefined;
    this.#put(key, entry); // used last, dropped last
    return aged(entry.message, Math.floor((nowMs - entry.storedAt) / 1000));
  }

  set(key: string, message: Buffer, nowMs: number): void {
    this.#delete(key);
    const seconds = lifetime(message);
    if (seconds <= 0) return;
    // Small Buffers are slices of a pool: a copy of exact size keeps nothing else alive.
    const exact = Buffer.from(new Uint8Array(message).buffer);
    this.#put(key, { message: exact, storedAt: nowMs, until: nowMs + seconds * 1000 });
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#delete(oldest);
    }
  }

  #put(key: string, entry: Entry): void {
    this.#entries.set(key, entry);
    this.#bytes += cost(key, entry);
  }

  #delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= cost(key, entry);
  }
}

const cost = (key: string, { message }: Entry) => 2 * key.length + message.length + 200;

/** How many seconds an answer may be used: its shortest record, or what the SOA of a denial allows (RFC 2308). */
export function lifetime(message: Buffer): number {
  const rcode = message.readUInt16BE(2) & 15;
  const truncated = (message.readUInt16BE(2) & 0x0200) !== 0;
  const records = readRecords(message);
  if (records === undefined || truncated || (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN)) return 0;
  const answers = records.filter(({ section }) => section === 1);
  if (answers.length > 0) {
    return Math.min(POSITIVE_MAX_S, ...answers.map(({ record }) => message.readUInt32BE(record.ttlAt)));
  }
  const soa = records.find(({ section, record }) => section === 2 && record.type === TYPE.SOA)?.record;
  if (soa === undefined) return 0;
  return Math.min(NEGATIVE_MAX_S, message.readUInt32BE(soa.ttlAt), message.readUInt32BE(soa.end - 4));
}

function aged(message: Buffer, seconds: number): Buffer {
  const copy = Buffer.from(message);
  for (const { record } of readRecords(copy) ?? []) {
    if (record.type === TYPE.OPT) continue; // its time to live is no time
    copy.writeUInt32BE(Math.max(0, copy.readUInt32BE(record.ttlAt) - seconds), record.ttlAt);
  }
  return copy;
}
