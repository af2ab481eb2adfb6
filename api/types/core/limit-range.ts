// LimitRange and ResourceQuota: bounds for a namespace.
import { roundResources } from '../../quantity.ts';

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
import { oneOf } from '../build.ts';

/** What has no value yet gets the other one. */
function fillIn<K extends string>(
  item: { [P in K]?: Record<string, string> },
  key: K,
  from: Readonly<Record<string, string>> | undefined,
): void {
  if (from !== undefined) item[key] = { ...from, ...item[key] } as (typeof item)[K];
}

export const LimitRangeItem = object(
  'io.k8s.api.core.v1.LimitRangeItem',
  {
    type: string(1, { required, emitZero: '' }),
    max: map(2, aQuantity),
    min: map(3, aQuantity),
    default: map(4, aQuantity),
    defaultRequest: map(5, aQuantity),
    maxLimitRequestRatio: map(6, aQuantity),
  },
  {
    defaults(value) {
      for (const bounds of [value.max, value.min, value.default, value.defaultRequest, value.maxLimitRequestRatio])
        roundResources(bounds);
      if (value.type !== 'Container') return;
      fillIn(value, 'default', value.max);
      fillIn(value, 'defaultRequest', value.default);
      fillIn(value, 'defaultRequest', value.min);
    },
  },
);
export type LimitRangeItem = TypeOf<typeof LimitRangeItem>;

export const LimitRangeSpec = object('io.k8s.api.core.v1.LimitRangeSpec', {
  limits: list(1, LimitRangeItem, { required, emitZero: null, listType: 'atomic' }),
});
export type LimitRangeSpec = TypeOf<typeof LimitRangeSpec>;

export const LimitRange = kind('io.k8s.api.core.v1.LimitRange', {
  spec: field(2, LimitRangeSpec, { emitZero: {} }),
});
export type LimitRange = TypeOf<typeof LimitRange>;

export const ScopedResourceSelectorRequirement = object('io.k8s.api.core.v1.ScopedResourceSelectorRequirement', {
  scopeName: string(1, {
    required,
    emitZero: '',
    enum: [
      'BestEffort',
      'CrossNamespacePodAffinity',
      'NotBestEffort',
      'NotTerminating',
      'PriorityClass',
      'Terminating',
      'VolumeAttributesClass',
    ],
  }),
  operator: string(2, { required, emitZero: '', enum: ['DoesNotExist', 'Exists', 'In', 'NotIn'] }),
  values: list(3, aString, { listType: 'atomic' }),
});
export type ScopedResourceSelectorRequirement = TypeOf<typeof ScopedResourceSelectorRequirement>;

export const ScopeSelector = object(
  'io.k8s.api.core.v1.ScopeSelector',
  {
    matchExpressions: list(1, ScopedResourceSelectorRequirement, { listType: 'atomic' }),
  },
  { mapType: 'atomic' },
);
export type ScopeSelector = TypeOf<typeof ScopeSelector>;

export const ResourceQuotaSpec = object(
  'io.k8s.api.core.v1.ResourceQuotaSpec',
  {
    hard: map(1, aQuantity),
    scopes: list(
      2,
      oneOf(
        'BestEffort',
        'CrossNamespacePodAffinity',
        'NotBestEffort',
        'NotTerminating',
        'PriorityClass',
        'Terminating',
        'VolumeAttributesClass',
      ),
      { listType: 'atomic' },
    ),
    scopeSelector: field(3, ScopeSelector, { ptr }),
  },
  {
    defaults(value) {
      roundResources(value.hard);
    },
  },
);
export type ResourceQuotaSpec = TypeOf<typeof ResourceQuotaSpec>;

export const ResourceQuotaStatus = object(
  'io.k8s.api.core.v1.ResourceQuotaStatus',
  {
    hard: map(1, aQuantity),
    used: map(2, aQuantity),
  },
  {
    defaults(value) {
      roundResources(value.hard);
      roundResources(value.used);
    },
  },
);
export type ResourceQuotaStatus = TypeOf<typeof ResourceQuotaStatus>;

export const ResourceQuota = kind('io.k8s.api.core.v1.ResourceQuota', {
  spec: field(2, ResourceQuotaSpec, { emitZero: {} }),
  status: field(3, ResourceQuotaStatus, { emitZero: {} }),
});
export type ResourceQuota = TypeOf<typeof ResourceQuota>;
