// Objects as rows for people, and objects by their metadata alone.

import { kind } from '../../schema/kind.ts';
import { any, anything, field, int32, list, object, required, string, type TypeOf } from '../../schema/schema.ts';
import { ListMeta } from './list-meta.ts';

export const TableColumnDefinition = object('io.k8s.apimachinery.pkg.apis.meta.v1.TableColumnDefinition', {
  description: string(0, { required, emitZero: '' }),
  format: string(0, { required, emitZero: '' }),
  name: string(0, { required, emitZero: '' }),
  priority: int32(0, { required, emitZero: 0 }),
  type: string(0, { required, emitZero: '' }),
});
export type TableColumnDefinition = TypeOf<typeof TableColumnDefinition>;

export const TableRowCondition = object('io.k8s.apimachinery.pkg.apis.meta.v1.TableRowCondition', {
  message: string(0),
  reason: string(0),
  status: string(0, { required, emitZero: '' }),
  type: string(0, { required, emitZero: '' }),
});
export type TableRowCondition = TypeOf<typeof TableRowCondition>;

export const TableRow = object('io.k8s.apimachinery.pkg.apis.meta.v1.TableRow', {
  cells: list(0, anything(''), { required, emitZero: null, listType: 'atomic' }),
  conditions: list(0, TableRowCondition, { listType: 'atomic' }),
  object: any(0, 'io.k8s.apimachinery.pkg.runtime.RawExtension', { emitZero: null }),
});
export type TableRow = TypeOf<typeof TableRow>;

export const Table = object('io.k8s.apimachinery.pkg.apis.meta.v1.Table', {
  apiVersion: string(0),
  columnDefinitions: list(0, TableColumnDefinition, { required, emitZero: null, listType: 'atomic' }),
  kind: string(0),
  metadata: field(0, ListMeta, { emitZero: {} }),
  rows: list(0, TableRow, { required, emitZero: null, listType: 'atomic' }),
});
export type Table = TypeOf<typeof Table>;

export const PartialObjectMetadata = kind('io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata', {});
export type PartialObjectMetadata = TypeOf<typeof PartialObjectMetadata>;
