// What indexes and selectors are told of an object: its labels and its selectable fields.
import { fieldReaders } from '../../api/fields.ts';
import type { ResourceDefinition } from '../../api/resource.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import type { Projection } from '../cache/contract.ts';

export function projectionOf(definition: ResourceDefinition): (object: unknown) => Projection {
  const readers = [...fieldReaders(definition)];
  return (object) => {
    const fields = Object.fromEntries(readers.map(([path, read]) => [path, read(object)]));
    return { labels: (object as KubeObject).metadata.labels, fields };
  };
}
