import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  canonical,
  contains,
  familyOf,
  fromNumber,
  nth,
  parseCidr,
  toNumber,
  withoutNested,
} from '../../../agent/network/addresses.ts';
import { CONFLIST, foreignConfigs, readPodCidrs, removeConflist, writeConflist } from '../../../agent/network/cni.ts';
import { conntrackArgs, staleFlows } from '../../../agent/network/conntrack.ts';
import { lifetime } from '../../../agent/network/dns-cache.ts';
import { parseResolvConf } from '../../../agent/network/dns-forward.ts';
import { encodeReply, parseQuery, RCODE } from '../../../agent/network/dns-wire.ts';
import { slotsOf } from '../../../agent/network/frontends.ts';
import { healthCheckPorts } from '../../../agent/network/health.ts';
import { transactionParser } from '../../../agent/network/monitor.ts';
import { parseTable, render } from '../../../agent/network/nft.ts';
import { planRoutes, tunnelMac, waysTo } from '../../../agent/network/routes.ts';
import type { Frontend } from '../../../agent/network/services.ts';
import { anEndpoint, aService, aSlice } from './views.ts';

test('addresses are read, written and compared in one way', () => {
  assert.equal(canonical('fd00:0:0::0007'), 'fd00::7');
  assert.equal(canonical('10.0.0.256'), undefined);
  assert.equal(canonical('fe80::1%eth0'), undefined);
  assert.equal(familyOf('fe80::1%eth0'), undefined);
  for (const ip of ['10.42.255.1', '0.0.0.0']) assert.equal(fromNumber(toNumber(ip), 'ip'), ip);
  for (const ip of ['fd00::7', '::', '1:2:3:4:5:6:7:8', '::ffff:1.2.3.4'])
    assert.equal(fromNumber(toNumber(ip), 'ip6'), ip);
  const cidr = parseCidr('10.42.3.9/16')!;
  assert.equal(nth(cidr, 2), '10.42.0.2');
  assert.ok(contains(cidr, '10.42.255.255') && !contains(cidr, '10.43.0.0') && !contains(cidr, 'fd00::1'));
  for (const bad of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/', 'x/8', '1.2.3.4/8/9'])
    assert.equal(parseCidr(bad), undefined, bad);
  const ranges = ['10.1.0.0/16', '10.0.0.0/8', '11.0.0.0/8', '10.0.0.0/8'].map((text) => parseCidr(text)!);
  assert.equal(withoutNested(ranges).length, 2);
});

test('render puts neighbours into one command and chains before their rules', () => {
  const text = render({ family: 'ip', name: 't' }, [
    { add: 'table' },
    { add: 'set', name: 's', spec: 'type ipv4_addr;' },
    { add: 'chain', name: 'a', hook: 'type filter hook input priority 0;', rules: ['jump b'] },
    { add: 'chain', name: 'b', rules: [] },
    { delete: 'element', of: 's', key: '1.1.1.1' },
    { add: 'element', of: 's', key: '1.1.1.2' },
    { add: 'element', of: 's', key: '1.1.1.3' },
    { add: 'element', of: 'm', key: '1', value: 'drop' },
    { delete: 'chain', name: 'b' },
  ]);
  assert.equal(
    text,
    `add table ip t
add set ip t s { type ipv4_addr; }
add chain ip t a { type filter hook input priority 0; }
add chain ip t b
flush chain ip t a
add rule ip t a jump b
flush chain ip t b
delete element ip t s { 1.1.1.1 }
add element ip t s { 1.1.1.2, 1.1.1.3 }
add element ip t m { 1 : drop }
flush chain ip t b
delete chain ip t b
`,
  );
});

test('parseTable gives elements back as they were written', () => {
  const map = (name: string, elem: unknown[]) => ({ map: { name, map: 'verdict', elem } });
  const { chains, elements } = parseTable(
    JSON.stringify({
      nftables: [
        { metainfo: {} },
        { chain: { name: 'pick-2' } },
        { rule: { chain: 'pick-2' } },
        map('services', [
          [{ concat: ['10.43.0.1', 'tcp', 80] }, { goto: { target: 'pick-2' } }],
          [{ concat: ['10.43.0.2', 'udp', 53] }, { drop: null }],
        ]),
        map('empty', []),
        {
          set: {
            name: 'allowed',
            elem: [
              { concat: ['10.0.0.1', 'tcp', 80, { prefix: { addr: '192.0.2.0', len: 24 } }] },
              { elem: { val: '10.0.0.2', timeout: 5 } },
            ],
          },
        },
      ],
    }),
  );
  assert.deepEqual([...chains], [['pick-2', 1]]);
  assert.deepEqual(
    [...elements.get('services')!],
    [
      ['10.43.0.1 . tcp . 80', 'goto pick-2'],
      ['10.43.0.2 . udp . 53', 'drop'],
    ],
  );
  assert.deepEqual([...elements.get('allowed')!.keys()], ['10.0.0.1 . tcp . 80 . 192.0.2.0/24', '10.0.0.2']);
});

test('the monitor tells transactions on our table from others, in pieces of any size', () => {
  const text = `add element ip skiff services { 10.43.0.9 . 6 . 9 : goto refuse }
# new generation 4 by process 11 (nft)
add table ip other
# new generation 5 by process 12 (nft)
delete table ip6 skiff
# new generation 6 by process 13 (nft)
add rule ip skiffy x accept
# new generation 7 by process 14 (nft)
`;
  for (const size of [1, 7, 1000]) {
    const seen: number[] = [];
    const parse = transactionParser('skiff', (pid) => seen.push(pid));
    for (let at = 0; at < text.length; at += size) parse(text.slice(at, at + size));
    assert.deepEqual(seen, [11, 13]);
  }
});

test('slotsOf gives an endpoint the same mark whoever else is there, and no two the same', () => {
  const all = Array.from({ length: 300 }, (_, i) => ({ ip: `10.42.${i >> 8}.${i & 255}`, port: 80 }));
  const slots = slotsOf(all, 0x5000_8000);
  assert.equal(new Set(slots).size, 300);
  assert.ok(slots.every((slot) => (slot & 0x8000) !== 0 && (slot & 0xff_0000) === 0 && slot < 2 ** 31));
  const few = slotsOf(all.slice(0, 5), 0x5000_8000);
  assert.deepEqual(few, slots.slice(0, 5));
});

test('staleFlows names the UDP flows of endpoints that went, and of frontends that had none', () => {
  const frontend = (ips: string[], protocol: 'UDP' | 'TCP' = 'UDP'): Frontend => ({
    ip: '10.43.0.1',
    protocol,
    port: 53,
    inside: ips.length === 0 ? { to: 'refuse' } : { to: 'endpoints', endpoints: ips.map((ip) => ({ ip, port: 53 })) },
  });
  const flows = (before: Frontend | undefined, after: Frontend | undefined) =>
    staleFlows(new Map(before && [['k', before]]), new Map(after && [['k', after]]));
  const flow = { ip: '10.43.0.1', port: 53 };
  assert.deepEqual(flows(frontend(['a', 'b']), frontend(['b', 'c'])), [{ ...flow, endpoint: 'a' }]);
  assert.deepEqual(flows(frontend([]), frontend(['b'])), [flow]);
  assert.deepEqual(flows(undefined, frontend(['b'])), [flow]);
  assert.deepEqual(flows(frontend(['a']), undefined), [{ ...flow, endpoint: 'a' }]);
  assert.deepEqual(flows(frontend(['a'], 'TCP'), undefined), []);
  assert.deepEqual(
    conntrackArgs({ port: 53, endpoint: 'fd00::1' }, 'ip6').join(' '),
    'conntrack -D -f ipv6 -p udp --orig-port-dst 53 --dst-nat fd00::1',
  );
});

test('waysTo takes the shared link, else the tunnel, and planRoutes changes only what differs', () => {
  const nodes = [
    { name: 'here', podCidrs: ['10.42.0.0/24'], internalIps: ['192.168.1.2'] },
    { name: 'near', podCidrs: ['10.42.1.0/24'], internalIps: ['192.168.1.3'] },
    { name: 'far', podCidrs: ['10.42.2.0/24'], internalIps: ['192.168.9.9'] },
    { name: 'young', podCidrs: [], internalIps: ['192.168.1.4'] },
  ];
  const ways = waysTo(nodes, 'here', [{ name: 'eth0', mac: '', addresses: ['192.168.1.2/24'] }]);
  const mac = tunnelMac('192.168.9.9');
  assert.match(mac, /^02(:[0-9a-f]{2}){5}$/);
  assert.deepEqual(ways, [
    { family: 'ip', cidr: '10.42.1.0/24', via: '192.168.1.3', dev: 'eth0' },
    { family: 'ip', cidr: '10.42.2.0/24', via: '10.42.2.0', dev: 'skiff-vxlan', peer: { address: '192.168.9.9', mac } },
  ]);
  const now = [
    { family: 'ip' as const, cidr: '10.42.1.0/24', via: '192.168.1.3', dev: 'eth0' },
    { family: 'ip' as const, cidr: '10.42.7.0/24', via: '192.168.1.7', dev: 'eth0' },
  ];
  const { ip, bridge } = planRoutes(ways, { routes: now });
  assert.deepEqual(ip, [
    'route del 10.42.7.0/24 proto 158',
    `neigh replace 10.42.2.0 lladdr ${mac} dev skiff-vxlan nud permanent`,
    'route replace 10.42.2.0/24 via 10.42.2.0 dev skiff-vxlan onlink proto 158',
  ]);
  assert.deepEqual(bridge, [`fdb replace ${mac} dev skiff-vxlan dst 192.168.9.9 self permanent`]);
});

test('the CNI configuration is written once, read back, and the only file that is removed', async () => {
  const folder = mkdtempSync('/tmp/network-cni-');
  try {
    const options = { podCidrs: ['10.42.0.0/24', 'fd00:1::/64'], stateDir: join(folder, 'ipam'), mtu: 0 };
    const confDir = join(folder, 'net.d');
    assert.equal(await writeConflist(confDir, options), true);
    assert.equal(await writeConflist(confDir, options), false);
    assert.deepEqual(await readPodCidrs(confDir), options.podCidrs);
    const { plugins } = JSON.parse(readFileSync(join(confDir, CONFLIST), 'utf8')) as { plugins: { type: string }[] };
    assert.deepEqual(
      plugins.map(({ type }) => type),
      ['ptp', 'bandwidth'],
    );
    writeFileSync(join(confDir, '05-other.conf'), '{}');
    assert.deepEqual(await foreignConfigs(confDir), ['05-other.conf']);
    await removeConflist(confDir);
    await removeConflist(confDir);
    assert.deepEqual(await readPodCidrs(confDir), []);
    assert.deepEqual(await foreignConfigs(confDir), ['05-other.conf']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('healthCheckPorts counts ready endpoints on this node', () => {
  const service = aService({ type: 'LoadBalancer', externalLocal: true, healthCheckNodePort: 31_000 });
  const slices = [
    aSlice([
      anEndpoint('10.42.0.1'),
      anEndpoint('10.42.0.2', { ready: false }),
      anEndpoint('10.42.0.3', { nodeName: 'there' }),
    ]),
  ];
  const ports = healthCheckPorts(
    [
      { service, slices },
      { service: aService({ healthCheckNodePort: 1 }), slices },
    ],
    'here',
  );
  assert.deepEqual([...ports], [[31_000, { namespace: 'default', name: 'web', localEndpoints: 1 }]]);
});

test('parseResolvConf leaves out ourselves and what is no address', () => {
  const text =
    '# c\nnameserver 10.43.0.10\nnameserver 192.0.2.53\n  nameserver 2001:db8::53\nnameserver nonsense\nsearch x\n';
  assert.deepEqual(
    parseResolvConf(text, ['10.43.0.10']).map(({ host }) => host),
    ['192.0.2.53', '2001:db8::53'],
  );
});

test('lifetime is that of the shortest record, of a denial that of its SOA, and of a failure none', () => {
  const question = Buffer.from('000101000001000000000000017a00000100 01'.replace(' ', ''), 'hex');
  const query = parseQuery(question);
  assert.ok(query !== undefined && 'question' in query);
  const reply = { rcode: RCODE.NOERROR, authoritative: false, answers: [], authority: [], additional: [] };
  const a = (ttl: number) => ({ name: 'z', ttl, data: { type: 'A', address: Uint8Array.of(1, 2, 3, 4) } as const });
  const soa = { name: 'z', ttl: 100, data: { type: 'SOA', mname: 'z', rname: 'z', serial: 1, minimum: 7 } as const };
  assert.equal(lifetime(encodeReply(query, { ...reply, answers: [a(20), a(9)] }, 512)), 9);
  assert.equal(lifetime(encodeReply(query, { ...reply, answers: [a(2000)] }, 512)), 30);
  assert.equal(lifetime(encodeReply(query, { ...reply, rcode: RCODE.NXDOMAIN, authority: [soa] }, 512)), 7);
  assert.equal(lifetime(encodeReply(query, { ...reply, rcode: RCODE.NXDOMAIN }, 512)), 0);
  assert.equal(lifetime(encodeReply(query, { ...reply, rcode: RCODE.SERVFAIL, authority: [soa] }, 512)), 0);
});
