import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../../api/types/core/pod.ts';
import { claimsOf } from '../../../apiserver/controllers/claims-of-pod.ts';
import { uses } from '../../../apiserver/controllers/volume-protection.ts';
import { aPod, type PodParts } from './example.ts';

function mounting(parts: PodParts): Pod {
  const pod = aPod('p', parts);
  const volumes = [
    { name: 'data', persistentVolumeClaim: { claimName: 'mine' } },
    { name: 'scratch', ephemeral: { volumeClaimTemplate: { spec: {} } } },
    { name: 'empty', emptyDir: {} },
  ];
  return { ...pod, spec: { ...pod.spec, volumes } } as unknown as Pod;
}

test('a pod mounts the claims it names and those of its own volumes', () => {
  assert.deepEqual(claimsOf(mounting({})), ['mine', 'p-scratch']);
});

test('a claim is in use by pods that are on a node and not over', () => {
  assert.equal(uses(mounting({ node: 'n' }), 'mine'), true);
  assert.equal(uses(mounting({ node: 'n', deleting: true }), 'p-scratch'), true);
  assert.equal(uses(mounting({ node: 'n' }), 'other'), false);
  assert.equal(uses(mounting({}), 'mine'), false);
  assert.equal(uses(mounting({ node: 'n', phase: 'Succeeded' }), 'mine'), false);
});
