// Where a resource lives in the API.
import type { ResourceDefinition } from '../resource.ts';

export interface PathOptions {
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
}

export function pathOf(
  { group, version, plural, namespaced }: Pick<ResourceDefinition, 'group' | 'version' | 'plural' | 'namespaced'>,
  { namespace, name, subresource, query = {} }: PathOptions,
): string {
  const parts = group === '' ? ['/api', version] : ['/apis', group, version];
  if (namespaced && namespace) parts.push('namespaces', encodeURIComponent(namespace));
  parts.push(plural);
  if (name !== undefined) parts.push(encodeURIComponent(name));
  if (subresource !== undefined) parts.push(subresource);
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const search = new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString();
  return search === '' ? parts.join('/') : `${parts.join('/')}?${search}`;
}
