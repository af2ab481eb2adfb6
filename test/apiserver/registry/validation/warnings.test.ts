// What is said of objects that are allowed and not wise.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from '../../../../api/schema/decode.ts';
import { applyDefaults } from '../../../../api/schema/defaults.ts';
import type { KubeObject } from '../../../../api/schema/kind.ts';
import type { ObjectSchema } from '../../../../api/schema/schema.ts';
import { PersistentVolume } from '../../../../api/types/core/persistent-volume.ts';
import { PersistentVolumeClaim } from '../../../../api/types/core/persistent-volume-claim.ts';
import { Pod } from '../../../../api/types/core/pod.ts';
import { Service } from '../../../../api/types/core/service.ts';
import { cidrWarnings, ipWarnings } from '../../../../apiserver/registry/validation/address-warnings.ts';
import { podWarnings } from '../../../../apiserver/registry/validation/pod-warnings.ts';
import { serviceWarnings } from '../../../../apiserver/registry/validation/services.ts';
import { claimWarnings, volumeObjectWarnings } from '../../../../apiserver/registry/validation/storage-warnings.ts';

type Fields = Record<string, unknown>;

function made<T extends KubeObject>(schema: ObjectSchema<T>, body: Fields): T {
  const object = decode(schema, { metadata: { name: 'x' }, ...body }).value as T;
  applyDefaults(schema, object);
  return object;
}

const pod = (spec: Fields, container: Fields = {}) =>
  podWarnings(made(Pod, { spec: { containers: [{ name: 'c', image: 'i', ...container }], ...spec } }), undefined);
const service = (spec: Fields, metadata: Fields = {}) =>
  serviceWarnings(made(Service, { metadata: { name: 's', ...metadata }, spec: { ports: [{ port: 80 }], ...spec } }));

const cases: { it: string; found: () => string[]; says: string[] }[] = [
  {
    it: 'a variable that is made from the one before it hides nothing',
    found: () =>
      pod(
        {},
        {
          env: [
            { name: 'A', value: 'x' },
            { name: 'A', value: '$(A):y' },
            { name: 'A', value: '$(A)' },
          ],
        },
      ),
    says: ['spec.containers[0].env[2]: hides previous definition of "A", which may be dropped when using apply'],
  },
  {
    it: 'ports are compared in all containers of a pod',
    found: () =>
      pod(
        { initContainers: [{ name: 'i', image: 'i', ports: [{ containerPort: 80 }] }] },
        {
          ports: [
            { containerPort: 80 },
            { containerPort: 80, hostPort: 8080 },
            { containerPort: 80, hostPort: 8080, hostIP: '10.0.0.1' },
          ],
        },
      ),
    says: [
      'spec.containers[0].ports[0]: duplicate port definition with spec.initContainers[0].ports[0]',
      'spec.containers[0].ports[1]: overlapping port definition with spec.initContainers[0].ports[0]',
      'spec.containers[0].ports[1]: overlapping port definition with spec.containers[0].ports[0]',
      'spec.containers[0].ports[2]: overlapping port definition with spec.initContainers[0].ports[0]',
      'spec.containers[0].ports[2]: overlapping port definition with spec.containers[0].ports[0]',
      'spec.containers[0].ports[2]: dangerously ambiguous port definition with spec.containers[0].ports[1]',
    ],
  },
  {
    it: 'a port of an address is a port of the host',
    found: () => pod({}, { ports: [{ containerPort: 80, hostIP: '10.0.0.1' }] }),
    says: [
      'spec.containers[0].ports[0]: hostIP set without hostPort: {Name: HostPort:0 ContainerPort:80 Protocol:TCP ' +
        'HostIP:10.0.0.1}',
    ],
  },
  {
    it: 'files of a volume do not lie over one another',
    found: () =>
      pod({
        volumes: [
          {
            name: 'p',
            projected: {
              sources: [
                { configMap: { name: 'a', items: [{ key: 'k', path: 'x' }] } },
                { serviceAccountToken: { path: 'x/token' } },
                {},
              ],
            },
          },
          {
            name: 's',
            secret: {
              secretName: 'b',
              items: [
                { key: 'k', path: 'y' },
                { key: 'l', path: 'y' },
              ],
            },
          },
        ],
      }),
    says: [
      'volume "p" (Projected) has no sources provided',
      'volume "p" (Projected): overlapping paths: "x/token" (ServiceAccountToken) with "x" (ConfigMap "a")',
      'volume "s" (Secret "b"): overlapping paths: "y" with "y"',
    ],
  },
  {
    it: 'names of a host stand in one place',
    found: () => pod({ hostAliases: [{ ip: '10.0.0.1' }, { ip: '10.0.0.1' }], imagePullSecrets: [{ name: '' }] }),
    says: ['spec.hostAliases[1].ip: duplicate ip "10.0.0.1"', 'spec.imagePullSecrets[0].name: invalid empty name ""'],
  },
  {
    it: 'a headless service balances nothing',
    found: () =>
      service({ clusterIP: 'None', loadBalancerIP: '10.0.0.1', externalIPs: ['10.0.0.2'], externalName: 'a.b' }),
    says: [
      'spec.loadBalancerIP is ignored for headless services',
      'spec.externalIPs is ignored for headless services',
      'spec.externalName is ignored when spec.type is not "ExternalName"',
    ],
  },
  {
    it: 'words of a service that have newer ones',
    found: () =>
      service(
        { trafficDistribution: 'PreferClose' },
        { annotations: { 'service.kubernetes.io/topology-aware-hints': 'auto' } },
      ),
    says: [
      'annotation service.kubernetes.io/topology-aware-hints is deprecated, please use ' +
        'service.kubernetes.io/topology-mode instead',
      'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"',
    ],
  },
  {
    it: 'bytes come whole',
    found: () =>
      claimWarnings(made(PersistentVolumeClaim, { spec: { resources: { requests: { storage: '1500m' } } } })),
    says: ['spec.resources.requests[storage]: fractional byte value "1500m" is invalid, must be an integer'],
  },
  {
    it: 'volumes are not recycled, nor of types that are gone',
    found: () =>
      volumeObjectWarnings(
        made(PersistentVolume, {
          spec: { persistentVolumeReclaimPolicy: 'Recycle', rbd: { image: 'i', monitors: [] } },
        }),
      ),
    says: [
      'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach ' +
        'is to use dynamic provisioning.',
      'spec.rbd: deprecated in v1.28, non-functional in v1.31+',
    ],
  },
];
for (const { it, found, says } of cases) test(it, () => assert.deepEqual(found(), says));

const LATER = 'will be considered invalid in a future Kubernetes release: use';
const addresses: { of: (path: string, value: string) => string[]; value: string; says?: string }[] = [
  { of: ipWarnings, value: '10.0.0.1' },
  { of: ipWarnings, value: 'fd00::1' },
  {
    of: ipWarnings,
    value: 'FD00:0::1',
    says: 'IPv6 address "FD00:0::1" should be in RFC 5952 canonical format ("fd00::1")',
  },
  { of: ipWarnings, value: '::ffff:10.0.0.1', says: `non-standard IP address "::ffff:10.0.0.1" ${LATER} "10.0.0.1"` },
  { of: cidrWarnings, value: '10.0.0.0/8' },
  {
    of: cidrWarnings,
    value: '10.0.0.1/8',
    says: 'CIDR value "10.0.0.1/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?)',
  },
  {
    of: cidrWarnings,
    value: 'FD00::/64',
    says: 'IPv6 CIDR value "FD00::/64" should be in RFC 5952 canonical format ("fd00::/64")',
  },
];
for (const { of, value, says } of addresses) {
  test(`${value} is ${says === undefined ? 'as it should be' : 'understood today'}`, () => {
    assert.deepEqual(of('at', value), says === undefined ? [] : [`at: ${says}`]);
  });
}
