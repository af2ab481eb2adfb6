import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { DnsServer, openDnsSockets } from '../../../agent/network/dns.ts';
import { Forwarder } from '../../../agent/network/dns-forward.ts';
import { answer, DnsRecords, reverseAddress } from '../../../agent/network/dns-records.ts';
import { encodeReply, parseQuery, RCODE, type RecordData, TYPE } from '../../../agent/network/dns-wire.ts';
import type { EndpointView, ServiceView, SliceView } from '../../../agent/network/service-view.ts';
import { silent } from '../../../api/log.ts';
import { systemClock, systemRandom } from '../../../api/system.ts';
import { waitFor } from '../../cluster/harness/wait.ts';

const zone = { domain: 'cluster.local', cidrs: ['10.42.0.0/16', '10.43.0.0/16'] };

const aService = (name: string, more: Partial<ServiceView> = {}): ServiceView => ({
  namespace: 'default',
  name,
  type: 'ClusterIP',
  clusterIps: ['10.43.0.7'],
  headless: false,
  proxied: true,
  externalName: '',
  externalIps: [],
  loadBalancerIps: [],
  sourceRanges: [],
  ports: [{ name: 'http', protocol: 'TCP', port: 80 }],
  externalLocal: false,
  internalLocal: false,
  publishNotReady: false,
  ...more,
});
const anEndpoint = (ip: string, more: Partial<EndpointView> = {}): EndpointView => ({
  addresses: [ip],
  ready: true,
  serving: true,
  terminating: false,
  ...more,
});
const aSlice = (service: string, endpoints: EndpointView[]): SliceView => ({
  namespace: 'default',
  service,
  addressType: endpoints[0]?.addresses[0]?.includes(':') ? 'IPv6' : 'IPv4',
  endpoints,
  ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
});

function records(): DnsRecords {
  const all = new DnsRecords();
  all.complete = true;
  all.set('default/web', { service: aService('web'), slices: [] });
  all.set('default/dual', { service: aService('dual', { clusterIps: ['10.43.0.8', 'fd00::8'] }), slices: [] });
  all.set('default/db', {
    service: aService('db', { headless: true, clusterIps: [] }),
    slices: [
      aSlice('db', [
        anEndpoint('10.42.0.5', { hostname: 'db-0' }),
        anEndpoint('10.42.0.6', { hostname: 'db-1' }),
        anEndpoint('10.42.0.7', { ready: false }),
      ]),
    ],
  });
  const external = aService('ext', { type: 'ExternalName', clusterIps: [], externalName: 'Example.org.' });
  all.set('default/ext', { service: external, slices: [] });
  const inner = aService('inner', {
    type: 'ExternalName',
    clusterIps: [],
    externalName: 'web.default.svc.cluster.local',
  });
  all.set('default/inner', { service: inner, slices: [] });
  const many = Array.from({ length: 100 }, (_, i) => anEndpoint(`10.42.1.${i + 1}`));
  all.set('default/many', {
    service: aService('many', { headless: true, clusterIps: [] }),
    slices: [aSlice('many', many)],
  });
  return all;
}

const shown = (data: RecordData): string => {
  if ('address' in data) return data.type === 'A' ? data.address.join('.') : `v6 ${data.address.at(-1)}`;
  if (data.type === 'SRV') return `${data.port} ${data.target}`;
  if (data.type === 'SOA') return 'SOA';
  return data.type === 'TXT' ? data.text : data.target;
};

const D = 'default.svc.cluster.local';
const cases: { ask: string; type?: keyof typeof TYPE; wants: string[] | 'forward' | number }[] = [
  { ask: `web.${D}`, wants: ['10.43.0.7'] },
  { ask: `web.${D}`, type: 'AAAA', wants: [] },
  { ask: `web.${D}`, type: 'TXT', wants: [] },
  { ask: `dual.${D}`, type: 'AAAA', wants: ['v6 8'] },
  { ask: `_http._tcp.web.${D}`, type: 'SRV', wants: [`80 web.${D}`] },
  { ask: `_tcp.web.${D}`, wants: [] },
  { ask: `_udp.web.${D}`, wants: RCODE.NXDOMAIN },
  { ask: `_https._tcp.web.${D}`, type: 'SRV', wants: RCODE.NXDOMAIN },
  { ask: `web.${D}`, type: 'SRV', wants: [`80 web.${D}`] },
  { ask: `db.${D}`, wants: ['10.42.0.5', '10.42.0.6'] },
  { ask: `db-1.db.${D}`, wants: ['10.42.0.6'] },
  { ask: `10-42-0-7.db.${D}`, wants: RCODE.NXDOMAIN },
  { ask: `_http._tcp.db.${D}`, type: 'SRV', wants: [`8080 db-0.db.${D}`, `8080 db-1.db.${D}`] },
  { ask: `inner.${D}`, type: 'CNAME', wants: [`web.${D}`] },
  { ask: 'default.svc.cluster.local', wants: [] },
  { ask: 'svc.cluster.local', wants: [] },
  { ask: 'cluster.local', type: 'SOA', wants: ['SOA'] },
  { ask: 'dns-version.cluster.local', type: 'TXT', wants: ['1.1.0'] },
  { ask: 'nothere.svc.cluster.local', wants: RCODE.NXDOMAIN },
  { ask: `nothere.${D}`, wants: RCODE.NXDOMAIN },
  { ask: `example.com.${D}`, wants: RCODE.NXDOMAIN },
  { ask: `x.web.${D}`, wants: RCODE.NXDOMAIN },
  { ask: '10-42-0-9.default.pod.cluster.local', wants: ['10.42.0.9'] },
  { ask: 'fd00--9.default.pod.cluster.local', type: 'AAAA', wants: ['v6 9'] },
  { ask: 'web.default.pod.cluster.local', wants: RCODE.NXDOMAIN },
  { ask: '7.0.43.10.in-addr.arpa', type: 'PTR', wants: [`web.${D}`] },
  { ask: '6.0.42.10.in-addr.arpa', type: 'PTR', wants: [`db-1.db.${D}`] },
  { ask: '9.9.42.10.in-addr.arpa', type: 'PTR', wants: RCODE.NXDOMAIN },
  { ask: '8.8.8.8.in-addr.arpa', type: 'PTR', wants: 'forward' },
  { ask: 'example.com', wants: 'forward' },
  { ask: 'web.default', wants: ['10.43.0.7'] },
  { ask: 'web.default.svc', wants: ['10.43.0.7'] },
  { ask: 'none.default', wants: 'forward' },
  { ask: 'web.default.com', wants: 'forward' },
  { ask: 'notcluster.local', wants: 'forward' },
];
for (const { ask, type = 'A', wants } of cases) {
  test(`answer ${ask} ${type} is ${JSON.stringify(wants)}`, () => {
    const reply = answer({ name: ask, type: TYPE[type] }, records(), zone);
    if (reply === 'forward') return assert.equal(reply, wants);
    if (typeof wants === 'number') assert.equal(reply.rcode, wants);
    else
      assert.deepEqual(
        reply.answers.map(({ data }) => shown(data)),
        wants,
      );
    // A denial says how long it holds.
    if (reply.answers.length === 0) assert.equal(reply.authority[0]?.data.type, 'SOA');
    return undefined;
  });
}

test('answer does not deny a name before the API has answered', () => {
  const none = new DnsRecords();
  const reply = answer({ name: `web.${D}`, type: TYPE.A }, none, zone);
  assert.equal(reply !== 'forward' && reply.rcode, RCODE.SERVFAIL);
});

test('DnsRecords forgets the addresses of a Service that is gone', () => {
  const all = records();
  all.set('default/web', undefined);
  assert.deepEqual(all.keysOf('10.43.0.7'), []);
  assert.equal(all.service('default', 'web'), undefined);
});

test('reverseAddress reads both families', () => {
  const v6 = `8.${'0.'.repeat(27)}0.0.d.f.ip6.arpa`;
  assert.equal(reverseAddress(v6), 'fd00::8');
  assert.equal(reverseAddress('300.0.0.1.in-addr.arpa'), undefined);
});

test('parseQuery survives any bytes, and never answers an answer', () => {
  const wild = [
    '',
    '00',
    '0000'.repeat(6),
    `${'0001'}0100000100000000 0000`.replaceAll(' ', ''),
    '00010100000100000000 0000c00c00010001'.replaceAll(' ', ''),
    `000101000001000000000000${'3f'.repeat(300)}`,
  ];
  for (const hex of wild) assert.doesNotThrow(() => parseQuery(Buffer.from(hex, 'hex')));
  for (let i = 0; i < 2_000; i++) assert.doesNotThrow(() => parseQuery(systemRandom.bytes(i % 80)));
  assert.equal(parseQuery(Buffer.from('000181000001000000000000', 'hex')), undefined);
});

// Real sockets from here on: our server, and beside it one that plays the world.
let server: DnsServer;
let port: number;
let tcp: Server;
let worldAsked = 0;
const world = { udp: createSocket('udp4'), tcp: createServer() };

function worldAnswer(message: Buffer, transport: 'udp' | 'tcp'): Buffer {
  worldAsked++;
  const query = parseQuery(message);
  assert.ok(query !== undefined && 'question' in query);
  const count = query.question.name.startsWith('big') ? 60 : 1;
  const missing = query.question.name.startsWith('missing');
  const answers = Array.from({ length: missing ? 0 : count }, (_, i) => ({
    name: query.question.name,
    ttl: 60,
    data: { type: 'A', address: Uint8Array.of(192, 0, 2, i + 1) } as const,
  }));
  const rcode = missing ? RCODE.NXDOMAIN : RCODE.NOERROR;
  const reply = { rcode, authoritative: false, answers, authority: [], additional: [] };
  return encodeReply(query, reply, transport === 'udp' ? 512 : 65_535);
}

before(async () => {
  world.udp.on('message', (message, from) => world.udp.send(worldAnswer(message, 'udp'), from.port, from.address));
  world.tcp.on('connection', (socket) =>
    socket.on('data', (data: Buffer) => {
      const reply = worldAnswer(data.subarray(2), 'tcp');
      socket.end(Buffer.concat([Buffer.from([reply.length >> 8, reply.length & 255]), reply]));
    }),
  );
  world.tcp.listen(0, '127.0.0.1');
  await once(world.tcp, 'listening');
  const worldPort = (world.tcp.address() as { port: number }).port;
  world.udp.bind(worldPort, '127.0.0.1');
  await once(world.udp, 'listening');
  const sockets = await openDnsSockets({ host: '127.0.0.1', port: 0 });
  port = sockets.udp.address().port;
  // The first server is not there: the second has to be asked.
  const upstreams = [
    { host: '127.0.0.1', port: 1 },
    { host: '127.0.0.1', port: worldPort },
  ];
  const forwarder = new Forwarder({ upstreams: async () => upstreams, clock: systemClock, random: systemRandom });
  tcp = sockets.tcp;
  server = new DnsServer({ sockets, records: records(), zone, forwarder, log: silent });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  world.udp.close();
  world.tcp.close();
});

function resolver(): Resolver {
  const client = new Resolver({ timeout: 2_000, tries: 1 });
  client.setServers([`127.0.0.1:${port}`]);
  return client;
}

test('a real resolver gets cluster names, aliases out of the cluster and names of the world', async () => {
  const client = resolver();
  assert.deepEqual(await client.resolve4(`web.${D}`), ['10.43.0.7']);
  assert.deepEqual(await client.resolve4(`inner.${D}`), ['10.43.0.7']);
  assert.deepEqual(await client.resolve4(`ext.${D}`), ['192.0.2.1']);
  assert.deepEqual(await client.resolve4('example.com'), ['192.0.2.1']);
  assert.deepEqual(await client.reverse('10.43.0.7'), [`web.${D}`]);
  const [srv] = await client.resolveSrv(`_http._tcp.web.${D}`);
  assert.equal(srv?.name, `web.${D}`);
  await assert.rejects(client.resolve4(`nothere.${D}`), { code: 'ENOTFOUND' });
  await assert.rejects(client.resolve6(`web.${D}`), { code: 'ENODATA' });
  await assert.rejects(client.resolve4('missing.example'), { code: 'ENOTFOUND' });
});

test('an answer too large for UDP comes by TCP, ours and that of the world', async () => {
  const client = resolver();
  assert.equal((await client.resolve4(`many.${D}`)).length, 100);
  assert.equal((await client.resolve4('big.example')).length, 60);
});

test('the world is asked once for equal questions, and gives back each client its own letters', async () => {
  const client = resolver();
  await client.resolve4('cached.example');
  const before = worldAsked;
  await Promise.all(Array.from({ length: 20 }, () => client.resolve4('cached.example')));
  assert.equal(worldAsked, before);
  const message = Buffer.from(
    `abcd010000010000000000000643614368456407457861'4d706c450000010001`.replace("'", ''),
    'hex',
  );
  const reply = await server.respond(message, 'udp');
  assert.equal(reply?.subarray(12, 28).toString('latin1').slice(1, 7), 'CaChEd');
  assert.equal(reply?.readUInt16BE(0), 0xabcd);
});

function questionOf(text: string, id: number): Buffer {
  const name = text.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]);
  const message = Buffer.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...name, 0, 0, 1, 0, 1]);
  return Buffer.concat([Buffer.from([0, message.length]), message]);
}

test('several questions on one TCP connection, in pieces, are all answered', async () => {
  const socket = connect(port, '127.0.0.1');
  const bytes = Buffer.concat(Array.from({ length: 50 }, (_, i) => questionOf(`web.${D}`, i)));
  for (let at = 0; at < bytes.length; at += 7) socket.write(bytes.subarray(at, at + 7));
  socket.end();
  const chunks: Buffer[] = [];
  for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk);
  const answers = Buffer.concat(chunks);
  const ids = new Set<number>();
  for (let at = 0; at < answers.length; at += 2 + answers.readUInt16BE(at)) ids.add(answers.readUInt16BE(at + 2));
  assert.equal(ids.size, 50);
});

test('a client that reads no answers makes the server stop reading, not keep them all', async () => {
  const accepted = once(tcp, 'connection') as Promise<[Socket]>;
  const socket = connect(port, '127.0.0.1').pause();
  const [atServer] = await accepted;
  // An answer is forty times as long as its question: far more than the kernel keeps for a connection.
  socket.write(Buffer.concat(Array.from({ length: 20_000 }, (_, i) => questionOf(`many.${D}`, i))));
  let before = -1;
  await waitFor(
    'the server to have read what it will',
    () => {
      const { bytesRead } = atServer;
      const stands = bytesRead > 0 && bytesRead === before;
      before = bytesRead;
      return stands;
    },
    { timeoutMs: 8_000, intervalMs: 100 },
  );
  assert.ok(atServer.writableLength < 1 << 20, `${atServer.writableLength} bytes of answers are kept`);
  socket.destroy();
});
