// Services: their ports, addresses and policies. Whether an address or port is to be had is found out when it is taken.
import { isIP, isIPv6 } from 'node:net';
import { dns1123Label, dns1123Subdomain, qualifiedName } from '../../../api/names.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { Service } from '../../../api/types/core/service.ts';
import { cidrWarnings, ipWarnings } from './address-warnings.ts';
import { cidrProblems, reachableIpProblems } from './addresses.ts';
import { labelProblems } from './object-meta.ts';
import { portOrNameProblems } from './probes.ts';
import { duplicate, forbidden, invalidValue, notSupported, required } from './problems.ts';
import { each, IMMUTABLE, ipProblems, named, oneOf, portProblems, requiredOneOf } from './values.ts';

type Spec = Service['spec'];

const NONE = 'None';
const AFFINITY_MAX_SECONDS = 86_400;
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const ONLY_LB = "may only be used when `type` is 'LoadBalancer'";

const isHeadless = ({ clusterIPs, clusterIP }: Spec) => {
  return clusterIPs ? clusterIPs.length === 1 && clusterIPs[0] === NONE : clusterIP === NONE;
};
const needsHealthPort = ({ type, externalTrafficPolicy }: Spec) =>
  type === 'LoadBalancer' && externalTrafficPolicy === 'Local';

const HINTS = 'service.kubernetes.io/topology-aware-hints';
const MODE = 'service.kubernetes.io/topology-mode';

export function serviceProblems({ spec, metadata }: Service): FieldProblem[] {
  const { ports = [] } = spec;
  const type: string | undefined = spec.type;
  const problems: FieldProblem[] = [];
  const { [HINTS]: hints, [MODE]: mode } = metadata.annotations ?? {};
  if (hints !== undefined && mode !== undefined && hints !== mode) {
    const why = `must match annotations[${HINTS}] when both are specified`;
    problems.push(invalidValue(`metadata.annotations[${MODE}]`, mode, why));
  }
  if (ports.length === 0 && !isHeadless(spec) && type !== 'ExternalName') problems.push(required('spec.ports'));
  problems.push(...typeProblems(spec), ...portsProblems(spec), ...labelProblems(spec.selector, 'spec.selector'));
  problems.push(...affinityProblems(spec), ...addressProblems(spec));
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
    ...balancerProblems(spec, metadata.annotations),
    ...trafficProblems(spec),
  ];
}

function typeProblems(spec: Spec): FieldProblem[] {
  const { type, clusterIP, clusterIPs, externalName = '', ipFamilies, ipFamilyPolicy } = spec;
  const path = 'spec.clusterIPs[0]';
  switch (type) {
    case 'LoadBalancer': {
      if (!isHeadless(spec)) return [];
      return [invalidValue(path, NONE, "may not be set to 'None' for LoadBalancer services")];
    }
    case 'NodePort':
      return isHeadless(spec) ? [invalidValue(path, NONE, "may not be set to 'None' for NodePort services")] : [];
    case 'ExternalName': {
      const problems: FieldProblem[] = [];
      if (clusterIP || clusterIPs?.length) {
        problems.push(forbidden('spec.clusterIPs', 'may not be set for ExternalName services'));
      }
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

const NEEDED = 'when session affinity type is ClientIP';

function affinityProblems({ sessionAffinity, sessionAffinityConfig }: Spec): FieldProblem[] {
  const problems = requiredOneOf('spec.sessionAffinity', sessionAffinity, ['ClientIP', 'None']);
  if (sessionAffinity !== 'ClientIP') return problems;
  const path = 'spec.sessionAffinityConfig';
  const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (sessionAffinityConfig === undefined) {
    return [...problems, required(path, NEEDED)];
  }
  if (sessionAffinityConfig.clientIP === undefined) return [...problems, required(`${path}.clientIP`, NEEDED)];
  if (seconds === undefined) return [...problems, required(`${path}.clientIP.timeoutSeconds`, NEEDED)];
  if (seconds > 0 && seconds <= AFFINITY_MAX_SECONDS) return problems;
  const why = `must be greater than 0 and less than ${AFFINITY_MAX_SECONDS}`;
  return [...problems, invalidValue(`${path}.clientIP.timeoutSeconds`, seconds, why)];
}

const RANGES = 'service.beta.kubernetes.io/load-balancer-source-ranges';

/** Of ranges upstream names the field of its own code. */
function balancerProblems(spec: Spec, annotations: Readonly<Record<string, string>> = {}): FieldProblem[] {
  const { type, loadBalancerSourceRanges: ranges, allocateLoadBalancerNodePorts: allocate } = spec;
  const { loadBalancerClass: name } = spec;
  const problems: FieldProblem[] = [];
  const annotated = annotations[RANGES];
  if (ranges?.length) {
    const path = 'spec.LoadBalancerSourceRanges';
    if (type !== 'LoadBalancer') problems.push(forbidden(path, ONLY_LB));
    problems.push(...each(ranges, path, (range, at) => cidrProblems(at, range.trim())));
  } else if (annotated !== undefined) {
    const path = `metadata.annotations[${RANGES}]`;
    if (type !== 'LoadBalancer') problems.push(forbidden(path, ONLY_LB));
    const list = annotated.trim() === '' ? [] : annotated.split(',');
    problems.push(...list.flatMap((range) => cidrProblems(path, range.trim())));
  }
  if (type === 'LoadBalancer') return name === undefined ? problems : [...problems, ...classProblems(name)];
  if (allocate !== undefined) problems.push(forbidden('spec.allocateLoadBalancerNodePorts', ONLY_LB));
  if (name !== undefined) problems.push(forbidden('spec.loadBalancerClass', ONLY_LB));
  return problems;
}

const classProblems = (name: string) => named('spec.loadBalancerClass', name, qualifiedName);

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
  } else if (port) problems.push(...portProblems('spec.healthCheckNodePort', port));
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
  const policies = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];
  if (clusterIP && clusterIPs.length > 0 && clusterIPs[0] !== clusterIP) {
    problems.push(invalidValue(path, clusterIPs, 'first value must match `clusterIP`'));
  }
  if (!clusterIP && clusterIPs.length > 0) {
    problems.push(invalidValue(path, clusterIPs, 'must be empty when `clusterIP` is not specified'));
  }
  const seen = new Set<string>();
  for (const [i, family] of ipFamilies.entries()) {
    const at = `spec.ipFamilies[${i}]`;
    if (!['IPv4', 'IPv6'].includes(family)) problems.push(notSupported(at, family, ['IPv4', 'IPv6']));
    if (seen.has(family)) problems.push(duplicate(at, family));
    seen.add(family);
  }
  problems.push(...oneOf('spec.ipFamilyPolicy', ipFamilyPolicy, policies));
  let hasInvalid = false;
  for (const [i, ip] of clusterIPs.entries()) {
    if (ip === NONE && i === 0) {
      if (clusterIPs.length === 1) continue;
      hasInvalid = true;
      problems.push(invalidValue(path, clusterIPs, `'None' must be the first and only value`));
      continue;
    }
    const wrong = ipProblems(`${path}[${i}]`, ip);
    hasInvalid ||= wrong.length > 0;
    problems.push(...wrong);
  }
  if (clusterIPs.length > 2) problems.push(invalidValue(path, clusterIPs, TWO));
  // What follows would only speak of the same mistake again.
  if (hasInvalid) return problems;
  const versions = new Set(clusterIPs.map((ip) => isIP(ip)));
  if (clusterIPs.length > 1 && versions.size < 2) {
    problems.push(invalidValue(path, clusterIPs, 'may specify no more than one IP for each IP family'));
  }
  if (isHeadless(spec)) return problems;
  for (const [i, ip] of clusterIPs.entries()) {
    const family = ipFamilies[i];
    if ((family !== 'IPv4' && family !== 'IPv6') || (family === 'IPv6') === isIPv6(ip)) continue;
    const why = `expected an ${family} value as indicated by \`ipFamilies[${i}]\``;
    problems.push(invalidValue(`${path}[${i}]`, ip, why));
  }
  return problems;
}

const FIXED = 'may not change once set';

export function serviceUpdateProblems(next: Service, current: Service): FieldProblem[] {
  const [now, was] = [next.spec, current.spec];
  const problems: FieldProblem[] = [];
  if (now.type !== 'ExternalName' && was.type !== 'ExternalName') {
    problems.push(...addressChanges(now, was), ...familyChanges(now, was));
  }
  if (now.type === 'LoadBalancer') {
    if (was.type === 'LoadBalancer' && now.loadBalancerClass !== was.loadBalancerClass) {
      problems.push(invalidValue('spec.loadBalancerClass', now.loadBalancerClass, FIXED));
    }
    // Upstream looks at the name twice.
    if (now.loadBalancerClass !== undefined) problems.push(...classProblems(now.loadBalancerClass));
  } else if (now.loadBalancerClass !== undefined) problems.push(forbidden('spec.loadBalancerClass', ONLY_LB));
  if (needsHealthPort(now) && needsHealthPort(was) && now.healthCheckNodePort !== was.healthCheckNodePort) {
    problems.push(forbidden('spec.healthCheckNodePort', IMMUTABLE));
  }
  return [...problems, ...serviceProblems(next)];
}

/** The first address stays; a second may come and go. */
function addressChanges(now: Spec, was: Spec): FieldProblem[] {
  if (isHeadless(now) && isHeadless(was)) return [];
  const [after, before] = [addressesOf(now), addressesOf(was)];
  const path = 'spec.clusterIPs';
  const fixed = (i: number) => invalidValue(`${path}[${i}]`, after, FIXED);
  if (after.length === before.length) return before.flatMap((ip, i) => (after[i] === ip ? [] : [fixed(i)]));
  const problems: FieldProblem[] = [];
  if (after.length === 0) problems.push(invalidValue(`${path}[0]`, after, 'primary clusterIP can not be unset'));
  else if (before.length > 0 && after[0] !== before[0]) problems.push(fixed(0));
  if (after.length === 1 && before.length > 1 && now.ipFamilyPolicy !== 'SingleStack') {
    const why = "must be set to 'SingleStack' when releasing the secondary clusterIP";
    problems.push(invalidValue('spec.ipFamilyPolicy', now.ipFamilyPolicy, why));
  }
  return problems;
}

function familyChanges(now: Spec, was: Spec): FieldProblem[] {
  if (isHeadless(now) || isHeadless(was)) return [];
  const [after, before] = [now.ipFamilies ?? [], was.ipFamilies ?? []];
  const path = 'spec.ipFamilies[0]';
  if (after.length === before.length) {
    return before.flatMap((family, i) => (after[i] === family ? [] : [invalidValue(path, after, FIXED)]));
  }
  const addresses = addressesOf(now);
  const problems: FieldProblem[] = [];
  const isLess = after.length < before.length;
  if (isLess && addresses.length === 0) {
    problems.push(invalidValue(path, now.ipFamilies, 'primary ipFamily can not be unset'));
  }
  if (after.length > 0 && before.length > 0 && after[0] !== before[0]) {
    problems.push(invalidValue(path, addresses, FIXED));
  }
  if (isLess && after.length === 1 && now.ipFamilyPolicy !== 'SingleStack') {
    const why = "must be set to 'SingleStack' when releasing the secondary ipFamily";
    problems.push(invalidValue('spec.ipFamilyPolicy', now.ipFamilyPolicy, why));
  }
  return problems;
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
    return [forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")];
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

export function serviceWarnings({ metadata, spec }: Service): string[] {
  const { type, clusterIP, clusterIPs = [], externalIPs = [], loadBalancerIP = '' } = spec;
  const isExternalName = type === 'ExternalName';
  const headless = isHeadless(spec);
  const hasExternalIps = externalIPs.length > 0;
  const warnings: string[] = [];
  const unless = (isFine: boolean, why: string) => isFine || warnings.push(why);
  unless(metadata.annotations?.[HINTS] === undefined, `annotation ${HINTS} is deprecated, please use ${MODE} instead`);
  if (!isExternalName && !headless && clusterIP)
    warnings.push(...clusterIPs.flatMap((ip, i) => ipWarnings(`spec.clusterIPs[${i}]`, ip)));
  if (headless) {
    unless(loadBalancerIP === '', 'spec.loadBalancerIP is ignored for headless services');
    unless(!hasExternalIps, 'spec.externalIPs is ignored for headless services');
    unless(spec.sessionAffinity === 'None', 'spec.SessionAffinity is ignored for headless services');
  }
  warnings.push(...externalIPs.flatMap((ip, i) => ipWarnings(`spec.externalIPs[${i}]`, ip)));
  unless(
    !hasExternalIps || headless || isExternalName,
    'spec.externalIPs is deprecated and may no longer be implemented in some clusters',
  );
  warnings.push(
    ...ipWarnings('spec.loadBalancerIP', loadBalancerIP),
    ...(spec.loadBalancerSourceRanges ?? []).flatMap((cidr, i) =>
      cidrWarnings(`spec.loadBalancerSourceRanges[${i}]`, cidr),
    ),
  );
  unless(!isExternalName || !hasExternalIps, 'spec.externalIPs is ignored when spec.type is "ExternalName"');
  unless(isExternalName || !spec.externalName, 'spec.externalName is ignored when spec.type is not "ExternalName"');
  unless(
    spec.trafficDistribution !== 'PreferClose',
    'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"',
  );
  return warnings;
}
