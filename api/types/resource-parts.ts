// Words that the tables of resources are written with: the usual verbs, subresources and columns.
import type { Column, SubresourceDefinition, Verb } from '../resource.ts';

export const ALL_VERBS: readonly Verb[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
];
export const CREATE_ONLY: readonly Verb[] = ['create'];

/** A part of the object itself: read it, change it. */
export const PART: SubresourceDefinition = { verbs: ['get', 'patch', 'update'] };

export const NAME: Column = { name: 'Name', type: 'string', format: 'name', path: 'metadata.name' };
export const AGE: Column = { name: 'Age', type: 'string' };
export const CREATED_AT: Column = { name: 'Created At', type: 'date', path: 'metadata.creationTimestamp' };

type ColumnOf = (name: string, path?: string) => Column;
const ofType =
  (type: Column['type']): ColumnOf =>
  (name, path) => ({ name, type, ...(path !== undefined && { path }) });

/** Without a path the cell is computed in the registry. */
export const text = ofType('string');
export const integer = ofType('integer');
export const flag = ofType('boolean');

/** Shown with `-o wide` only. */
export function wide(...columns: Column[]): Column[] {
  return columns.map((column) => ({ ...column, priority: 1 }));
}
