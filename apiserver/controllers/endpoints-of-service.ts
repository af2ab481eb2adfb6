// Which pods stand behind a service, and under which ports. Pure; endpoint slices and the older endpoints objects
// are two ways of writing the same down.
import { matchesNothing, selectorMatcher } from '../../api/labels.ts';
import type { Node } from '../../api/types/core/node.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { Service } from '../../api/types/core/service.ts';
import type { Endpoint, EndpointPort } from '../../api/types/discovery/endpoint-slice.ts';
import { isFinished, isReady } from './pod-facts.ts';

export interface EndpointGroup {
  readonly addressType: 'IPv4' | 'IPv6';
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

const ZONE = 'topology.kubernetes.io/zone';

export function selectsPods({ spec }: Service): boolean {
  return spec.type !== 'ExternalName' && Object.keys(spec.selector ?? {}).length > 0;
}

export function selectedBy({ spec }: Service): (pod: Pod) => boolean {
  const matches = spec.selector === undefined ? matchesNothing : selectorMatcher({ matchLabels: spec.selector });
  return (pod) => matches(pod.metadata.labels);
}

/** Endpoints of one family and one set of port numbers: pods may resolve a named port to different numbers. */
export function endpointGroups(
  service: Service,
  pods: Iterable<Pod>,
  nodeOf: (name: string) => Node | undefined,
): EndpointGroup[] {
  const groups = new Map<string, { addressType: 'IPv4' | 'IPv6'; ports: EndpointPort[]; endpoints: Endpoint[] }>();
  for (const addressType of familiesOf(service)) {
    for (const pod of pods) {
      const endpoint = endpointOf(service, pod, addressType, nodeOf);
      if (endpoint === undefined) continue;
      const ports = portsFor(service, pod);
      const key = `${addressType} ${JSON.stringify(ports)}`;
      const group = groups.get(key) ?? { addressType, ports, endpoints: [] };
      group.endpoints.push(endpoint);
      groups.set(key, group);
    }
  }
  return [...groups.values()];
}

function familiesOf({ spec }: Service): ('IPv4' | 'IPv6')[] {
  const families = spec.ipFamilies ?? [];
  return families.length > 0 ? (families as ('IPv4' | 'IPv6')[]) : ['IPv4'];
}

function endpointOf(
  service: Service,
  pod: Pod,
  family: 'IPv4' | 'IPv6',
  nodeOf: (name: string) => Node | undefined,
): Endpoint | undefined {
  const { metadata, spec, status } = pod;
  const address = (status.podIPs ?? []).find(({ ip }) => ip.includes(':') === (family === 'IPv6'))?.ip;
  if (address === undefined || isFinished(pod)) return undefined;
  const always = service.spec.publishNotReadyAddresses === true;
  const node = nodeOf(spec.nodeName ?? '');
  // A pod whose node is unknown has no topology yet; it waits for the node, unless everything is published.
  if (node === undefined && spec.nodeName && !always) return undefined;
  const serving = isReady(pod);
  const terminating = metadata.deletionTimestamp !== undefined;
  const zone = node?.metadata.labels?.[ZONE];
  const hasName = spec.hostname && spec.subdomain === service.metadata.name;
  return {
    addresses: [address],
    conditions: { ready: always || (serving && !terminating), serving, terminating },
    ...(hasName && { hostname: spec.hostname }),
    ...(spec.nodeName && { nodeName: spec.nodeName }),
    targetRef: { kind: 'Pod', namespace: metadata.namespace, name: metadata.name, uid: metadata.uid },
    ...(zone !== undefined && { zone }),
  };
}

/** Service ports as this pod serves them; a named target that the pod does not have is left out. */
function portsFor({ spec }: Service, pod: Pod): EndpointPort[] {
  return (spec.ports ?? []).flatMap(
    ({ name = '', protocol = 'TCP', port, targetPort, appProtocol }): EndpointPort[] => {
      const number = typeof targetPort === 'string' ? namedPort(pod, targetPort, protocol) : targetPort || port;
      if (number === undefined) return [];
      return [{ name, port: number, protocol, ...(appProtocol !== undefined && { appProtocol }) } as EndpointPort];
    },
  );
}

function namedPort({ spec }: Pod, name: string, protocol: string): number | undefined {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  for (const { ports = [] } of [...spec.containers, ...sidecars]) {
    const found = ports.find((port) => port.name === name && (port.protocol ?? 'TCP') === protocol);
    if (found !== undefined) return found.containerPort;
  }
  return undefined;
}
