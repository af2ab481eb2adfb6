// agent/network: API objects -> the views of service-view.ts. Pure, and the only file here that knows how the API
// spells things: absent fields get their meaning here.
import type { Node } from '../../api/types/core/node.ts';
import type { Service } from '../../api/types/core/service.ts';
import type { EndpointSlice } from '../../api/types/discovery/endpoint-slice.ts';
import { canonical } from './addresses.ts';
import type { NodePlace, Protocol, ServiceView, SliceView } from './service-view.ts';

const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';
/** With either of these, another proxy or none implements the Service. */
const PROXY_NAME_LABEL = 'service.kubernetes.io/service-proxy-name';
const HEADLESS_LABEL = 'service.kubernetes.io/headless';
const ZONE_LABEL = 'topology.kubernetes.io/zone';
const AFFINITY_DEFAULT_S = 10_800;

export function serviceView({ metadata, spec = {}, status }: Service): ServiceView {
  const clusterIps = spec.clusterIPs ?? (spec.clusterIP === undefined ? [] : [spec.clusterIP]);
  const type = (spec.type ?? 'ClusterIP') as ServiceView['type'];
  const headless = clusterIps[0] === 'None';
  const elsewhere = [PROXY_NAME_LABEL, HEADLESS_LABEL].some((label) => metadata.labels?.[label] !== undefined);
  const reachableOutside = type === 'NodePort' || type === 'LoadBalancer';
  const ingress = type === 'LoadBalancer' ? (status?.loadBalancer?.ingress ?? []) : [];
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name ?? '',
    type,
    clusterIps: headless ? [] : clusterIps.filter((ip) => ip !== ''),
    headless,
    proxied: !elsewhere,
    externalName: spec.externalName ?? '',
    externalIps: spec.externalIPs ?? [],
    loadBalancerIps: ingress.flatMap(({ ip, ipMode }) => (ip && ipMode !== 'Proxy' ? [ip] : [])),
    sourceRanges: type === 'LoadBalancer' ? (spec.loadBalancerSourceRanges ?? []) : [],
    ports: (spec.ports ?? []).map(({ name = '', protocol = 'TCP', port, nodePort }) => ({
      name,
      protocol: protocol as Protocol,
      port,
      nodePort: reachableOutside && nodePort ? nodePort : undefined,
    })),
    affinitySeconds:
      spec.sessionAffinity === 'ClientIP'
        ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? AFFINITY_DEFAULT_S)
        : undefined,
    externalLocal: spec.externalTrafficPolicy === 'Local',
    internalLocal: spec.internalTrafficPolicy === 'Local',
    publishNotReady: spec.publishNotReadyAddresses === true,
    healthCheckNodePort: spec.healthCheckNodePort || undefined,
  };
}

/** Undefined for a slice that belongs to no Service. */
export function sliceView({ metadata, addressType, endpoints, ports }: EndpointSlice): SliceView | undefined {
  const service = metadata.labels?.[SERVICE_NAME_LABEL];
  if (!service) return undefined;
  return {
    namespace: metadata.namespace ?? '',
    service,
    addressType: addressType as SliceView['addressType'],
    endpoints: (endpoints ?? []).map(({ addresses, conditions, hostname, nodeName, hints }) => {
      // Unknown counts as ready, and serving follows ready where nothing is said about it.
      const ready = conditions?.ready ?? true;
      return {
        addresses: addresses ?? [],
        hostname,
        nodeName,
        ready,
        serving: conditions?.serving ?? ready,
        terminating: conditions?.terminating ?? false,
        forZones: hints?.forZones?.map(({ name }) => name),
        forNodes: hints?.forNodes?.map(({ name }) => name),
      };
    }),
    ports: (ports ?? []).map(({ name, protocol, port }) => ({
      name: name ?? '',
      protocol: (protocol ?? 'TCP') as Protocol,
      port: port ?? undefined,
    })),
  };
}

export interface NodeView {
  readonly name: string;
  readonly zone?: string;
  readonly podCidrs: readonly string[];
  readonly internalIps: readonly string[];
}

export function nodeView({ metadata, spec, status }: Node): NodeView {
  return {
    name: metadata.name ?? '',
    zone: metadata.labels?.[ZONE_LABEL],
    podCidrs: spec?.podCIDRs ?? (spec?.podCIDR ? [spec.podCIDR] : []),
    // Nodes write these themselves and others make commands of them: nothing but an address comes in.
    internalIps: (status?.addresses ?? []).flatMap(({ type, address }) =>
      type === 'InternalIP' ? (canonical(address) ?? []) : [],
    ),
  };
}

export function placeOf(nodeName: string, nodes: Iterable<NodeView>): NodePlace {
  for (const { name, zone } of nodes) if (name === nodeName) return { nodeName, zone };
  return { nodeName };
}
