// What a client accepts and what it gets: the encoding, and the shape (the object itself, a Table, its metadata alone).
// The texts of the refusals are upstream's.
import { PROTOBUF } from '../../api/schema/protobuf-envelope.ts';
import { ApiError } from '../../api/status.ts';

export type Encoding = 'json' | 'yaml' | 'protobuf';
export type Shape = 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList';

export interface Chosen {
  readonly encoding: Encoding;
  /** Absent: the object as it is. */
  readonly as?: Shape;
  /** Of meta.k8s.io, where `as` is given. */
  readonly version: 'v1' | 'v1beta1';
}

export const CONTENT_TYPES: Readonly<Record<Encoding, string>> = {
  json: 'application/json',
  yaml: 'application/yaml',
  protobuf: PROTOBUF,
};
export const WATCH_TYPES: Readonly<Record<Exclude<Encoding, 'yaml'>, string>> = {
  json: 'application/json',
  protobuf: `${PROTOBUF};stream=watch`,
};

export interface MediaRange {
  readonly type: string;
  readonly subtype: string;
  readonly params: Readonly<Record<string, string>>;
  readonly q: number;
}

/** A header longer than this names more types than anybody has. */
const HEADER_MAX = 8192;

/** Best first: by quality, then the more particular one, then in the order of the text. */
export function parseAccept(header: string): MediaRange[] {
  const ranges = header.slice(0, HEADER_MAX).split(',').flatMap(parseRange);
  const particular = ({ type, subtype, params }: MediaRange) =>
    (type === '*' ? 0 : 4) + (subtype === '*' ? 0 : 2) + (Object.keys(params).length > 0 ? 1 : 0);
  return ranges
    .filter(({ q }) => q > 0)
    .map((range, at) => ({ range, at }))
    .sort((a, b) => b.range.q - a.range.q || particular(b.range) - particular(a.range) || a.at - b.at)
    .map(({ range }) => range);
}

function parseRange(text: string): MediaRange[] {
  const [name = '', ...rest] = text.split(';');
  const [type = '', subtype = ''] = name.trim().toLowerCase().split('/');
  // A lone star is what Java clients of old send.
  if (type === '*' && subtype === '') return [{ type, subtype: '*', params: {}, q: 1 }];
  if (type === '' || subtype === '') return [];
  const params: Record<string, string> = {};
  let q = 1;
  for (const pair of rest) {
    const at = pair.indexOf('=');
    if (at < 0) continue;
    const key = pair.slice(0, at).trim().toLowerCase();
    const value = pair
      .slice(at + 1)
      .trim()
      .replace(/^"(.*)"$/, '$1');
    if (key === 'q') q = Math.min(Math.max(Number(value) || 0, 0), 1);
    else if (key !== '__proto__') params[key] = value;
  }
  return [{ type, subtype, params, q }];
}

export interface Offer {
  readonly watch?: boolean;
  /** Whether the kind has a protobuf form; custom resources have none, but their metadata does. */
  readonly protobuf?: boolean;
  /** Whether answers may be Tables and metadata: not for discovery and the like. */
  readonly shapes?: boolean;
}

const NAMES: readonly Encoding[] = ['json', 'yaml', 'protobuf'];

export function negotiate(accept: string | undefined, offer: Offer = {}): Chosen {
  const ranges = accept === undefined || accept.trim() === '' ? [] : parseAccept(accept);
  if (ranges.length === 0 && (accept ?? '').trim() === '') return { encoding: 'json', version: 'v1' };
  let known = false;
  for (const range of ranges) {
    for (const encoding of NAMES) {
      if (!matches(range, CONTENT_TYPES[encoding])) continue;
      known = true;
      const chosen = choose(range, encoding, offer);
      if (chosen !== undefined) return chosen;
    }
  }
  throw known ? notAcceptable(accepted(offer)) : unknownTypes(offer);
}

function matches({ type, subtype }: MediaRange, contentType: string): boolean {
  const [ours, rest] = contentType.split('/');
  return (type === '*' || type === ours) && (subtype === '*' || subtype === rest);
}

function choose({ params }: MediaRange, encoding: Encoding, offer: Offer): Chosen | undefined {
  const { as, g: group, v: version = 'v1', stream } = params;
  if (offer.watch && encoding === 'yaml') return undefined;
  if (stream !== undefined && (stream !== 'watch' || encoding === 'yaml')) return undefined;
  if (as === undefined) {
    if (encoding === 'protobuf' && offer.protobuf === false) return undefined;
    return { encoding, version: 'v1' };
  }
  if (offer.shapes === false || group !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1'))
    return undefined;
  if (as !== 'Table' && as !== 'PartialObjectMetadata' && as !== 'PartialObjectMetadataList') return undefined;
  // A Table has no protobuf form.
  if (as === 'Table' && encoding === 'protobuf') return undefined;
  return { encoding, as, version };
}

function accepted({ watch, protobuf }: Offer): string[] {
  const names = protobuf === false ? NAMES.filter((name) => name !== 'protobuf') : NAMES;
  if (!watch) return names.map((name) => CONTENT_TYPES[name]);
  return names.filter((name) => name !== 'yaml').map((name) => `${CONTENT_TYPES[name]};stream=watch`);
}

export function notAcceptable(types: readonly string[]): ApiError {
  const message = `only the following media types are accepted: ${types.join(', ')}`;
  return new ApiError(406, 'NotAcceptable', message);
}

/** A type that nothing here could ever answer is refused before the kind is looked at, in other words. */
function unknownTypes(offer: Offer): ApiError {
  const types = [...accepted({ ...offer, watch: false }), ...accepted({ ...offer, watch: true })];
  return noRepresentation(types);
}

export function noRepresentation(types: readonly string[]): ApiError {
  const message = `406: Not Acceptable\n\nAvailable representations: ${types.join(', ')}`;
  return new ApiError(406, 'NotAcceptable', message, {});
}

/** The first of these types that the client takes: for documents with media types of their own. */
export function firstAccepted(accept: string | undefined, types: readonly string[]): string | undefined {
  if (accept === undefined || accept.trim() === '') return types[0];
  for (const range of parseAccept(accept)) {
    const found = types.find((type) => matches(range, type));
    if (found !== undefined) return found;
  }
  return undefined;
}
