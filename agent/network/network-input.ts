// agent/network: the room's input from the agent's informers, and what a Pod object means here.
import type { Informer } from '../../api/client/informer.ts';
import type { Node } from '../../api/types/core/node.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { Service } from '../../api/types/core/service.ts';
import type { EndpointSlice } from '../../api/types/discovery/endpoint-slice.ts';
import type { LocalPod } from './desired.ts';
import type { NetworkInput } from './service-proxy.ts';
import type { Protocol } from './service-view.ts';

export interface NetworkInformers {
  readonly services: Informer<Service>;
  readonly slices: Informer<EndpointSlice>;
  readonly nodes: Informer<Node>;
}

/** `signal` ends the wait for the first lists. */
export function inputOf({ services, slices, nodes }: NetworkInformers, signal: AbortSignal): NetworkInput {
  const callbacks = new Set<() => void>();
  const changed = () => {
    for (const callback of callbacks) callback();
  };
  for (const informer of [services, slices, nodes]) informer.onChange(changed);
  // The first list may be empty, and then no change tells that it is in.
  Promise.all([services.synced(signal), slices.synced(signal), nodes.synced(signal)]).then(changed, () => {});
  return {
    synced: () => services.isSynced && slices.isSynced && nodes.isSynced,
    services: () => services.list(),
    slices: () => slices.list(),
    nodes: () => nodes.list(),
    onChange(callback) {
      callbacks.add(callback);
      return () => callbacks.delete(callback);
    },
  };
}

export function localPod({ spec }: Pod, ips: readonly string[]): LocalPod {
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  return {
    ips,
    hostPorts: containers.flatMap(({ ports = [] }) =>
      ports.flatMap(({ hostPort, hostIP, containerPort, protocol = 'TCP' }) =>
        hostPort ? [{ hostPort, hostIp: hostIP, protocol: protocol as Protocol, port: containerPort }] : [],
      ),
    ),
  };
}
