// Everything that is served without anyone asking, group by group in the order of /apis.
import type { ResourceDefinition } from '../resource.ts';
import { admissionregistrationResources } from './admissionregistration/resources.ts';
import { apiextensionsResources } from './apiextensions/resources.ts';
import { apiregistrationResources } from './apiregistration/resources.ts';
import { appsResources } from './apps/resources.ts';
import { authenticationResources } from './authentication/resources.ts';
import { authorizationResources } from './authorization/resources.ts';
import { autoscalingResources } from './autoscaling/resources.ts';
import { batchResources } from './batch/resources.ts';
import { certificatesResources } from './certificates/resources.ts';
import { coordinationResources } from './coordination/resources.ts';
import { coreResources } from './core/resources.ts';
import { discoveryResources } from './discovery/resources.ts';
import { eventsResources } from './events/resources.ts';
import { flowcontrolResources } from './flowcontrol/resources.ts';
import { networkingResources } from './networking/resources.ts';
import { nodeResources } from './node/resources.ts';
import { policyResources } from './policy/resources.ts';
import { rbacResources } from './rbac/resources.ts';
import { resourceResources } from './resource/resources.ts';
import { schedulingResources } from './scheduling/resources.ts';
import { storageResources } from './storage/resources.ts';

export const builtinResources: readonly ResourceDefinition[] = [
  ...coreResources,
  ...apiregistrationResources,
  ...appsResources,
  ...eventsResources,
  ...authenticationResources,
  ...authorizationResources,
  ...autoscalingResources,
  ...batchResources,
  ...certificatesResources,
  ...networkingResources,
  ...policyResources,
  ...rbacResources,
  ...storageResources,
  ...admissionregistrationResources,
  ...apiextensionsResources,
  ...schedulingResources,
  ...coordinationResources,
  ...nodeResources,
  ...discoveryResources,
  ...flowcontrolResources,
  ...resourceResources,
];

export interface GroupDefinition {
  readonly group: string;
  /** The preferred version first. */
  readonly versions: readonly string[];
  /** groupPriorityMinimum of the group's APIService. */
  readonly priority: number;
}

export const builtinGroups: readonly GroupDefinition[] = [
  { group: '', versions: ['v1'], priority: 18000 },
  { group: 'apiregistration.k8s.io', versions: ['v1'], priority: 20001 },
  { group: 'apps', versions: ['v1'], priority: 17800 },
  { group: 'events.k8s.io', versions: ['v1'], priority: 17750 },
  { group: 'authentication.k8s.io', versions: ['v1'], priority: 17700 },
  { group: 'authorization.k8s.io', versions: ['v1'], priority: 17600 },
  { group: 'autoscaling', versions: ['v2', 'v1'], priority: 17500 },
  { group: 'batch', versions: ['v1'], priority: 17400 },
  { group: 'certificates.k8s.io', versions: ['v1'], priority: 17300 },
  { group: 'networking.k8s.io', versions: ['v1'], priority: 17200 },
  { group: 'policy', versions: ['v1'], priority: 17100 },
  { group: 'rbac.authorization.k8s.io', versions: ['v1'], priority: 17000 },
  { group: 'storage.k8s.io', versions: ['v1'], priority: 16800 },
  { group: 'admissionregistration.k8s.io', versions: ['v1'], priority: 16700 },
  { group: 'apiextensions.k8s.io', versions: ['v1'], priority: 16700 },
  { group: 'scheduling.k8s.io', versions: ['v1'], priority: 16600 },
  { group: 'coordination.k8s.io', versions: ['v1'], priority: 16500 },
  { group: 'node.k8s.io', versions: ['v1'], priority: 16300 },
  { group: 'discovery.k8s.io', versions: ['v1'], priority: 16200 },
  { group: 'resource.k8s.io', versions: ['v1'], priority: 16200 },
  { group: 'flowcontrol.apiserver.k8s.io', versions: ['v1'], priority: 16100 },
];
