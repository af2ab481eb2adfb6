// ControllerRevision: a past state of a daemon set or stateful set.

import { kind } from '../../schema/kind.ts';
import { any, int64, required, type TypeOf } from '../../schema/schema.ts';

export const ControllerRevision = kind('io.k8s.api.apps.v1.ControllerRevision', {
  data: any(2, 'io.k8s.apimachinery.pkg.runtime.RawExtension', { emitZero: null }),
  revision: int64(3, { required, emitZero: 0 }),
});
export type ControllerRevision = TypeOf<typeof ControllerRevision>;
