// agent/network: DNS messages (RFC 1035, EDNS0 of RFC 6891) to and from bytes. Bounded and without trust: whatever is
// not a well-formed query comes back as a value that says so. Names are lower case without the trailing dot.
export const TYPE = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, TXT: 16, AAAA: 28, SRV: 33, OPT: 41, ANY: 255 } as const;
export const RCODE = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;

export type RecordData =
  | { readonly type: 'A' | 'AAAA'; readonly address: Uint8Array }
  | { readonly type: 'CNAME' | 'PTR' | 'NS'; readonly target: string }
  | {
      readonly type: 'SRV';
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: string;
    }
  | { readonly type: 'TXT'; readonly text: string }
  | {
      readonly type: 'SOA';
      readonly mname: string;
      readonly rname: string;
      readonly serial: number;
      readonly minimum: number;
    };

export interface ResourceRecord {
  readonly name: string;
  readonly ttl: number;
  readonly data: RecordData;
}

export interface Question {
  readonly name: string;
  readonly type: number;
}

export interface Query {
  readonly id: number;
  readonly question: Question;
  readonly recursionDesired: boolean;
  readonly checkingDisabled: boolean;
  /** The question as it came, letters in the case the client chose: it wants them back. */
  readonly questionBytes: Buffer;
  readonly edns?: { readonly udpSize: number; readonly dnssecOk: boolean; readonly version: number };
}

export interface Reply {
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly answers: readonly ResourceRecord[];
  readonly authority: readonly ResourceRecord[];
  readonly additional: readonly ResourceRecord[];
}

const HEADER = 12;
const CLASS_IN = 1;
const POINTER = 0xc0;
/** What we say we can take by UDP; larger answers are fragmented somewhere and lost. */
export const EDNS_UDP_SIZE = 1232;

/** Undefined: nothing to answer (too short, or itself an answer). */
export function parseQuery(message: Buffer): Query | { readonly id: number; readonly rcode: number } | undefined {
  if (message.length < HEADER) return undefined;
  const id = message.readUInt16BE(0);
  const flags = message.readUInt16BE(2);
  if ((flags & 0x8000) !== 0) return undefined;
  if (((flags >> 11) & 15) !== 0) return { id, rcode: RCODE.NOTIMP };
  if (message.readUInt16BE(4) !== 1) return { id, rcode: RCODE.FORMERR };
  const name = readName(message, HEADER);
  if (name === undefined || name.end + 4 > message.length) return { id, rcode: RCODE.FORMERR };
  const type = message.readUInt16BE(name.end);
  if (message.readUInt16BE(name.end + 2) !== CLASS_IN) return { id, rcode: RCODE.REFUSED };
  const questionEnd = name.end + 4;
  return {
    id,
    question: { name: name.name, type },
    recursionDesired: (flags & 0x0100) !== 0,
    checkingDisabled: (flags & 0x0010) !== 0,
    questionBytes: Buffer.from(message.subarray(HEADER, questionEnd)),
    edns: readEdns(message, questionEnd),
  };
}

function readEdns(message: Buffer, from: number): Query['edns'] {
  const records = message.readUInt16BE(6) + message.readUInt16BE(8) + message.readUInt16BE(10);
  let at = from;
  for (let i = 0; i < Math.min(records, 16); i++) {
    const rr = readRecord(message, at);
    if (rr === undefined) return undefined;
    if (rr.type === TYPE.OPT) {
      const ttl = message.readUInt32BE(rr.ttlAt);
      return {
        udpSize: message.readUInt16BE(rr.ttlAt - 2),
        dnssecOk: (ttl & 0x8000) !== 0,
        version: (ttl >> 16) & 255,
      };
    }
    at = rr.end;
  }
  return undefined;
}

interface RawRecord {
  readonly type: number;
  readonly ttlAt: number;
  readonly dataAt: number;
  readonly end: number;
}

function readRecord(message: Buffer, at: number): RawRecord | undefined {
  const name = readName(message, at);
  if (name === undefined || name.end + 10 > message.length) return undefined;
  const end = name.end + 10 + message.readUInt16BE(name.end + 8);
  if (end > message.length) return undefined;
  return { type: message.readUInt16BE(name.end), ttlAt: name.end + 4, dataAt: name.end + 10, end };
}

/** All records of a message with the section they stand in; undefined when it is malformed. */
export function readRecords(message: Buffer): { section: number; record: RawRecord }[] | undefined {
  if (message.length < HEADER) return undefined;
  let at = questionsEnd(message);
  const records: { section: number; record: RawRecord }[] = [];
  for (let section = 1; at !== undefined && section <= 3; section++) {
    for (let i = 0; i < message.readUInt16BE(4 + 2 * section); i++) {
      const record = readRecord(message, at);
      if (record === undefined) return undefined;
      records.push({ section, record });
      at = record.end;
    }
  }
  return at === undefined ? undefined : records;
}

function questionsEnd(message: Buffer): number | undefined {
  let at = HEADER;
  for (let i = 0; i < message.readUInt16BE(4); i++) {
    const name = readName(message, at);
    if (name === undefined || name.end + 4 > message.length) return undefined;
    at = name.end + 4;
  }
  return at;
}

/** Follows compression pointers, only backwards, so that none can lead in a circle. */
export function readName(message: Buffer, start: number): { name: string; end: number } | undefined {
  const labels: string[] = [];
  let length = 0;
  let at = start;
  let end: number | undefined;
  let floor = start;
  for (;;) {
    const size = message[at];
    if (size === undefined) return undefined;
    if ((size & POINTER) === POINTER) {
      if (at + 1 >= message.length) return undefined;
      const target = message.readUInt16BE(at) & 0x3fff;
      if (target >= floor) return undefined;
      end ??= at + 2;
      floor = target;
      at = target;
      continue;
    }
    if ((size & POINTER) !== 0) return undefined;
    if (size === 0) return { name: labels.join('.'), end: end ?? at + 1 };
    length += size + 1;
    if (length > 254 || at + 1 + size > message.length) return undefined;
    // A dot inside a label would read as two labels; no name of ours has one, so it only must not match.
    const label = message.toString('latin1', at + 1, at + 1 + size).toLowerCase();
    labels.push(label.includes('.') ? label.replaceAll('.', '\\046') : label);
    at += 1 + size;
  }
}

/** The answer as bytes; what does not fit in `maxBytes` is left out and marked, so that the client asks by TCP. */
export function encodeReply(query: Query, reply: Reply, maxBytes: number): Buffer {
  const whole = encode(query, reply, false);
  if (whole.length <= maxBytes) return whole;
  const bare = { ...reply, additional: [] };
  const withoutExtras = encode(query, bare, false);
  return withoutExtras.length <= maxBytes
    ? withoutExtras
    : encode(query, { ...bare, answers: [], authority: [] }, true);
}

function encode(query: Query, reply: Reply, truncated: boolean): Buffer {
  const out = new Writer(query.questionBytes, query.question.name);
  const { answers, authority, additional } = reply;
  for (const rr of [...answers, ...authority, ...additional]) out.record(rr);
  if (query.edns !== undefined) out.opt(query.edns.dnssecOk);
  const bytes = out.bytes();
  const { recursionDesired, checkingDisabled } = query;
  bytes.writeUInt16BE(query.id, 0);
  bytes.writeUInt16BE(
    0x8080 |
      (reply.authoritative ? 0x0400 : 0) |
      (truncated ? 0x0200 : 0) |
      (recursionDesired ? 0x0100 : 0) |
      (checkingDisabled ? 0x0010 : 0) |
      reply.rcode,
    2,
  );
  bytes.writeUInt16BE(1, 4);
  bytes.writeUInt16BE(answers.length, 6);
  bytes.writeUInt16BE(authority.length, 8);
  bytes.writeUInt16BE(additional.length + (query.edns === undefined ? 0 : 1), 10);
  return bytes;
}

/** An answer to something that has no question we could repeat. */
export function encodeError(id: number, rcode: number): Buffer {
  const bytes = Buffer.alloc(HEADER);
  bytes.writeUInt16BE(id, 0);
  bytes.writeUInt16BE(0x8000 | rcode, 2);
  return bytes;
}

/** A query of our own to another server. */
export function encodeQuery(query: Pick<Query, 'questionBytes' | 'checkingDisabled' | 'edns'>, id: number): Buffer {
  const out = new Writer(query.questionBytes, '');
  if (query.edns !== undefined) out.opt(query.edns.dnssecOk);
  const bytes = out.bytes();
  bytes.writeUInt16BE(id, 0);
  bytes.writeUInt16BE(0x0100 | (query.checkingDisabled ? 0x0010 : 0), 2);
  bytes.writeUInt16BE(1, 4);
  bytes.writeUInt16BE(query.edns === undefined ? 0 : 1, 10);
  return bytes;
}

/** Somebody else's answer cut down to its question, marked as truncated. */
export function truncate(message: Buffer): Buffer {
  const bytes = Buffer.from(message.subarray(0, questionsEnd(message) ?? HEADER));
  bytes.writeUInt16BE(bytes.readUInt16BE(2) | 0x0200, 2);
  bytes.fill(0, 6, HEADER);
  return bytes;
}

class Writer {
  #buffer = Buffer.alloc(512);
  #length = HEADER;
  /** Where a name (or the rest of one) already stands. */
  readonly #names = new Map<string, number>();

  constructor(questionBytes: Buffer, questionName: string) {
    this.#room(questionBytes.length);
    questionBytes.copy(this.#buffer, this.#length);
    let at = HEADER;
    for (let rest = questionName; rest !== ''; rest = afterDot(rest)) {
      this.#names.set(rest, at);
      at += 1 + (questionBytes[at - HEADER] ?? 0);
    }
    this.#length += questionBytes.length;
  }

  record({ name, ttl, data }: ResourceRecord): void {
    this.#name(name);
    this.#u16(TYPE[data.type]);
    this.#u16(CLASS_IN);
    this.#u32(ttl);
    const lengthAt = this.#length;
    this.#u16(0);
    this.#data(data);
    this.#buffer.writeUInt16BE(this.#length - lengthAt - 2, lengthAt);
  }

  opt(dnssecOk: boolean): void {
    this.#raw([0]);
    this.#u16(TYPE.OPT);
    this.#u16(EDNS_UDP_SIZE);
    this.#u32(dnssecOk ? 0x8000 : 0);
    this.#u16(0);
  }

  bytes(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.#length));
  }

  #data(data: RecordData): void {
    switch (data.type) {
      case 'A':
      case 'AAAA':
        this.#raw(data.address);
        break;
      case 'CNAME':
      case 'PTR':
      case 'NS':
        this.#name(data.target);
        break;
      case 'SRV':
        for (const n of [data.priority, data.weight, data.port]) this.#u16(n);
        this.#name(data.target, false); // RFC 2782: not compressed
        break;
      case 'TXT':
        this.#raw([data.text.length, ...Buffer.from(data.text)]);
        break;
      case 'SOA':
        this.#name(data.mname);
        this.#name(data.rname);
        for (const n of [data.serial, 7200, 1800, 86_400, data.minimum]) this.#u32(n);
        break;
      default:
        data satisfies never;
    }
  }

  #name(name: string, compress = true): void {
    for (let rest = name; rest !== ''; rest = afterDot(rest)) {
      const known = compress ? this.#names.get(rest) : undefined;
      if (known !== undefined) {
        this.#u16(0xc000 | known);
        return;
      }
      if (this.#length < 0x4000) this.#names.set(rest, this.#length);
      const label = Buffer.from(rest.slice(0, (rest.indexOf('.') + 1 || rest.length + 1) - 1), 'latin1');
      this.#raw([label.length, ...label]);
    }
    this.#raw([0]);
  }

  #raw(bytes: ArrayLike<number>): void {
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #u16(n: number): void {
    this.#room(2);
    this.#length = this.#buffer.writeUInt16BE(n, this.#length);
  }

  #u32(n: number): void {
    this.#room(4);
    this.#length = this.#buffer.writeUInt32BE(n >>> 0, this.#length);
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const larger = Buffer.alloc(Math.max(this.#buffer.length * 2, this.#length + bytes));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

const afterDot = (name: string) => (name.includes('.') ? name.slice(name.indexOf('.') + 1) : '');
