// Nodes: what a kubelet says of itself when it registers is kept; the proxy reaches the kubelet.

import type { Node } from '../../../../api/types/core/node.ts';
import { nodes } from '../../../../api/types/core/resources.ts';
import { kubeletUrl } from '../../node-connections.ts';
import { existing } from '../../read.ts';
import type { Handler, Strategy } from '../../strategy.ts';
import { nodeProblems, nodeUpdateProblems, nodeWarnings } from '../../validation/nodes.ts';
import { splitTarget } from './pod-connect.ts';

const proxyToNode: Handler = async (request, registry) => {
  const { name, port } = splitTarget(request.name);
  const node = existing(registry.storeOf(nodes), { ...request, name }).decoded() as Node;
  const url = kubeletUrl(node);
  if (port !== '') url.port = port;
  url.pathname = `/${request.subpath ?? ''}`;
  url.search = request.options.query.toString();
  return { type: 'connect', url, kubelet: true };
};

export const nodeStrategy: Strategy<Node> = {
  statusAtCreation: true,
  validateCreate: nodeProblems,
  validateUpdate: nodeUpdateProblems,
  warnings: nodeWarnings,
  subresources: {
    status: { validateUpdate: nodeUpdateProblems },
    proxy: {
      converses: true,
      handlers: {
        get: proxyToNode,
        create: proxyToNode,
        update: proxyToNode,
        patch: proxyToNode,
        delete: proxyToNode,
      },
    },
  },
};
