// agent/network: Services and EndpointSlices as this room sees them. The views hold only what traffic and names
// depend on; project.ts fills them from the API types, everything else here is computed from them.

export type Protocol = 'TCP' | 'UDP' | 'SCTP';

export interface ServicePortView {
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly nodePort?: number;
}

export interface ServiceView {
  readonly namespace: string;
  readonly name: string;
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';
  /** Empty for headless Services and ExternalName. */
  readonly clusterIps: readonly string[];
  readonly headless: boolean;
  /** False when another proxy implements it; its names are ours all the same. */
  readonly proxied: boolean;
  readonly externalName: string;
  readonly externalIps: readonly string[];
  /** Addresses of the load balancer that packets arrive at (`ipMode: VIP`). */
  readonly loadBalancerIps: readonly string[];
  readonly sourceRanges: readonly string[];
  readonly ports: readonly ServicePortView[];
  /** Session affinity by client address; undefined for none. */
  readonly affinitySeconds?: number;
  readonly externalLocal: boolean;
  readonly internalLocal: boolean;
  readonly publishNotReady: boolean;
  readonly healthCheckNodePort?: number;
}

export interface EndpointView {
  readonly addresses: readonly string[];
  readonly hostname?: string;
  readonly nodeName?: string;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly forZones?: readonly string[];
  readonly forNodes?: readonly string[];
}

export interface EndpointPortView {
  readonly name: string;
  readonly protocol: Protocol;
  /** Undefined means every port, which only headless Services can use. */
  readonly port?: number;
}

export interface SliceView {
  readonly namespace: string;
  /** The Service it belongs to. */
  readonly service: string;
  readonly addressType: 'IPv4' | 'IPv6' | 'FQDN';
  readonly endpoints: readonly EndpointView[];
  readonly ports: readonly EndpointPortView[];
}

/** Where a packet is that must be told local from remote. */
export interface NodePlace {
  readonly nodeName: string;
  readonly zone?: string;
}
