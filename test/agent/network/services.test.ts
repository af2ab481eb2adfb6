import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointView, NodePlace, ServiceView } from '../../../agent/network/service-view.ts';
import { frontendKey, frontendsOf, type Group, hostPortFrontend } from '../../../agent/network/services.ts';
import { anEndpoint, aService, aSlice } from './views.ts';

const place: NodePlace = { nodeName: 'here', zone: 'z1' };
const show = (group: Group | undefined) =>
  group === undefined
    ? undefined
    : group.to === 'endpoints'
      ? group.endpoints.map(({ ip }) => ip.split('.')[3]).join(' ')
      : group.to;

const ready = anEndpoint('10.42.0.1');
const far = anEndpoint('10.42.0.2', { nodeName: 'there' });
const leaving = anEndpoint('10.42.0.3', { ready: false, serving: true, terminating: true });
const farLeaving = anEndpoint('10.42.0.4', { ready: false, serving: true, terminating: true, nodeName: 'there' });
const gone = anEndpoint('10.42.0.5', { ready: false, serving: false, terminating: true });
const starting = anEndpoint('10.42.0.6', { ready: false });

/** `inside / outside` of the ClusterIP and, where there is one, the node port. */
const cases: {
  it: string;
  service?: Partial<ServiceView>;
  endpoints: readonly EndpointView[];
  clusterIp: string;
  nodePort?: [inside: string, outside: string | undefined];
}[] = [
  { it: 'takes the ready endpoints', endpoints: [ready, far, leaving, gone, starting], clusterIp: '1 2' },
  {
    it: 'falls back to those that leave but serve',
    endpoints: [leaving, farLeaving, gone, starting],
    clusterIp: '3 4',
  },
  { it: 'refuses without endpoints', endpoints: [gone, starting], clusterIp: 'refuse' },
  { it: 'stays local inside when asked', service: { internalLocal: true }, endpoints: [ready, far], clusterIp: '1' },
  {
    it: 'drops inside when local and all are elsewhere',
    service: { internalLocal: true },
    endpoints: [far],
    clusterIp: 'drop',
  },
  {
    it: 'refuses inside when local and there are none at all',
    service: { internalLocal: true },
    endpoints: [],
    clusterIp: 'refuse',
  },
  {
    it: 'opens node ports for everyone',
    service: np({}),
    endpoints: [ready, far],
    clusterIp: '1 2',
    nodePort: ['1 2', undefined],
  },
  {
    it: 'keeps the world local on node ports',
    service: np({ externalLocal: true }),
    endpoints: [ready, far],
    clusterIp: '1 2',
    nodePort: ['1 2', '1'],
  },
  {
    it: 'prefers local ready to leaving',
    service: np({ externalLocal: true }),
    endpoints: [leaving, ready],
    clusterIp: '1',
    nodePort: ['1', '1'],
  },
  {
    it: 'serves from a leaving local endpoint while others are ready elsewhere',
    service: np({ externalLocal: true }),
    endpoints: [leaving, far],
    clusterIp: '2',
    nodePort: ['2', '3'],
  },
  {
    it: 'drops the world when all endpoints are elsewhere',
    service: np({ externalLocal: true }),
    endpoints: [far],
    clusterIp: '2',
    nodePort: ['2', 'drop'],
  },
  { it: 'follows zone hints', endpoints: [hint('1', ['z1']), hint('2', ['z2'])], clusterIp: '1' },
  {
    it: 'ignores hints when one endpoint has none',
    endpoints: [hint('1', ['z1']), anEndpoint('10.42.0.2')],
    clusterIp: '1 2',
  },
  { it: 'ignores hints when none points here', endpoints: [hint('1', ['z2']), hint('2', ['z2'])], clusterIp: '1 2' },
  {
    it: 'follows node hints before zone hints',
    endpoints: [hint('1', ['z1'], ['there']), hint('2', ['z1'], ['here'])],
    clusterIp: '2',
  },
  { it: 'counts an endpoint in two slices once', endpoints: [ready, ready], clusterIp: '1' },
];

function np(more: Partial<ServiceView>): Partial<ServiceView> {
  return { type: 'NodePort', ports: [{ name: 'http', protocol: 'TCP', port: 80, nodePort: 30080 }], ...more };
}
function hint(last: string, forZones: string[], forNodes?: string[]): EndpointView {
  return anEndpoint(`10.42.0.${last}`, { forZones, forNodes });
}

for (const { it, service, endpoints, clusterIp, nodePort } of cases) {
  test(`frontendsOf ${it}`, () => {
    const frontends = frontendsOf(aService(service), [aSlice(endpoints)], 'ip', place);
    const byKey = new Map(frontends.map((frontend) => [frontendKey(frontend), frontend]));
    assert.equal(show(byKey.get('10.43.0.7 . tcp . 80')?.inside), clusterIp);
    const port = byKey.get('* . tcp . 30080');
    assert.deepEqual(port && [show(port.inside), show(port.outside)], nodePort);
  });
}

test('frontendsOf has one for each address, port and family, and none for headless Services and aliases', () => {
  const service = aService({
    type: 'LoadBalancer',
    clusterIps: ['10.43.0.7', 'fd00::0:7'],
    externalIps: ['192.0.2.1', 'not an address'],
    loadBalancerIps: ['192.0.2.2'],
    sourceRanges: ['198.51.100.0/24', '198.51.100.7/32', ' 203.0.113.9/32 ', '2001:db8::/32'],
    ports: [
      { name: 'http', protocol: 'TCP', port: 80, nodePort: 30080 },
      { name: 'dns', protocol: 'UDP', port: 53 },
    ],
  });
  const keys = (family: 'ip' | 'ip6') => frontendsOf(service, [], family, place).map(frontendKey);
  assert.deepEqual(keys('ip'), [
    '10.43.0.7 . tcp . 80',
    '192.0.2.1 . tcp . 80',
    '192.0.2.2 . tcp . 80',
    '* . tcp . 30080',
    '10.43.0.7 . udp . 53',
    '192.0.2.1 . udp . 53',
    '192.0.2.2 . udp . 53',
  ]);
  assert.deepEqual(keys('ip6'), ['fd00::7 . tcp . 80', '* . tcp . 30080', 'fd00::7 . udp . 53']);
  const balancer = frontendsOf(service, [], 'ip', place).find(({ ip }) => ip === '192.0.2.2');
  assert.deepEqual(balancer?.sources, ['198.51.100.0/24', '203.0.113.9/32'], 'nested ranges are one');
  for (const none of [{ headless: true }, { type: 'ExternalName' as const }, { proxied: false }]) {
    assert.deepEqual(frontendsOf(aService(none), [], 'ip', place), []);
  }
});

test('frontendsOf finds the target of a named port in each slice', () => {
  const slices = [
    aSlice([anEndpoint('10.42.0.1')]),
    aSlice([anEndpoint('10.42.0.2')], { ports: [{ name: 'http', protocol: 'TCP', port: 9090 }] }),
    aSlice([anEndpoint('10.42.0.3')], { ports: [{ name: 'other', protocol: 'TCP', port: 1 }] }),
    aSlice([anEndpoint('10.42.0.4')], { ports: [{ name: 'http', protocol: 'UDP', port: 1 }] }),
  ];
  const inside = frontendsOf(aService(), slices, 'ip', place)[0]?.inside;
  assert.deepEqual(inside, {
    to: 'endpoints',
    endpoints: [
      { ip: '10.42.0.1', port: 8080 },
      { ip: '10.42.0.2', port: 9090 },
    ],
    affinitySeconds: undefined,
  });
});

test('hostPortFrontend is for every address of the node unless one is named', () => {
  const port = { hostPort: 80, protocol: 'TCP', port: 8080 } as const;
  assert.equal(frontendKey(hostPortFrontend(port, '10.42.0.1')), '* . tcp . 80');
  assert.equal(frontendKey(hostPortFrontend({ ...port, hostIp: '0.0.0.0' }, '10.42.0.1')), '* . tcp . 80');
  assert.equal(frontendKey(hostPortFrontend({ ...port, hostIp: '192.0.2.1' }, '10.42.0.1')), '192.0.2.1 . tcp . 80');
});
