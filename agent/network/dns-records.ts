// agent/network: what cluster names mean, by the DNS specification of Kubernetes (schema 1.1.0). `answer` is pure: a
// question and the records give the reply, or say that it is for somebody else.
//
//   web.default.svc.cluster.local              A, AAAA   cluster address, or all endpoints of a headless Service
//   _http._tcp.web.default.svc.cluster.local   SRV
//   db-0.db.default.svc.cluster.local          A, AAAA   endpoint of a headless Service by host name or address
//   10-42-0-5.default.pod.cluster.local        A, AAAA
import { isIPv4 } from 'node:net';
import { canonical, contains, familyOf, groupsOf, parseCidr } from './addresses.ts';
import { type Question, RCODE, type RecordData, type Reply, type ResourceRecord, TYPE } from './dns-wire.ts';
import type { EndpointView, ServiceView, SliceView } from './service-view.ts';

export interface ServiceNames {
  readonly service: ServiceView;
  readonly slices: readonly SliceView[];
}

export interface ZoneConfig {
  readonly domain: string;
  /** Addresses in these are ours to name; others are asked for upstream. */
  readonly cidrs: readonly string[];
}

/** Short, as endpoints change; the asked server is on the same machine. */
const TTL_S = 5;

export type Answer =
  | Reply
  /** An alias out of the cluster: the caller adds what `chase` means. */
  | (Reply & { readonly chase: string })
  | 'forward';

/** Services by name, and which name an address has. Changed Service by Service. */
export class DnsRecords {
  readonly #services = new Map<string, ServiceNames>();
  readonly #perNamespace = new Map<string, number>();
  readonly #byIp = new Map<string, Set<string>>();
  /** False until the API has answered once: an unknown name is perhaps only not heard of yet. */
  complete = false;

  /** `key` is `namespace/name`; undefined takes the Service out. */
  set(key: string, names: ServiceNames | undefined): void {
    const old = this.#services.get(key);
    if (old !== undefined) {
      this.#services.delete(key);
      this.#count(old.service.namespace, -1);
      for (const ip of addressesOf(old)) {
        const keys = this.#byIp.get(ip);
        keys?.delete(key);
        if (keys?.size === 0) this.#byIp.delete(ip);
      }
    }
    if (names === undefined) return;
    this.#services.set(key, names);
    this.#count(names.service.namespace, 1);
    for (const ip of addressesOf(names)) this.#byIp.getOrInsertComputed(ip, () => new Set()).add(key);
  }

  #count(namespace: string, by: number): void {
    const count = (this.#perNamespace.get(namespace) ?? 0) + by;
    if (count === 0) this.#perNamespace.delete(namespace);
    else this.#perNamespace.set(namespace, count);
  }

  all(): Iterable<ServiceNames> {
    return this.#services.values();
  }

  keys(): Iterable<string> {
    return this.#services.keys();
  }

  service(namespace: string, name: string): ServiceNames | undefined {
    return this.#services.get(`${namespace}/${name}`);
  }

  hasNamespace(namespace: string): boolean {
    return this.#perNamespace.has(namespace);
  }

  keysOf(ip: string): readonly string[] {
    return [...(this.#byIp.get(ip) ?? [])];
  }

  byKey(key: string): ServiceNames | undefined {
    return this.#services.get(key);
  }
}

function addressesOf({ service, slices }: ServiceNames): string[] {
  const endpoints = service.headless ? readyEndpoints(service, slices).flatMap(({ addresses }) => addresses) : [];
  return [...service.clusterIps, ...endpoints].flatMap((ip) => canonical(ip) ?? []);
}

export function answer(question: Question, records: DnsRecords, zone: ZoneConfig): Answer {
  const { name, type } = question;
  const reverse = reverseAddress(name);
  if (reverse !== undefined) return answerReverse(question, reverse, records, zone);
  const labels = labelsInZone(name, zone) ?? shortForm(name, records);
  if (labels === undefined) return 'forward';
  if (type === TYPE.ANY) return { ...empty(RCODE.NOTIMP, zone), authority: [] };
  const found = lookUp(labels, type, records, zone);
  if (found === undefined) return empty(records.complete ? RCODE.NXDOMAIN : RCODE.SERVFAIL, zone);
  const { alias } = found;
  if (alias !== undefined) {
    const cname: ResourceRecord = { name, ttl: TTL_S, data: { type: 'CNAME', target: alias } };
    const bare = { ...empty(RCODE.NOERROR, zone), answers: [cname], authority: [] };
    return type === TYPE.CNAME ? bare : { ...bare, chase: alias };
  }
  const answers = found.data.filter((data) => TYPE[data.type] === type).map((data) => ({ name, ttl: TTL_S, data }));
  if (answers.length === 0) return empty(RCODE.NOERROR, zone);
  return { ...empty(RCODE.NOERROR, zone), answers, authority: [], additional: found.additional ?? [] };
}

function labelsInZone(name: string, { domain }: ZoneConfig): string[] | undefined {
  if (name === domain) return [];
  return name.endsWith(`.${domain}`) ? name.slice(0, -domain.length - 1).split('.') : undefined;
}

/**
 * `web.default` and `web.default.svc` as they stand, for resolvers that do not try the search path on names with a dot
 * (busybox). Those that do would find the same Service before asking the outside.
 */
function shortForm(name: string, records: DnsRecords): string[] | undefined {
  const [service, namespace, svc = 'svc', ...rest] = name.split('.');
  if (svc !== 'svc' || rest.length > 0 || namespace === undefined) return undefined;
  return records.service(namespace, service!) === undefined ? undefined : [service!, namespace, svc];
}

interface Found {
  /** Everything the name has, of every type; nothing is a name that exists and has no record. */
  readonly data: readonly RecordData[];
  readonly alias?: string;
  readonly additional?: readonly ResourceRecord[];
}

const EXISTS: Found = { data: [] };

/** Undefined: there is no such name. `labels` are those in front of the domain. */
function lookUp(labels: readonly string[], type: number, records: DnsRecords, zone: ZoneConfig): Found | undefined {
  const [kind, namespace, ...rest] = labels.toReversed();
  if (kind === undefined) return { data: [soa(zone), { type: 'NS', target: `ns.dns.${zone.domain}` }] };
  if (labels.length === 1 && kind === 'dns-version') return { data: [{ type: 'TXT', text: '1.1.0' }] };
  if (kind === 'pod') return lookUpPod(namespace, rest, records);
  if (kind !== 'svc') return undefined;
  if (namespace === undefined) return EXISTS;
  const [serviceName, ...inner] = rest;
  if (serviceName === undefined) return records.hasNamespace(namespace) ? EXISTS : undefined;
  const names = records.service(namespace, serviceName);
  if (names === undefined) return undefined;
  if (names.service.type === 'ExternalName') {
    const alias = names.service.externalName.toLowerCase().replace(/\.$/, '');
    return inner.length === 0 && alias !== '' ? { data: [], alias } : undefined;
  }
  if (inner.length === 0) {
    const base = addressData(names);
    return type === TYPE.SRV ? services(names, () => true, zone) : { data: base };
  }
  const [first = '', second, ...more] = inner;
  if (more.length > 0) return undefined;
  if (first.startsWith('_')) return lookUpPort(names, first, second, zone);
  if (second !== undefined || !names.service.headless) return undefined;
  const endpoints = readyEndpoints(names.service, names.slices).filter((e) => endpointName(e) === first);
  return endpoints.length === 0 ? undefined : { data: endpoints.flatMap(({ addresses }) => addresses.map(address)) };
}

/** `_http._tcp.<service>`: the first label after the Service is the protocol. */
function lookUpPort(names: ServiceNames, proto: string, port: string | undefined, zone: ZoneConfig) {
  const protocol = proto.slice(1).toUpperCase();
  const found = services(
    names,
    (p) => p.protocol === protocol && p.name !== '' && (port === undefined || `_${p.name}` === port),
    zone,
  );
  if (found.data.length === 0) return undefined;
  return port === undefined ? EXISTS : found;
}

interface PortName {
  readonly name: string;
  readonly protocol: string;
}

function services({ service, slices }: ServiceNames, want: (port: PortName) => boolean, zone: ZoneConfig): Found {
  const base = `${service.name}.${service.namespace}.svc.${zone.domain}`;
  const found = new Map<string, { target: string; port: number; addresses: readonly string[] }>();
  const put = (target: string, port: number, addresses: readonly string[]) =>
    found.set(`${target} ${port} ${addresses[0]}`, { target, port, addresses });
  if (!service.headless) {
    for (const port of service.ports) if (want(port)) put(base, port.port, service.clusterIps);
  } else {
    for (const slice of slices) {
      for (const port of slice.ports.filter(want)) {
        for (const endpoint of readyEndpoints(service, [slice])) {
          if (port.port !== undefined) put(`${endpointName(endpoint)}.${base}`, port.port, endpoint.addresses);
        }
      }
    }
  }
  const all = [...found.values()];
  const weight = Math.max(1, Math.floor(100 / Math.max(1, all.length)));
  const glue = new Map(
    all.flatMap(({ target, addresses }) =>
      addresses.map((ip): [string, ResourceRecord] => [
        `${target} ${ip}`,
        { name: target, ttl: TTL_S, data: address(ip) },
      ]),
    ),
  );
  return {
    data: all.map(({ target, port }) => ({ type: 'SRV', priority: 0, weight, port, target })),
    additional: [...glue.values()],
  };
}

/** The `pods` form says its own address. */
function lookUpPod(namespace: string | undefined, rest: readonly string[], records: DnsRecords): Found | undefined {
  if (namespace === undefined) return EXISTS;
  const [dashed] = rest;
  if (dashed === undefined) return records.hasNamespace(namespace) ? EXISTS : undefined;
  const v4 = dashed.replaceAll('-', '.');
  const ip = isIPv4(v4) ? v4 : canonical(dashed.replaceAll('-', ':'));
  return rest.length > 1 || ip === undefined ? undefined : { data: [address(ip)] };
}

function addressData({ service, slices }: ServiceNames): RecordData[] {
  if (!service.headless) return service.clusterIps.map(address);
  const ips = readyEndpoints(service, slices).flatMap(({ addresses }) => addresses);
  return [...new Set(ips)].map(address);
}

function readyEndpoints({ publishNotReady }: ServiceView, slices: readonly SliceView[]): EndpointView[] {
  return slices
    .filter(({ addressType }) => addressType !== 'FQDN')
    .flatMap(({ endpoints }) => endpoints.filter(({ ready }) => ready || publishNotReady));
}

function endpointName({ hostname, addresses }: EndpointView): string {
  return hostname?.toLowerCase() || (addresses[0] ?? '').replaceAll(/[.:]/g, '-');
}

function address(ip: string): RecordData {
  if (isIPv4(ip)) return { type: 'A', address: Uint8Array.from(ip.split('.').map(Number)) };
  return { type: 'AAAA', address: Uint8Array.from(groupsOf(ip).flatMap((group) => [group >> 8, group & 255])) };
}

function answerReverse({ name, type }: Question, ip: string, records: DnsRecords, zone: ZoneConfig): Answer {
  const targets = records.keysOf(ip).flatMap((key) => reverseNames(records.byKey(key)!, ip, zone));
  if (targets.length > 0) {
    if (type !== TYPE.PTR) return empty(RCODE.NOERROR, zone);
    const answers = targets.map((target): ResourceRecord => ({ name, ttl: TTL_S, data: { type: 'PTR', target } }));
    return { ...empty(RCODE.NOERROR, zone), answers, authority: [] };
  }
  const ours = zone.cidrs.some((text) => {
    const cidr = parseCidr(text);
    return cidr !== undefined && familyOf(ip) === cidr.family && contains(cidr, ip);
  });
  return ours ? empty(records.complete ? RCODE.NXDOMAIN : RCODE.SERVFAIL, zone) : 'forward';
}

function reverseNames({ service, slices }: ServiceNames, ip: string, { domain }: ZoneConfig): string[] {
  const base = `${service.name}.${service.namespace}.svc.${domain}`;
  if (!service.headless) return [base];
  return readyEndpoints(service, slices)
    .filter(({ addresses }) => addresses.some((text) => canonical(text) === ip))
    .map((endpoint) => `${endpointName(endpoint)}.${base}`);
}

/** The address a reverse name stands for; undefined for any other name. */
export function reverseAddress(name: string): string | undefined {
  const v4 = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa$/.exec(name);
  if (v4 !== null) return canonical(v4.slice(1).reverse().join('.'));
  const v6 = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name);
  if (v6 === null) return undefined;
  const digits = v6[1]!.replaceAll('.', '').split('').reverse().join('');
  return canonical(digits.match(/.{4}/g)!.join(':'));
}

/** No record, and the SOA that says how long this may be remembered. */
function empty(rcode: number, zone: ZoneConfig): Reply {
  const authority = rcode === RCODE.SERVFAIL ? [] : [{ name: zone.domain, ttl: TTL_S, data: soa(zone) }];
  return { rcode, authoritative: true, answers: [], authority, additional: [] };
}

function soa({ domain }: ZoneConfig): RecordData {
  return { type: 'SOA', mname: `ns.dns.${domain}`, rname: `hostmaster.${domain}`, serial: 1, minimum: TTL_S };
}
