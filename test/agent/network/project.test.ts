import assert from 'node:assert/strict';
import { test } from 'node:test';
import { localPod } from '../../../agent/network/network-input.ts';
import { nodeView, placeOf, serviceView, sliceView } from '../../../agent/network/project.ts';
import { ViewIndex } from '../../../agent/network/view-index.ts';
import type { Node } from '../../../api/types/core/node.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import type { Service } from '../../../api/types/core/service.ts';
import type { EndpointSlice } from '../../../api/types/discovery/endpoint-slice.ts';

const service = (spec: unknown, labels: Record<string, string> = {}, status: unknown = {}) =>
  ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'default', name: 'web', labels },
    spec,
    status,
  }) as Service;
const slice = (endpoints: unknown[], name = 'web-1') =>
  ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: 'default', name, labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    endpoints,
    ports: [{ port: 8080 }],
  }) as unknown as EndpointSlice;

test('serviceView gives absent fields their meaning', () => {
  const view = serviceView(service({ clusterIP: '10.43.0.1', ports: [{ port: 80 }] }));
  assert.deepEqual(
    [
      view.type,
      view.clusterIps,
      view.headless,
      view.proxied,
      view.affinitySeconds,
      view.externalLocal,
      view.internalLocal,
    ],
    ['ClusterIP', ['10.43.0.1'], false, true, undefined, false, false],
  );
  assert.deepEqual(view.ports, [{ name: '', protocol: 'TCP', port: 80, nodePort: undefined }]);
  assert.equal(serviceView(service({ clusterIP: 'None' })).headless, true);
  assert.equal(serviceView(service({ clusterIP: '10.43.0.1', sessionAffinity: 'ClientIP' })).affinitySeconds, 10_800);
});

test('serviceView leaves Services of other proxies, and balancers that translate themselves, alone', () => {
  for (const label of ['service.kubernetes.io/service-proxy-name', 'service.kubernetes.io/headless']) {
    assert.equal(serviceView(service({ clusterIP: '10.43.0.1' }, { [label]: '' })).proxied, false);
  }
  const ingress = [{ ip: '192.0.2.1' }, { ip: '192.0.2.2', ipMode: 'Proxy' }, { hostname: 'x' }];
  const balancer = service({ type: 'LoadBalancer', clusterIP: '10.43.0.1' }, {}, { loadBalancer: { ingress } });
  assert.deepEqual(serviceView(balancer).loadBalancerIps, ['192.0.2.1']);
});

test('sliceView takes unknown conditions as ready, and serving from ready', () => {
  const view = sliceView(
    slice([{ addresses: ['10.42.0.1'] }, { addresses: ['10.42.0.2'], conditions: { ready: false } }]),
  )!;
  assert.deepEqual(
    view.endpoints.map(({ ready, serving, terminating }) => [ready, serving, terminating]),
    [
      [true, true, false],
      [false, false, false],
    ],
  );
  assert.deepEqual(view.ports, [{ name: '', protocol: 'TCP', port: 8080 }]);
});

test('nodeView takes addresses only: what a node says of itself becomes commands on all others', () => {
  const said = ['10.0.0.9', 'x\nlink delete cni0', 'worker.example', 'fe80::1%eth0', 'FD00:0::9'];
  const addresses = said.map((address) => ({ type: 'InternalIP', address }));
  const node = { metadata: { name: 'n' }, status: { addresses } };
  assert.deepEqual(nodeView(node as unknown as Node).internalIps, ['10.0.0.9', 'fd00::9']);
});

test('placeOf finds this node`s zone; localPod takes the ports of sidecars too', () => {
  const node = {
    metadata: { name: 'n', labels: { 'topology.kubernetes.io/zone': 'z' } },
    spec: { podCIDR: '10.42.0.0/24' },
  };
  assert.deepEqual(placeOf('n', [nodeView(node as unknown as Node)]), { nodeName: 'n', zone: 'z' });
  assert.deepEqual(placeOf('m', []), { nodeName: 'm' });
  const pod = {
    spec: {
      initContainers: [{ ports: [{ containerPort: 1, hostPort: 11 }] }],
      containers: [{ ports: [{ containerPort: 2 }, { containerPort: 3, hostPort: 33, protocol: 'UDP' }] }],
    },
  };
  const ports = localPod(pod as unknown as Pod, ['10.42.0.1']).hostPorts.map(({ hostPort, port, protocol }) => [
    hostPort,
    port,
    protocol,
  ]);
  assert.deepEqual(ports, [
    [11, 1, 'TCP'],
    [33, 3, 'UDP'],
  ]);
});

test('ViewIndex names what changed, and keeps frontends that came out equal', () => {
  const index = new ViewIndex();
  const place = { nodeName: 'n' };
  const web = service({ clusterIP: '10.43.0.1', ports: [{ port: 80 }] });
  const one = slice([{ addresses: ['10.42.0.1'] }]);
  assert.deepEqual([...index.update([web], [one], place)], ['default/web']);
  const before = index.frontends('ip', []);
  assert.deepEqual([...index.update([web], [one], place)], []);
  assert.equal(index.frontends('ip', []), before, 'nothing changed: the same map');
  // Another resource version, the same endpoints.
  assert.deepEqual([...index.update([web], [slice([{ addresses: ['10.42.0.1'] }])], place)], ['default/web']);
  const after = index.frontends('ip', []);
  assert.equal(after.get('10.43.0.1 . tcp . 80'), before.get('10.43.0.1 . tcp . 80'), 'equal: the same frontend');
  assert.deepEqual([...index.update([], [], place)], ['default/web']);
  assert.equal(index.frontends('ip', []).size, 0);
});
