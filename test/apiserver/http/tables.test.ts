import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Column, ResourceDefinition } from '../../../api/resource.ts';
import { builtinResources } from '../../../api/types/resources.ts';
import { humanDuration } from '../../../apiserver/http/human-duration.ts';
import {
  type IncludeObject,
  includeObject,
  partialMetadataList,
  tableEvent,
  tableOf,
} from '../../../apiserver/http/tables.ts';

const base = builtinResources.find(({ plural }) => plural === 'secrets')!;
const columns: Column[] = [
  { name: 'Name', type: 'string', format: 'name', path: 'metadata.name' },
  { name: 'Data', type: 'integer' },
  { name: 'Type', type: 'string', path: 'type', priority: 1 },
  { name: 'Age', type: 'string' },
];
const resource: ResourceDefinition = { ...base, columns };
const created = { creationTimestamp: '2024-01-01T00:00:00Z' };
const object = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a', ...created }, type: 'Opaque' };
const nowMs = Date.parse('2024-01-01T00:05:07Z');
const request = { resource, version: 'v1', include: 'Metadata', nowMs } as const;

test('a table has every column, cells by path or computed, and the age', () => {
  const table = tableOf([object], { resourceVersion: '7' }, { ...request, cells: () => [3] });
  assert.deepEqual(
    { ...table, columnDefinitions: undefined },
    {
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { resourceVersion: '7' },
      columnDefinitions: undefined,
      rows: [
        {
          cells: ['a', 3, 'Opaque', '5m7s'],
          object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata },
        },
      ],
    },
  );
  assert.deepEqual(
    table.columnDefinitions?.map((column) => ({ ...column, description: '' })),
    columns.map(({ name, type, format = '', priority = 0 }) => ({ name, type, format, priority, description: '' })),
  );
});

test('cells that a kind computes with its age are taken as they are; what is missing is empty', () => {
  const whole = tableOf([object], {}, { ...request, cells: () => [3, 'old'] });
  assert.deepEqual((whole.rows[0] as { cells: unknown }).cells, ['a', 3, 'Opaque', 'old']);
  const bare = tableOf([{ metadata: {} }], {}, request);
  assert.deepEqual((bare.rows[0] as { cells: unknown }).cells, ['', 0, '', '<unknown>']);
});

const kinds: { custom: boolean; names: string[] }[] = [
  { custom: false, names: ['Name', 'Created At'] },
  { custom: true, names: ['Name', 'Age'] },
];
for (const { custom, names } of kinds) {
  test(`a ${custom ? 'custom' : 'built-in'} kind without columns has ${names.join(' and ')}`, () => {
    const plain = { ...resource, columns: [], schema: { ...resource.schema, custom } };
    const { columnDefinitions } = tableOf([], {}, { ...request, resource: plain });
    assert.deepEqual(
      columnDefinitions?.map((column) => (column as { name: string }).name),
      names,
    );
  });
}

const includes: { query: string | null; wants: IncludeObject; object: unknown }[] = [
  { query: null, wants: 'Metadata', object: 'PartialObjectMetadata' },
  { query: 'Object', wants: 'Object', object: 'Secret' },
  { query: 'None', wants: 'None', object: undefined },
];
for (const { query, wants, object: kind } of includes) {
  test(`includeObject=${query} puts ${kind ?? 'nothing'} into rows`, () => {
    assert.equal(includeObject(query), wants);
    const { rows } = tableOf([object], {}, { ...request, include: wants });
    assert.equal((rows[0] as { object: { kind?: string } | null }).object?.kind, kind);
  });
}

test('includeObject refuses other words', () => {
  const message =
    'Unable to convert to Table as requested: includeObject: Invalid value: "Bad": ' +
    "must be 'Metadata', 'Object', 'None', or empty";
  assert.throws(() => includeObject('Bad'), { code: 400, message });
});

test('a watch tells the columns once', () => {
  assert.equal(tableEvent(object, true, request).columnDefinitions?.length, 4);
  assert.equal(tableEvent(object, false, request).columnDefinitions, null);
  assert.deepEqual(tableEvent(object, false, request).metadata, {});
});

test('a list by metadata alone keeps the metadata of the list', () => {
  const list = partialMetadataList([object], { resourceVersion: '7' }, 'v1');
  assert.deepEqual(list, {
    kind: 'PartialObjectMetadataList',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion: '7' },
    items: [{ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata }],
  });
});

const ages: [number, string][] = [
  [-5, '<invalid>'],
  [-1, '0s'],
  [0, '0s'],
  [119, '119s'],
  [120, '2m'],
  [307, '5m7s'],
  [600, '10m'],
  [3 * 3600 + 60, '3h1m'],
  [8 * 3600, '8h'],
  [47 * 3600, '47h'],
  [49 * 3600, '2d1h'],
  [8 * 86400, '8d'],
  [3 * 365 * 86400, '3y'],
  [3 * 365 * 86400 + 86400, '3y1d'],
  [10 * 365 * 86400, '10y'],
];
for (const [seconds, wants] of ages) {
  test(`${seconds} s are ${wants}`, () => assert.equal(humanDuration(seconds * 1000), wants));
}
