// Claims of devices are not allocated by this scheduler yet. A pod that has some waits and is told so: placing it
// without its devices would be worse.
import { type Plugin, refusal } from '../plugin.ts';

const UNSUPPORTED = refusal('pod has resource claims, and dynamic allocation of resources is not supported');

export const dynamicResources: Plugin = {
  name: 'DynamicResources',
  filter: ({ asksForDevices }) => (asksForDevices ? UNSUPPORTED : undefined),
};
