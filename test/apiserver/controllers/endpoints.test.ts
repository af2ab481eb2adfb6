import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Endpoints } from '../../../api/types/core/endpoints.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import type { Service } from '../../../api/types/core/service.ts';
import { isMirrored, mirroredGroups } from '../../../apiserver/controllers/endpoint-slice-mirroring-decide.ts';
import { decideSubsets } from '../../../apiserver/controllers/endpoints-decide.ts';
import { aPod, type PodParts } from './example.ts';

function aService(spec: Partial<Service['spec']> = {}): Service {
  const ports = [{ name: 'http', port: 80, targetPort: 'web', protocol: 'TCP' }];
  return {
    metadata: { name: 's', namespace: 'ns' },
    spec: { clusterIP: '10.0.0.1', ports, ...spec },
  } as unknown as Service;
}

function aBackend(name: string, ip: string, { port = 8080, ...parts }: PodParts & { port?: number } = {}): Pod {
  const pod = aPod(name, { node: 'n', ...parts });
  const containers = [{ name: 'app', ports: [{ name: 'web', containerPort: port }] }];
  return { ...pod, spec: { ...pod.spec, containers }, status: { ...pod.status, podIPs: [{ ip }] } } as unknown as Pod;
}

/** `ready | not ready : ports`, one line per subset. */
function shown({ subsets = [] }: Pick<Endpoints, 'subsets'>): string[] {
  const ips = (addresses: readonly { ip: string }[] = []) => addresses.map(({ ip }) => ip).join(' ');
  return subsets.map(
    ({ addresses, notReadyAddresses, ports = [] }) =>
      `${ips(addresses)} | ${ips(notReadyAddresses)} : ${ports.map(({ name, port }) => `${name}=${port}`).join(' ')}`,
  );
}

const num = { name: 'num', port: 81, targetPort: 9000, protocol: 'TCP' };
const http = { name: 'http', port: 80, targetPort: 'web', protocol: 'TCP' };
const cases: { it: string; spec?: object; pods: Pod[]; wants: string[] }[] = [
  {
    it: 'says which pods are ready',
    pods: [aBackend('b', '10.1.0.2', { ready: false }), aBackend('a', '10.1.0.1')],
    wants: ['10.1.0.1 | 10.1.0.2 : http=8080'],
  },
  {
    it: 'leaves out pods that finished, are on their way out, or have no address',
    pods: [aBackend('a', '10.1.0.1', { deleting: true }), aBackend('b', '10.1.0.2', { phase: 'Failed' }), aPod('c')],
    wants: [],
  },
  {
    it: 'publishes everything where it is asked to',
    spec: { publishNotReadyAddresses: true },
    pods: [aBackend('a', '10.1.0.1', { ready: false }), aBackend('b', '10.1.0.2', { deleting: true, ready: false })],
    wants: ['10.1.0.1 10.1.0.2 |  : http=8080'],
  },
  {
    it: 'joins ports that have the same addresses and parts those that have not',
    spec: { ports: [http, num] },
    pods: [aBackend('a', '10.1.0.1'), aBackend('b', '10.1.0.2', { port: 9090 })],
    wants: ['10.1.0.1 |  : http=8080', '10.1.0.2 |  : http=9090', '10.1.0.1 10.1.0.2 |  : num=9000'],
  },
  {
    it: 'has addresses without ports where a headless service has none',
    spec: { clusterIP: 'None', ports: [] },
    pods: [aBackend('a', '10.1.0.1')],
    wants: ['10.1.0.1 |  : '],
  },
  {
    it: 'follows the first family of its service',
    spec: { ipFamilies: ['IPv6', 'IPv4'] },
    pods: [aBackend('a', '10.1.0.1'), aBackend('b', 'fd00::1')],
    wants: ['fd00::1 |  : http=8080'],
  },
];
for (const { it, spec, pods, wants } of cases) {
  test(`an endpoints object ${it}`, () => assert.deepEqual(shown(decideSubsets(aService(spec), pods)), wants));
}

test('an endpoints object holds a thousand addresses at most, ready ones first', () => {
  const pods = Array.from({ length: 1200 }, (_, i) =>
    aBackend(`p${i}`, `10.1.${i >> 8}.${i & 255}`, { ready: i % 2 === 0 }),
  );
  const { subsets, truncated } = decideSubsets(aService(), pods);
  assert.deepEqual([subsets[0]!.addresses!.length, subsets[0]!.notReadyAddresses!.length, truncated], [600, 400, true]);
});

test('endpoints are mirrored for services without a selector, unless they say otherwise', () => {
  const plain = { metadata: {} } as Endpoints;
  const skipped = {
    metadata: { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
  } as unknown as Endpoints;
  const elects = {
    metadata: { annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' } },
  } as unknown as Endpoints;
  assert.equal(isMirrored(plain, aService()), true);
  assert.equal(isMirrored(plain, aService({ selector: { a: 'b' } })), false);
  assert.equal(isMirrored(plain, aService({ type: 'ExternalName' })), false);
  assert.equal(isMirrored(plain, undefined), false);
  assert.equal(isMirrored(skipped, aService()), false);
  assert.equal(isMirrored(elects, aService()), false);
});

test('mirrored endpoints are parted by family and by ports', () => {
  const subsets = [
    {
      addresses: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }],
      notReadyAddresses: [{ ip: '10.0.0.2' }],
      ports: [{ port: 80 }],
    },
    { addresses: [{ ip: '10.0.0.3' }], ports: [{ port: 81 }] },
  ];
  const groups = mirroredGroups({ subsets } as unknown as Endpoints);
  const flat = groups.map(({ addressType, ports, endpoints }) => [
    addressType,
    ports[0]!.port,
    endpoints.map(({ addresses, conditions }) => `${addresses[0]} ${conditions!.ready}`),
  ]);
  assert.deepEqual(flat, [
    ['IPv4', 80, ['10.0.0.1 true', '10.0.0.2 false']],
    ['IPv6', 80, ['fd00::1 true']],
    ['IPv4', 81, ['10.0.0.3 true']],
  ]);
});
