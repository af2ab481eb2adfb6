// test: a DNS server on sockets that somebody else opened: descriptors 3 and 4.
import { DnsServer, openDnsSockets } from '../../../agent/network/dns.ts';
import { DnsRecords } from '../../../agent/network/dns-records.ts';
import { silent } from '../../../api/log.ts';
import { aService } from './views.ts';

const records = new DnsRecords();
records.complete = true;
records.set('default/web', { service: aService(), slices: [] });
const sockets = await openDnsSockets({ udpFd: 3, tcpFd: 4 });
await using _server = new DnsServer({
  sockets,
  records,
  zone: { domain: 'cluster.local', cidrs: [] },
  forwarder: { ask: async () => undefined },
  log: silent,
});
console.log('serving');
await new Promise((resolve) => process.stdin.on('end', resolve).resume());
