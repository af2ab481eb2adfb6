// Conversations with a pod: its kubelet holds exec, attach, port-forward and logs; proxied requests go to the pod.
import { ApiError, badRequest, invalid } from '../../../../api/status.ts';
import type { Pod } from '../../../../api/types/core/pod.ts';
import { nodes, pods } from '../../../../api/types/core/resources.ts';
import { kubeletUrl } from '../../node-connections.ts';
import { existing } from '../../read.ts';
import type { RegistryContext } from '../../registry.ts';
import type { ApiRequest, ConnectResponse, ValueResponse } from '../../request.ts';
import type { Handler } from '../../strategy.ts';
import { invalidValue } from '../../validation/problems.ts';

export const connectToPod: Handler = async (request, registry) => {
  const pod = podOf(request, registry);
  const { subresource } = request;
  const query = new URLSearchParams(request.options.query);
  const path = [subresource!, pod.metadata.namespace!, pod.metadata.name];
  if (subresource === 'portforward') return kubelet(pod, ['portForward', ...path.slice(1)], query, registry);
  const container = containerOf(pod, query.get('container') ?? '');
  query.delete('container');
  // Clients say stdin, kubelets read input.
  for (const [ours, theirs] of [
    ['stdin', 'input'],
    ['stdout', 'output'],
    ['stderr', 'error'],
  ] as const) {
    const value = query.get(ours);
    query.delete(ours);
    if (value !== null && value !== 'false' && value !== '0') query.set(theirs, '1');
  }
  return kubelet(pod, [...path, container], query, registry);
};

const LOG_MINIMA: Readonly<Record<string, number>> = { tailLines: 0, limitBytes: 1, sinceSeconds: 1 };

export const readPodLog: Handler = async (request, registry) => {
  const pod = podOf(request, registry);
  const query = new URLSearchParams(request.options.query);
  const problems = Object.entries(LOG_MINIMA).flatMap(([name, min]) => {
    const text = query.get(name);
    return text === null || Number(text) >= min
      ? []
      : [invalidValue(name, Number(text), `must be greater than or equal to ${min}`)];
  });
  if (problems.length > 0) throw invalid({ group: '', kind: 'PodLogOptions' }, pod.metadata.name, problems);
  const container = containerOf(pod, query.get('container') ?? '');
  query.delete('container');
  if (!pod.spec.nodeName) return NOTHING_YET;
  const { namespace, name } = pod.metadata;
  return kubelet(pod, ['containerLogs', namespace!, name, container], query, registry);
};

/** A pod that was given to no node has said nothing. */
const NOTHING_YET: ValueResponse = { type: 'value', code: 204, value: {} };

function podOf(request: ApiRequest, registry: RegistryContext): Pod {
  return existing(registry.storeOf(pods), request).decoded() as Pod;
}

const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container';

function containerOf({ spec, metadata }: Pod, wanted: string): string {
  const { containers, initContainers = [], ephemeralContainers = [] } = spec;
  const all = [...containers, ...initContainers, ...ephemeralContainers].map(({ name }) => name);
  if (wanted !== '') {
    if (all.includes(wanted)) return wanted;
    throw badRequest(`container ${wanted} is not valid for pod ${metadata.name}`);
  }
  const [only, ...others] = containers;
  if (only !== undefined && others.length === 0) return only.name;
  const preferred = metadata.annotations?.[DEFAULT_CONTAINER];
  if (preferred !== undefined && all.includes(preferred)) return preferred;
  const list = (items: readonly { name: string }[]) => `[${items.map(({ name }) => name).join(' ')}]`;
  const init = initContainers.length > 0 ? ` or one of the init containers: ${list(initContainers)}` : '';
  throw badRequest(
    `a container name must be specified for pod ${metadata.name}, choose one of: ${list(containers)}${init}`,
  );
}

function kubelet(
  { spec, metadata }: Pod,
  path: readonly string[],
  query: URLSearchParams,
  registry: RegistryContext,
): ConnectResponse {
  if (!spec.nodeName) throw badRequest(`pod ${metadata.name} does not have a host assigned`);
  const node = registry.objects(nodes).get('', spec.nodeName);
  if (node === undefined)
    throw new ApiError(404, 'NotFound', `nodes ${JSON.stringify(spec.nodeName)} not found`, {
      name: spec.nodeName,
      kind: 'nodes',
    });
  const url = kubeletUrl(node);
  url.pathname = `/${path.map(encodeURIComponent).join('/')}`;
  url.search = query.toString();
  return { type: 'connect', url, kubelet: true };
}

/** [scheme:]name[:port], in the name part of the path. */
export const proxyToPod: Handler = async (request, registry) => {
  const { scheme, name, port } = splitTarget(request.name);
  const pod = podOf({ ...request, name }, registry);
  const { podIP } = pod.status;
  if (!podIP || isLocal(podIP)) throw badRequest('address not allowed');
  const first = pod.spec.containers.flatMap(({ ports = [] }) => ports)[0]?.containerPort;
  const host = podIP.includes(':') ? `[${podIP}]` : podIP;
  const url = new URL(`${scheme || 'http'}://${host}:${port || first || (scheme === 'https' ? 443 : 80)}/`);
  url.pathname = `/${request.subpath ?? ''}`;
  url.search = request.options.query.toString();
  return { type: 'connect', url, kubelet: false };
};

export function splitTarget(text: string): { scheme: string; name: string; port: string } {
  const parts = text.split(':');
  if (parts.length === 3) return { scheme: parts[0]!, name: parts[1]!, port: parts[2]! };
  return { scheme: '', name: parts[0]!, port: parts[1] ?? '' };
}

/** The server's own addresses are not to be reached through it. */
function isLocal(ip: string): boolean {
  return ip.startsWith('127.') || ip.startsWith('169.254.') || ip === '::1' || ip.toLowerCase().startsWith('fe80:');
}
