// What a pod's resolv.conf says: from its policy, its own wishes, and the node's file.
import type { Pod } from '../../api/types/core/pod.ts';
import type { DnsConfig } from '../cri/types.ts';

export interface ClusterNames {
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  /** The node's own resolver configuration. */
  readonly host: Required<DnsConfig>;
}

export function podDns(pod: Pod, names: ClusterNames): Required<DnsConfig> {
  const base = byPolicy(pod, names);
  const { nameservers = [], searches = [], options = [] } = pod.spec.dnsConfig ?? {};
  return {
    servers: unique([...base.servers, ...nameservers]),
    searches: unique([...base.searches, ...searches]),
    options: mergeOptions(base.options, options),
  };
}

function byPolicy(pod: Pod, { clusterDns, clusterDomain, host }: ClusterNames): Required<DnsConfig> {
  const { dnsPolicy = 'ClusterFirst', hostNetwork } = pod.spec;
  if (dnsPolicy === 'None') return { servers: [], searches: [], options: [] };
  // On the host's network the cluster's names are not expected unless asked for.
  if (dnsPolicy === 'Default' || (dnsPolicy === 'ClusterFirst' && hostNetwork)) return host;
  if (clusterDns.length === 0) return host;
  const service = `svc.${clusterDomain}`;
  return {
    servers: [...clusterDns],
    searches: unique([`${pod.metadata.namespace}.${service}`, service, clusterDomain, ...host.searches]),
    options: ['ndots:5'],
  };
}

function mergeOptions(base: readonly string[], own: readonly { name?: string; value?: string }[]): string[] {
  const merged = new Map(base.map((option): [string, string] => [option.split(':')[0]!, option]));
  for (const { name = '', value } of own) merged.set(name, value === undefined ? name : `${name}:${value}`);
  return [...merged.values()];
}

function unique(list: readonly string[]): string[] {
  return [...new Set(list)];
}

export function parseResolvConf(text: string): Required<DnsConfig> {
  const found = { servers: [] as string[], searches: [] as string[], options: [] as string[] };
  for (const line of text.split('\n')) {
    const [keyword, ...words] = line.trim().split(/\s+/);
    if (keyword === 'nameserver' && words[0] !== undefined) found.servers.push(words[0]);
    // The last of these lines wins, as in the resolver itself.
    if (keyword === 'search' || keyword === 'domain') found.searches = words.filter((word) => word !== '.');
    if (keyword === 'options') found.options = words;
  }
  return found;
}

/** The host part of a pod's name: at most 63 bytes, not ending in a dash or a dot. */
export function podHostname({ metadata, spec }: Pod): string {
  return (spec.hostnameOverride ?? (spec.hostname || metadata.name)).slice(0, 63).replace(/[-.]+$/, '');
}

/** The name under which a pod of a headless service is found, or undefined. */
export function podFqdn(pod: Pod, clusterDomain: string): string | undefined {
  const { subdomain } = pod.spec;
  return subdomain ? `${podHostname(pod)}.${subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}` : undefined;
}
