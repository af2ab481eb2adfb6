// Services: their ports, addresses and policies. Whether an address or port is to be had is found out when it is taken.
import { isIP, isIPv6 } from 'node:net';
import { dns1123Label, dns1123Subdomain, qualifiedName } from '../../../api/names.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { Service } from '../../../api/types/core/service.ts';
import { cidrProblems, reachableIpProblems } from './addresses.ts';
import { labelProblems } from './object-meta.ts';
import { portOrNameProblems } from './probes.ts';
import { duplicate, forbidden, invalidValue, notSupported, required } from './problems.ts';
import { each, ipProblems, named, oneOf, portProblems, requiredOneOf } from './values.ts';

type Spec = Service['spec'];

const NONE = 'None';
const KUBELET_PORT = 10250;
const AFFINITY_MAX_SECONDS = 86_400;
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const ONLY_LB = "may only be used when `type` is 'LoadBalancer'";

const isHeadless = ({ clusterIPs, clusterIP }: Spec) => (clusterIPs?.[0] ?? clusterIP) === NONE;
const needsHealthPort = ({ type, externalTrafficPolicy }: Spec) =>
  type === 'LoadBalancer' && externalTrafficPolicy === 'Local';

export function serviceProblems({ spec }: Service): FieldProblem[] {
  const { ports = [] } = spec;
  const type: string | undefined = spec.type;
  const problems: FieldProblem[] = [];
  if (ports.length === 0 && !isHeadless(spec) && type !== 'ExternalName') problems.push(required('spec.ports'));
  problems.push(...typeProblems(spec), ...portsProblems(spec), ...labelProblems(spec.selector, 'spec.selector'));
  problems.push(...affinityProblems(spec));
  problems.push(
    ...each(spec.externalIPs, 'spec.externalIPs', (ip, at) => {
      const wrong = ipProblems(at, ip);
      return wrong.length > 0 ? wrong : reachableIpProblems(at, ip);
    }),
  );
  problems.push(...requiredOneOf('spec.type', type, ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']));
  if (type === 'ClusterIP') {
    for (const [i, { nodePort }] of ports.entries()) {
      if (nodePort) problems.push(forbidden(`spec.ports[${i}].nodePort`, "may not be used when `type` is 'ClusterIP'"));
    }
  }
  return [
    ...problems,
    ...doubledPorts(spec),
    ...balancerProblems(spec),
    ...trafficProblems(spec),
    ...addressProblems(spec),
  ];
}

function typeProblems(spec: Spec): FieldProblem[] {
  const { type, ports = [], clusterIP, externalName = '', ipFamilies, ipFamilyPolicy } = spec;
  const path = 'spec.clusterIPs[0]';
  switch (type) {
    case 'LoadBalancer': {
      const problems: FieldProblem[] = [];
      for (const [i, { port }] of ports.entries()) {
        if (port !== KUBELET_PORT) continue;
        const why = `may not expose port ${KUBELET_PORT} externally since it is used by kubelet`;
        problems.push(invalidValue(`spec.ports[${i}]`, port, why));
      }
      if (isHeadless(spec))
        problems.push(invalidValue(path, NONE, "may not be set to 'None' for LoadBalancer services"));
      return problems;
    }
    case 'NodePort':
      return isHeadless(spec) ? [invalidValue(path, NONE, "may not be set to 'None' for NodePort services")] : [];
    case 'ExternalName': {
      const problems: FieldProblem[] = [];
      if (clusterIP) problems.push(forbidden('spec.clusterIPs', 'may not be set for ExternalName services'));
      if (ipFamilies?.length) problems.push(forbidden('spec.ipFamilies', 'may not be set for ExternalName services'));
      if (ipFamilyPolicy) problems.push(forbidden('spec.ipFamilyPolicy', 'may not be set for ExternalName services'));
      const name = externalName.endsWith('.') ? externalName.slice(0, -1) : externalName;
      if (name === '') problems.push(required('spec.externalName'));
      else problems.push(...named('spec.externalName', name, dns1123Subdomain));
      return problems;
    }
    default:
      return [];
  }
}

function portsProblems({ ports = [] }: Spec): FieldProblem[] {
  const names = new Set<string>();
  return each(ports, 'spec.ports', ({ name, port, protocol, targetPort, appProtocol }, at) => {
    const problems: FieldProblem[] = [];
    if (!name && ports.length > 1) problems.push(required(`${at}.name`));
    else if (name) {
      problems.push(...named(`${at}.name`, name, dns1123Label));
      if (names.has(name)) problems.push(duplicate(`${at}.name`, name));
      names.add(name);
    }
    problems.push(...portProblems(`${at}.port`, port ?? 0));
    problems.push(...requiredOneOf(`${at}.protocol`, protocol, PROTOCOLS));
    problems.push(...portOrNameProblems(`${at}.targetPort`, targetPort));
    if (appProtocol !== undefined) problems.push(...named(`${at}.appProtocol`, appProtocol, qualifiedName));
    return problems;
  });
}

function doubledPorts({ ports }: Spec): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const taken = new Set<string>();
  for (const [i, { protocol, nodePort }] of (ports ?? []).entries()) {
    if (!nodePort) continue;
    const id = `${protocol}/${nodePort}`;
    if (taken.has(id)) problems.push(duplicate(`spec.ports[${i}].nodePort`, nodePort));
    taken.add(id);
  }
  const seen = new Set<string>();
  for (const [i, { protocol, port }] of (ports ?? []).entries()) {
    const id = `${protocol}/${port}`;
    if (seen.has(id)) {
      const shown = { Name: '', Protocol: protocol, AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 };
      problems.push(duplicate(`spec.ports[${i}]`, shown));
    }
    seen.add(id);
  }
  return problems;
}

function affinityProblems({ sessionAffinity, sessionAffinityConfig }: Spec): FieldProblem[] {
  const problems = requiredOneOf('spec.sessionAffinity', sessionAffinity, ['ClientIP', 'None']);
  if (sessionAffinity !== 'ClientIP') return problems;
  const path = 'spec.sessionAffinityConfig';
  const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (sessionAffinityConfig === undefined) {
    return [...problems, required(path, 'when `sessionAffinity` is ClientIP')];
  }
  if (sessionAffinityConfig.clientIP === undefined) return [...problems, required(`${path}.clientIP`)];
  if (seconds === undefined) return [...problems, required(`${path}.clientIP.timeoutSeconds`)];
  if (seconds > 0 && seconds <= AFFINITY_MAX_SECONDS) return problems;
  const why = `must be greater than 0 and less than ${AFFINITY_MAX_SECONDS}`;
  return [...problems, invalidValue(`${path}.clientIP.timeoutSeconds`, seconds, why)];
}

function balancerProblems(spec: Spec): FieldProblem[] {
  const { type, loadBalancerSourceRanges, allocateLoadBalancerNodePorts: allocate, loadBalancerClass: name } = spec;
  const problems: FieldProblem[] = [];
  if (loadBalancerSourceRanges?.length) {
    if (type !== 'LoadBalancer') problems.push(forbidden('spec.LoadBalancerSourceRanges', ONLY_LB));
    problems.push(
      ...each(loadBalancerSourceRanges, 'spec.loadBalancerSourceRanges', (range, at) => cidrProblems(at, range.trim())),
    );
  }
  if (type !== 'LoadBalancer') {
    if (allocate !== undefined) problems.push(forbidden('spec.allocateLoadBalancerNodePorts', ONLY_LB));
    if (name !== undefined) problems.push(forbidden('spec.loadBalancerClass', ONLY_LB));
  } else if (name !== undefined) problems.push(...named('spec.loadBalancerClass', name, qualifiedName));
  return problems;
}

function trafficProblems(spec: Spec): FieldProblem[] {
  const { type, externalIPs, externalTrafficPolicy, healthCheckNodePort: port, internalTrafficPolicy } = spec;
  const policies = ['Cluster', 'Local'];
  const problems: FieldProblem[] = [];
  const isOutside = type === 'LoadBalancer' || type === 'NodePort' || (type === 'ClusterIP' && externalIPs?.length);
  if (externalTrafficPolicy) {
    if (isOutside) problems.push(...oneOf('spec.externalTrafficPolicy', externalTrafficPolicy, policies));
    else {
      const why = 'may only be set for externally-accessible services';
      problems.push(invalidValue('spec.externalTrafficPolicy', externalTrafficPolicy, why));
    }
  }
  if (port && !needsHealthPort(spec)) {
    const why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    problems.push(invalidValue('spec.healthCheckNodePort', port, why));
  }
  problems.push(...oneOf('spec.internalTrafficPolicy', internalTrafficPolicy, policies));
  const distributions = ['PreferClose', 'PreferSameZone', 'PreferSameNode'];
  return [...problems, ...oneOf('spec.trafficDistribution', spec.trafficDistribution, distributions)];
}

const TWO = 'may only hold up to 2 values';

function addressProblems(spec: Spec): FieldProblem[] {
  const { type, clusterIP, clusterIPs = [], ipFamilies = [], ipFamilyPolicy } = spec;
  if (type === 'ExternalName') return [];
  const problems: FieldProblem[] = [];
  const path = 'spec.clusterIPs';
  const policies = ['SingleStack', 'PreferDualStack', 'RequireDualStack'];
  if (clusterIP && clusterIPs.length > 0 && clusterIPs[0] !== clusterIP) {
    problems.push(invalidValue(path, clusterIPs, 'first value must match `clusterIP`'));
  }
  problems.push(...oneOf('spec.ipFamilyPolicy', ipFamilyPolicy, policies));
  const seen = new Set<string>();
  for (const [i, family] of ipFamilies.entries()) {
    const at = `spec.ipFamilies[${i}]`;
    if (!['IPv4', 'IPv6'].includes(family)) problems.push(notSupported(at, family, ['IPv4', 'IPv6']));
    if (seen.has(family)) problems.push(duplicate(at, family));
    seen.add(family);
  }
  if (ipFamilies.length > 2) problems.push(invalidValue('spec.ipFamilies', ipFamilies.slice(2), TWO));
  if (clusterIPs.length > 2) problems.push(invalidValue(path, clusterIPs, TWO));
  for (const [i, ip] of clusterIPs.entries()) {
    const at = `${path}[${i}]`;
    if (ip === NONE && i === 0) {
      if (clusterIPs.length > 1) {
        problems.push(invalidValue(path, clusterIPs, `'None' must be the first and only value`));
      }
      continue;
    }
    const wrong = ipProblems(at, ip);
    problems.push(...wrong);
    const family = ipFamilies[i];
    if (wrong.length === 0 && family !== undefined && (family === 'IPv6') !== isIPv6(ip)) {
      problems.push(invalidValue(at, ip, `expected an ${family} value as indicated by \`ipFamilies[${i}]\``));
    }
  }
  if (clusterIPs.length === 2 && isIP(clusterIPs[0]!) === isIP(clusterIPs[1]!) && isIP(clusterIPs[0]!) !== 0) {
    problems.push(invalidValue(path, clusterIPs, 'may specify no more than one IP for each IP family'));
  }
  return problems;
}

const FIXED = 'may not change once set';

export function serviceUpdateProblems(next: Service, current: Service): FieldProblem[] {
  const [now, was] = [next.spec, current.spec];
  const problems: FieldProblem[] = [];
  if (now.type !== 'ExternalName' && was.type !== 'ExternalName') {
    const addresses = addressesOf(now);
    const [before = []] = [addressesOf(was)];
    if (before.length > 0 && addresses.length === 0) {
      problems.push(invalidValue('spec.clusterIPs[0]', addresses, 'primary clusterIP can not be unset'));
    }
    for (const [i, ip] of before.entries()) {
      if (addresses[i] === undefined || addresses[i] === ip) continue;
      problems.push(invalidValue(`spec.clusterIPs[${i}]`, addresses, FIXED));
    }
    for (const [i, family] of (was.ipFamilies ?? []).entries()) {
      const other = now.ipFamilies?.[i];
      if (other === undefined || other === family) continue;
      problems.push(invalidValue(`spec.ipFamilies[${i}]`, now.ipFamilies, FIXED));
    }
  }
  if (now.type === 'LoadBalancer' && was.type === 'LoadBalancer' && now.loadBalancerClass !== was.loadBalancerClass) {
    problems.push(invalidValue('spec.loadBalancerClass', now.loadBalancerClass, FIXED));
  }
  return [...problems, ...serviceProblems(next)];
}

/** clusterIP leads where the two say different things: it is what older clients write. */
function addressesOf({ clusterIP, clusterIPs = [] }: Spec): string[] {
  if (clusterIP && clusterIPs[0] !== clusterIP) return [clusterIP, ...clusterIPs.slice(1)];
  return clusterIPs;
}

export function serviceStatusProblems({ spec, status }: Service): FieldProblem[] {
  const path = 'status.loadBalancer.ingress';
  const ingress = status.loadBalancer?.ingress ?? [];
  if (spec.type !== 'LoadBalancer' && ingress.length > 0) {
    return [forbidden(path, ONLY_LB)];
  }
  return each(ingress, path, ({ ip, hostname, ipMode }, at) => {
    const problems: FieldProblem[] = [];
    if (ip) problems.push(...ipProblems(`${at}.ip`, ip));
    if (ip && ipMode === undefined) problems.push(required(`${at}.ipMode`, 'must be specified when `ip` is set'));
    if (!ip && ipMode !== undefined)
      problems.push(forbidden(`${at}.ipMode`, 'may not be specified when `ip` is not set'));
    if (ip && ipMode !== undefined) problems.push(...oneOf(`${at}.ipMode`, ipMode, ['Proxy', 'VIP']));
    if (hostname) {
      problems.push(...named(`${at}.hostname`, hostname, dns1123Subdomain));
      if (isIP(hostname)) {
        problems.push(invalidValue(`${at}.hostname`, hostname, 'must be a DNS name, not an IP address'));
      }
    }
    return problems;
  });
}

export function serviceWarnings({ spec }: Service): string[] {
  const warnings: string[] = [];
  if (spec.externalIPs?.length) {
    warnings.push('spec.externalIPs is deprecated and may no longer be implemented in some clusters');
  }
  if (isHeadless(spec) && spec.trafficDistribution !== undefined) {
    warnings.push('spec.trafficDistribution is ignored for headless services');
  }
  if (isHeadless(spec) && spec.sessionAffinity === 'ClientIP') {
    warnings.push('spec.SessionAffinity is ignored for headless services');
  }
  return warnings;
}
