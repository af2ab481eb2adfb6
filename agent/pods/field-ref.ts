// The downward API: what a container may be told about its own pod, as text. Shared by environment variables and by
// volumes; which fields are allowed where is the API server's to check.

import { isZeroQuantity, quantityMilli, quantityValue } from '../../api/quantity.ts';
import type { Container } from '../../api/types/core/container.ts';
import type { Pod } from '../../api/types/core/pod.ts';

export interface PodFacts {
  readonly podIps: readonly string[];
  readonly hostIps: readonly string[];
  /** What the node can give: stands in where a container has no limit. */
  readonly allocatable: Readonly<Record<string, string>>;
}

export function fieldValue(pod: Pod, path: string, facts: PodFacts): string {
  const { metadata, spec } = pod;
  const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path);
  if (subscript !== null) return metadata[subscript[1] as 'labels' | 'annotations']?.[subscript[2]!] ?? '';
  switch (path) {
    case 'metadata.name':
      return metadata.name;
    case 'metadata.namespace':
      return metadata.namespace ?? '';
    case 'metadata.uid':
      return metadata.uid;
    case 'metadata.labels':
      return asLines(metadata.labels);
    case 'metadata.annotations':
      return asLines(metadata.annotations);
    case 'spec.nodeName':
      return spec.nodeName ?? '';
    case 'spec.serviceAccountName':
      return spec.serviceAccountName ?? '';
    case 'status.hostIP':
      return facts.hostIps[0] ?? '';
    case 'status.hostIPs':
      return facts.hostIps.join(',');
    case 'status.podIP':
      return facts.podIps[0] ?? '';
    case 'status.podIPs':
      return facts.podIps.join(',');
    default:
      throw new Error(`unsupported fieldPath: ${path}`);
  }
}

/** key="value", sorted, one a line; the value is quoted as a Go string literal would be. */
function asLines(map: Readonly<Record<string, string>> = {}): string {
  return Object.keys(map)
    .sort()
    .map((key) => `${key}=${JSON.stringify(map[key])}`)
    .join('\n');
}

export function resourceValue(
  pod: Pod,
  ref: { containerName?: string; resource: string; divisor?: string },
  own: Container | undefined,
  { allocatable }: PodFacts,
): string {
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const container = ref.containerName ? all.find(({ name }) => name === ref.containerName) : own;
  if (container === undefined) throw new Error(`container ${ref.containerName} not found`);
  const [kind, ...rest] = ref.resource.split('.');
  const resource = rest.join('.');
  const given = kind === 'limits' ? container.resources?.limits : container.resources?.requests;
  const quantity = given?.[resource] ?? (kind === 'limits' ? allocatable[resource] : undefined) ?? '0';
  const divisor = ref.divisor === undefined || isZeroQuantity(ref.divisor) ? '1' : ref.divisor;
  // Thousandths are exact for what is counted in them; bytes are too many for that.
  const [of, by] =
    resource === 'cpu'
      ? [quantityMilli(quantity), quantityMilli(divisor)]
      : [quantityValue(quantity), quantityValue(divisor)];
  return String(Math.ceil(of / by));
}
