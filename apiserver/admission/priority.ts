// The priority a pod gets from its class; nobody sets the number by hand. At most one class is the default.
import { forbidden } from '../../api/status.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { pods } from '../../api/types/core/resources.ts';
import type { PriorityClass } from '../../api/types/scheduling/priority-class.ts';
import { priorityClasses } from '../../api/types/scheduling/resources.ts';
import type { RegistryContext } from '../registry/registry.ts';
import type { AdmissionPlugin } from './admission.ts';

const PREEMPTS = 'PreemptLowerPriority';

export const podPriority: AdmissionPlugin = {
  name: 'Priority',
  resources: ['pods'],
  operations: ['CREATE'],
  admit({ object }, registry) {
    const pod = object as unknown as Pod;
    const { spec, metadata } = pod;
    const found = classOf(pod, registry);
    const value = found?.value ?? 0;
    if (found !== undefined) spec.priorityClassName = found.metadata.name;
    if (spec.priority !== undefined && spec.priority !== value) {
      const why =
        `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission ` +
        `controller computed ${value} from the given PriorityClass name`;
      throw forbidden(pods, metadata.name, why);
    }
    spec.priority = value;
    const policy = found?.preemptionPolicy ?? PREEMPTS;
    if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy) {
      const why =
        `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority ` +
        `admission controller computed ${policy} from the given PriorityClass name`;
      throw forbidden(pods, metadata.name, why);
    }
    spec.preemptionPolicy = policy;
  },
};

function classOf({ spec, metadata }: Pod, registry: RegistryContext): PriorityClass | undefined {
  const classes = registry.objects(priorityClasses);
  const name = spec.priorityClassName;
  if (name) {
    const found = classes.get('', name);
    if (found !== undefined) return found;
    throw forbidden(pods, metadata.name, `no PriorityClass with name ${name} was found`);
  }
  let lowest: PriorityClass | undefined;
  for (const each of classes.list()) {
    if (each.globalDefault === true && (lowest === undefined || (each.value ?? 0) < (lowest.value ?? 0))) lowest = each;
  }
  return lowest;
}

export const priorityClassDefault: AdmissionPlugin = {
  name: 'Priority',
  resources: ['priorityclasses.scheduling.k8s.io'],
  operations: ['CREATE', 'UPDATE'],
  validate({ object, resource, name }, registry) {
    const { globalDefault } = object as unknown as PriorityClass;
    if (globalDefault !== true) return;
    const other = [...registry.objects(priorityClasses).list()].find(
      (each) => each.globalDefault === true && each.metadata.name !== name,
    );
    if (other === undefined) return;
    const why = `PriorityClass ${other.metadata.name} is already marked as globalDefault; only one default can exist`;
    throw forbidden(resource, name, why);
  },
};
