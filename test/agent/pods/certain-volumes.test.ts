import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCertainVolumes } from '../../../agent/pods/certain-volumes.ts';
import type { Volume } from '../../../api/types/core/volume.ts';
import { aPod } from './make.ts';

const token: Volume = {
  name: 'kube-api-access-x',
  projected: {
    sources: [
      { serviceAccountToken: { path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt' } },
      { downwardAPI: { items: [] } },
      { configMap: { name: 'openshift-service-ca.crt' } },
    ],
  },
};
const cases: { it: string; volumes: Volume[]; wants: boolean }[] = [
  { it: 'none', volumes: [], wants: true },
  { it: 'what every pod gets', volumes: [token], wants: true },
  { it: 'scratch space', volumes: [token, { name: 'tmp', emptyDir: {} }], wants: true },
  { it: 'not a config map of the user', volumes: [token, { name: 'c', configMap: { name: 'c' } }], wants: false },
  {
    it: 'not a secret in a projection',
    volumes: [{ name: 's', projected: { sources: [{ secret: { name: 's' } }] } }],
    wants: false,
  },
  { it: 'not a claim', volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'd' } }], wants: false },
  {
    it: 'not a folder of the host',
    volumes: [{ name: 'h', hostPath: { path: '/x', type: 'Directory' } }],
    wants: false,
  },
];
for (const { it, volumes, wants } of cases) {
  test(`volumes that cannot be missing: ${it}`, () =>
    assert.equal(hasCertainVolumes(aPod({ spec: { volumes } })), wants));
}

test('claims of devices are prepared before the sandbox', () => {
  assert.equal(hasCertainVolumes(aPod({ spec: { resourceClaims: [{ name: 'gpu' }] } })), false);
});
