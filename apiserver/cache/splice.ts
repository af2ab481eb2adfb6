// metadata.resourceVersion in the stored bytes: the store keeps objects without it, since the version is the very
// revision of the write, and everybody reads them with it. Our own writer begins every object the same way, so the
// place is found in the first bytes; what others wrote is scanned.

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d];

const KIND = '{"kind":"';
const API_VERSION = '","apiVersion":"';
const METADATA = '","metadata":{';
const RESOURCE_VERSION = '"resourceVersion":"';
/** Kind and apiVersion are names; whatever is longer did not come from our writer. */
const HEAD_MAX = 700;

/** `value` with metadata.resourceVersion set to `revision`, in a buffer of exactly its size. */
export function withRevision(value: Buffer, revision: number): Buffer {
  const place = ours(value) ?? scan(value);
  const insert = `${RESOURCE_VERSION}${revision}"${place.alone ? '' : ','}`;
  // Never pooled: a slice of a pool would keep the whole pool alive for as long as the object is cached.
  const bytes = Buffer.allocUnsafeSlow(value.length - (place.cutEnd - place.cutStart) + insert.length);
  value.copy(bytes, 0, 0, place.open);
  bytes.write(insert, place.open, 'latin1');
  let at = place.open + insert.length;
  at += value.copy(bytes, at, place.open, place.cutStart);
  value.copy(bytes, at, place.cutEnd);
  return bytes;
}

interface Place {
  /** Right behind the brace that opens metadata. */
  readonly open: number;
  /** A resourceVersion that is there already, with one of its commas. Nothing to cut: both are the same. */
  readonly cutStart: number;
  readonly cutEnd: number;
  /** Nothing else is in metadata. */
  readonly alone: boolean;
}

/** `{"kind":"…","apiVersion":"…","metadata":{`, a resourceVersion right behind it or nowhere in metadata. */
function ours(value: Buffer): Place | undefined {
  const head = value.toString('latin1', 0, Math.min(value.length, HEAD_MAX));
  if (!head.startsWith(KIND)) return undefined;
  const kindEnd = head.indexOf('"', KIND.length);
  if (kindEnd < 0 || !head.startsWith(API_VERSION, kindEnd)) return undefined;
  const versionEnd = head.indexOf('"', kindEnd + API_VERSION.length);
  if (versionEnd < 0 || !head.startsWith(METADATA, versionEnd)) return undefined;
  const open = versionEnd + METADATA.length;
  if (!head.startsWith(RESOURCE_VERSION, open)) {
    return { open, cutStart: open, cutEnd: open, alone: head[open] === '}' };
  }
  const end = head.indexOf('"', open + RESOURCE_VERSION.length);
  if (end < 0) return undefined;
  const comma = head[end + 1] === ',';
  return { open, cutStart: open, cutEnd: end + (comma ? 2 : 1), alone: !comma };
}

function scan(value: Buffer): Place {
  const metadata = members(value, skipSpace(value, 0)).find(({ key }) => key === 'metadata');
  if (metadata === undefined || value[metadata.valueStart] !== OPEN_BRACE)
    throw new Error('an object without metadata');
  const open = metadata.valueStart + 1;
  const inside = members(value, metadata.valueStart);
  const at = inside.findIndex(({ key }) => key === 'resourceVersion');
  const found = inside[at];
  if (found === undefined) return { open, cutStart: open, cutEnd: open, alone: inside.length === 0 };
  // The comma behind it goes with it, or, behind the last member, the one before it.
  const next = inside[at + 1];
  const before = inside[at - 1];
  if (next !== undefined) return { open, cutStart: found.start, cutEnd: next.start, alone: false };
  const cutStart = before === undefined ? found.start : before.end;
  return { open, cutStart, cutEnd: found.end, alone: before === undefined };
}

interface Member {
  readonly key: string;
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
}

/** The members of the object that opens at `at`. */
function members(value: Buffer, at: number): Member[] {
  if (value[at] !== OPEN_BRACE) throw new Error('not a JSON object');
  const found: Member[] = [];
  let i = skipSpace(value, at + 1);
  while (value[i] === QUOTE) {
    const start = i;
    const keyEnd = skipString(value, i);
    const key: unknown = JSON.parse(value.toString('utf8', start, keyEnd));
    i = skipSpace(value, keyEnd);
    if (value[i] !== COLON) throw new Error('not JSON: no colon behind a key');
    const valueStart = skipSpace(value, i + 1);
    const end = skipValue(value, valueStart);
    found.push({ key: String(key), start, valueStart, end });
    i = skipSpace(value, end);
    if (value[i] === COMMA) i = skipSpace(value, i + 1);
  }
  if (value[i] !== CLOSE_BRACE) throw new Error('not JSON: an object does not end');
  return found;
}

function skipSpace(value: Buffer, at: number): number {
  let i = at;
  while (value[i] === 0x20 || value[i] === 0x0a || value[i] === 0x0d || value[i] === 0x09) i++;
  return i;
}

function skipString(value: Buffer, at: number): number {
  for (let i = at + 1; i < value.length; i++) {
    if (value[i] === BACKSLASH) i++;
    else if (value[i] === QUOTE) return i + 1;
  }
  throw new Error('not JSON: a string does not end');
}

function skipValue(value: Buffer, at: number): number {
  let depth = 0;
  let i = at;
  while (i < value.length) {
    const byte = value[i];
    if (byte === QUOTE) {
      i = skipString(value, i);
      if (depth === 0) return i;
      continue;
    }
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      // At depth 0 it closes the object around a number or a word.
      if (depth === 0) return i;
      if (--depth === 0) return i + 1;
    } else if (depth === 0 && byte === COMMA) return i;
    i++;
  }
  throw new Error('not JSON: a value does not end');
}
