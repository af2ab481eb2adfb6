// Nothing is made in a namespace that is not there or is going, and the namespaces everything rests on stay.
import { ApiError, forbidden, notFound } from '../../api/status.ts';
import { namespaces } from '../../api/types/core/resources.ts';
import type { AdmissionPlugin } from './admission.ts';

const ETERNAL = ['default', 'kube-public', 'kube-system'];

export const namespaceLifecycle: AdmissionPlugin = {
  name: 'NamespaceLifecycle',
  operations: ['CREATE', 'DELETE'],
  subresources: ['*'],
  admit({ operation, resource, namespace, name, subresource }, registry) {
    const isNamespace = resource.group === '' && resource.plural === namespaces.plural;
    if (operation === 'DELETE') {
      if (isNamespace && ETERNAL.includes(name)) throw forbidden(namespaces, name, 'this namespace may not be deleted');
      return;
    }
    if (namespace === '' || isNamespace || subresource !== '') return;
    const found = registry.objects(namespaces).get('', namespace);
    if (found === undefined) throw notFound(namespaces, namespace);
    if (found.metadata.deletionTimestamp === undefined) return;
    const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
    const refusal = forbidden(resource, name, why);
    const message = `namespace ${namespace} is being terminated`;
    const causes = [{ reason: 'NamespaceTerminating', message, field: 'metadata.namespace' }];
    throw new ApiError(403, 'Forbidden', refusal.message, { ...refusal.details, causes });
  },
};
