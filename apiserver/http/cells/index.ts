// Which kinds compute cells of their Tables, and how. Columns with a path need none.
import { groupResource, type ResourceDefinition } from '../../../api/resource.ts';
import type { KubeObject } from '../../../api/schema/kind.ts';
import * as admission from '../../../api/types/admissionregistration/resources.ts';
import { apiServices } from '../../../api/types/apiregistration/resources.ts';
import * as apps from '../../../api/types/apps/resources.ts';
import { horizontalPodAutoscalers } from '../../../api/types/autoscaling/resources.ts';
import * as batch from '../../../api/types/batch/resources.ts';
import { certificateSigningRequests } from '../../../api/types/certificates/resources.ts';
import * as legacy from '../../../api/types/core/legacy-resources.ts';
import * as core from '../../../api/types/core/resources.ts';
import { persistentVolumeClaims, persistentVolumes } from '../../../api/types/core/storage-resources.ts';
import { endpointSlices } from '../../../api/types/discovery/resources.ts';
import * as flowcontrol from '../../../api/types/flowcontrol/resources.ts';
import * as networking from '../../../api/types/networking/resources.ts';
import { podDisruptionBudgets } from '../../../api/types/policy/resources.ts';
import * as rbac from '../../../api/types/rbac/resources.ts';
import * as dra from '../../../api/types/resource/resources.ts';
import { priorityClasses } from '../../../api/types/scheduling/resources.ts';
import * as storage from '../../../api/types/storage/resources.ts';
import { strategyOf } from '../../registry/resources/index.ts';
import * as access from './access.ts';
import * as cluster from './cluster.ts';
import * as others from './others.ts';
import { podCells, podRowConditions } from './pods.ts';
import * as workloads from './workloads.ts';

interface RowsOf<T> {
  /** Cells of the columns that have no path, in the order of the columns. */
  readonly cells?: (object: T, nowMs: number) => unknown[];
  readonly rowConditions?: (object: T) => object[] | undefined;
}
type Rows = RowsOf<never>;
const table = new Map<string, Rows>();
const idOf = (of: ResourceDefinition) => `${groupResource(of)}/${of.version}`;

function add<T extends KubeObject>(
  of: ResourceDefinition<T>,
  cells: RowsOf<T>['cells'],
  rowConditions?: RowsOf<T>['rowConditions'],
): void {
  table.set(idOf(of), { cells, rowConditions });
}

add(core.configMaps, cluster.configMapCells);
add(core.endpoints, cluster.endpointsCells);
add(core.events, cluster.eventCells);
add(core.nodes, cluster.nodeCells);
add(core.pods, podCells, podRowConditions);
add(core.resourceQuotas, cluster.resourceQuotaCells);
add(core.secrets, cluster.secretCells);
add(core.services, cluster.serviceCells);
add(legacy.componentStatuses, ({ conditions }) => {
  const { status, message = '', error = '' } = conditions?.find(({ type }) => type === 'Healthy') ?? {};
  return [status === 'True' ? 'Healthy' : status === 'False' ? 'Unhealthy' : 'Unknown', message, error];
});
add(legacy.podTemplates, workloads.podTemplateCells);
add(legacy.replicationControllers, workloads.replicationControllerCells);
add(persistentVolumeClaims, others.claimCells);
add(persistentVolumes, others.volumeCells);
add(apps.controllerRevisions, workloads.controllerRevisionCells);
add(apps.daemonSets, workloads.daemonSetCells);
add(apps.deployments, workloads.deploymentCells);
add(apps.replicaSets, workloads.replicaSetCells);
add(apps.statefulSets, workloads.statefulSetCells);
add(batch.cronJobs, workloads.cronJobCells);
add(batch.jobs, workloads.jobCells);
add(horizontalPodAutoscalers, others.autoscalerCells);
add(certificateSigningRequests, others.signingRequestCells);
add(endpointSlices, cluster.endpointSliceCells);
add(networking.ingresses, others.ingressCells);
add(networking.networkPolicies, others.networkPolicyCells);
add(podDisruptionBudgets, others.budgetCells);
add(rbac.clusterRoleBindings, others.bindingCells);
add(rbac.roleBindings, others.bindingCells);
add(storage.storageClasses, others.storageClassCells);
add(priorityClasses, ({ preemptionPolicy }) => [preemptionPolicy ?? '']);
add(admission.mutatingWebhookConfigurations, ({ webhooks }) => [webhooks?.length ?? 0]);
add(admission.validatingWebhookConfigurations, ({ webhooks }) => [webhooks?.length ?? 0]);
add(admission.validatingAdmissionPolicies, access.validatingPolicyCells);
add(admission.validatingAdmissionPolicyBindings, access.policyBindingCells);
add(admission.mutatingAdmissionPolicies, access.mutatingPolicyCells);
add(admission.mutatingAdmissionPolicyBindings, access.policyBindingCells);
add(flowcontrol.flowSchemas, access.flowSchemaCells);
add(flowcontrol.priorityLevelConfigurations, access.priorityLevelCells);
add(dra.resourceClaims, others.resourceClaimCells);
add(dra.resourceSlices, ({ spec }) => [spec.nodeName ?? '']);
add(networking.ingressClasses, others.ingressClassCells);
add(networking.ipAddresses, others.ipAddressCells);
add(storage.csiDrivers, others.driverCells);
add(networking.serviceCidrs, ({ spec }) => [spec.cidrs?.join(',') ?? '']);
add(storage.csiNodes, ({ spec }) => [spec.drivers?.length ?? 0]);
add(storage.volumeAttachments, ({ spec }) => [spec.source.persistentVolumeName ?? '']);
add(apiServices, ({ spec, status }) => {
  const available = status.conditions?.find(({ type }) => type === 'Available');
  const word =
    available === undefined ? 'Unknown' : available.status === 'True' ? 'True' : `False (${available.reason})`;
  return [spec.service ? `${spec.service.namespace}/${spec.service.name}` : 'Local', word];
});

/** Of a version that is not the stored one, as of the stored one. */
export function cellsOf(of: ResourceDefinition): Rows {
  const own = table.get(idOf(of));
  const conversion = own === undefined ? strategyOf(of).conversion : undefined;
  if (conversion === undefined) return own ?? {};
  const { cells } = table.get(idOf(conversion.stored())) ?? {};
  return { cells: (object: KubeObject, nowMs: number) => cells?.(conversion.toStored(object) as never, nowMs) ?? [] };
}
