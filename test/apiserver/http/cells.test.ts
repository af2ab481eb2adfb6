// Rows as upstream writes them, of objects as clients send them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResourceDefinition } from '../../../api/resource.ts';
import { decode } from '../../../api/schema/decode.ts';
import { applyDefaults } from '../../../api/schema/defaults.ts';
import type { KubeObject } from '../../../api/schema/kind.ts';
import { builtinResources } from '../../../api/types/resources.ts';
import { cellsOf } from '../../../apiserver/http/cells/index.ts';
import { tableOf } from '../../../apiserver/http/tables.ts';

const nowMs = Date.parse('2024-01-01T00:05:00Z');
const metadata = { name: 'x', namespace: 'ns', creationTimestamp: '2024-01-01T00:00:00Z' };

function cells(plural: string, body: object, version = ''): unknown[] {
  const resource = builtinResources.find(
    (one) => one.plural === plural && (version === '' || `${one.group}/${one.version}` === version),
  ) as ResourceDefinition;
  const object = decode(resource.schema, { metadata, ...structuredClone(body) }).value;
  applyDefaults(resource.schema, object);
  const { cells: compute } = cellsOf(resource);
  const table = tableOf(
    [object as KubeObject],
    {},
    { resource, version: 'v1', include: 'None', nowMs, cells: compute },
  );
  return (table.rows[0] as { cells: unknown[] }).cells;
}

const scaleTargetRef = { kind: 'Deployment', name: 'x', apiVersion: 'apps/v1' };
const utilization = { type: 'Utilization', averageUtilization: 50 };
const metrics = [
  { type: 'Resource', resource: { name: 'cpu', target: utilization } },
  { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } },
  { type: 'Pods', pods: { metric: { name: 'q' }, target: { type: 'AverageValue', averageValue: '5' } } },
];
const external = (target: object) => ({ type: 'External', external: { metric: { name: 'e' }, target } });
const event = { reason: 'R', type: 'Normal', deprecatedCount: 2, regarding: { kind: 'Pod', name: 'p' } };
const host = (...hosts: string[]) => ({ rules: hosts.map((name) => ({ host: name })) });

const rows: { it: string; row: () => unknown[]; wants: unknown[] }[] = [
  {
    it: 'an autoscaler shows two metrics and how many more',
    row: () =>
      cells('horizontalpodautoscalers', { spec: { scaleTargetRef, maxReplicas: 3, metrics } }, 'autoscaling/v2'),
    wants: ['x', 'Deployment/x', 'cpu: <unknown>/50%, memory: <unknown>/1Gi + 1 more...', '1', 3, 0, '5m'],
  },
  {
    it: 'metrics of pods are averages anyway',
    row: () =>
      cells(
        'horizontalpodautoscalers',
        {
          spec: {
            scaleTargetRef,
            maxReplicas: 3,
            metrics: [metrics[2], external({ type: 'AverageValue', averageValue: '7' })],
          },
        },
        'autoscaling/v2',
      ),
    wants: ['x', 'Deployment/x', '<unknown>/5, <unknown>/7 (avg)', '1', 3, 0, '5m'],
  },
  {
    it: 'the older version of an autoscaler has the same row',
    row: () =>
      cells(
        'horizontalpodautoscalers',
        { spec: { scaleTargetRef, maxReplicas: 3, targetCPUUtilizationPercentage: 50 } },
        'autoscaling/v1',
      ),
    wants: ['x', 'Deployment/x', 'cpu: <unknown>/50%', '1', 3, 0, '5m'],
  },
  {
    it: 'events have one row in both groups, with a number of times',
    row: () =>
      cells('events', { ...event, note: ' m\n', eventTime: '2024-01-01T00:04:00.000000Z' }, 'events.k8s.io/v1'),
    wants: ['60s', 'Normal', 'R', 'pod/p', '', '', 'm', '60s', 2, 'x'],
  },
  {
    it: 'an ingress shows three hosts, and counts rules',
    row: () => cells('ingresses', { spec: host('a.b', 'c.d', 'e.f', 'g.h', 'i.j') }),
    wants: ['x', '<none>', 'a.b,c.d,e.f + 2 more...', '', '80', '5m'],
  },
  {
    it: 'rules without a host are no hosts',
    row: () =>
      cells('ingresses', {
        spec: host('', 'a.b'),
        status: { loadBalancer: { ingress: [{ hostname: 'z' }, { ip: '1.1.1.1' }, { hostname: 'z' }] } },
      }),
    wants: ['x', '<none>', 'a.b', '1.1.1.1,z', '80', '5m'],
  },
  {
    it: 'addresses of balancers come sorted, before those of the service',
    row: () =>
      cells('services', {
        spec: { type: 'LoadBalancer', clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'], externalIPs: ['1.0.0.1'] },
        status: { loadBalancer: { ingress: [{ ip: '2.2.2.2' }, { ip: '1.1.1.1' }] } },
      }),
    wants: ['x', 'LoadBalancer', '10.0.0.1', '1.1.1.1,2.2.2.2,1.0.0.1', '<none>', '5m', '<none>'],
  },
  {
    it: 'a slice whose port has neither number nor name',
    row: () => cells('endpointslices', { addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }], ports: [{}] }),
    wants: ['x', 'IPv4', '<unset>', '10.0.0.1', '5m'],
  },
  {
    it: 'endpoints of which none is ready',
    row: () => cells('endpoints', { subsets: [{ notReadyAddresses: [{ ip: '10.0.0.1' }] }] }),
    wants: ['x', '', '5m'],
  },
  {
    it: 'the default class says so',
    row: () =>
      cells('storageclasses', {
        metadata: { ...metadata, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
        provisioner: 'p',
      }),
    wants: ['x (default)', 'p', 'Delete', 'Immediate', 'false', '5m'],
  },
  {
    it: 'drivers show what they were registered with',
    row: () => cells('csidrivers', { spec: { tokenRequests: [{ audience: 'a' }, { audience: 'b' }] } }),
    wants: ['x', true, false, false, 'a,b', false, 'Persistent', '5m'],
  },
  {
    it: 'a flow schema of which nobody has said whether its level is there',
    row: () => cells('flowschemas', { spec: { priorityLevelConfiguration: { name: 'p' } } }),
    wants: ['x', 'p', 1000, '<none>', '5m', '?'],
  },
  {
    it: 'levels have shares and queues, or none',
    row: () =>
      cells('prioritylevelconfigurations', {
        spec: { type: 'Limited', limited: { limitResponse: { type: 'Reject' } } },
      }),
    wants: ['x', 'Limited', 30, '<none>', '<none>', '<none>', '5m'],
  },
  {
    it: 'a claim of devices waits',
    row: () => cells('resourceclaims', { spec: {} }),
    wants: ['x', 'pending', '5m'],
  },
  {
    it: 'a claim of devices is allocated and reserved',
    row: () =>
      cells('resourceclaims', {
        metadata: { ...metadata, deletionTimestamp: '2024-01-01T00:01:00Z' },
        spec: {},
        status: { allocation: {}, reservedFor: [{ resource: 'pods', name: 'p', uid: 'u' }] },
      }),
    wants: ['x', 'deleted,allocated,reserved', '5m'],
  },
  {
    it: 'an address belongs to somebody',
    row: () => cells('ipaddresses', { spec: { parentRef: { resource: 'services', namespace: 'ns', name: 's' } } }),
    wants: ['x', 'services/ns/s'],
  },
  {
    it: 'classes of ingresses have parameters',
    row: () =>
      cells('ingressclasses', { spec: { controller: 'c', parameters: { apiGroup: 'a.b', kind: 'K', name: 'n' } } }),
    wants: ['x', 'c', 'K.a.b/n', '5m'],
  },
  {
    it: 'policies count what they look at',
    row: () =>
      cells('validatingadmissionpolicies', {
        spec: { validations: [{ expression: 'true' }], paramKind: { apiVersion: 'v1', kind: 'ConfigMap' } },
      }),
    wants: ['x', 1, 'v1/ConfigMap', '5m'],
  },
  {
    it: 'bindings show where parameters come from',
    row: () => cells('mutatingadmissionpolicybindings', { spec: { policyName: 'p', paramRef: { name: 'n' } } }),
    wants: ['x', 'p', '*/n', '5m'],
  },
];
for (const { it, row, wants } of rows) test(it, () => assert.deepEqual(row(), wants));

test('kinds with columns that are no fields have cells for all of them', () => {
  const short = builtinResources.filter((resource) => {
    const computed = resource.columns.filter(({ path }) => path === undefined).filter(({ name }) => name !== 'Age');
    return computed.length > 0 && cellsOf(resource).cells === undefined;
  });
  assert.deepEqual(
    short.map(({ group, kind }) => `${group}/${kind}`),
    [],
  );
});
