// test: views of Services and slices with sensible defaults.
import type { EndpointView, ServiceView, SliceView } from '../../../agent/network/service-view.ts';

export function aService(more: Partial<ServiceView> = {}): ServiceView {
  return {
    namespace: 'default',
    name: 'web',
    type: 'ClusterIP',
    clusterIps: ['10.43.0.7'],
    headless: false,
    proxied: true,
    externalName: '',
    externalIps: [],
    loadBalancerIps: [],
    sourceRanges: [],
    ports: [{ name: 'http', protocol: 'TCP', port: 80 }],
    externalLocal: false,
    internalLocal: false,
    publishNotReady: false,
    ...more,
  };
}

export function anEndpoint(ip: string, more: Partial<EndpointView> = {}): EndpointView {
  const ready = more.ready ?? true;
  return { addresses: [ip], ready, serving: ready, terminating: false, nodeName: 'here', ...more };
}

export function aSlice(endpoints: readonly EndpointView[], more: Partial<SliceView> = {}): SliceView {
  return {
    namespace: 'default',
    service: 'web',
    addressType: 'IPv4',
    endpoints,
    ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
    ...more,
  };
}
