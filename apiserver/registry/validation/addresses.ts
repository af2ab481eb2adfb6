// Addresses and networks.
import { BlockList, isIP, isIPv4 } from 'node:net';
import type { FieldProblem } from '../../../api/status.ts';
import { invalidValue } from './problems.ts';

const NOT_A_CIDR = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';

/** `strict` refuses bits beyond the prefix, as newer fields do. */
export function cidrProblems(path: string, value: string, { strict = false } = {}): FieldProblem[] {
  const parsed = parseCidr(value);
  if (parsed === undefined) return [invalidValue(path, value, NOT_A_CIDR)];
  if (strict && (parsed.bits & ((1n << BigInt(parsed.size - parsed.prefix)) - 1n)) !== 0n) {
    return [invalidValue(path, value, 'must not have bits set beyond the prefix length')];
  }
  return [];
}

export interface Cidr {
  readonly bits: bigint;
  readonly prefix: number;
  readonly size: 32 | 128;
}

export function parseCidr(text: string): Cidr | undefined {
  const [address = '', length = '', ...rest] = text.split('/');
  const size = isIPv4(address) ? 32 : 128;
  if (rest.length > 0 || isIP(address) === 0 || address.includes('%') || !/^(0|[1-9]\d{0,2})$/.test(length)) {
    return undefined;
  }
  const prefix = Number(length);
  return prefix > size ? undefined : { bits: ipBits(address), prefix, size };
}

function ipBits(address: string): bigint {
  if (isIPv4(address)) return address.split('.').reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);
  // A dotted tail counts as two groups.
  const plain = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_all, ...parts: string[]) => {
    const [a, b, c, d] = parts.slice(0, 4).map(Number) as [number, number, number, number];
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [head = '', tail] = plain.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const left = groups(head);
  const right = groups(tail ?? '');
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  const all = [...left, ...Array<string>(Math.max(zeros, 0)).fill('0'), ...right];
  return all.reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}

/** Whether `inner` is a part of `outer` and not all of it. */
export function isStrictSubset(inner: Cidr, outer: Cidr): boolean {
  if (inner.size !== outer.size || inner.prefix <= outer.prefix) return false;
  const shift = BigInt(outer.size - outer.prefix);
  return inner.bits >> shift === outer.bits >> shift;
}

function blocks(...subnets: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [net, prefix] of subnets) list.addSubnet(net, prefix, isIPv4(net) ? 'ipv4' : 'ipv6');
  return list;
}

const SPECIAL = [
  { of: blocks(['127.0.0.0', 8], ['::1', 128]), why: 'may not be in the loopback range (127.0.0.0/8, ::1/128)' },
  {
    of: blocks(['169.254.0.0', 16], ['fe80::', 10]),
    why: 'may not be in the link-local range (169.254.0.0/16, fe80::/10)',
  },
  {
    of: blocks(['224.0.0.0', 24], ['ff02::', 16]),
    why: 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)',
  },
];

/** Addresses that nothing outside of a machine can be reached at. */
export function reachableIpProblems(path: string, ip: string): FieldProblem[] {
  if (isIP(ip) === 0) return [invalidValue(path, ip, 'must be a valid IP address')];
  const problems: FieldProblem[] = [];
  if (ip === '0.0.0.0' || ip === '::') problems.push(invalidValue(path, ip, `may not be unspecified (${ip})`));
  const family = isIPv4(ip) ? 'ipv4' : 'ipv6';
  for (const { of, why } of SPECIAL) if (of.check(ip, family)) problems.push(invalidValue(path, ip, why));
  return problems;
}
