// Parts that validating and mutating policies share.
import { field, object, ptr, required, string, type TypeOf } from '../../schema/schema.ts';
import { LabelSelector } from '../meta/label-selector.ts';

export const ParamKind = object(
  'io.k8s.api.admissionregistration.v1.ParamKind',
  {
    apiVersion: string(1),
    kind: string(2),
  },
  { mapType: 'atomic' },
);
export type ParamKind = TypeOf<typeof ParamKind>;

export const ParamRef = object(
  'io.k8s.api.admissionregistration.v1.ParamRef',
  {
    name: string(1),
    namespace: string(2),
    selector: field(3, LabelSelector, { ptr }),
    parameterNotFoundAction: string(4, { ptr }),
  },
  { mapType: 'atomic' },
);
export type ParamRef = TypeOf<typeof ParamRef>;

export const Variable = object(
  'io.k8s.api.admissionregistration.v1.Variable',
  {
    name: string(1, { required, emitZero: '', protoName: 'Name' }),
    expression: string(2, { required, emitZero: '', protoName: 'Expression' }),
  },
  { mapType: 'atomic' },
);
export type Variable = TypeOf<typeof Variable>;
