import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fateOf } from '../../../agent/volumes/local-dirs.ts';
import type { PersistentVolume } from '../../../api/types/core/persistent-volume.ts';

const volume = (phase: string, policy = 'Delete', maker = 'skiff.local/dir') =>
  ({
    metadata: { name: 'a', annotations: { 'pv.kubernetes.io/provisioned-by': maker } },
    spec: { persistentVolumeReclaimPolicy: policy },
    status: { phase },
  }) as unknown as PersistentVolume;

const cases: { it: string; volume: PersistentVolume | undefined; wants: string }[] = [
  { it: 'stays while its volume is bound', volume: volume('Bound'), wants: 'stays' },
  { it: 'goes when its volume is released', volume: volume('Released'), wants: 'goes' },
  { it: 'stays when its volume is to be retained', volume: volume('Released', 'Retain'), wants: 'stays' },
  { it: 'is left where it is when its volume is not there', volume: undefined, wants: 'forgotten' },
  {
    it: 'is left where it is when the volume is of another make',
    volume: volume('Released', 'Delete', 'x'),
    wants: 'forgotten',
  },
];
for (const { it, volume: found, wants } of cases) test(`a directory ${it}`, () => assert.equal(fateOf(found), wants));
