import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '../../../api/schema/kind.ts';
import { OwnWrites } from '../../../apiserver/controllers/own-writes.ts';

const anObject = (resourceVersion: string, uid = 'u') =>
  ({ metadata: { name: 'x', namespace: 'ns', uid, resourceVersion } }) as unknown as KubeObject;

test('what was written stands for the cache until the cache has it', () => {
  const writes = new OwnWrites();
  const [old, own, later] = [anObject('9'), anObject('10'), anObject('11')];
  assert.equal(writes.newest('ns/x', old), old);
  writes.note(own);
  assert.equal(writes.newest('ns/x', old), own);
  assert.equal(writes.newest('ns/x', later), later);
  assert.equal(writes.newest('ns/x', old), old, 'forgotten once the cache had it');
});

test('what was written is forgotten with its object', () => {
  const writes = new OwnWrites();
  writes.note(anObject('10'));
  assert.equal(writes.newest('ns/x', undefined), undefined);
  writes.note(anObject('10'));
  const other = anObject('9', 'v');
  assert.equal(writes.newest('ns/x', other), other);
});
