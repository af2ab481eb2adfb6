// test: Services and EndpointSlices as plain API objects, and the input the agent would have from its informers.

import type { NetworkInput } from '../../../agent/network/service-proxy.ts';
import type { Node } from '../../../api/types/core/node.ts';
import type { Service } from '../../../api/types/core/service.ts';
import type { EndpointSlice } from '../../../api/types/discovery/endpoint-slice.ts';

export interface TestService {
  name: string;
  ip: string;
  port?: number;
  target?: number;
  protocol?: 'TCP' | 'UDP';
  endpoints?: readonly string[];
  node?: string;
  spec?: Partial<NonNullable<Service['spec']>>;
  nodePort?: number;
  /** Address of the load balancer. */
  ingress?: string;
}

export class TestWorld implements NetworkInput {
  readonly #services = new Map<string, Service>();
  readonly #slices = new Map<string, EndpointSlice>();
  readonly #callbacks = new Set<() => void>();
  isSynced = true;
  readonly nodeList: Node[] = [];

  synced = () => this.isSynced;
  services = () => this.#services.values();
  slices = () => this.#slices.values();
  nodes = () => this.nodeList;
  onChange(callback: () => void): () => void {
    this.#callbacks.add(callback);
    return () => this.#callbacks.delete(callback);
  }

  put(service: TestService): void {
    this.#services.set(service.name, aService(service));
    this.#slices.set(service.name, aSlice(service));
    this.changed();
  }

  delete(name: string): void {
    this.#services.delete(name);
    this.#slices.delete(name);
    this.changed();
  }

  changed(): void {
    for (const callback of this.#callbacks) callback();
  }
}

export function aService({
  name,
  ip,
  port = 80,
  target = 8080,
  protocol = 'TCP',
  nodePort,
  spec,
  ingress,
}: TestService): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default' },
    spec: {
      type: nodePort === undefined ? 'ClusterIP' : 'NodePort',
      clusterIP: ip,
      clusterIPs: [ip],
      ports: [{ port, protocol, targetPort: target, nodePort }],
      ...spec,
    },
    status: ingress === undefined ? {} : { loadBalancer: { ingress: [{ ip: ingress }] } },
  } as Service;
}

export function aSlice({
  name,
  target = 8080,
  protocol = 'TCP',
  endpoints = [],
  node = 'node',
}: TestService): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${name}-1`, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
    addressType: endpoints[0]?.includes(':') ? 'IPv6' : 'IPv4',
    endpoints: endpoints.map((address) => ({ addresses: [address], conditions: { ready: true }, nodeName: node })),
    ports: [{ name: '', port: target, protocol }],
  } as unknown as EndpointSlice;
}
