// What is special about each kind: the table of strategies. A kind that is not here is served as it is declared.
import { groupResource, type ResourceDefinition } from '../../../api/resource.ts';
import type { KubeObject } from '../../../api/schema/kind.ts';
import * as admissionregistration from '../../../api/types/admissionregistration/resources.ts';
import { customResourceDefinitions } from '../../../api/types/apiextensions/resources.ts';
import { apiServices } from '../../../api/types/apiregistration/resources.ts';
import * as apps from '../../../api/types/apps/resources.ts';
import * as authentication from '../../../api/types/authentication/resources.ts';
import * as authorization from '../../../api/types/authorization/resources.ts';
import { horizontalPodAutoscalers, horizontalPodAutoscalersV1 } from '../../../api/types/autoscaling/resources.ts';
import * as batch from '../../../api/types/batch/resources.ts';
import { certificateSigningRequests } from '../../../api/types/certificates/resources.ts';
import { leases } from '../../../api/types/coordination/resources.ts';
import * as legacy from '../../../api/types/core/legacy-resources.ts';
import * as core from '../../../api/types/core/resources.ts';
import * as volumes from '../../../api/types/core/storage-resources.ts';
import { endpointSlices } from '../../../api/types/discovery/resources.ts';
import { events } from '../../../api/types/events/resources.ts';
import * as flowcontrol from '../../../api/types/flowcontrol/resources.ts';
import * as networking from '../../../api/types/networking/resources.ts';
import { runtimeClasses } from '../../../api/types/node/resources.ts';
import { podDisruptionBudgets } from '../../../api/types/policy/resources.ts';
import * as rbac from '../../../api/types/rbac/resources.ts';
import * as dra from '../../../api/types/resource/resources.ts';
import { priorityClasses } from '../../../api/types/scheduling/resources.ts';
import * as storage from '../../../api/types/storage/resources.ts';
import { crdStrategy } from '../../extensions/crd-strategy.ts';
import type { Strategy } from '../strategy.ts';
import {
  admissionPolicyStrategy,
  mutatingPolicyBindingStrategy,
  mutatingPolicyStrategy,
  policyBindingStrategy,
  webhookStrategy,
} from './admissionregistration/strategies.ts';
import { apiServiceStrategy } from './apiregistration/api-services.ts';
import { daemonSetStrategy } from './apps/daemon-sets.ts';
import {
  controllerRevisionStrategy,
  deploymentStrategy,
  replicaSetStrategy,
  statefulSetStrategy,
} from './apps/workloads.ts';
import { selfSubjectReviewStrategy, tokenReviewStrategy } from './authentication/reviews.ts';
import {
  localSubjectAccessReviewStrategy,
  selfSubjectAccessReviewStrategy,
  selfSubjectRulesReviewStrategy,
  subjectAccessReviewStrategy,
} from './authorization/reviews.ts';
import { autoscalerStrategy, autoscalerV1Strategy } from './autoscaling/autoscalers-v1.ts';
import { cronJobStrategy, jobStrategy } from './batch/jobs.ts';
import { signingRequestStrategy } from './certificates/signing-requests.ts';
import { componentStatusStrategy } from './core/component-statuses.ts';
import { configMapStrategy, limitRangeStrategy, resourceQuotaStrategy, secretStrategy } from './core/config.ts';
import { endpointSliceStrategy, endpointsStrategy } from './core/endpoints.ts';
import { namespaceStrategy } from './core/namespaces.ts';
import { nodeStrategy } from './core/nodes.ts';
import { persistentVolumeClaimStrategy } from './core/persistent-volume-claims.ts';
import { persistentVolumeStrategy } from './core/persistent-volumes.ts';
import { bindPod } from './core/pod-binding.ts';
import { podTemplateStrategy } from './core/pod-templates.ts';
import { podStrategy } from './core/pods.ts';
import { replicationControllerStrategy } from './core/replication-controllers.ts';
import { serviceAccountStrategy } from './core/service-accounts.ts';
import { serviceStrategy } from './core/services.ts';
import { coreEventStrategy, eventStrategy } from './events/events.ts';
import { flowSchemaStrategy, priorityLevelStrategy } from './flowcontrol/strategies.ts';
import {
  ingressClassStrategy,
  ingressStrategy,
  ipAddressStrategy,
  networkPolicyStrategy,
  serviceCidrStrategy,
} from './networking/strategies.ts';
import {
  leaseStrategy,
  podDisruptionBudgetStrategy,
  priorityClassStrategy,
  runtimeClassStrategy,
} from './policy/strategies.ts';
import { bindingStrategy, roleStrategy } from './rbac/roles.ts';
import {
  deviceClassStrategy,
  resourceClaimStrategy,
  resourceClaimTemplateStrategy,
  resourceSliceStrategy,
} from './resource/strategies.ts';
import {
  csiDriverStrategy,
  csiNodeStrategy,
  csiStorageCapacityStrategy,
  storageClassStrategy,
  volumeAttachmentStrategy,
  volumeAttributesClassStrategy,
} from './storage/strategies.ts';

const table = new Map<string, Strategy>();
const idOf = (of: ResourceDefinition) => `${groupResource(of)}/${of.version}`;

function add<T extends KubeObject>(of: ResourceDefinition<T>, strategy: Strategy<T>): void {
  table.set(idOf(of as unknown as ResourceDefinition), strategy as unknown as Strategy);
}

add(admissionregistration.mutatingAdmissionPolicies, mutatingPolicyStrategy);
add(admissionregistration.mutatingAdmissionPolicyBindings, mutatingPolicyBindingStrategy);
add(admissionregistration.mutatingWebhookConfigurations, webhookStrategy);
add(admissionregistration.validatingAdmissionPolicies, admissionPolicyStrategy);
add(admissionregistration.validatingAdmissionPolicyBindings, policyBindingStrategy);
add(admissionregistration.validatingWebhookConfigurations, webhookStrategy);
add(authentication.selfSubjectReviews, selfSubjectReviewStrategy);
add(authentication.tokenReviews, tokenReviewStrategy);
add(authorization.localSubjectAccessReviews, localSubjectAccessReviewStrategy);
add(authorization.selfSubjectAccessReviews, selfSubjectAccessReviewStrategy);
add(authorization.selfSubjectRulesReviews, selfSubjectRulesReviewStrategy);
add(authorization.subjectAccessReviews, subjectAccessReviewStrategy);
add(certificateSigningRequests, signingRequestStrategy);
add(rbac.clusterRoles, roleStrategy);
add(rbac.roles, roleStrategy);
add(rbac.clusterRoleBindings, bindingStrategy);
add(rbac.roleBindings, bindingStrategy);
add(core.serviceAccounts, serviceAccountStrategy);
add(apiServices, apiServiceStrategy);
add(customResourceDefinitions, crdStrategy);
add(apps.daemonSets, daemonSetStrategy);
add(apps.deployments, deploymentStrategy);
add(apps.controllerRevisions, controllerRevisionStrategy);
add(apps.replicaSets, replicaSetStrategy);
add(apps.statefulSets, statefulSetStrategy);
add(batch.cronJobs, cronJobStrategy);
add(batch.jobs, jobStrategy);
add(networking.ingressClasses, ingressClassStrategy);
add(networking.ingresses, ingressStrategy);
add(networking.ipAddresses, ipAddressStrategy);
add(networking.networkPolicies, networkPolicyStrategy);
add(networking.serviceCidrs, serviceCidrStrategy);
add(endpointSlices, endpointSliceStrategy);
add(flowcontrol.flowSchemas, flowSchemaStrategy);
add(flowcontrol.priorityLevelConfigurations, priorityLevelStrategy);
add(legacy.podTemplates, podTemplateStrategy);
add(core.namespaces, namespaceStrategy);
add(core.nodes, nodeStrategy);
add(core.pods, podStrategy);
add(volumes.persistentVolumes, persistentVolumeStrategy);
add(core.services, serviceStrategy);
add(legacy.componentStatuses, componentStatusStrategy);
add(legacy.bindings, { handlers: { create: bindPod } });
add(legacy.replicationControllers, replicationControllerStrategy);

add(core.endpoints, endpointsStrategy);
add(core.configMaps, configMapStrategy);
add(core.events, coreEventStrategy);
add(core.limitRanges, limitRangeStrategy);
add(core.resourceQuotas, resourceQuotaStrategy);
add(core.secrets, secretStrategy);
add(events, eventStrategy);
add(horizontalPodAutoscalersV1, autoscalerV1Strategy);
add(horizontalPodAutoscalers, autoscalerStrategy);
add(leases, leaseStrategy);
add(podDisruptionBudgets, podDisruptionBudgetStrategy);
add(priorityClasses, priorityClassStrategy);
add(runtimeClasses, runtimeClassStrategy);
add(dra.deviceClasses, deviceClassStrategy);
add(dra.resourceClaims, resourceClaimStrategy);
add(dra.resourceClaimTemplates, resourceClaimTemplateStrategy);
add(dra.resourceSlices, resourceSliceStrategy);
add(storage.csiDrivers, csiDriverStrategy);
add(storage.csiNodes, csiNodeStrategy);
add(storage.csiStorageCapacities, csiStorageCapacityStrategy);
add(storage.storageClasses, storageClassStrategy);
add(storage.volumeAttachments, volumeAttachmentStrategy);
add(storage.volumeAttributesClasses, volumeAttributesClassStrategy);
add(volumes.persistentVolumeClaims, persistentVolumeClaimStrategy);

export function strategyOf(of: ResourceDefinition): Strategy {
  return table.get(idOf(of)) ?? {};
}
