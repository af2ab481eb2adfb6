// What services take from: cluster addresses and node ports. Known from the services there are, so a restart or
// another server's writes leave nothing behind; a reservation lives from the write's start until the cache shows it.
import type { Random } from '../../api/random.ts';

export interface Supplies {
  readonly addresses: readonly AddressRange[];
  readonly nodePorts: NumberSupply;
}

export interface AddressRange {
  readonly cidr: string;
  readonly family: 'IPv4' | 'IPv6';
  readonly supply: NumberSupply;
  addressOf(n: number): string;
  /** Undefined when the address is not in the range. */
  numberOf(address: string): number | undefined;
}

/** Numbers from..to, each held by at most one owner. */
export class NumberSupply {
  readonly from: number;
  readonly to: number;
  readonly #random: Random;
  readonly #taken = new Map<number, string>();

  constructor(from: number, to: number, random: Random) {
    this.from = from;
    this.to = to;
    this.#random = random;
  }

  ownerOf(n: number): string | undefined {
    return this.#taken.get(n);
  }

  /** False when another owner holds it. */
  take(n: number, owner: string): boolean {
    const holder = this.#taken.get(n);
    if (holder !== undefined && holder !== owner) return false;
    this.#taken.set(n, owner);
    return true;
  }

  /** Any free number, at random and then upwards from there; undefined when all are taken. */
  takeAny(owner: string, lowest = this.from): number | undefined {
    const span = this.to - lowest + 1;
    const start = Math.floor(this.#random.float() * span);
    for (let i = 0; i < span; i++) {
      const n = lowest + ((start + i) % span);
      if (this.#taken.has(n)) continue;
      this.#taken.set(n, owner);
      return n;
    }
    return undefined;
  }

  release(n: number, owner: string): void {
    if (this.#taken.get(n) === owner) this.#taken.delete(n);
  }
}

/** Addresses are counted from the network's own; that, and IPv4's broadcast address, are never given out. */
export function addressRange(cidr: string, random: Random): AddressRange {
  const [network, length] = cidr.split('/') as [string, string];
  const isV6 = network.includes(':');
  const bits = (isV6 ? 128 : 32) - Number(length);
  // More than a million services need no more addresses than that.
  const size = 2 ** Math.min(bits, 20);
  const base = toBig(network);
  return {
    cidr,
    family: isV6 ? 'IPv6' : 'IPv4',
    supply: new NumberSupply(1, isV6 ? size - 1 : size - 2, random),
    addressOf: (n) => fromBig(base + BigInt(n), isV6),
    numberOf(address) {
      if (address.includes(':') !== isV6) return undefined;
      const n = toBig(address) - base;
      return n > 0n && n < BigInt(size) ? Number(n) : undefined;
    },
  };
}

/** The first addresses are kept for those who ask for one, so that a fixed address is rarely taken by chance. */
export function dynamicFrom({ supply }: AddressRange): number {
  const size = supply.to + 1;
  return size <= 16 ? supply.from : Math.min(256, Math.max(16, Math.floor(size / 16)));
}

function toBig(address: string): bigint {
  if (!address.includes(':')) return address.split('.').reduce((sum, part) => (sum << 8n) + BigInt(part), 0n);
  const [head, tail] = address.split('::') as [string, string?];
  const words = (text: string | undefined) => (text ? text.split(':') : []);
  const left = words(head);
  const right = words(tail);
  const middle = tail === undefined ? [] : new Array<string>(8 - left.length - right.length).fill('0');
  return [...left, ...middle, ...right].reduce((sum, word) => (sum << 16n) + BigInt(`0x${word}`), 0n);
}

function fromBig(value: bigint, isV6: boolean): string {
  if (!isV6) return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join('.');
  const words = Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - i * 16)) & 0xffffn).toString(16));
  const url = new URL(`http://[${words.join(':')}]/`);
  return url.hostname.slice(1, -1);
}
