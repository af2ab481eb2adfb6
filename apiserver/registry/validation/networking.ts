// Ingresses, network policies, service networks.
import { isIP } from 'node:net';
import {
  dns1123Label,
  dns1123Subdomain,
  domainPrefixedPath,
  portName,
  wildcardDns1123Subdomain,
} from '../../../api/names.ts';
import { deepEqual } from '../../../api/schema/equal.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { Ingress, IngressBackend } from '../../../api/types/networking/ingress.ts';
import type { IngressClass } from '../../../api/types/networking/ingress-class.ts';
import type { NetworkPolicy } from '../../../api/types/networking/network-policy.ts';
import { type IPAddress, ParentReference, type ServiceCIDR } from '../../../api/types/networking/service-cidr.ts';
import { cidrWarnings } from './address-warnings.ts';
import { cidrProblems, isStrictSubset, parseCidr } from './addresses.ts';
import { unchangedInGo } from './go-value.ts';
import { labelSelectorProblems } from './label-selector.ts';
import { pathSegmentName } from './path-segment.ts';
import { portOrNameProblems } from './probes.ts';
import { forbidden, invalidValue, notSupported, required, tooLong } from './problems.ts';
import { each, IMMUTABLE, ipProblems, named, oneOf, portProblems, requiredName, unchanged } from './values.ts';

const segment = (name: string) => pathSegmentName(name, false);
const CLASS_ANNOTATION = 'kubernetes.io/ingress.class';

export function ingressProblems({ spec }: Ingress): FieldProblem[] {
  const { defaultBackend, rules, tls, ingressClassName } = spec;
  const problems: FieldProblem[] = [];
  if (!rules?.length && defaultBackend === undefined) {
    problems.push(invalidValue('spec', rules ?? null, 'either `defaultBackend` or `rules` must be specified'));
  }
  if (defaultBackend) problems.push(...backendProblems(defaultBackend, 'spec.defaultBackend'));
  problems.push(...each(rules, 'spec.rules', ruleProblems));
  problems.push(
    ...each(tls, 'spec.tls', ({ hosts, secretName }, at) => [
      ...each(hosts, `${at}.hosts`, (host, where) =>
        named(where, host, host.includes('*') ? wildcardDns1123Subdomain : dns1123Subdomain),
      ),
      ...(secretName ? named(`${at}.secretName`, secretName, dns1123Subdomain) : []),
    ]),
  );
  if (ingressClassName !== undefined) {
    problems.push(...named('spec.ingressClassName', ingressClassName, dns1123Subdomain));
  }
  return problems;
}

export function ingressCreateProblems(ingress: Ingress): FieldProblem[] {
  const name = ingress.metadata.annotations?.[CLASS_ANNOTATION];
  const problems: FieldProblem[] = [];
  if (name !== undefined && ingress.spec.ingressClassName !== undefined && name !== ingress.spec.ingressClassName) {
    const why = 'must match `ingressClassName` when both are specified';
    problems.push(invalidValue(`annotations.${CLASS_ANNOTATION}`, name, why));
  }
  return [...problems, ...ingressProblems(ingress)];
}

export function ingressWarnings(ingress: Ingress, previous: Ingress | undefined): string[] {
  const isSet = ingress.metadata.annotations?.[CLASS_ANNOTATION] !== undefined;
  if (!isSet || previous !== undefined) return [];
  return [`annotation ${JSON.stringify(CLASS_ANNOTATION)} is deprecated, please use 'spec.ingressClassName' instead`];
}

type Rule = NonNullable<Ingress['spec']['rules']>[number];

function ruleProblems({ host, http }: Rule, path: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (host) {
    const at = `${path}.host`;
    if (isIP(host)) problems.push(invalidValue(at, host, 'must be a DNS name, not an IP address'));
    problems.push(...named(at, host, host.includes('*') ? wildcardDns1123Subdomain : dns1123Subdomain));
  }
  if (http === undefined) return problems;
  const at = `${path}.http.paths`;
  if (!http.paths?.length) return [...problems, required(at)];
  return [...problems, ...each(http.paths, at, pathProblems)];
}

const NOT_INSIDE = ['//', '/./', '/../', '%2f', '%2F'];
const NOT_AT_END = ['/..', '/.'];
const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix'];

function pathProblems(
  { path = '', pathType, backend }: NonNullable<Rule['http']>['paths'][number],
  at: string,
): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const mustBeAbsolute = () => {
    if (!path.startsWith('/')) problems.push(invalidValue(`${at}.path`, path, 'must be an absolute path'));
  };
  if (!pathType) problems.push(required(`${at}.pathType`, 'pathType must be specified'));
  else if (pathType === 'Exact' || pathType === 'Prefix') {
    mustBeAbsolute();
    for (const text of NOT_INSIDE) {
      if (path.includes(text)) problems.push(invalidValue(`${at}.path`, path, `must not contain '${text}'`));
    }
    for (const text of NOT_AT_END) {
      if (path.endsWith(text)) problems.push(invalidValue(`${at}.path`, path, `cannot end with '${text}'`));
    }
  } else if (pathType === 'ImplementationSpecific') {
    if (path !== '') mustBeAbsolute();
  } else problems.push(notSupported(`${at}.pathType`, pathType, PATH_TYPES));
  return [...problems, ...backendProblems(backend ?? {}, `${at}.backend`)];
}

function backendProblems({ resource, service }: IngressBackend, path: string): FieldProblem[] {
  if (resource && service) return [invalidValue(path, '', 'cannot set both resource and service backends')];
  if (resource) {
    const at = `${path}.resource`;
    return [
      ...(resource.apiGroup === undefined ? [] : named(`${at}.apiGroup`, resource.apiGroup, dns1123Subdomain)),
      ...requiredName(`${at}.kind`, resource.kind, segment),
      ...requiredName(`${at}.name`, resource.name, segment),
    ];
  }
  if (!service) return [invalidValue(path, '', 'resource or service backend is required')];
  const at = `${path}.service`;
  const { name, number } = service.port ?? {};
  const problems = service.name ? named(`${at}.name`, service.name, dns1123Label) : [required(`${at}.name`)];
  if (name && number) problems.push(invalidValue(path, '', 'cannot set both port name & port number'));
  else if (name) problems.push(...named(`${at}.port.name`, name, portName));
  else if (number) problems.push(...portProblems(`${at}.port.number`, number));
  else problems.push(required(path, 'port name or number is required'));
  return problems;
}

const CONTROLLER_MAX = 250;

export function ingressClassProblems({ spec }: IngressClass): FieldProblem[] {
  const { controller = '', parameters } = spec;
  const path = 'spec.parameters';
  const problems: FieldProblem[] = [];
  if (controller.length > CONTROLLER_MAX) problems.push(tooLong('spec.controller', CONTROLLER_MAX));
  problems.push(
    ...(controller === '' ? [required('spec.controller')] : named('spec.controller', controller, domainPrefixedPath)),
  );
  if (parameters === undefined) return problems;
  const { apiGroup, kind, name, scope, namespace } = parameters;
  if (apiGroup !== undefined) problems.push(...named(`${path}.apiGroup`, apiGroup, dns1123Subdomain));
  problems.push(...requiredName(`${path}.kind`, kind, segment), ...requiredName(`${path}.name`, name, segment));
  if (!scope) return [...problems, required(`${path}.scope`)];
  problems.push(...oneOf(`${path}.scope`, scope, ['Cluster', 'Namespace']));
  if (scope === 'Namespace') {
    if (!namespace) problems.push(required(`${path}.namespace`, "`parameters.scope` is set to 'Namespace'"));
    else problems.push(...named(`${path}.namespace`, namespace, dns1123Label));
  } else if (scope === 'Cluster' && namespace !== undefined) {
    problems.push(forbidden(`${path}.namespace`, "`parameters.scope` is set to 'Cluster'"));
  }
  return problems;
}

export function ingressClassUpdateProblems(next: IngressClass, current: IngressClass): FieldProblem[] {
  return [
    ...unchanged('spec.controller', next.spec.controller, current.spec.controller),
    ...ingressClassProblems(next),
  ];
}

type Port = NonNullable<NonNullable<NetworkPolicy['spec']['ingress']>[number]['ports']>[number];
type Peer = NonNullable<NonNullable<NetworkPolicy['spec']['ingress']>[number]['from']>[number];

export function networkPolicyProblems({ spec }: NetworkPolicy): FieldProblem[] {
  const { podSelector, ingress, egress, policyTypes } = spec;
  const problems = labelSelectorProblems(podSelector, 'spec.podSelector');
  problems.push(
    ...each(ingress, 'spec.ingress', ({ ports, from }, at) => [
      ...each(ports, `${at}.ports`, policyPortProblems),
      ...each(from, `${at}.from`, peerProblems),
    ]),
    ...each(egress, 'spec.egress', ({ ports, to }, at) => [
      ...each(ports, `${at}.ports`, policyPortProblems),
      ...each(to, `${at}.to`, peerProblems),
    ]),
  );
  if ((policyTypes?.length ?? 0) > 2) {
    return [...problems, invalidValue('spec.policyTypes', policyTypes, 'may not specify more than two policyTypes')];
  }
  return [...problems, ...each(policyTypes, 'spec.policyTypes', (type, at) => oneOf(at, type, ['Ingress', 'Egress']))];
}

function policyPortProblems({ protocol, port, endPort }: Port, path: string): FieldProblem[] {
  const problems = oneOf(`${path}.protocol`, protocol, ['TCP', 'UDP', 'SCTP']);
  const at = `${path}.endPort`;
  if (port !== undefined) {
    problems.push(...portOrNameProblems(`${path}.port`, port));
    if (typeof port === 'string') {
      if (endPort !== undefined) {
        problems.push(invalidValue(at, endPort, 'may not be specified when `port` is non-numeric'));
      }
    } else if (endPort !== undefined) {
      if (endPort < port) problems.push(invalidValue(at, port, 'must be greater than or equal to `port`'));
      problems.push(...portProblems(at, endPort));
    }
  } else if (endPort !== undefined) {
    problems.push(invalidValue(at, endPort, 'may not be specified when `port` is not specified'));
  }
  return problems;
}

function peerProblems({ podSelector, namespaceSelector, ipBlock }: Peer, path: string): FieldProblem[] {
  const problems = [
    ...labelSelectorProblems(podSelector, `${path}.podSelector`),
    ...labelSelectorProblems(namespaceSelector, `${path}.namespaceSelector`),
  ];
  if (ipBlock) problems.push(...blockProblems(ipBlock, `${path}.ipBlock`));
  if (ipBlock && (podSelector || namespaceSelector)) {
    problems.push(forbidden(path, 'may not specify both ipBlock and another peer'));
  } else if (!ipBlock && !podSelector && !namespaceSelector) problems.push(required(path, 'must specify a peer'));
  return problems;
}

export function networkPolicyWarnings({ spec }: NetworkPolicy): string[] {
  const ofBlock = ({ ipBlock }: Peer, path: string) =>
    ipBlock
      ? [
          ...cidrWarnings(`${path}.ipBlock.cidr`, ipBlock.cidr),
          ...(ipBlock.except ?? []).flatMap((cidr, i) => cidrWarnings(`${path}.ipBlock.except[${i}]`, cidr)),
        ]
      : [];
  return [
    ...(spec?.ingress ?? []).flatMap(({ from = [] }, i) =>
      from.flatMap((peer, j) => ofBlock(peer, `spec.ingress[${i}].from[${j}]`)),
    ),
    ...(spec?.egress ?? []).flatMap(({ to = [] }, i) =>
      to.flatMap((peer, j) => ofBlock(peer, `spec.egress[${i}].to[${j}]`)),
    ),
  ];
}

function blockProblems({ cidr, except }: NonNullable<Peer['ipBlock']>, path: string): FieldProblem[] {
  if (!cidr) return [required(`${path}.cidr`)];
  const outer = parseCidr(cidr);
  return [
    ...cidrProblems(`${path}.cidr`, cidr),
    ...each(except, `${path}.except`, (inner, at) => {
      const wrong = cidrProblems(at, inner);
      const parsed = parseCidr(inner);
      if (wrong.length > 0 || outer === undefined || parsed === undefined) return wrong;
      return isStrictSubset(parsed, outer) ? [] : [invalidValue(at, inner, 'must be a strict subset of `cidr`')];
    }),
  ];
}

export function serviceCidrProblems({ spec }: ServiceCIDR): FieldProblem[] {
  const { cidrs = [] } = spec;
  const path = 'spec.cidrs';
  if (cidrs.length === 0) return [required(path, 'at least one CIDR required')];
  const problems: FieldProblem[] = [];
  if (cidrs.length > 2) problems.push(invalidValue(path, cidrs, 'may only hold up to 2 values'));
  problems.push(...each(cidrs, path, (cidr, at) => cidrProblems(at, cidr, { strict: true })));
  const sizes = cidrs.map((cidr) => parseCidr(cidr)?.size);
  if (cidrs.length === 2 && sizes[0] !== undefined && sizes[0] === sizes[1]) {
    const why = 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64';
    problems.push(invalidValue(path, cidrs, why));
  }
  return problems;
}

export function serviceCidrUpdateProblems(next: ServiceCIDR, current: ServiceCIDR): FieldProblem[] {
  const [now, was] = [next.spec.cidrs ?? [], current.spec.cidrs ?? []];
  if (deepEqual(now, was)) return serviceCidrProblems(next);
  // A second family may be added; nothing may go.
  if (was.length === 1 && now.length === 2 && now[0] === was[0]) return serviceCidrProblems(next);
  return was.flatMap((cidr, i) => (now[i] === cidr ? [] : [invalidValue(`spec.cidrs[${i}]`, now[i], IMMUTABLE)]));
}

export function ipAddressProblems({ spec, metadata }: IPAddress): FieldProblem[] {
  const path = 'spec.parentRef';
  const problems: FieldProblem[] = [];
  if (isIP(metadata.name ?? '') === 0)
    problems.push(invalidValue('metadata.name', metadata.name, 'must be a valid IP address'));
  const { parentRef } = spec;
  if (!parentRef) return [...problems, required(path)];
  const { group, resource, name, namespace } = parentRef;
  return [
    ...problems,
    ...(group ? named(`${path}.group`, group, dns1123Subdomain) : []),
    ...requiredName(`${path}.resource`, resource, segment),
    ...requiredName(`${path}.name`, name, segment),
    ...(namespace ? named(`${path}.namespace`, namespace, segment) : []),
  ];
}

export function ipAddressUpdateProblems(next: IPAddress, current: IPAddress): FieldProblem[] {
  return [
    ...unchangedInGo(ParentReference, 'spec.parentRef', next.spec.parentRef, current.spec.parentRef),
    ...ipAddressProblems(next),
  ];
}

export function ingressStatusProblems({ status }: Ingress): FieldProblem[] {
  return each(status.loadBalancer?.ingress, 'status.loadBalancer.ingress', ({ ip, hostname }, at) => {
    const problems = ip ? ipProblems(`${at}.ip`, ip) : [];
    if (!hostname) return problems;
    problems.push(...named(`${at}.hostname`, hostname, dns1123Subdomain));
    if (isIP(hostname)) {
      problems.push(invalidValue(`${at}.hostname`, hostname, 'must be a DNS name, not an IP address'));
    }
    return problems;
  });
}
