// A pod that names its node fits that one only. The smallest plugin: copy this one.
import { nodeChanged, type Plugin, refusal } from '../plugin.ts';

const OTHER_NODE = refusal("node(s) didn't match the requested node name");

export const nodeName: Plugin = {
  name: 'NodeName',

  filter({ nodeName }) {
    if (nodeName === '') return undefined; // no wish: no test
    return { test: ({ name }) => (name === nodeName ? undefined : OTHER_NODE) };
  },

  wokenBy: (event) => nodeChanged(event), // only a node that was not there before can bear the name
};
