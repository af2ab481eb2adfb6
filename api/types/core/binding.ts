// Binding: puts a pod on a node.

import { kind } from '../../schema/kind.ts';
import { field, required, type TypeOf } from '../../schema/schema.ts';
import { ObjectReference } from './references.ts';

export const Binding = kind('io.k8s.api.core.v1.Binding', {
  target: field(2, ObjectReference, { required, emitZero: {} }),
});
export type Binding = TypeOf<typeof Binding>;
