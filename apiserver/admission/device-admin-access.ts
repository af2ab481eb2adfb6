// Devices that are somebody else's are looked into only from namespaces that an administrator has marked.
import type { ResourceDefinition } from '../../api/resource.ts';
import { invalid } from '../../api/status.ts';
import { namespaces } from '../../api/types/core/resources.ts';
import type { DeviceRequest } from '../../api/types/resource/device-request.ts';
import type { ResourceClaim, ResourceClaimTemplate } from '../../api/types/resource/resource-claim.ts';
import { resourceClaims, resourceClaimTemplates } from '../../api/types/resource/resources.ts';
import { forbidden } from '../registry/validation/problems.ts';
import type { AdmissionPlugin } from './admission.ts';

const LABEL = 'resource.kubernetes.io/admin-access';
const WHY = `admin access to devices requires the \`${LABEL}: true\` label on the containing namespace`;

/** Specs of both kinds never change, so creation is all there is to look at. */
export const deviceAdminAccess: AdmissionPlugin = {
  name: 'DeviceAdminAccess',
  resources: ['resourceclaims.resource.k8s.io', 'resourceclaimtemplates.resource.k8s.io'],
  operations: ['CREATE'],
  validate({ object, name, namespace, resource }, registry) {
    const isTemplate = resource.plural === resourceClaimTemplates.plural;
    const written = object as unknown as ResourceClaim | ResourceClaimTemplate;
    const { devices } = isTemplate ? (written as ResourceClaimTemplate).spec.spec : (written as ResourceClaim).spec;
    const problems = (devices?.requests ?? []).flatMap(({ exactly }: DeviceRequest, i) => {
      const path = `${isTemplate ? 'spec.' : ''}spec.devices.requests[${i}].exactly.adminAccess`;
      return exactly?.adminAccess === true ? [forbidden(path, WHY)] : [];
    });
    if (problems.length === 0) return;
    const labels = registry.objects(namespaces).get('', namespace)?.metadata.labels;
    const kind: ResourceDefinition = isTemplate ? resourceClaimTemplates : resourceClaims;
    if (labels?.[LABEL] !== 'true') throw invalid(kind, name, problems);
  },
};
