// From what people write in a pod to what the runtime and the kernel are told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podLimits } from '../../../agent/cgroups/limits.ts';
import { parseResolvConf, podDns, podFqdn, podHostname } from '../../../agent/pods/dns.ts';
import { hostsFile } from '../../../agent/pods/hosts-file.ts';
import { containerResources, qosClass } from '../../../agent/pods/resources.ts';
import { sandboxConfig } from '../../../agent/pods/sandbox-config.ts';
import { containerSecurity, namespaces, sandboxSecurity } from '../../../agent/pods/security.ts';
import { hugepagesOf, tmpfsBytes } from '../../../agent/volumes/empty-dir.ts';
import type { Container } from '../../../api/types/core/container.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { aContainer, aPod, aSidecar } from './make.ts';

const GiB = 2 ** 30;

test('requests and limits become shares, quota and a memory limit', () => {
  const web = aContainer('web', {
    resources: { requests: { cpu: '250m', memory: '1Gi' }, limits: { cpu: '500m', memory: '2Gi' } },
  });
  assert.deepEqual(containerResources(aPod({ containers: [web] }), web, { memoryBytes: 4 * GiB }), {
    cpuPeriod: 100_000,
    cpuShares: 256,
    cpuQuota: 50_000,
    memoryLimitInBytes: 2 * GiB,
    oomScoreAdj: 750,
  });
});

const limits = (cpu: string, memory: string) => ({ limits: { cpu, memory }, requests: { cpu, memory } });
const classes: { it: string; containers: Container[]; wants: string; oom: number }[] = [
  { it: 'without requests and limits', containers: [aContainer('web')], wants: 'BestEffort', oom: 1_000 },
  {
    it: 'with limits equal to its requests',
    containers: [aContainer('web', { resources: limits('100m', '1Gi') })],
    wants: 'Guaranteed',
    oom: -997,
  },
  {
    it: 'whose limit is above its request',
    containers: [aContainer('web', { resources: { requests: { cpu: '100m' }, limits: { cpu: '200m' } } })],
    wants: 'Burstable',
    oom: 999,
  },
  {
    it: 'with one container that asks for nothing',
    containers: [aContainer('web', { resources: limits('1', '1Gi') }), aContainer('log')],
    wants: 'Burstable',
    oom: 750,
  },
];
for (const { it, containers, wants, oom } of classes) {
  test(`a pod ${it} is ${wants}`, () => {
    const pod = aPod({ containers });
    assert.equal(qosClass(pod), wants);
    assert.equal(containerResources(pod, containers[0]!, { memoryBytes: 4 * GiB }).oomScoreAdj, oom);
  });
}

test('a sidecar is not killed before those it serves', () => {
  const web = aContainer('web', { resources: { requests: { memory: '3Gi' } } });
  const pod = aPod({ containers: [web], inits: [aSidecar('mesh')] });
  assert.equal(containerResources(pod, aSidecar('mesh'), { memoryBytes: 4 * GiB }).oomScoreAdj, 250);
});

const options = { imageUser: { uid: 0 }, seccompDir: '/var/lib/kubelet/seccomp' };

test('the container has the last word on its user, the pod the word before', () => {
  const web = aContainer('web', { securityContext: { runAsUser: 1000, allowPrivilegeEscalation: false } });
  const pod = aPod({ containers: [web], spec: { securityContext: { runAsUser: 1, runAsGroup: 5, fsGroup: 7 } } });
  const { runAsUser, runAsGroup, supplementalGroups, noNewPrivs } = containerSecurity(pod, web, options);
  assert.deepEqual([runAsUser, runAsGroup, supplementalGroups, noNewPrivs], [{ value: 1000 }, { value: 5 }, [7], true]);
});

test('parts of /proc are hidden, unless asked for or privileged', () => {
  const security = (securityContext: Container['securityContext']) =>
    containerSecurity(aPod(), aContainer('web', { securityContext }), options);
  assert.ok(security({}).maskedPaths?.includes('/proc/kcore'));
  assert.deepEqual(security({ procMount: 'Unmasked' }).maskedPaths, []);
  assert.deepEqual(security({ privileged: true }).readonlyPaths, []);
});

test('a local seccomp profile is found in its folder', () => {
  const web = aContainer('web', {
    securityContext: { seccompProfile: { type: 'Localhost', localhostProfile: 'a/b.json' } },
  });
  assert.deepEqual(containerSecurity(aPod(), web, options).seccomp, {
    profileType: 'Localhost',
    localhostRef: '/var/lib/kubelet/seccomp/a/b.json',
  });
});

const who = '(pod: "web-1_shop(uid-1)", container: web)';
const roots: { imageUser: object; runAsUser?: number; says: string | undefined }[] = [
  { imageUser: { uid: 0 }, says: `container has runAsNonRoot and image will run as root ${who}` },
  { imageUser: { uid: 0 }, runAsUser: 0, says: `container's runAsUser breaks non-root policy ${who}` },
  {
    imageUser: { name: 'www' },
    says: `container has runAsNonRoot and image has non-numeric user (www), cannot verify user is non-root ${who}`,
  },
  { imageUser: { uid: 33 }, says: undefined },
  { imageUser: { uid: 0 }, runAsUser: 33, says: undefined },
];
for (const { imageUser, runAsUser, says } of roots) {
  test(`runAsNonRoot with ${JSON.stringify({ imageUser, runAsUser })}: ${says ?? 'fine'}`, () => {
    const web = aContainer('web', { securityContext: { runAsNonRoot: true, runAsUser } });
    const check = () => containerSecurity(aPod(), web, { ...options, imageUser });
    if (says === undefined) assert.doesNotThrow(check);
    else assert.throws(check, { message: says });
  });
}

const spaces: [Pod['spec'] extends infer S ? Partial<S> : never, object][] = [
  [{}, { network: 'POD', pid: 'CONTAINER', ipc: 'POD' }],
  [
    { hostNetwork: true, hostPID: true, hostIPC: true },
    { network: 'NODE', pid: 'NODE', ipc: 'NODE' },
  ],
  [{ shareProcessNamespace: true }, { network: 'POD', pid: 'POD', ipc: 'POD' }],
];
for (const [spec, wants] of spaces) {
  test(`namespaces of ${JSON.stringify(spec)}`, () => assert.deepEqual(namespaces(aPod({ spec })), wants));
}

test('the sandbox of a privileged container is privileged', () => {
  const web = aContainer('web', { securityContext: { privileged: true } });
  assert.equal(sandboxSecurity(aPod({ containers: [web] })).privileged, true);
});

const names = {
  clusterDns: ['10.43.0.10'],
  clusterDomain: 'cluster.local',
  host: { servers: ['192.0.2.53'], searches: ['corp.example'], options: ['timeout:1'] },
};
const cluster = {
  servers: ['10.43.0.10'],
  searches: ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'corp.example'],
  options: ['ndots:5'],
};
const resolvers: { it: string; spec: Partial<Pod['spec']>; wants: object }[] = [
  { it: 'the cluster by default', spec: {}, wants: cluster },
  { it: 'the node on its network', spec: { hostNetwork: true }, wants: names.host },
  {
    it: 'the cluster on the network of the node when asked for',
    spec: { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' },
    wants: cluster,
  },
  { it: 'the node under Default', spec: { dnsPolicy: 'Default' }, wants: names.host },
  {
    it: 'only what is given under None',
    spec: { dnsPolicy: 'None', dnsConfig: { nameservers: ['1.1.1.1'], searches: ['a'], options: [{ name: 'edns0' }] } },
    wants: { servers: ['1.1.1.1'], searches: ['a'], options: ['edns0'] },
  },
  {
    it: 'the cluster with additions',
    spec: { dnsConfig: { nameservers: ['1.1.1.1'], options: [{ name: 'ndots', value: '2' }] } },
    wants: { ...cluster, servers: ['10.43.0.10', '1.1.1.1'], options: ['ndots:2'] },
  },
];
for (const { it, spec, wants } of resolvers) {
  test(`names are asked of ${it}`, () => assert.deepEqual(podDns(aPod({ spec }), names), wants));
}

test('the resolver configuration of the node is read as resolvers read it', () => {
  const text =
    '# made by dhcp\nnameserver 192.0.2.53\nnameserver 2001:db8::53\ndomain a\nsearch b c .\noptions edns0 ndots:2\n';
  assert.deepEqual(parseResolvConf(text), {
    servers: ['192.0.2.53', '2001:db8::53'],
    searches: ['b', 'c'],
    options: ['edns0', 'ndots:2'],
  });
});

test('a long pod name becomes a host name without a trailing dash', () => {
  const name = `${'a'.repeat(62)}-rest`;
  assert.equal(podHostname(aPod({ metadata: { name } })), 'a'.repeat(62));
});

const sandboxOf = (spec: Partial<Pod['spec']>) =>
  sandboxConfig(aPod({ spec, metadata: { labels: { app: 'web' } } }), {
    attempt: 2,
    dns: cluster,
    folders: { kubeletDir: '/k', podLogsDir: '/l', containerLogsDir: '/c' },
    cgroupParent: '/kubepods/podx',
    clusterDomain: 'cluster.local',
  });

test('a sandbox carries who it belongs to and where its logs go', () => {
  const { metadata, labels, logDirectory, hostname, linux } = sandboxOf({
    securityContext: { sysctls: [{ name: 'a', value: '1' }] },
  });
  assert.deepEqual(metadata, { name: 'web-1', namespace: 'shop', uid: 'uid-1', attempt: 2 });
  assert.equal(labels?.['io.kubernetes.pod.uid'], 'uid-1');
  assert.equal(labels?.['app'], 'web');
  assert.deepEqual([logDirectory, hostname], ['/l/shop_web-1_uid-1', 'web-1']);
  assert.deepEqual([linux?.cgroupParent, linux?.sysctls], ['/kubepods/podx', { a: '1' }]);
});

test('the host name may be the full name, if the kernel takes it', () => {
  const spec = { hostname: 'db-0', subdomain: 'db', setHostnameAsFQDN: true };
  assert.equal(sandboxOf(spec).hostname, 'db-0.db.shop.svc.cluster.local');
  assert.throws(() => sandboxOf({ ...spec, hostname: 'd'.repeat(60) }), /FQDN .* is too long/);
});

test('a subdomain gives a full name', () => {
  const pod = aPod({ spec: { hostname: 'db-0', subdomain: 'db' } });
  assert.equal(podFqdn(pod, 'cluster.local'), 'db-0.db.shop.svc.cluster.local');
});

test('the hosts file names the pod and its aliases', () => {
  const spec = { hostname: 'db-0', subdomain: 'db', hostAliases: [{ ip: '192.0.2.9', hostnames: ['a', 'b.example'] }] };
  const lines = hostsFile(aPod({ spec }), ['10.42.0.5'], 'cluster.local', '').split('\n');
  assert.equal(lines[0], '# Kubernetes-managed hosts file.');
  assert.ok(lines.includes('10.42.0.5\tdb-0.db.shop.svc.cluster.local\tdb-0'));
  assert.deepEqual(lines.slice(-3), ['# Entries added by HostAliases.', '192.0.2.9\ta\tb.example', '']);
});

test('on the network of its node a pod sees the hosts of its node', () => {
  const text = hostsFile(aPod({ spec: { hostNetwork: true } }), [], 'cluster.local', '127.0.0.1 localhost node\n');
  assert.equal(text, '# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost node\n');
});

const swap = { bytes: 8 * GiB, behavior: 'LimitedSwap', cgroups: 2 } as const;
const swapCases: { it: string; pod: object; resources: object; node?: object; wants: object }[] = [
  {
    it: 'burstable: a share of the swap like that of the memory',
    pod: {},
    resources: { requests: { memory: '1Gi' } },
    wants: { unified: { 'memory.swap.max': String(2 * GiB) } },
  },
  { it: 'best effort: none', pod: {}, resources: {}, wants: { unified: { 'memory.swap.max': '0' } } },
  {
    it: 'as much limit as request: none',
    pod: {},
    resources: { requests: { memory: '1Gi' }, limits: { memory: '1Gi' } },
    wants: { unified: { 'memory.swap.max': '0' } },
  },
  {
    it: 'critical: none',
    pod: { priority: 2_000_000_000 },
    resources: { requests: { memory: '1Gi' } },
    wants: { unified: { 'memory.swap.max': '0' } },
  },
  {
    it: 'NoSwap: none',
    pod: {},
    resources: { requests: { memory: '1Gi' } },
    node: { ...swap, behavior: 'NoSwap' },
    wants: { unified: { 'memory.swap.max': '0' } },
  },
  {
    it: 'cgroup v1: memory and swap together as much as memory',
    pod: {},
    resources: { limits: { memory: '1Gi' } },
    node: { ...swap, cgroups: 1 },
    wants: { memorySwapLimitInBytes: GiB },
  },
  {
    it: 'a machine without swap: nothing is said',
    pod: {},
    resources: { limits: { memory: '1Gi' } },
    node: undefined,
    wants: {},
  },
];
for (const { it, pod, resources, wants, ...rest } of swapCases) {
  test(`swap of a container, ${it}`, () => {
    const web = { name: 'web', image: 'i', resources };
    const node = 'node' in rest ? rest.node : swap;
    const given = containerResources(aPod({ containers: [web], spec: pod }), web, {
      memoryBytes: 4 * GiB,
      ...(node && { swap: node as typeof swap }),
    });
    const { unified, memorySwapLimitInBytes } = given;
    assert.deepEqual({ ...(unified && { unified }), ...(memorySwapLimitInBytes && { memorySwapLimitInBytes }) }, wants);
  });
}

test('where the kernel can, a container that is out of memory is killed as a whole', () => {
  const web = { name: 'web', image: 'i' };
  const unified = (node: object) =>
    containerResources(aPod({ containers: [web] }), web, { memoryBytes: GiB, ...node }).unified;
  assert.deepEqual(unified({ killsTogether: true }), { 'memory.oom.group': '1' });
  assert.deepEqual(unified({ killsTogether: true, swap }), { 'memory.oom.group': '1', 'memory.swap.max': '0' });
  assert.equal(unified({ killsTogether: false }), undefined);
});

test('huge pages are limited to what is asked for, in every size of the machine', () => {
  const web = { name: 'web', image: 'i', resources: { limits: { memory: '1Gi', 'hugepages-2Mi': '4Mi' } } };
  const pod = aPod({ containers: [web] });
  const { hugepageLimits } = containerResources(pod, web, { memoryBytes: GiB, hugepages: ['2Mi', '1Gi'] });
  assert.deepEqual(hugepageLimits, [
    { pageSize: '2MB', limit: 4 * 2 ** 20 },
    { pageSize: '1GB', limit: 0 },
  ]);
  assert.deepEqual(podLimits(pod, undefined).hugepages, { '2MB': 4 * 2 ** 20 });
});

test('a volume of huge pages has the size it names, or the only one the pod asks for', () => {
  const pod = (...sizes: string[]) => {
    const limits = Object.fromEntries(sizes.map((size) => [`hugepages-${size}`, size]));
    return aPod({ containers: [{ name: 'web', image: 'i', resources: { limits } }] });
  };
  assert.equal(hugepagesOf(pod('2Mi'), 'HugePages'), 2 ** 21);
  assert.equal(hugepagesOf(pod('2Mi', '1Gi'), 'HugePages-1Gi'), 2 ** 30);
  assert.throws(() => hugepagesOf(pod('2Mi', '1Gi'), 'HugePages'), /several sizes/);
  assert.throws(() => hugepagesOf(pod(), 'HugePages'), /no container asks/);
  assert.throws(() => hugepagesOf(pod('2Mi'), 'HugePages-1Gi'), /no container asks for hugepages-1Gi/);
});

test('a volume in memory is as large as the pod may be, or all pods', () => {
  const limited = aPod({ containers: [{ name: 'web', image: 'i', resources: { limits: { memory: '64Mi' } } }] });
  const open = aPod({ containers: [{ name: 'web', image: 'i' }] });
  assert.equal(tmpfsBytes(limited, undefined, '1Gi'), 64 * 2 ** 20);
  assert.equal(tmpfsBytes(open, undefined, '1Gi'), GiB);
  assert.equal(tmpfsBytes(open, '1Mi', '1Gi'), 2 ** 20);
});
