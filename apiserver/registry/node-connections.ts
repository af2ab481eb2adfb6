// How the server reaches kubelets: with its own client certificate, trusting only the authority that signs theirs.

import { badRequest } from '../../api/status.ts';
import type { Node } from '../../api/types/core/node.ts';

export interface NodeConnections {
  readonly tls: KubeletTls | undefined;
}

export interface KubeletTls {
  readonly cert: Buffer | string;
  readonly key: Buffer | string;
  readonly ca: Buffer | string;
}

const PREFERRED = ['InternalIP', 'ExternalIP', 'Hostname', 'InternalDNS', 'ExternalDNS'];
const KUBELET_PORT = 10250;

/** https://<address>:<port> of a node's kubelet. */
export function kubeletUrl(node: Node): URL {
  const { addresses = [], daemonEndpoints } = node.status;
  const best = PREFERRED.map((type) => addresses.find((each) => each.type === type)).find((each) => each !== undefined);
  if (best === undefined) throw badRequest(`no preferred addresses found; known addresses: []`);
  const port = daemonEndpoints?.kubeletEndpoint?.Port || KUBELET_PORT;
  const host = best.address.includes(':') ? `[${best.address}]` : best.address;
  return new URL(`https://${host}:${port}/`);
}
