// agent/network: from Services and their endpoints to frontends: for each address and port that a packet can be sent
// to, where it goes. Pure. frontends.ts turns frontends into map elements.
import { canonical, familyOf, formatCidr, parseCidr, withoutNested } from './addresses.ts';
import type { Family } from './nft.ts';
import type { EndpointView, NodePlace, Protocol, ServicePortView, ServiceView, SliceView } from './service-view.ts';

/** Where packets of one frontend go: to one of the endpoints, or they are refused or dropped. */
export type Group =
  | { readonly to: 'endpoints'; readonly endpoints: readonly Endpoint[]; readonly affinitySeconds?: number }
  | { readonly to: 'refuse' }
  | { readonly to: 'drop' };

export interface Endpoint {
  readonly ip: string;
  readonly port: number;
}

export interface Frontend {
  /** Undefined: every address of this node (node ports, host ports). */
  readonly ip?: string;
  readonly protocol: Protocol;
  readonly port: number;
  /** For pods and this node; for the world too where `outside` says nothing else. Their replies come back through us. */
  readonly inside: Group;
  /** For the world when it keeps its source address: local endpoints only. */
  readonly outside?: Group;
  /** Only these sources may come (load balancer source ranges). */
  readonly sources?: readonly string[];
}

export function frontendKey({ ip, protocol, port }: Pick<Frontend, 'ip' | 'protocol' | 'port'>): string {
  return `${ip ?? '*'} . ${protocol.toLowerCase()} . ${port}`;
}

/** All frontends of one Service in one family. */
export function frontendsOf(
  service: ServiceView,
  slices: readonly SliceView[],
  family: Family,
  place: NodePlace,
): Frontend[] {
  if (service.type === 'ExternalName' || service.headless || !service.proxied) return [];
  const own = (ips: readonly string[]) => ips.flatMap((ip) => (familyOf(ip) === family ? [canonical(ip)!] : []));
  const clusterIps = own(service.clusterIps);
  if (clusterIps.length === 0) return [];
  const externalIps = own(service.externalIps);
  const balancerIps = own(service.loadBalancerIps);
  const sources = service.sourceRanges.length === 0 ? undefined : rangesOf(service.sourceRanges, family);

  return service.ports.flatMap((port): Frontend[] => {
    const { cluster, local } = groupsOf(service, port, slices, family, place);
    const { protocol, port: number } = port;
    const external = { protocol, port: number, inside: cluster, outside: service.externalLocal ? local : undefined };
    return [
      ...clusterIps.map((ip) => ({ ip, protocol, port: number, inside: service.internalLocal ? local : cluster })),
      ...externalIps.map((ip) => ({ ip, ...external })),
      ...balancerIps.map((ip) => ({ ip, ...external, sources })),
      ...(port.nodePort === undefined ? [] : [{ ...external, port: port.nodePort }]),
    ];
  });
}

/** The host ports of a pod are frontends too: the world keeps its source address, as with a local endpoint. */
export function hostPortFrontend(
  port: { readonly hostIp?: string; readonly hostPort: number; readonly protocol: Protocol; readonly port: number },
  podIp: string,
): Frontend {
  const group: Group = { to: 'endpoints', endpoints: [{ ip: podIp, port: port.port }] };
  const ip = port.hostIp === undefined || /^(0\.0\.0\.0|::)?$/.test(port.hostIp) ? undefined : canonical(port.hostIp);
  return { ip, protocol: port.protocol, port: port.hostPort, inside: group, outside: group };
}

function rangesOf(ranges: readonly string[], family: Family): string[] {
  const parsed = ranges.map((range) => parseCidr(range.trim())).filter((cidr) => cidr?.family === family);
  return withoutNested(parsed.map((cidr) => cidr!)).map(formatCidr);
}

function groupsOf(
  { affinitySeconds }: ServiceView,
  port: ServicePortView,
  slices: readonly SliceView[],
  family: Family,
  place: NodePlace,
): { cluster: Group; local: Group } {
  const backends = backendsOf(port, slices, family);
  const all = chooseEndpoints(backends);
  const cluster = preferNear(all, place);
  const local = chooseEndpoints(backends.filter(({ endpoint }) => endpoint.nodeName === place.nodeName));
  if (all.length === 0) return { cluster: { to: 'refuse' }, local: { to: 'refuse' } };
  const group = (chosen: readonly Backend[]): Group => ({
    to: 'endpoints',
    // One order for one set, whatever order slices come in: an unchanged set makes no transaction.
    endpoints: unique(chosen.map(({ ip, port: number }) => ({ ip, port: number }))),
    affinitySeconds,
  });
  // Endpoints exist, but not here: others may have the answer, so the client must try again, not give up.
  return { cluster: group(cluster), local: local.length === 0 ? { to: 'drop' } : group(local) };
}

interface Backend {
  readonly ip: string;
  readonly port: number;
  readonly endpoint: EndpointView;
}

function backendsOf(port: ServicePortView, slices: readonly SliceView[], family: Family): Backend[] {
  const type = family === 'ip' ? 'IPv4' : 'IPv6';
  return slices
    .filter(({ addressType }) => addressType === type)
    .flatMap((slice) => {
      const target = slice.ports.find((p) => p.name === port.name && p.protocol === port.protocol)?.port;
      if (target === undefined) return [];
      return slice.endpoints.flatMap((endpoint): Backend[] => {
        // The addresses of one endpoint are interchangeable; like kube-proxy we use the first.
        const ip = canonical(endpoint.addresses[0] ?? '');
        // One address of the wrong family would make the kernel refuse everybody's.
        return ip === undefined || familyOf(ip) !== family ? [] : [{ ip, port: target, endpoint }];
      });
    });
}

/** Ready endpoints; when there is none, those that are leaving but still serve (KEP-1669). */
function chooseEndpoints(backends: readonly Backend[]): readonly Backend[] {
  const ready = backends.filter(({ endpoint }) => endpoint.ready);
  if (ready.length > 0) return ready;
  return backends.filter(({ endpoint }) => endpoint.serving && endpoint.terminating);
}

/** Traffic distribution: hints count only when every endpoint has one and some point here (KEP-2433, KEP-3015). */
function preferNear(backends: readonly Backend[], { nodeName, zone }: NodePlace): readonly Backend[] {
  if (backends.length === 0 || backends.some(({ endpoint }) => !endpoint.ready)) return backends;
  const near = (hints: (e: EndpointView) => readonly string[] | undefined, here: string) => {
    if (backends.some(({ endpoint }) => (hints(endpoint)?.length ?? 0) === 0)) return [];
    return backends.filter(({ endpoint }) => hints(endpoint)!.includes(here));
  };
  const sameNode = near((e) => e.forNodes, nodeName);
  if (sameNode.length > 0) return sameNode;
  const sameZone = zone === undefined ? [] : near((e) => e.forZones, zone);
  return sameZone.length > 0 ? sameZone : backends;
}

function unique(endpoints: readonly Endpoint[]): Endpoint[] {
  const byText = new Map(endpoints.map((e) => [`${e.ip} ${e.port}`, e]));
  return [...byText.keys()].sort().map((text) => byText.get(text)!);
}
