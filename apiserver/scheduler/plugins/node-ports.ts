// Two pods cannot have one port of a node.
import { nodeChanged, type Plugin, refusal } from '../plugin.ts';

const TAKEN = refusal("node(s) didn't have free ports for the requested pod ports", true);

export const nodePorts: Plugin = {
  name: 'NodePorts',

  filter({ hostPorts }) {
    if (hostPorts.length === 0) return undefined;
    return { test: (node) => (hostPorts.some((port) => node.portTaken(port)) ? TAKEN : undefined) };
  },

  wokenBy: (event) => nodeChanged(event) || (event.on === 'pod-gone' && event.pod.hostPorts.length > 0),
};
