// A pod's /etc/hosts.
import type { Pod } from '../../api/types/core/pod.ts';
import { podFqdn, podHostname } from './dns.ts';

const HEADER = '# Kubernetes-managed hosts file.';
const HOST_HEADER = '# Kubernetes-managed hosts file (host network).';
const LOCAL = [
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::0\tip6-localnet',
  'fe00::0\tip6-mcastprefix',
  'fe00::1\tip6-allnodes',
  'fe00::2\tip6-allrouters',
];

/** `hostFile` is the node's own file, which pods on its network see. */
export function hostsFile(pod: Pod, podIps: readonly string[], clusterDomain: string, hostFile: string): string {
  const aliases = (pod.spec.hostAliases ?? []).map(({ ip, hostnames = [] }) => [ip, ...hostnames].join('\t'));
  const added = aliases.length === 0 ? [] : ['', '# Entries added by HostAliases.', ...aliases];
  if (pod.spec.hostNetwork) return `${[HOST_HEADER, hostFile.trimEnd(), ...added].join('\n')}\n`;
  const fqdn = podFqdn(pod, clusterDomain);
  const names = fqdn === undefined ? podHostname(pod) : `${fqdn}\t${podHostname(pod)}`;
  return `${[HEADER, ...LOCAL, ...podIps.map((ip) => `${ip}\t${names}`), ...added].join('\n')}\n`;
}
