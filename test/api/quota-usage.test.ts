import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countName, isInScope, resourceNamed, totalUsage, usageOf } from '../../api/quota-usage.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import type { ResourceQuota } from '../../api/types/core/limit-range.ts';

const NOW_MS = Date.parse('2026-01-01T00:01:00Z');
const core = (plural: string) => ({ group: '', plural });
const anObject = (parts: object) =>
  ({ metadata: { name: 'x' }, spec: {}, status: {}, ...parts }) as unknown as KubeObject;
const takes = (cpu: string, memory = '0', limits: object = {}) => ({
  resources: { requests: { cpu, memory }, limits },
});

const usages: { it: string; of: { group: string; plural: string }; object: object; takes: Record<string, string> }[] = [
  {
    it: 'a deployment',
    of: { group: 'apps', plural: 'deployments' },
    object: {},
    takes: { 'count/deployments.apps': '1' },
  },
  { it: 'a secret', of: core('secrets'), object: {}, takes: { 'count/secrets': '1', secrets: '1' } },
  {
    it: 'a node port service',
    of: core('services'),
    object: { spec: { type: 'NodePort', ports: [{}, {}] } },
    takes: { 'count/services': '1', services: '1', 'services.nodeports': '2' },
  },
  {
    it: 'a load balancer with one node port of its own',
    of: core('services'),
    object: { spec: { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: [{ nodePort: 30000 }, {}] } },
    takes: { 'count/services': '1', services: '1', 'services.nodeports': '1', 'services.loadbalancers': '1' },
  },
  {
    it: 'a claim of a class',
    of: core('persistentvolumeclaims'),
    object: { spec: { storageClassName: 'gold', resources: { requests: { storage: '2Gi' } } } },
    takes: {
      'count/persistentvolumeclaims': '1',
      persistentvolumeclaims: '1',
      'requests.storage': '2Gi',
      'gold.storageclass.storage.k8s.io/requests.storage': '2Gi',
      'gold.storageclass.storage.k8s.io/persistentvolumeclaims': '1',
    },
  },
  {
    it: 'a pod with a sidecar and a greedy init container',
    of: core('pods'),
    object: {
      spec: {
        containers: [takes('100m', '1Gi', { memory: '2Gi' }), takes('200m', '1Gi')],
        initContainers: [{ restartPolicy: 'Always', ...takes('50m') }, takes('1', '1Mi')],
        overhead: { cpu: '10m', memory: '0' },
      },
    },
    takes: {
      ...{ 'count/pods': '1', pods: '1', cpu: '1060m', 'requests.cpu': '1060m' },
      ...{ memory: '2Gi', 'requests.memory': '2Gi', 'limits.memory': '2Gi' },
    },
  },
  {
    it: 'a pod that is over',
    of: core('pods'),
    object: { status: { phase: 'Succeeded' } },
    takes: { 'count/pods': '1' },
  },
  {
    it: 'a pod that should be gone by now',
    of: core('pods'),
    object: { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 30 } },
    takes: { 'count/pods': '1' },
  },
];
for (const { it, of, object, takes: wanted } of usages) {
  test(`the quota usage of ${it}`, () => assert.deepEqual(usageOf(of, anObject(object), NOW_MS), wanted));
}

test('a name in a quota says which resource it speaks of', () => {
  const names = ['count/jobs.batch', 'count/pods', 'secrets', 'services.nodeports', 'requests.cpu', 'limits.memory'];
  const found = names.map((name) => countName(resourceNamed(name)));
  assert.deepEqual(found, [
    'count/jobs.batch',
    'count/pods',
    'count/secrets',
    'count/services',
    'count/pods',
    'count/pods',
  ]);
  const storage = ['requests.storage', 'gold.storageclass.storage.k8s.io/requests.storage', 'persistentvolumeclaims'];
  assert.deepEqual(new Set(storage.map((name) => resourceNamed(name).plural)), new Set(['persistentvolumeclaims']));
});

test('usage adds up under the names asked for, and what is not used is zero', () => {
  const total = totalUsage(
    [
      { cpu: '1', pods: '1' },
      { cpu: '250m', pods: '1' },
    ],
    ['cpu', 'pods', 'memory'],
  );
  assert.deepEqual(total, { cpu: '1250m', pods: '2', memory: '0' });
});

test('scopes choose pods by deadline, quality and priority', () => {
  const quota = (spec: object) => ({ spec }) as unknown as ResourceQuota;
  const pod = anObject({ spec: { containers: [takes('1')], priorityClassName: 'high', activeDeadlineSeconds: 5 } });
  const idle = anObject({ spec: { containers: [takes('0')] } });
  const asks = (scopes: string[], object: KubeObject) => isInScope(quota({ scopes }), core('pods'), object);
  assert.deepEqual([asks(['Terminating'], pod), asks(['NotTerminating'], pod)], [true, false]);
  assert.deepEqual([asks(['BestEffort'], idle), asks(['NotBestEffort', 'Terminating'], pod)], [true, true]);
  const byPriority = (operator: string, values?: string[]) =>
    quota({ scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator, values }] } });
  assert.equal(isInScope(byPriority('In', ['high']), core('pods'), pod), true);
  assert.equal(isInScope(byPriority('NotIn', ['high']), core('pods'), pod), false);
  assert.equal(isInScope(byPriority('Exists'), core('pods'), idle), false);
  assert.equal(isInScope(quota({ scopes: ['BestEffort'] }), core('secrets'), anObject({})), false);
  assert.equal(isInScope(quota({}), core('secrets'), anObject({})), true);
});
