// agent/network: the way to other nodes' pods. Where nodes share a link, a plain route; else VXLAN, with everything
// derived from node addresses, so that nothing need be exchanged: the hardware address of a node's tunnel end is
// computed from its address. Pure; node-routes.ts reads the kernel and carries the plan out.
import { createHash } from 'node:crypto';
import { contains, familyOf, nth, parseCidr } from './addresses.ts';
import type { Family } from './nft.ts';
import type { NodeView } from './project.ts';

/** Marks routes as ours, in the kernel's list of who made a route. */
export const ROUTE_PROTOCOL = 158;
export const VXLAN = 'skiff-vxlan';
export const VXLAN_ID = 4_343;
/** The IANA port; other overlays on Linux often use the kernel's old default, 8472. */
export const VXLAN_PORT = 4_789;

export interface Link {
  readonly name: string;
  readonly mac: string;
  /** Addresses with their prefix: `192.168.7.2/24`. */
  readonly addresses: readonly string[];
}

/** One remote node's way, in the words `ip` prints and takes. */
export interface Way {
  readonly family: Family;
  readonly cidr: string;
  readonly via: string;
  readonly dev: string;
  /** Through the tunnel: who is at the other end. */
  readonly peer?: { readonly address: string; readonly mac: string };
}

export function waysTo(nodes: readonly NodeView[], nodeName: string, links: readonly Link[]): Way[] {
  return nodes
    .filter(({ name }) => name !== nodeName)
    .flatMap(({ podCidrs, internalIps }) =>
      podCidrs.flatMap((cidr): Way[] => {
        const parsed = parseCidr(cidr);
        const address = internalIps.find((ip) => familyOf(ip) === parsed?.family);
        if (parsed === undefined || address === undefined) return [];
        const { family } = parsed;
        const link = links.find(({ addresses }) => addresses.some((own) => onLink(own, address)));
        if (link !== undefined) return [{ family, cidr, via: address, dev: link.name }];
        // One tunnel carries both families, between the preferred addresses of the nodes.
        const [end = address] = internalIps;
        return [{ family, cidr, via: nth(parsed, 0), dev: VXLAN, peer: { address: end, mac: tunnelMac(end) } }];
      }),
    );
}

function onLink(own: string, address: string): boolean {
  const cidr = parseCidr(own);
  return cidr !== undefined && contains(cidr, address);
}

/** A locally administered hardware address that every node can compute. */
export function tunnelMac(address: string): string {
  const digest = createHash('sha256').update(address).digest();
  return ['02', ...[0, 1, 2, 3, 4].map((i) => digest[i]!.toString(16).padStart(2, '0'))].join(':');
}

/** What the kernel has of ours. */
export interface RoutesNow {
  readonly routes: readonly {
    readonly family: Family;
    readonly cidr: string;
    readonly via: string;
    readonly dev: string;
  }[];
}

export interface RoutePlan {
  /** For `ip -batch`: family flag and command. */
  readonly ip: readonly string[];
  readonly bridge: readonly string[];
}

/** The tunnel itself is made before (node-routes.ts), when any way needs it. */
export function planRoutes(ways: readonly Way[], now: RoutesNow): RoutePlan {
  const wanted = new Set(ways.map(({ family, cidr }) => `${family} ${cidr}`));
  const have = new Set(now.routes.map(({ family, cidr, via, dev }) => `${family} ${cidr} ${via} ${dev}`));
  const stale = now.routes.filter(({ family, cidr }) => !wanted.has(`${family} ${cidr}`));
  const fresh = ways.filter(({ family, cidr, via, dev }) => !have.has(`${family} ${cidr} ${via} ${dev}`));
  const tunnelled = ways.filter(({ peer }) => peer !== undefined);
  return {
    ip: [
      ...stale.map(({ cidr }) => `route del ${cidr} proto ${ROUTE_PROTOCOL}`),
      // Neighbours and forwarding entries are replaced in every pass: they are few and cheap, and lost with the link.
      ...tunnelled.map(({ via, peer }) => `neigh replace ${via} lladdr ${peer!.mac} dev ${VXLAN} nud permanent`),
      ...fresh.map(
        ({ cidr, via, dev, peer }) =>
          `route replace ${cidr} via ${via} dev ${dev}${peer === undefined ? '' : ' onlink'} proto ${ROUTE_PROTOCOL}`,
      ),
    ],
    bridge: tunnelled.map(({ peer }) => `fdb replace ${peer!.mac} dev ${VXLAN} dst ${peer!.address} self permanent`),
  };
}
