// Objects as rows for people (meta.k8s.io Table), and objects by their metadata alone. Pure: objects come decoded, the
// time is given, and what encodes the result is elsewhere.
import type { Column, ResourceDefinition } from '../../api/resource.ts';
import { badRequest } from '../../api/status.ts';
import { cellOf } from '../extensions/columns.ts';
import { ageOf } from './human-duration.ts';

export interface Listed {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: { readonly creationTimestamp?: string };
}

/** Cells of the columns without a path, in their order; as a kind's strategy computes them. */
export type Cells = (object: never, nowMs: number) => unknown[];
export type IncludeObject = 'None' | 'Metadata' | 'Object';

export interface TableRequest {
  readonly resource: ResourceDefinition;
  readonly version: 'v1' | 'v1beta1';
  readonly include: IncludeObject;
  readonly cells?: Cells;
  /** What upstream marks rows with: a pod that is done is shown as completed. */
  readonly conditions?: (object: never) => readonly object[] | undefined;
  readonly nowMs: number;
}

export interface Table {
  readonly kind: 'Table';
  readonly apiVersion: string;
  readonly metadata: object;
  readonly columnDefinitions: readonly object[] | null;
  readonly rows: readonly object[];
}

/** `metadata` is the list's, or of a single object its resourceVersion; in watches empty. */
export function tableOf(objects: Iterable<Listed>, metadata: object, request: TableRequest): Table {
  const rows: object[] = [];
  for (const object of objects) rows.push(rowOf(object, request));
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${request.version}`,
    metadata,
    columnDefinitions: columnDefinitions(request.resource),
    rows,
  };
}

/** In a watch only the first event tells the columns. */
export function tableEvent(object: Listed, isFirst: boolean, request: TableRequest): Table {
  const table = tableOf([object], {}, request);
  return isFirst ? table : { ...table, columnDefinitions: null };
}

export function includeObject(query: string | null): IncludeObject {
  if (query === null || query === '' || query === 'Metadata') return 'Metadata';
  if (query === 'None' || query === 'Object') return query;
  const must = "must be 'Metadata', 'Object', 'None', or empty";
  const why = `includeObject: Invalid value: ${JSON.stringify(query)}: ${must}`;
  throw badRequest(`Unable to convert to Table as requested: ${why}`);
}

const NAME: Column = { name: 'Name', type: 'string', format: 'name', path: 'metadata.name' };
const AGE: Column = { name: 'Age', type: 'string' };
const CREATED_AT: Column = { name: 'Created At', type: 'date', path: 'metadata.creationTimestamp' };

function columnsOf({ columns, schema }: ResourceDefinition): readonly Column[] {
  if (columns.length > 0) return columns;
  return schema.custom ? [NAME, AGE] : [NAME, CREATED_AT];
}

function columnDefinitions(resource: ResourceDefinition): object[] {
  return columnsOf(resource).map(({ name, type, format = '', priority = 0, path, description }) => ({
    name,
    type,
    format,
    description: description ?? describe(resource, name, path),
    priority,
  }));
}

function describe({ kind }: ResourceDefinition, name: string, path: string | undefined): string {
  if (path !== undefined) return `${name}: ${path} of the ${kind}.`;
  return name === 'Age' ? `How long ago the ${kind} was created.` : `${name} of the ${kind}.`;
}

function rowOf(object: Listed, request: TableRequest): object {
  const conditions = request.conditions?.(object as never);
  return {
    cells: cellsOf(object, request),
    ...(conditions !== undefined && { conditions }),
    object: rowObject(object, request),
  };
}

function rowObject(object: Listed, { include, version }: TableRequest): object | null {
  if (include === 'None') return null;
  return include === 'Object' ? object : partialMetadata(object, version);
}

function cellsOf(object: Listed, { resource, cells, nowMs }: TableRequest): unknown[] {
  const columns = columnsOf(resource);
  const computed = cells?.(object as never, nowMs) ?? [];
  const withoutPath = columns.filter(({ path, find }) => path === undefined && find === undefined);
  // Whoever computes cells may leave the age to us.
  const givesAge = computed.length === withoutPath.length;
  let next = 0;
  return columns.map((column) => {
    if (column.find !== undefined) return cellOf(column.type, column.find(object), (time) => ageOf(time, nowMs));
    if (column.path !== undefined) return valueAt(object, column, resource);
    if (column.name === 'Age' && !givesAge) return ageOf(object.metadata.creationTimestamp, nowMs);
    return computed[next++] ?? emptyCell(column, resource);
  });
}

function valueAt(object: Listed, column: Column, resource: ResourceDefinition): unknown {
  let at: unknown = object;
  for (const key of column.path!.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return emptyCell(column, resource);
    at = (at as Record<string, unknown>)[key];
  }
  return at ?? emptyCell(column, resource);
}

function emptyCell({ type }: Column, { schema }: ResourceDefinition): unknown {
  if (schema.custom) return null;
  return type === 'integer' || type === 'number' ? 0 : type === 'boolean' ? false : '';
}

export function partialMetadata({ metadata }: Listed, version: 'v1' | 'v1beta1'): object {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata };
}

export function partialMetadataList(objects: Iterable<Listed>, metadata: object, version: 'v1' | 'v1beta1'): object {
  const items = Array.from(objects, (object) => partialMetadata(object, version));
  return { kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${version}`, metadata, items };
}
