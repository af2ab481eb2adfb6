// Who a certificate speaks of: the distinguished name (RFC 5280, 4.1.2.4) as far as Kubernetes reads it, where the
// common name is the user and every organization is a group, and the alternative names of a server.
import { isIPv4, isIPv6 } from 'node:net';
import {
  DerError,
  type DerNode,
  expectTag,
  implicit,
  oid,
  readOid,
  readText,
  sequence,
  set,
  TAG,
  utf8String,
} from './der.ts';

export interface Subject {
  readonly commonName: string;
  readonly organizations?: readonly string[];
}

export interface AlternativeNames {
  readonly dns?: readonly string[];
  readonly ips?: readonly string[];
  readonly emails?: readonly string[];
  readonly uris?: readonly string[];
}

const COMMON_NAME = '2.5.4.3';
const ORGANIZATION = '2.5.4.10';

export function encodeSubject({ commonName, organizations = [] }: Subject): Buffer {
  const attribute = (type: string, value: string) => set(sequence(oid(type), utf8String(value)));
  return sequence(...organizations.map((o) => attribute(ORGANIZATION, o)), attribute(COMMON_NAME, commonName));
}

export function decodeSubject(name: DerNode): Required<Subject> {
  expectTag(name, TAG.sequence);
  // A relative name may carry several attributes: other issuers put all organizations into one set.
  const attributes = name.children.flatMap((relative) => expectTag(relative, TAG.set).children);
  const values = (type: string) =>
    attributes
      .filter(({ children: [id] }) => id && readOid(id) === type)
      .map(({ children: [, v] }) => readText(expectText(v)));
  return { commonName: values(COMMON_NAME).at(-1) ?? '', organizations: values(ORGANIZATION) };
}

const EMAIL = 1;
const DNS_NAME = 2;
const URI = 6;
const IP_ADDRESS = 7;

export function encodeAlternativeNames({ dns = [], ips = [], emails = [], uris = [] }: AlternativeNames): Buffer {
  const text = (tag: number) => (name: string) => implicit(tag, Buffer.from(name, 'latin1'));
  return sequence(
    ...emails.map(text(EMAIL)),
    ...dns.map(text(DNS_NAME)),
    ...uris.map(text(URI)),
    ...ips.map((ip) => implicit(IP_ADDRESS, ipBytes(ip))),
  );
}

export interface DecodedNames {
  readonly dns: string[];
  readonly ips: string[];
  readonly emails: string[];
  readonly uris: string[];
  /** How many names of further kinds there are: signers refuse those. */
  readonly others: number;
}

export function decodeAlternativeNames(names: DerNode): DecodedNames {
  expectTag(names, TAG.sequence);
  const of = (n: number) =>
    names.children.filter(({ tag }) => (tag & 0xdf) === (0x80 | n)).map(({ content }) => content);
  const text = (n: number) => of(n).map((content) => content.toString('latin1'));
  const found = { emails: text(EMAIL), dns: text(DNS_NAME), uris: text(URI), ips: of(IP_ADDRESS).map(ipText) };
  const known = found.emails.length + found.dns.length + found.uris.length + found.ips.length;
  return { ...found, others: names.children.length - known };
}

/** The four or sixteen bytes of an address. */
export function ipBytes(ip: string): Buffer {
  if (isIPv4(ip)) return Buffer.from(ip.split('.').map(Number));
  if (!isIPv6(ip) || ip.includes('%')) throw new TypeError(`not an address: ${ip}`);
  const [head = '', tail] = shortest(ip).split('::');
  const words = (part: string) => (part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16)));
  const [left, right] = [words(head), words(tail ?? '')];
  const zeros = Array<number>(8 - left.length - right.length).fill(0);
  return Buffer.from([...left, ...zeros, ...right].flatMap((word) => [word >> 8, word & 0xff]));
}

export function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) throw new DerError(`an address has 4 or 16 bytes, not ${bytes.length}`);
  const words = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16));
  return shortest(words.join(':'));
}

/** The form of RFC 5952, so that two spellings of an address compare equal: what a URL makes of it. */
function shortest(ip: string): string {
  return new URL(`http://[${ip}]`).hostname.slice(1, -1);
}

function expectText(node: DerNode | undefined): DerNode {
  if (node === undefined) throw new DerError('an attribute without a value');
  return node;
}
