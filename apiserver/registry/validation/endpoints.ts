// Endpoints and endpoint slices.
import { isIPv4, isIPv6 } from 'node:net';
import { dns1123Label, dns1123Subdomain, labelValue, qualifiedName } from '../../../api/names.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { Endpoints } from '../../../api/types/core/endpoints.ts';
import type { EndpointSlice } from '../../../api/types/discovery/endpoint-slice.ts';
import { reachableIpProblems } from './addresses.ts';
import { labelProblems } from './object-meta.ts';
import { duplicate, invalidValue, notSupported, required, tooMany } from './problems.ts';
import { each, ipProblems, named, portProblems, requiredOneOf, unchanged } from './values.ts';

const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];

export function endpointsProblems({ subsets }: Endpoints): FieldProblem[] {
  return each(subsets, 'subsets', ({ addresses, notReadyAddresses, ports }, path) => {
    const problems: FieldProblem[] = [];
    if (!addresses?.length && !notReadyAddresses?.length) {
      problems.push(required(path, 'must specify `addresses` or `notReadyAddresses`'));
    }
    problems.push(
      ...each(addresses, `${path}.addresses`, addressProblems),
      ...each(notReadyAddresses, `${path}.notReadyAddresses`, addressProblems),
      ...each(ports, `${path}.ports`, ({ name, port, protocol, appProtocol }, at) => [
        ...(!name && ports!.length > 1 ? [required(`${at}.name`)] : []),
        ...(name ? named(`${at}.name`, name, dns1123Label) : []),
        ...portProblems(`${at}.port`, port ?? 0),
        ...requiredOneOf(`${at}.protocol`, protocol, PROTOCOLS),
        ...(appProtocol === undefined ? [] : named(`${at}.appProtocol`, appProtocol, qualifiedName)),
      ]),
    );
    return problems;
  });
}

type Address = NonNullable<NonNullable<Endpoints['subsets']>[number]['addresses']>[number];

function addressProblems({ ip, hostname, nodeName }: Address, path: string): FieldProblem[] {
  return [
    ...ipProblems(`${path}.ip`, ip),
    ...(hostname ? named(`${path}.hostname`, hostname, dns1123Label) : []),
    ...(nodeName === undefined ? [] : named(`${path}.nodeName`, nodeName, dns1123Subdomain)),
    ...reachableIpProblems(`${path}.ip`, ip),
  ];
}

const ENDPOINTS_MAX = 1000;
const ADDRESSES_MAX = 100;
const PORTS_MAX = 20_000;
const HINTS_MAX = 8;
const TOPOLOGY_MAX = 16;
const TYPES = ['FQDN', 'IPv4', 'IPv6'];

export function endpointSliceProblems({ addressType, endpoints, ports }: EndpointSlice): FieldProblem[] {
  if (!addressType) return [required('addressType')];
  const problems: FieldProblem[] = [];
  if (!TYPES.includes(addressType)) problems.push(notSupported('addressType', addressType, TYPES));
  return [...problems, ...slicePortsProblems(ports ?? []), ...sliceEndpointsProblems(endpoints ?? [], addressType)];
}

function slicePortsProblems(ports: NonNullable<EndpointSlice['ports']>): FieldProblem[] {
  if (ports.length > PORTS_MAX) return [tooMany('ports', ports.length, PORTS_MAX)];
  const names = new Set<string>();
  return each(ports, 'ports', ({ name = '', protocol, appProtocol }, at) => {
    const problems = name === '' ? [] : named(`${at}.name`, name, dns1123Label);
    if (names.has(name)) problems.push(duplicate(`${at}.name`, name));
    names.add(name);
    problems.push(...requiredOneOf(`${at}.protocol`, protocol, PROTOCOLS));
    return [...problems, ...(appProtocol === undefined ? [] : named(`${at}.appProtocol`, appProtocol, qualifiedName))];
  });
}

function sliceEndpointsProblems(endpoints: NonNullable<EndpointSlice['endpoints']>, type: string): FieldProblem[] {
  if (endpoints.length > ENDPOINTS_MAX) return [tooMany('endpoints', endpoints.length, ENDPOINTS_MAX)];
  return each(endpoints, 'endpoints', (endpoint, path) => {
    const { hostname, nodeName, hints, deprecatedTopology } = endpoint;
    const addresses = endpoint.addresses ?? [];
    const at = `${path}.addresses`;
    const problems: FieldProblem[] = [];
    if (addresses.length === 0) problems.push(required(at, 'must contain at least 1 address'));
    else if (addresses.length > ADDRESSES_MAX) problems.push(tooMany(at, addresses.length, ADDRESSES_MAX));
    else for (const address of addresses) problems.push(...sliceAddressProblems(address, type, at));
    if (hostname !== undefined) problems.push(...named(`${path}.hostname`, hostname, dns1123Label));
    if (nodeName !== undefined) problems.push(...named(`${path}.nodeName`, nodeName, dns1123Subdomain));
    const topology = Object.keys(deprecatedTopology ?? {});
    if (topology.length > TOPOLOGY_MAX)
      problems.push(tooMany(`${path}.deprecatedTopology`, topology.length, TOPOLOGY_MAX));
    problems.push(
      ...labelProblems(deprecatedTopology, `${path}.deprecatedTopology`),
      ...hintProblems(hints?.forZones, `${path}.hints.forZones`, labelValue),
      ...hintProblems(hints?.forNodes, `${path}.hints.forNodes`, dns1123Subdomain),
    );
    return problems;
  });
}

function hintProblems(
  hints: readonly { readonly name: string }[] | undefined,
  path: string,
  check: (name: string) => readonly string[],
): FieldProblem[] {
  if ((hints?.length ?? 0) > HINTS_MAX) return [tooMany(path, hints!.length, HINTS_MAX)];
  const names = new Set<string>();
  return each(hints, path, ({ name }, at) => {
    const problems = names.has(name) ? [duplicate(`${at}.name`, name)] : [];
    names.add(name);
    return [...problems, ...named(`${at}.name`, name, check)];
  });
}

function sliceAddressProblems(address: string, type: string, path: string): FieldProblem[] {
  switch (type) {
    case 'IPv4':
      if (!isIPv4(address)) return [invalidValue(path, address, 'must be an IPv4 address')];
      return reachableIpProblems(path, address);
    case 'IPv6':
      if (!isIPv6(address)) return [invalidValue(path, address, 'must be an IPv6 address')];
      return reachableIpProblems(path, address);
    case 'FQDN': {
      const problems = named(path, address, dns1123Subdomain);
      if (problems.length > 0 || address.split('.').length > 1) return problems;
      return [invalidValue(path, address, 'should be a domain with at least two segments separated by dots')];
    }
    default:
      return [];
  }
}

export function endpointSliceUpdateProblems(next: EndpointSlice, current: EndpointSlice): FieldProblem[] {
  return [...endpointSliceProblems(next), ...unchanged('addressType', next.addressType, current.addressType)];
}
