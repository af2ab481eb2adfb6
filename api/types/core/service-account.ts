// ServiceAccount: who a pod is.

import { kind } from '../../schema/kind.ts';
import { boolean, list, ptr, type TypeOf } from '../../schema/schema.ts';
import { LocalObjectReference, ObjectReference } from './references.ts';

export const ServiceAccount = kind('io.k8s.api.core.v1.ServiceAccount', {
  secrets: list(2, ObjectReference, { listType: 'map', keys: ['name'], patchStrategy: 'merge', patchMergeKey: 'name' }),
  imagePullSecrets: list(3, LocalObjectReference, { listType: 'atomic' }),
  automountServiceAccountToken: boolean(4, { ptr }),
});
export type ServiceAccount = TypeOf<typeof ServiceAccount>;
