import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiVersionOf } from '../../../api/resource.ts';
import { builtinResources } from '../../../api/types/resources.ts';
import { type Stored, trackUpdate } from '../../../apiserver/patch/apply.ts';
import { generate } from '../../api/schema/generate.ts';

/** Names nothing, and keeps to the way that compares with an empty object. */
const NOWHERE = ['f:nowhere', 'f:never'];

test('who creates an object owns exactly what comparing it with an empty one says, for every kind', () => {
  for (const definition of builtinResources) {
    const { schema, kind } = definition;
    const apiVersion = apiVersionOf(definition);
    for (let seed = 0; seed < 12; seed++) {
      const made = generate(schema, seed) as Partial<Stored>;
      const { managedFields: _, ...metadata } = { ...made.metadata, name: 'x' };
      const next = { ...made, apiVersion, kind, metadata } as Stored;
      const write = { schema, apiVersion, manager: 'someone', live: undefined, next, nowMs: 0 };
      const straight = trackUpdate({ ...write, ignored: [['f:status']] });
      assert.deepEqual(straight, trackUpdate({ ...write, ignored: [['f:status'], NOWHERE] }), `${kind}, seed ${seed}`);
    }
  }
});
