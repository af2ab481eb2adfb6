// What indexes and selectors are told of an object: its labels and its selectable fields.
import type { ResourceDefinition } from '../../api/resource.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import type { Projection } from '../cache/contract.ts';
import type { Strategy } from './strategy.ts';

export function projectionOf(definition: ResourceDefinition, strategy: Strategy): (object: unknown) => Projection {
  const paths = (definition.selectableFields ?? []).map((path) => ({ path, parts: path.split('.') }));
  return (object) => {
    const { metadata } = object as KubeObject;
    const fields: Record<string, string> = {
      'metadata.name': metadata.name,
      'metadata.namespace': metadata.namespace ?? '',
    };
    for (const { path, parts } of paths) fields[path] = scalarAt(object, parts);
    Object.assign(fields, strategy.fields?.(object as KubeObject));
    return { labels: metadata.labels, fields };
  };
}

function scalarAt(object: unknown, parts: readonly string[]): string {
  let at = object;
  for (const part of parts) {
    if (typeof at !== 'object' || at === null) return '';
    at = (at as Record<string, unknown>)[part];
  }
  return at === undefined || at === null || typeof at === 'object' ? '' : String(at);
}
