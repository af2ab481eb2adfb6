// What a list or a watch selects: its label and field selectors over what the cache projects of each object.
import { exactField, type FieldRequirement, parseFieldSelector, unknownField } from '../../api/fields.ts';
import { labelMatcherOf, matchesEverything } from '../../api/labels.ts';
import type { ResourceDefinition } from '../../api/resource.ts';
import type { Projection } from '../cache/contract.ts';
import type { RequestOptions } from './options.ts';

export interface Selector {
  /** Nothing is asked: everything matches. */
  readonly empty: boolean;
  matches(projection: Projection): boolean;
  /** The first `field = value`, for the watch index; metadata.namespace is answered by `namespace`. */
  readonly indexed?: { readonly path: string; readonly value: string };
  readonly namespace?: string;
}

export function selectorOf(of: ResourceDefinition, { labelSelector, fieldSelector }: RequestOptions): Selector {
  const byLabel = labelMatcherOf(labelSelector);
  const fields = parseFieldSelector(fieldSelector);
  const unknown = unknownField(fields, of);
  if (unknown !== undefined) throw unknown;
  const indexed = fields.find(({ field, operator }) => operator === '=' && field !== 'metadata.namespace');
  return {
    empty: byLabel === matchesEverything && fields.length === 0,
    matches: (projection) =>
      byLabel(projection.labels) && fields.every((requirement) => holds(requirement, projection)),
    ...(indexed && { indexed: { path: indexed.field, value: indexed.value } }),
    namespace: exactField(fields, 'metadata.namespace'),
  };
}

function holds({ field, operator, value }: FieldRequirement, { fields }: Projection): boolean {
  return ((fields[field] ?? '') === value) === (operator === '=');
}
