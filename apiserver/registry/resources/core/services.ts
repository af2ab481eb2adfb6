// Services: their addresses and node ports are taken from the cluster's supplies and given back.
import { dns1123Label } from '../../../../api/names.ts';
import { ApiError, type FieldProblem, invalid } from '../../../../api/status.ts';
import { services } from '../../../../api/types/core/resources.ts';
import type { Service } from '../../../../api/types/core/service.ts';
import type { RegistryContext } from '../../registry.ts';
import type { Strategy, Undo } from '../../strategy.ts';
import { type AddressRange, dynamicFrom, type NumberSupply } from '../../supplies.ts';
import { asPrefixToo } from '../../validation/object-meta.ts';
import { invalidValue } from '../../validation/problems.ts';
import {
  serviceProblems,
  serviceStatusProblems,
  serviceUpdateProblems,
  serviceWarnings,
} from '../../validation/services.ts';
import { proxyToService } from './service-proxy.ts';

const NONE = 'None';
const ownerOf = ({ metadata }: Service) => `${metadata.namespace}/${metadata.name}/${metadata.uid}`;
const hasAddress = ({ spec }: Service) => spec.type !== 'ExternalName';
const hasNodePorts = ({ spec }: Service) =>
  spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);

export const serviceStrategy: Strategy<Service> = {
  nameProblems: asPrefixToo(dns1123Label),
  validateCreate: serviceProblems,
  validateUpdate: serviceUpdateProblems,
  warnings: serviceWarnings,
  prepareForUpdate: carryAllocated,
  reserve: (next, current, { registry }) => allocate(next, current, registry),
  released: (service, registry) => release(service, registry),
  subresources: {
    status: { validateUpdate: serviceStatusProblems },
    proxy: {
      converses: true,
      handlers: {
        get: proxyToService,
        create: proxyToService,
        update: proxyToService,
        patch: proxyToService,
        delete: proxyToService,
      },
    },
  },
};

/** A replacement that leaves addresses and ports out keeps those there are. */
function carryAllocated(next: Service, current: Service): void {
  if (hasAddress(next) && hasAddress(current)) {
    next.spec.clusterIP ||= current.spec.clusterIP;
    if (next.spec.clusterIP === current.spec.clusterIP) next.spec.clusterIPs ??= current.spec.clusterIPs;
    next.spec.ipFamilies ??= current.spec.ipFamilies;
    next.spec.ipFamilyPolicy ??= current.spec.ipFamilyPolicy;
  }
  if (hasNodePorts(next) && hasNodePorts(current)) {
    const known = new Map(current.spec.ports?.map(({ port, protocol, nodePort }) => [`${protocol}/${port}`, nodePort]));
    for (const port of next.spec.ports ?? []) {
      const nodePort = known.get(`${port.protocol}/${port.port}`);
      if (!port.nodePort && nodePort) port.nodePort = nodePort;
    }
  }
  if (needsHealthPort(next) && needsHealthPort(current))
    next.spec.healthCheckNodePort ||= current.spec.healthCheckNodePort;
}

function needsHealthPort({ spec }: Service): boolean {
  return spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
}

function allocate(service: Service, current: Service | undefined, registry: RegistryContext): Undo {
  const taken: Undo[] = [];
  const undo = () => {
    for (const give of taken.splice(0)) give();
  };
  const problems = [
    ...allocateAddresses(service, registry.supplies.addresses, taken),
    ...allocatePorts(service, registry.supplies.nodePorts, taken),
  ];
  if (problems.length > 0) {
    undo();
    throw invalid({ group: '', kind: 'Service' }, service.metadata.name, problems);
  }
  if (current !== undefined) dropUnused(service, current);
  return undo;
}

function allocateAddresses(service: Service, ranges: readonly AddressRange[], taken: Undo[]): FieldProblem[] {
  const { spec } = service;
  if (!hasAddress(service)) return [];
  const [first] = ranges as [AddressRange];
  const unfit = familyProblems(spec, ranges);
  if (unfit.length > 0) return unfit;
  spec.ipFamilyPolicy ??= 'SingleStack';
  if (spec.clusterIP === NONE || spec.clusterIPs?.[0] === NONE) {
    spec.clusterIP = NONE;
    spec.clusterIPs = [NONE];
    // Without a selector nobody knows which family its endpoints will have.
    spec.ipFamilies ??= ranges
      .slice(0, spec.ipFamilyPolicy === 'SingleStack' && spec.selector ? 1 : undefined)
      .map(({ family }) => family);
    return [];
  }
  spec.ipFamilies ??= familiesFor(spec, ranges);
  const owner = ownerOf(service);
  const problems: FieldProblem[] = [];
  const wanted = spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : []);
  spec.clusterIPs = spec.ipFamilies.map((family, i) => {
    const range = ranges.find((each) => each.family === family) ?? first;
    const { address, problem } = takeAddress(range, wanted[i], owner, taken, i);
    if (problem) problems.push(problem);
    return address;
  });
  spec.clusterIP = spec.clusterIPs[0]!;
  return problems;
}

/** What this cluster has no addresses for. */
function familyProblems({ ipFamilies, ipFamilyPolicy }: Service['spec'], ranges: readonly AddressRange[]) {
  const problems: FieldProblem[] = [];
  if (ipFamilyPolicy === 'RequireDualStack' && ranges.length < 2) {
    const why = 'this cluster is not configured for dual-stack services';
    problems.push(invalidValue('spec.ipFamilyPolicy', ipFamilyPolicy, why));
  }
  for (const [i, family] of (ipFamilies ?? []).entries()) {
    if (ranges.some((range) => range.family === family)) continue;
    problems.push(invalidValue(`spec.ipFamilies[${i}]`, family, 'not configured on this cluster'));
  }
  return problems;
}

function familiesFor({ ipFamilyPolicy, clusterIP }: Service['spec'], ranges: readonly AddressRange[]) {
  const asked = clusterIP ? (clusterIP.includes(':') ? 'IPv6' : 'IPv4') : undefined;
  const ordered = [...ranges].sort((a, b) => Number(b.family === asked) - Number(a.family === asked));
  return ordered.slice(0, ipFamilyPolicy === 'SingleStack' ? 1 : 2).map(({ family }) => family);
}

function takeAddress(
  range: AddressRange,
  wanted: string | undefined,
  owner: string,
  taken: Undo[],
  index: number,
): { address: string; problem?: FieldProblem } {
  const { supply } = range;
  const path = `spec.clusterIPs`;
  if (wanted) {
    const n = range.numberOf(wanted);
    const refused = (why: string) => ({
      address: wanted,
      problem: invalidValue(path, index === 0 ? [wanted] : wanted, `failed to allocate IP ${wanted}: ${why}`),
    });
    if (n === undefined) return refused('the provided network does not match the current range');
    const isOurs = supply.ownerOf(n) === owner;
    if (!supply.take(n, owner)) return refused('provided IP is already allocated');
    if (!isOurs) taken.push(() => supply.release(n, owner));
    return { address: wanted };
  }
  const n = supply.takeAny(owner, dynamicFrom(range)) ?? supply.takeAny(owner);
  if (n === undefined)
    throw new ApiError(500, 'InternalError', `failed to allocate a serviceIP: range ${range.cidr} is full`);
  taken.push(() => supply.release(n, owner));
  return { address: range.addressOf(n) };
}

function allocatePorts(service: Service, supply: NumberSupply, taken: Undo[]): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const owner = ownerOf(service);
  const take = (n: number, path: string): void => {
    if (n < supply.from || n > supply.to) {
      const why = `provided port is not in the valid range. The range of valid ports is ${supply.from}-${supply.to}`;
      problems.push(invalidValue(path, n, why));
      return;
    }
    const isOurs = supply.ownerOf(n) === owner;
    if (!supply.take(n, owner)) problems.push(invalidValue(path, n, 'provided port is already allocated'));
    else if (!isOurs) taken.push(() => supply.release(n, owner));
  };
  const takeAny = (): number => {
    const n = supply.takeAny(owner);
    if (n === undefined) throw new ApiError(500, 'InternalError', 'failed to allocate a nodePort: range is full');
    taken.push(() => supply.release(n, owner));
    return n;
  };
  const ports = service.spec.ports ?? [];
  // What was asked for by number comes first, so that chance does not take it away.
  for (const [i, port] of ports.entries()) if (port.nodePort) take(port.nodePort, `spec.ports[${i}].nodePort`);
  if (hasNodePorts(service)) {
    // One number serves a port in several protocols.
    const byPort = new Map(ports.filter(({ nodePort }) => nodePort).map(({ port, nodePort }) => [port, nodePort!]));
    for (const port of ports) {
      if (port.nodePort) continue;
      port.nodePort = byPort.get(port.port) ?? takeAny();
      byPort.set(port.port, port.nodePort);
    }
  }
  if (needsHealthPort(service)) {
    if (service.spec.healthCheckNodePort) take(service.spec.healthCheckNodePort, 'spec.healthCheckNodePort');
    else service.spec.healthCheckNodePort = takeAny();
  }
  return problems;
}

/** What a change of type leaves without meaning. */
function dropUnused(service: Service, current: Service): void {
  const { spec } = service;
  if (!hasAddress(service) && hasAddress(current)) {
    delete spec.clusterIP;
    delete spec.clusterIPs;
    delete spec.ipFamilies;
    delete spec.ipFamilyPolicy;
  }
}

function release(service: Service, { supplies }: RegistryContext): void {
  const owner = ownerOf(service);
  for (const { supply, n } of heldBy(service, supplies.addresses, supplies.nodePorts)) supply.release(n, owner);
}

function* heldBy({ spec }: Service, ranges: readonly AddressRange[], nodePorts: NumberSupply) {
  for (const address of spec.clusterIPs ?? []) {
    for (const { supply, numberOf } of ranges) {
      const n = address === NONE ? undefined : numberOf(address);
      if (n !== undefined) yield { supply, n };
    }
  }
  for (const { nodePort } of spec.ports ?? []) if (nodePort) yield { supply: nodePorts, n: nodePort };
  if (spec.healthCheckNodePort) yield { supply: nodePorts, n: spec.healthCheckNodePort };
}

/** Takes for every service that is there what it has: at the start, and for services that others wrote. */
export function takeForAll(registry: RegistryContext): void {
  const { addresses, nodePorts } = registry.supplies;
  for (const service of registry.objects(services).list()) {
    const owner = ownerOf(service);
    for (const { supply, n } of heldBy(service, addresses, nodePorts)) supply.take(n, owner);
  }
}
