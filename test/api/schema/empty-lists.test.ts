import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from '../../../api/schema/decode.ts';
import { asStored } from '../../../api/schema/empty-lists.ts';
import type { ObjectSchema } from '../../../api/schema/schema.ts';
import { customResourceDefinitions } from '../../../api/types/apiextensions/resources.ts';
import { clusterRoles } from '../../../api/types/rbac/resources.ts';

test('lists that are always written become null when they are empty, wherever they lie', () => {
  const schema = clusterRoles.schema as ObjectSchema;
  const { value } = decode(schema, { rules: [{ verbs: [], resources: ['pods'] }, { verbs: ['get'] }] });
  asStored(schema, value);
  assert.deepEqual((value as { rules: unknown }).rules, [{ verbs: null, resources: ['pods'] }, { verbs: ['get'] }]);
  const none = { rules: [] };
  asStored(schema, none);
  assert.deepEqual(none, { rules: null });
});

test('a schema that contains itself is walked to its end', () => {
  const schema = customResourceDefinitions.schema as ObjectSchema;
  const names = { plural: 'as', kind: 'A' };
  const inner = { type: 'object', properties: { a: { type: 'object', properties: { b: { enum: [] } } } } };
  const object = { spec: { names, versions: [], group: 'a', schema: { openAPIV3Schema: inner } } };
  asStored(schema, object);
  assert.equal(object.spec.versions, null);
});
