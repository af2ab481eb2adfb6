// agent/network: what a table should hold, from the services of the cluster and the pods of this node. Pure. The proxy
// keeps the kernel so, and `skiff check node` compares.
import { canonical, familyOf } from './addresses.ts';
import type { Desired } from './model.ts';
import type { Family } from './nft.ts';
import type { Protocol } from './service-view.ts';
import { type Frontend, frontendKey, hostPortFrontend } from './services.ts';
import type { ViewIndex } from './view-index.ts';

export interface HostPort {
  readonly hostIp?: string;
  readonly hostPort: number;
  readonly protocol: Protocol;
  readonly port: number;
}

/** A pod of this node with an address of its own. */
export interface LocalPod {
  readonly ips: readonly string[];
  readonly hostPorts: readonly HostPort[];
}

export interface DesiredOptions {
  readonly family: Family;
  /** Names are answered on this node itself; the Service of the same address is there for those who look for it. */
  readonly dnsIp: string | undefined;
  readonly podsComplete: boolean;
  readonly hostPortsOf: (pod: LocalPod, ip: string) => readonly Frontend[];
}

const NONE: ReadonlyMap<string, Frontend> = new Map();

/** `index` is undefined until the API has spoken. */
export function desiredState(
  index: ViewIndex | undefined,
  localPods: Iterable<LocalPod>,
  { family, dnsIp, podsComplete, hostPortsOf }: DesiredOptions,
): Desired {
  const served = (['UDP', 'TCP'] as const).map((protocol) => frontendKey({ ip: dnsIp, protocol, port: 53 }));
  const ofServices = index?.frontends(family, dnsIp === undefined ? [] : served) ?? NONE;
  let added: Map<string, Frontend> | undefined;
  const pods = new Set<string>();
  for (const pod of localPods) {
    const ip = pod.ips.find((address) => familyOf(address) === family);
    if (ip === undefined) continue;
    pods.add(canonical(ip)!);
    for (const frontend of hostPortsOf(pod, canonical(ip)!)) {
      // A Service's node port was there first, or will be handed out only where no host port is in use.
      const key = frontendKey(frontend);
      if (ofServices.has(key)) continue;
      // The map of the Services is shared from pass to pass, so that one that changed nothing costs nothing.
      added ??= new Map(ofServices);
      added.set(key, frontend);
    }
  }
  return {
    frontends: added ?? ofServices,
    clusterIps: index?.clusterIps(family) ?? new Set<string>(),
    pods,
    complete: { services: index !== undefined, pods: podsComplete },
  };
}

/** What the world can reach of a pod through the node's own addresses. */
export function hostPortFrontends({ hostPorts }: LocalPod, ip: string): Frontend[] {
  return hostPorts
    .filter(({ hostIp }) => !hostIp || familyOf(hostIp) === familyOf(ip) || hostIp === '0.0.0.0')
    .map((port) => hostPortFrontend(port, ip));
}
