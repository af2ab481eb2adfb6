// Addresses that are understood today and that stricter readers will refuse.
import { isIP, isIPv4 } from 'node:net';
import { parseCidr } from './addresses.ts';

const LATER = 'will be considered invalid in a future Kubernetes release: use';
const FORM = 'should be in RFC 5952 canonical format';

export function ipWarnings(path: string, value: string): string[] {
  if (isIP(value) === 0) return [];
  const shown = canonicalIp(value);
  const mapped = mappedIpv4(shown);
  if (mapped !== undefined) return [`${path}: non-standard IP address "${value}" ${LATER} "${mapped}"`];
  return shown === value ? [] : [`${path}: IPv6 address "${value}" ${FORM} ("${shown}")`];
}

export function cidrWarnings(path: string, value: string): string[] {
  const parsed = parseCidr(value);
  if (parsed === undefined) return [];
  const { bits, prefix, size } = parsed;
  const [address = ''] = value.split('/');
  const net = (bits >> BigInt(size - prefix)) << BigInt(size - prefix);
  const shown = `${ipText(net, size)}/${prefix}`;
  if (net !== bits) {
    const single = `${canonicalIp(address)}/${size}`;
    return [`${path}: CIDR value "${value}" is ambiguous in this context (should be "${shown}" or "${single}"?)`];
  }
  if (isIPv4(address) || shown === value) return [];
  return [`${path}: IPv6 CIDR value "${value}" ${FORM} ("${shown}")`];
}

function canonicalIp(value: string): string {
  return isIPv4(value) ? value : ipText(parseCidr(`${value}/128`)?.bits ?? 0n, 128);
}

function mappedIpv4(ip: string): string | undefined {
  const [, high, low] = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(ip) ?? [];
  if (high === undefined || low === undefined) return undefined;
  return ipText((BigInt(`0x${high}`) << 16n) | BigInt(`0x${low}`), 32);
}

function ipText(bits: bigint, size: 32 | 128): string {
  if (size === 32) return [24n, 16n, 8n, 0n].map((shift) => String((bits >> shift) & 255n)).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => ((bits >> BigInt(112 - 16 * i)) & 0xffffn).toString(16));
  // The URL standard writes addresses as RFC 5952 does.
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
