// A runtime class adds what its sandboxes cost, and where they can run.
import { forbidden } from '../../api/status.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { pods } from '../../api/types/core/resources.ts';
import { runtimeClasses } from '../../api/types/node/resources.ts';
import type { AdmissionPlugin } from './admission.ts';

export const runtimeClass: AdmissionPlugin = {
  name: 'RuntimeClass',
  resources: ['pods'],
  operations: ['CREATE'],
  admit({ object }, registry) {
    const { spec, metadata } = object as unknown as Pod;
    const name = spec.runtimeClassName;
    if (!name) return;
    const found = registry.objects(runtimeClasses).get('', name);
    if (found === undefined) {
      throw forbidden(pods, metadata.name, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`);
    }
    if (found.overhead?.podFixed && spec.overhead === undefined) spec.overhead = { ...found.overhead.podFixed };
    const { nodeSelector, tolerations } = found.scheduling ?? {};
    for (const [key, value] of Object.entries(nodeSelector ?? {})) {
      if (spec.nodeSelector?.[key] !== undefined && spec.nodeSelector[key] !== value) {
        const why = `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${spec.nodeSelector[key]}`;
        throw forbidden(pods, metadata.name, why);
      }
      spec.nodeSelector = { ...spec.nodeSelector, [key]: value };
    }
    if (tolerations?.length) spec.tolerations = [...(spec.tolerations ?? []), ...structuredClone(tolerations)];
  },
};
