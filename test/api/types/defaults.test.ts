// Defaults of the kinds: what holds for all of them, and the conditions that recordings do not show.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from '../../../api/schema/decode.ts';
import { applyDefaults } from '../../../api/schema/defaults.ts';
import type { Schema } from '../../../api/schema/schema.ts';
import { Deployment } from '../../../api/types/apps/deployment.ts';
import { Job } from '../../../api/types/batch/job.ts';
import { Secret } from '../../../api/types/core/config-map.ts';
import { pullPolicyOf } from '../../../api/types/core/container-defaults.ts';
import { LimitRange } from '../../../api/types/core/limit-range.ts';
import { Node } from '../../../api/types/core/node.ts';
import { Pod } from '../../../api/types/core/pod.ts';
import { Service } from '../../../api/types/core/service.ts';
import { NetworkPolicy } from '../../../api/types/networking/network-policy.ts';
import { RoleBinding } from '../../../api/types/rbac/role-binding.ts';
import { builtinResources } from '../../../api/types/resources.ts';

function filled<T>(schema: Schema<T>, body: object): T {
  return applyDefaults(schema, decode(schema, structuredClone(body)).value);
}

for (const { group, version, kind, schema } of builtinResources) {
  test(`defaults of ${group}/${version} ${kind} bear an empty object and change nothing the second time`, () => {
    const once = filled(schema, {});
    assert.deepEqual(applyDefaults(schema, structuredClone(once)), once);
    filled(schema, { spec: {}, status: {} });
  });
}

const policies: readonly (readonly [string, string])[] = [
  ['web', 'Always'],
  ['web:latest', 'Always'],
  ['localhost:5000/team/web', 'Always'],
  ['localhost:5000/web:1.2', 'IfNotPresent'],
  [`web@sha256:${'0'.repeat(64)}`, 'IfNotPresent'],
  [`web:latest@sha256:${'0'.repeat(64)}`, 'Always'],
  ['Web', 'IfNotPresent'],
  ['', 'IfNotPresent'],
];
for (const [image, wants] of policies) {
  test(`image "${image}" is pulled ${wants}`, () => assert.equal(pullPolicyOf(image), wants));
}

const container = (more: object) => ({ spec: { containers: [{ name: 'c', image: 'i', ...more }] } });

test('who limits a resource asks for as much, in pods but not in templates', () => {
  const limited = container({ resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } } });
  assert.deepEqual(filled(Pod, limited).spec.containers[0]?.resources?.requests, { cpu: '500m', memory: '1Gi' });
  const deployment = filled(Deployment, { spec: { selector: {}, template: limited } });
  assert.deepEqual(deployment.spec.template.spec?.containers[0]?.resources?.requests, { cpu: '500m' });
});

test('on the host network a container port is a host port', () => {
  const pod = container({ ports: [{ containerPort: 80 }] });
  const onHost = filled(Pod, { spec: { ...pod.spec, hostNetwork: true } });
  assert.deepEqual(onHost.spec.containers[0]?.ports, [{ containerPort: 80, hostPort: 80, protocol: 'TCP' }]);
  assert.deepEqual(filled(Pod, pod).spec.containers[0]?.ports, [{ containerPort: 80, protocol: 'TCP' }]);
});

test("a pod's own requests follow from what runs at once in it", () => {
  const ask = (cpu: string) => ({ name: 'c', image: 'i', resources: { requests: { cpu } } });
  const { spec } = filled(Pod, {
    spec: {
      resources: { limits: { cpu: '10', memory: '1Gi' } },
      initContainers: [{ ...ask('200m'), restartPolicy: 'Always' }, ask('2')],
      containers: [ask('1'), ask('500m')],
    },
  });
  assert.deepEqual(spec.resources?.requests, { cpu: '2200m', memory: '1Gi' });
});

test('the older name of the service account follows the newer, and leads where that is absent', () => {
  const spec = { containers: [] };
  assert.equal(filled(Pod, { spec: { ...spec, serviceAccount: 'old' } }).spec.serviceAccountName, 'old');
  assert.equal(
    filled(Pod, { spec: { ...spec, serviceAccountName: 'new', serviceAccount: 'old' } }).spec.serviceAccount,
    'new',
  );
  assert.equal('serviceAccount' in filled(Pod, { spec }).spec, false);
});

test('a volume that names no source is an empty folder', () => {
  const pod = filled(Pod, {
    spec: { containers: [], volumes: [{ name: 'v' }, { name: 's', secret: { secretName: 'x' } }] },
  });
  assert.deepEqual(pod.spec.volumes, [
    { name: 'v', emptyDir: {} },
    { name: 's', secret: { secretName: 'x', defaultMode: 0o644 } },
  ]);
});

test('plain text of a secret becomes data and wins over it', () => {
  const secret = filled(Secret, { data: { a: 'b2xk', b: 'Yg==' }, stringData: { a: 'new' } });
  assert.deepEqual(secret.data, { a: 'bmV3', b: 'Yg==' });
  assert.equal('stringData' in secret, false);
});

test('a service from outside has a policy for it, and the settings of affinity only with affinity', () => {
  const { spec } = filled(Service, {
    spec: { type: 'LoadBalancer', ports: [{ port: 80 }], sessionAffinity: 'ClientIP' },
  });
  assert.equal(spec.externalTrafficPolicy, 'Cluster');
  assert.equal(spec.allocateLoadBalancerNodePorts, true);
  assert.deepEqual(spec.sessionAffinityConfig, { clientIP: { timeoutSeconds: 10800 } });
  assert.deepEqual(spec.ports, [{ protocol: 'TCP', port: 80, targetPort: 80 }]);
  const plain = filled(Service, { spec: { sessionAffinityConfig: { clientIP: {} } } }).spec;
  assert.equal(plain.sessionAffinityConfig, undefined);
  assert.equal(plain.externalTrafficPolicy, undefined);
  assert.equal(filled(Service, { spec: { type: 'ExternalName' } }).spec.internalTrafficPolicy, undefined);
});

test('a job without numbers runs one pod to completion, with one it is a work queue', () => {
  const job = (spec: object) => filled(Job, { spec: { template: {}, ...spec } }).spec;
  assert.equal(job({}).completions, 1);
  assert.equal(job({ parallelism: 2 }).completions, undefined);
  assert.equal(job({ backoffLimitPerIndex: 1 }).backoffLimit, 2147483647);
  assert.equal(job({ podFailurePolicy: { rules: [] } }).podReplacementPolicy, 'Failed');
});

test('a network policy with rules for egress is about egress too', () => {
  const types = (spec: object) => filled(NetworkPolicy, { spec }).spec.policyTypes;
  assert.deepEqual(types({}), ['Ingress']);
  assert.deepEqual(types({ egress: [{}] }), ['Ingress', 'Egress']);
});

test('users and groups belong to the group of RBAC, service accounts to none', () => {
  const { subjects, roleRef } = filled(RoleBinding, {
    roleRef: { kind: 'Role', name: 'r' },
    subjects: [
      { kind: 'User', name: 'u' },
      { kind: 'ServiceAccount', name: 's', namespace: 'n' },
    ],
  });
  assert.equal(roleRef.apiGroup, 'rbac.authorization.k8s.io');
  assert.deepEqual(
    subjects?.map(({ apiGroup }) => apiGroup),
    ['rbac.authorization.k8s.io', undefined],
  );
});

test('a node can allocate what it has, unless it says otherwise', () => {
  assert.deepEqual(filled(Node, { status: { capacity: { cpu: '2' } } }).status.allocatable, { cpu: '2' });
  const says = { status: { capacity: { cpu: '2' }, allocatable: { cpu: '1' } } };
  assert.deepEqual(filled(Node, says).status.allocatable, { cpu: '1' });
});

test('limits of containers pass their maximum on as the default, and that as the default request', () => {
  const { spec } = filled(LimitRange, {
    spec: { limits: [{ type: 'Container', max: { cpu: '2' }, min: { memory: '1Mi' } }] },
  });
  assert.deepEqual(spec.limits[0]?.default, { cpu: '2' });
  assert.deepEqual(spec.limits[0]?.defaultRequest, { cpu: '2', memory: '1Mi' });
});
