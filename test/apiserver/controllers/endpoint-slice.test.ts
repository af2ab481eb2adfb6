import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Node } from '../../../api/types/core/node.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import type { Service } from '../../../api/types/core/service.ts';
import type { Endpoint, EndpointSlice } from '../../../api/types/discovery/endpoint-slice.ts';
import { decideSlices } from '../../../apiserver/controllers/endpoint-slice-decide.ts';
import { type EndpointGroup, endpointGroups } from '../../../apiserver/controllers/endpoints-of-service.ts';
import { aPod } from './example.ts';

function aService(spec: Partial<Service['spec']> = {}): Service {
  const ports = [{ name: 'http', port: 80, targetPort: 'web', protocol: 'TCP' }];
  return {
    metadata: { name: 's', namespace: 'ns' },
    spec: { selector: { a: 'b' }, ports, ...spec },
  } as unknown as Service;
}

function served(name: string, ip: string, parts: Parameters<typeof aPod>[1] = {}, port = 8080): Pod {
  const pod = aPod(name, { node: 'n', ...parts });
  const containers = [{ name: 'app', ports: [{ name: 'web', containerPort: port, protocol: 'TCP' }] }];
  return { ...pod, spec: { ...pod.spec, containers }, status: { ...pod.status, podIPs: [{ ip }] } } as unknown as Pod;
}

const node = { metadata: { name: 'n', labels: { 'topology.kubernetes.io/zone': 'z' } } } as unknown as Node;
const nodeOf = (name: string) => (name === 'n' ? node : undefined);

/** Address, ready, serving, terminating. */
function seen(service: Service, pods: Pod[]): string[] {
  return endpointGroups(service, pods, nodeOf).flatMap(({ endpoints }) =>
    endpoints.map(({ addresses, conditions }) => {
      const { ready, serving, terminating } = conditions!;
      return `${addresses[0]} ${[ready && 'ready', serving && 'serving', terminating && 'terminating'].filter(Boolean).join(' ')}`.trim();
    }),
  );
}

const cases: { it: string; service?: Service; pods: Pod[]; wants: string[] }[] = [
  { it: 'a ready pod', pods: [served('a', '10.0.0.1')], wants: ['10.0.0.1 ready serving'] },
  { it: 'a pod that is not ready, as such', pods: [served('a', '10.0.0.1', { ready: false })], wants: ['10.0.0.1'] },
  {
    it: 'a terminating pod that still serves',
    pods: [served('a', '10.0.0.1', { deleting: true })],
    wants: ['10.0.0.1 serving terminating'],
  },
  { it: 'no finished pod', pods: [served('a', '10.0.0.1', { phase: 'Succeeded' })], wants: [] },
  { it: 'no pod of an unknown node', pods: [served('a', '10.0.0.1', { node: 'x' })], wants: [] },
  {
    it: 'every pod as ready where that is wanted',
    service: aService({ publishNotReadyAddresses: true }),
    pods: [served('a', '10.0.0.1', { ready: false, node: 'x' })],
    wants: ['10.0.0.1 ready'],
  },
  { it: 'addresses of its own family only', pods: [served('a', 'fd00::1')], wants: [] },
];
for (const { it, service = aService(), pods, wants } of cases) {
  test(`behind a service stands ${it}`, () => assert.deepEqual(seen(service, pods), wants));
}

test('pods that give a named port different numbers stand in groups of their own', () => {
  const groups = endpointGroups(aService(), [served('a', '10.0.0.1'), served('b', '10.0.0.2', {}, 9090)], nodeOf);
  assert.deepEqual(
    groups.map(({ ports }) => ports[0]!.port),
    [8080, 9090],
  );
});

const LABELS = { 'kubernetes.io/service-name': 's' };
const PORTS = [{ name: 'http', port: 80, protocol: 'TCP' as const }];

function endpoint(i: number): Endpoint {
  return {
    addresses: [`10.0.${i >> 8}.${i & 255}`],
    conditions: { ready: true },
    targetRef: { uid: `u${i}` },
  } as unknown as Endpoint;
}

function aSlice(name: string, members: number[]): EndpointSlice {
  const metadata = { name, namespace: 'ns', uid: name, labels: LABELS };
  return { metadata, addressType: 'IPv4', ports: PORTS, endpoints: members.map(endpoint) } as unknown as EndpointSlice;
}

const group = (members: number[]): EndpointGroup => ({
  addressType: 'IPv4',
  ports: PORTS,
  endpoints: members.map(endpoint),
});

test('a service without endpoints keeps one empty slice', () => {
  const { create, update, remove } = decideSlices([], [], LABELS);
  assert.deepEqual([create.length, create[0]!.endpoints, update, remove], [1, [], [], []]);
  const shrunk = decideSlices([], [aSlice('a', [1]), aSlice('b', [2])], LABELS);
  assert.deepEqual([shrunk.create, shrunk.update.length, shrunk.remove.length], [[], 1, 1]);
});

test('slices end up holding exactly the endpoints, each once, none with more than a hundred, and then stay untouched', () => {
  const some = fc.uniqueArray(fc.integer({ min: 0, max: 400 }), { maxLength: 300, size: 'max' });
  fc.assert(
    fc.property(some, fc.array(some, { maxLength: 4 }), (wanted, existing) => {
      const seen = new Set<number>();
      const slices = existing.map((members, i) =>
        aSlice(`s${i}`, members.filter((m) => !seen.has(m) && seen.add(m)).slice(0, 100)),
      );
      const groups = wanted.length > 0 ? [group(wanted)] : [];
      const { create, update, remove } = decideSlices(groups, slices, LABELS);
      const after = [
        ...slices
          .filter((slice) => !remove.includes(slice))
          .map((slice) => update.find((each) => each.slice === slice)?.content.endpoints ?? slice.endpoints ?? []),
        ...create.map(({ endpoints }) => endpoints),
      ];
      const all = after.flat().map(({ addresses }) => addresses[0]);
      assert.deepEqual(all.toSorted(), wanted.map((i) => endpoint(i).addresses[0]).toSorted());
      assert.ok(after.every((endpoints) => endpoints.length <= 100));
      if (wanted.length === 0) return;
      const settled = after.map((endpoints, i) => ({ ...aSlice(`t${i}`, []), endpoints: [...endpoints] }));
      const again = decideSlices(groups, settled, LABELS);
      assert.deepEqual([again.create.length, again.update.length, again.remove.length], [0, 0, 0]);
    }),
  );
});
