// agent/network: frontends as elements of nftables maps, and the chains those elements go to. What belongs to one
// Service is elements only; chains are shared by all frontends with equally many endpoints (`pick-3`), because
// chains cost the kernel quadratic time.
//
//   services  10.43.0.7 . tcp . 80        goto pick-3     which chain: how many endpoints, how to choose
//   endpoints 10.43.0.7 . tcp . 80 . 0    10.42.0.5 . 8080   the i-th endpoint
//
// Node ports have no address of their own and live in maps of their own (`node-...`). The choices of the world that
// keeps its source address stand beside the others, from index 65536 on.
import type { NftOp } from './nft.ts';
import { type Endpoint, type Frontend, frontendKey, type Group } from './services.ts';

/** Says to the masquerading rule: leave the source address as it is. On the first packet of a connection only. */
export const KEEP_SOURCE = 0x8000;
const OUTSIDE_OFFSET = 65_536;

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
  return `goto ${chainName(group.endpoints.length, group.affinitySeconds, node, outside)}`;
}

function groupElements(group: Group, key: string, node: boolean, outside: boolean): Element[] {
  if (group.to !== 'endpoints') return [];
  const prefix = node ? 'node-' : '';
  const offset = outside ? OUTSIDE_OFFSET : 0;
  if (group.affinitySeconds === undefined) {
    return group.endpoints.map((e, i) => ({
      of: `${prefix}endpoints`,
      key: `${key} . ${offset + i}`,
      value: `${e.ip} . ${e.port}`,
    }));
  }
  const slots = slotsOf(group.endpoints, outside);
  return group.endpoints.flatMap((e, i) => [
    { of: `${prefix}slots`, key: `${key} . ${offset + i}`, value: slotText(slots[i]!) },
    { of: `${prefix}by-slot`, key: `${key} . ${slotText(slots[i]!)}`, value: `${e.ip} . ${e.port}` },
  ]);
}

const slotText = (slot: number) => String(slot);

/** A number per endpoint that stays the same while others come and go, so that affinity survives them. It depends
 * on nothing but the endpoints, so that a restarted agent finds the same. The bit for the source says which half. */
export function slotsOf(endpoints: readonly Endpoint[], outside: boolean): number[] {
  const taken = new Set<number>();
  return endpoints.map(({ ip, port }) => {
    let slot = hash(`${ip} ${port}`);
    do slot = ((outside ? slot | KEEP_SOURCE : slot & ~KEEP_SOURCE) & 0x7fff_ffff) >>> 0;
    while (taken.has(slot) && ++slot);
    taken.add(slot);
    return slot;
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
  const index = `numgen random mod ${picks ?? sticks}${keep === undefined ? '' : ` offset ${OUTSIDE_OFFSET}`}`;
  if (picks !== undefined) {
    const dnat = `dnat to ${key} . ${index} map @${node}endpoints`;
    return [{ add: 'chain', name, rules: keep === undefined ? [dnat] : [keepSource, dnat] }];
  }
  const client = `${family} saddr . ${key}`;
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
        `meta mark set ${client} map @${node}affinity jump ${node}stuck-${seconds}`,
        `meta mark set ${key} . ${index} map @${node}slots`,
        remember,
        dnat,
      ],
    },
  ];
}

export const keepSource = `meta mark set meta mark or ${KEEP_SOURCE}`;
