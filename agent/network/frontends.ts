// agent/network: frontends as elements of nftables maps, and the chains those elements go to. What belongs to one
// Service is elements only; chains are shared by all frontends with equally many endpoints (`pick-3`), because
// chains cost the kernel quadratic time.
//
//   services  10.43.0.7 . tcp . 80                  goto pick-3        how many endpoints, how to choose
//   endpoints 10.43.0.7 . tcp . 80 . (MARK + 0)     10.42.0.5 . 8080   the first of them
//
// The choice is made in the packet mark, the only variable nft has. The mark stays on the first packet of a
// connection, so it is kept out of the bits that others use and out of small numbers. One bit of it says that the
// source address is to be left as it is; those choices are for the world, stand beside the others in the same maps
// and have chains of their own (`keep-...`). Node ports have no address and live in maps of their own (`node-...`).
import type { NftOp } from './nft.ts';
import { type Endpoint, type Frontend, frontendKey, type Group } from './services.ts';

/** All our marks have this, and nothing in the bits 16 to 23. */
const MARK = 0x5000_0000;
/** Says to the masquerading rule: leave the source address as it is. */
export const KEEP_SOURCE = MARK | 0x8000;
/** One frontend spreads over no more than this. */
const ENDPOINTS_MAX = 0x8000;

export interface Element {
  readonly of: string;
  readonly key: string;
  readonly value: string;
}

export function elementsOf(frontend: Frontend): Element[] {
  const node = frontend.ip === undefined;
  const key = node ? `${frontend.protocol.toLowerCase()} . ${frontend.port}` : frontendKey(frontend);
  const { inside, outside, sources } = frontend;
  return [
    { of: node ? 'node-ports' : 'services', key, value: verdictOf(inside, node, false) },
    ...groupElements(inside, key, node, false),
    ...(outside === undefined
      ? []
      : [
          { of: node ? 'outside-node-ports' : 'outside', key, value: verdictOf(outside, node, true) },
          ...groupElements(outside, key, node, true),
        ]),
    ...(sources === undefined || node
      ? []
      : [
          { of: 'restricted', key, value: '' },
          ...sources.map((range) => ({ of: 'allowed', key: `${key} . ${asListed(range)}`, value: '' })),
        ]),
  ];
}

/** A range of one address is listed by nft as the address. */
function asListed(range: string): string {
  return range.replace(/\/32$/, '').replace(/^(.*:.*)\/128$/, '$1');
}

function verdictOf(group: Group, node: boolean, outside: boolean): string {
  if (group.to === 'refuse') return 'goto refuse';
  if (group.to === 'drop') return 'drop';
  return `goto ${chainName(Math.min(group.endpoints.length, ENDPOINTS_MAX), group.affinitySeconds, node, outside)}`;
}

function groupElements(group: Group, key: string, node: boolean, outside: boolean): Element[] {
  if (group.to !== 'endpoints') return [];
  const prefix = node ? 'node-' : '';
  const base = outside ? KEEP_SOURCE : MARK;
  const endpoints = group.endpoints.slice(0, ENDPOINTS_MAX);
  if (group.affinitySeconds === undefined) {
    return endpoints.map((e, i) => ({
      of: `${prefix}endpoints`,
      key: `${key} . ${base + i}`,
      value: `${e.ip} . ${e.port}`,
    }));
  }
  const slots = slotsOf(endpoints, base);
  return endpoints.flatMap((e, i) => [
    { of: `${prefix}slots`, key: `${key} . ${base + i}`, value: String(slots[i]) },
    { of: `${prefix}by-slot`, key: `${key} . ${slots[i]}`, value: `${e.ip} . ${e.port}` },
  ]);
}

/**
 * A mark per endpoint that stays the same while others come and go, so that affinity survives them. It depends on
 * nothing but the endpoints, so that a restarted agent finds the same.
 */
export function slotsOf(endpoints: readonly Endpoint[], base: number): number[] {
  const taken = new Set<number>();
  return endpoints.map(({ ip, port }) => {
    let number = hash(`${ip} ${port}`) & 0x7ffff;
    while (taken.has(number)) number = (number + 1) & 0x7ffff;
    taken.add(number);
    return base + (number & 0x7fff) + (number >>> 15) * 0x100_0000;
  });
}

/** FNV-1a. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

function chainName(count: number, affinity: number | undefined, node: boolean, outside: boolean): string {
  const how = affinity === undefined ? `pick-${count}` : `stick-${count}-${affinity}`;
  return `${node ? 'node-' : ''}${outside ? 'keep-' : ''}${how}`;
}

export type ChainOp = Extract<NftOp, { add: 'chain' }>;

/** The chain an element's verdict goes to, and those it needs itself; none for the fixed ones. */
export function chainsFor(verdict: string, family: 'ip' | 'ip6'): ChainOp[] {
  const match = /^goto ((node-)?(keep-)?(?:pick-(\d+)|stick-(\d+)-(\d+)))$/.exec(verdict);
  if (match === null) return [];
  const [, name = '', node = '', keep, picks, sticks, seconds] = match;
  const key = node === '' ? `${family} daddr . meta l4proto . th dport` : 'meta l4proto . th dport';
  const pick = `meta mark set numgen random mod ${picks ?? sticks} offset ${keep === undefined ? MARK : KEEP_SOURCE}`;
  if (picks !== undefined) {
    return [{ add: 'chain', name, rules: [pick, `dnat to ${key} . meta mark map @${node}endpoints`] }];
  }
  // nft 1.0.6 cannot write elements whose key is wider than 16 bytes beside a value, so IPv6 clients are remembered by
  // a hash. Two with the same hash share an endpoint, which is all that can happen: a mark means nothing elsewhere.
  const tuple = `${family} saddr . ${key}`;
  const client = family === 'ip' ? tuple : `jhash ${tuple} mod ${0xffff_ffff} seed 0x5eed`;
  const recall = family === 'ip' ? [] : [`meta mark set ${client}`];
  const remembered = family === 'ip' ? client : 'meta mark';
  const dnat = `dnat to ${key} . meta mark map @${node}by-slot`;
  const remember = `update @${node}affinity { ${client} timeout ${seconds}s : meta mark }`;
  return [
    {
      add: 'chain',
      name: `${node}stuck-${seconds}`,
      // Only a new timeout for an element that is there: `update` leaves its value. If its endpoint is gone, it is forgotten.
      rules: [remember, dnat, `delete @${node}affinity { ${client} : meta mark }`],
    },
    {
      add: 'chain',
      name,
      rules: [
        ...recall,
        `meta mark set ${remembered} map @${node}affinity jump ${node}stuck-${seconds}`,
        pick,
        `meta mark set ${key} . meta mark map @${node}slots`,
        remember,
        dnat,
      ],
    },
  ];
}
