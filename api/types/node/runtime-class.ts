// RuntimeClass: which runtime runs a pod.

import { kind } from '../../schema/kind.ts';
import {
  aQuantity,
  aString,
  field,
  list,
  map,
  object,
  ptr,
  required,
  string,
  type TypeOf,
} from '../../schema/schema.ts';
import { Toleration } from '../core/affinity.ts';

export const Overhead = object('io.k8s.api.node.v1.Overhead', {
  podFixed: map(1, aQuantity),
});
export type Overhead = TypeOf<typeof Overhead>;

export const Scheduling = object('io.k8s.api.node.v1.Scheduling', {
  nodeSelector: map(1, aString, { mapType: 'atomic' }),
  tolerations: list(2, Toleration, { listType: 'atomic' }),
});
export type Scheduling = TypeOf<typeof Scheduling>;

export const RuntimeClass = kind('io.k8s.api.node.v1.RuntimeClass', {
  handler: string(2, { required, emitZero: '' }),
  overhead: field(3, Overhead, { ptr }),
  scheduling: field(4, Scheduling, { ptr }),
});
export type RuntimeClass = TypeOf<typeof RuntimeClass>;
