// Parts of an address range, one for each node: /24 of IPv4 and /64 of IPv6, or smaller where the range is small.

const NODE_BITS_V4 = 24;
const NODE_BITS_V6 = 64;

/** The first part of the range that is not taken; undefined when all are. */
export function freeSubnet(cidr: string, taken: ReadonlySet<string>): string | undefined {
  const [address, bitsText] = cidr.split('/');
  const isV6 = address!.includes(':');
  const bits = Number(bitsText);
  const size = Math.max(bits, isV6 ? NODE_BITS_V6 : NODE_BITS_V4);
  const width = isV6 ? 128 : 32;
  const first = isV6 ? parseV6(address!) : parseV4(address!);
  const count = 1n << BigInt(Math.min(size - bits, 16));
  for (let i = 0n; i < count; i++) {
    const start = first + (i << BigInt(width - size));
    const subnet = `${isV6 ? textV6(start) : textV4(start)}/${size}`;
    if (!taken.has(subnet)) return subnet;
  }
  return undefined;
}

function parseV4(text: string): bigint {
  return text.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
}

function textV4(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');
}

function parseV6(text: string): bigint {
  const [head = '', tail] = text.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => '0');
  return [...left, ...zeros, ...right].reduce((sum, part) => (sum << 16n) | BigInt(`0x${part}`), 0n);
}

function textV6(value: bigint): string {
  const parts = Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16));
  const text = parts.join(':');
  const zeros = text.match(/(^|:)0(:0)+$/);
  return zeros === null ? text : `${text.slice(0, zeros.index)}::`;
}
