// agent/network: addresses and ranges in both families, as pure functions over text. Canonical text matters here:
// elements of nftables maps are compared as text with what the kernel lists.
import { isIPv4, isIPv6 } from 'node:net';
import type { Family } from './nft.ts';

export function familyOf(address: string): Family | undefined {
  if (isIPv4(address)) return 'ip';
  // A zone means something on one machine only, and the kernel's tables take none.
  return isIPv6(address) && !address.includes('%') ? 'ip6' : undefined;
}

/** The one way to write an address; undefined when it is none. */
export function canonical(address: string): string | undefined {
  if (isIPv4(address)) return address;
  if (familyOf(address) === undefined) return undefined;
  const text = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  // The kernel's tools show the last 32 bits of a mapped address as IPv4 does.
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(text);
  if (mapped === null) return text;
  const [high, low] = [Number.parseInt(mapped[1]!, 16), Number.parseInt(mapped[2]!, 16)];
  return `::ffff:${[high >> 8, high & 255, low >> 8, low & 255].join('.')}`;
}

export interface Cidr {
  readonly family: Family;
  /** First address of the range, as a number. */
  readonly base: bigint;
  readonly bits: number;
}

/** Undefined when the text is no range. Bits beyond the prefix are dropped, as the kernel drops them. */
export function parseCidr(text: string): Cidr | undefined {
  const [address = '', length = '', ...rest] = text.split('/');
  const family = familyOf(address);
  if (family === undefined || rest.length > 0 || !/^\d{1,3}$/.test(length)) return undefined;
  const width = family === 'ip' ? 32 : 128;
  const bits = Number(length);
  if (bits > width) return undefined;
  const shift = BigInt(width - bits);
  return { family, bits, base: (toNumber(address) >> shift) << shift };
}

export function formatCidr({ family, base, bits }: Cidr): string {
  return `${fromNumber(base, family)}/${bits}`;
}

export function contains(cidr: Cidr, address: string): boolean {
  if (familyOf(address) !== cidr.family) return false;
  const shift = BigInt((cidr.family === 'ip' ? 32 : 128) - cidr.bits);
  return toNumber(address) >> shift === cidr.base >> shift;
}

/** The address `n` places after the first one of the range. */
export function nth(cidr: Cidr, n: number): string {
  return fromNumber(cidr.base + BigInt(n), cidr.family);
}

/** The ranges of one family without those that lie inside another of them: interval sets must not overlap. */
export function withoutNested(cidrs: readonly Cidr[]): Cidr[] {
  const widestFirst = [...cidrs].sort((a, b) => a.bits - b.bits);
  const kept: Cidr[] = [];
  for (const cidr of widestFirst) {
    if (!kept.some((k) => k.family === cidr.family && contains(k, fromNumber(cidr.base, cidr.family)))) kept.push(cidr);
  }
  return kept;
}

export function toNumber(address: string): bigint {
  if (isIPv4(address)) return address.split('.').reduce((n, part) => (n << 8n) | BigInt(part), 0n);
  return groupsOf(address).reduce((n, group) => (n << 16n) | BigInt(group), 0n);
}

export function fromNumber(n: bigint, family: Family): string {
  if (family === 'ip') return [24n, 16n, 8n, 0n].map((shift) => String((n >> shift) & 255n)).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => ((n >> BigInt(112 - 16 * i)) & 0xffffn).toString(16));
  return canonical(groups.join(':'))!;
}

/** The eight 16-bit groups of an IPv6 address. */
export function groupsOf(address: string): number[] {
  // URL turns a dotted tail into groups; what remains to be expanded is one `::`.
  const text = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = '', tail] = text.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const middle = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => '0');
  return [...left, ...middle, ...right].map((group) => Number.parseInt(group, 16));
}
