// Label and field selectors as they stand inside objects.
import { aString, list, map, object, required, string, type TypeOf } from '../../schema/schema.ts';

export const LabelSelectorRequirement = object('io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelectorRequirement', {
  key: string(1, { required, emitZero: '' }),
  operator: string(2, { required, emitZero: '' }),
  values: list(3, aString, { listType: 'atomic' }),
});
export type LabelSelectorRequirement = TypeOf<typeof LabelSelectorRequirement>;

export const LabelSelector = object(
  'io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector',
  {
    matchLabels: map(1, aString),
    matchExpressions: list(2, LabelSelectorRequirement, { listType: 'atomic' }),
  },
  { mapType: 'atomic' },
);
export type LabelSelector = TypeOf<typeof LabelSelector>;

export const FieldSelectorRequirement = object('io.k8s.apimachinery.pkg.apis.meta.v1.FieldSelectorRequirement', {
  key: string(1, { required, emitZero: '' }),
  operator: string(2, { required, emitZero: '' }),
  values: list(3, aString, { listType: 'atomic' }),
});
export type FieldSelectorRequirement = TypeOf<typeof FieldSelectorRequirement>;
