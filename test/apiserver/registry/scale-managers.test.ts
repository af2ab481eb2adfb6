import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parentManagers, scaleManagers } from '../../../apiserver/registry/scale-managers.ts';

const PATH = ['f:spec', 'f:replicas'];
const owner = (manager: string, operation: 'Apply' | 'Update', fieldsV1: object, more: object = {}) => ({
  ...{ manager, operation, apiVersion: 'apps/v1', fieldsType: 'FieldsV1', fieldsV1 },
  ...more,
});
const replicas = { 'f:spec': { 'f:replicas': {} } };
const creator = owner('creator', 'Update', { 'f:spec': { 'f:paused': {}, 'f:replicas': {} } }, { time: 't' });
const stranger = owner('stranger', 'Update', { 'f:metadata': { 'f:labels': {} } });

test('a Scale shows who owns the replicas and nobody else', () => {
  assert.deepEqual(scaleManagers([creator, stranger], PATH), [
    { ...creator, apiVersion: 'autoscaling/v1', fieldsV1: replicas },
  ]);
});

test('who applies the Scale takes the replicas and leaves the other fields to their owner', () => {
  const applier = owner('one', 'Apply', replicas, { apiVersion: 'autoscaling/v1', subresource: 'scale' });
  assert.deepEqual(parentManagers([creator, stranger], [applier], PATH, 'apps/v1'), [
    { ...applier, apiVersion: 'apps/v1' },
    stranger,
    { ...creator, fieldsV1: { 'f:spec': { 'f:paused': {} } } },
  ]);
});

test('an owner that stays keeps its entry as it was', () => {
  const inScale = scaleManagers([creator], PATH);
  assert.deepEqual(parentManagers([creator, stranger], inScale, PATH, 'apps/v1'), [stranger, creator]);
});
