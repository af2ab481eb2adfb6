// agent/network: the fixed part of the table, one per address family: its sets, maps and base chains. A few rules,
// the same for one Service and for ten thousand; everything that varies is an element (frontends.ts, model.ts).
//
//   prerouting  silent pods dropped -> nat: world? outside maps : services, node ports -> shared chains -> dnat
//   output      nat: services, node ports
//   forward     unknown pods dropped, packets to a ClusterIP that nothing has translated refused or dropped
//   postrouting masquerade: hairpin, translated packets from outside the cluster, pods that talk to the world
import { KEEP_SOURCE } from './frontends.ts';
import type { Family, NftOp, Table } from './nft.ts';
import { VXLAN } from './routes.ts';

export interface RulesetConfig {
  readonly family: Family;
  /** Pod ranges of the whole cluster, this family. */
  readonly clusterCidrs: readonly string[];
  readonly serviceCidrs: readonly string[];
  /** This node's own pod range, when our CNI configuration hands it out; then unknown pods stay silent. */
  readonly podCidr?: string;
  /** Where this agent itself serves DNS. */
  readonly dnsIp?: string;
}

export const TABLE = 'skiff';

export function tableOf(family: Family): Table {
  return { family, name: TABLE };
}

/** Remembered clients of services with session affinity, on this node. */
const AFFINITY_MAX = 262_144;

const maps = (family: Family): [kind: 'set' | 'map', name: string, spec: string][] => {
  const address = family === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
  const tuple = `${address} . inet_proto . inet_service`;
  const nodeTuple = 'inet_proto . inet_service';
  // Types, not expressions: rules over a map typed by `th dport` cannot be added later by nft 1.0.6, which fails to
  // read such a type back from the kernel.
  const endpoint = `${address} . inet_service`;
  const clients = `flags dynamic,timeout; size ${AFFINITY_MAX};`;
  return [
    ['map', 'services', `type ${tuple} : verdict;`],
    ['map', 'outside', `type ${tuple} : verdict;`],
    ['map', 'endpoints', `type ${tuple} . mark : ${endpoint};`],
    ['map', 'slots', `type ${tuple} . mark : mark;`],
    ['map', 'by-slot', `type ${tuple} . mark : ${endpoint};`],
    ['map', 'affinity', `type ${family === 'ip' ? `${address} . ${tuple}` : 'mark'} : mark; ${clients}`],
    ['map', 'node-ports', `type ${nodeTuple} : verdict;`],
    ['map', 'outside-node-ports', `type ${nodeTuple} : verdict;`],
    ['map', 'node-endpoints', `type ${nodeTuple} . mark : ${endpoint};`],
    ['map', 'node-slots', `type ${nodeTuple} . mark : mark;`],
    ['map', 'node-by-slot', `type ${nodeTuple} . mark : ${endpoint};`],
    ['map', 'node-affinity', `type ${family === 'ip' ? `${address} . ${nodeTuple}` : 'mark'} : mark; ${clients}`],
    ['set', 'cluster-ips', `type ${address};`],
    ['set', 'restricted', `type ${address} . inet_proto . inet_service;`],
    ['set', 'allowed', `type ${address} . inet_proto . inet_service . ${address}; flags interval;`],
    ['set', 'known-pods', `type ${address};`],
    ['set', 'hairpin', `type ${address} . ${address};`],
  ];
};

/** Filled by the kernel as connections come; not ours to compare. */
export const DYNAMIC_MAPS: ReadonlySet<string> = new Set(['affinity', 'node-affinity']);

export function fixedSets(family: Family): NftOp[] {
  return maps(family).map(([add, name, spec]) => ({ add, name, spec }));
}

export const setNames: readonly string[] = maps('ip').map(([, name]) => name);

type Chain = Extract<NftOp, { add: 'chain' }>;

export function fixedChains({ family, clusterCidrs, serviceCidrs, podCidr, dnsIp }: RulesetConfig): Chain[] {
  const a = family;
  const tuple = `${a} daddr . meta l4proto . th dport`;
  const nodePort = 'fib daddr type local meta l4proto . th dport';
  const loopback = family === 'ip' ? '127.0.0.0/8' : '::1';
  const multicast = family === 'ip' ? '224.0.0.0/4' : 'ff00::/8';
  const cluster = clusterCidrs.length === 0 ? undefined : `{ ${clusterCidrs.join(', ')} }`;
  const services = serviceCidrs.length === 0 ? undefined : `{ ${serviceCidrs.join(', ')} }`;
  const chain = (name: string, hook: string | undefined, rules: (string | false | undefined)[]): Chain => ({
    add: 'chain',
    name,
    hook,
    rules: rules.filter((rule) => typeof rule === 'string'),
  });
  const base = (type: string, hook: string, priority: string) =>
    `type ${type} hook ${hook} priority ${priority}; policy accept;`;

  return [
    chain('raw-prerouting', base('filter', 'prerouting', 'raw'), [
      // route_localnet lets replies come back to 127.0.0.1; nobody on a wire may use it.
      `iifname != "lo" ${a} daddr ${loopback} drop`,
      podCidr && `iifname != "lo" ${a} saddr ${podCidr} ${a} saddr != @known-pods drop`,
      ...untracked(a, dnsIp),
    ]),
    chain('raw-output', base('filter', 'output', 'raw'), untracked(a, dnsIp)),

    chain('nat-prerouting', base('nat', 'prerouting', 'dstnat'), [
      cluster && `${a} saddr != ${cluster} jump from-outside`,
      'jump to-services',
    ]),
    chain('nat-output', base('nat', 'output', '-100'), ['jump to-services']),
    chain('from-outside', undefined, [`${tuple} vmap @outside`, `${nodePort} vmap @outside-node-ports`]),
    chain('to-services', undefined, [
      `${tuple} @restricted ${tuple} . ${a} saddr != @allowed drop`,
      `${tuple} vmap @services`,
      `${nodePort} vmap @node-ports`,
    ]),
    chain('refuse', undefined, ['meta l4proto tcp reject with tcp reset', 'reject']),

    chain('filter-forward', base('filter', 'forward', 'filter - 5'), [
      // The tunnel takes 50 bytes of each packet, and not every path tells the sender.
      `oifname "${VXLAN}" tcp flags syn tcp option maxseg size set rt mtu`,
      // A packet that connection tracking cannot place is not translated back, and the wrong address in it would make
      // the other side reset a healthy connection.
      cluster && `${a} saddr ${cluster} ct state invalid drop`,
      podCidr && `${a} daddr ${podCidr} ${a} daddr != @known-pods drop`,
      services && `${a} daddr ${services} jump untranslated`,
    ]),
    chain('filter-output', base('filter', 'output', 'filter - 5'), [
      podCidr && `oifname != "lo" ${a} daddr ${podCidr} ${a} daddr != @known-pods drop`,
      services && `${a} daddr ${services} fib daddr type != local jump untranslated`,
    ]),
    // A port the Service does not have is refused; for an address nobody has the client may try again: it is perhaps new.
    chain('untranslated', undefined, [`ct state new ${a} daddr @cluster-ips goto refuse`, 'drop']),

    chain('nat-postrouting', base('nat', 'postrouting', 'srcnat'), [
      'oifname "lo" accept',
      `meta mark and 0xf0ff8000 == ${KEEP_SOURCE} accept`,
      // A pod that reaches itself through a Service would answer itself directly, from the wrong address.
      `ct status dnat ${a} saddr . ${a} daddr @hairpin masquerade fully-random`,
      cluster && `ct status dnat ${a} saddr != ${cluster} masquerade fully-random`,
      podCidr &&
        `${a} saddr ${podCidr} ${a} daddr != { ${[...clusterCidrs, multicast].join(', ')} } masquerade fully-random`,
    ]),
  ];
}

/** Our own DNS is answered on this node; connection tracking would only cost and race. */
function untracked(a: Family, dnsIp: string | undefined): string[] {
  if (dnsIp === undefined) return [];
  return [`${a} daddr ${dnsIp} udp dport 53 notrack`, `${a} saddr ${dnsIp} udp sport 53 notrack`];
}
