// A runtime class adds what its sandboxes cost, and where they can run.
import { deepEqual } from '../../api/schema/equal.ts';
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
    const stray = 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead';
    if (!name) {
      if (Object.keys(spec.overhead ?? {}).length > 0) throw forbidden(pods, metadata.name, stray);
      return;
    }
    const found = registry.objects(runtimeClasses).get('', name);
    if (found === undefined) {
      throw forbidden(pods, metadata.name, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`);
    }
    const cost = found.overhead?.podFixed;
    if (cost === undefined && Object.keys(spec.overhead ?? {}).length > 0) throw forbidden(pods, metadata.name, stray);
    if (cost !== undefined && spec.overhead !== undefined && !deepEqual(cost, spec.overhead)) {
      const why = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";
      throw forbidden(pods, metadata.name, why);
    }
    if (cost !== undefined) spec.overhead = { ...cost };
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
