// What a pod should be, in pods and in templates.
import { dns1123Label, dns1123Subdomain, dns1123SubdomainWithUnderscore, qualifiedName } from '../../../api/names.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { Pod, PodTemplateSpec } from '../../../api/types/core/pod.ts';
import type { PodSpec } from '../../../api/types/core/pod-spec.ts';
import { containersProblems } from './containers.ts';
import { annotationProblems, labelProblems } from './object-meta.ts';
import { duplicate, forbidden, invalidValue, required } from './problems.ts';
import { amountProblems, requirementsProblems, resourceNameProblems, sorted } from './resources.ts';
import { affinityProblems, spreadProblems, tolerationsProblems } from './scheduling.ts';
import { osProblems, podSecurityProblems } from './security-context.ts';
import { each, ipProblems, named, oneOf, requiredOneOf } from './values.ts';
import { volumesProblems } from './volumes.ts';

const INT32_MAX = 2147483647;
const DNS_POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];

export function podSpecProblems(spec: PodSpec, path: string): FieldProblem[] {
  const { problems: volumeProblems, volumes } = volumesProblems(spec.volumes, `${path}.volumes`);
  const claims = new Set((spec.resourceClaims ?? []).map(({ name }) => name));
  const { activeDeadlineSeconds: deadline, hostname, subdomain, nodeName, serviceAccountName } = spec;
  return [
    ...volumeProblems,
    ...resourceClaimsProblems(spec, `${path}.resourceClaims`),
    ...containersProblems({ spec, volumes, claims }, path),
    ...(spec.resources ? requirementsProblems(spec.resources, `${path}.resources`) : []),
    ...requiredOneOf(`${path}.restartPolicy`, spec.restartPolicy, ['Always', 'OnFailure', 'Never']),
    ...requiredOneOf(`${path}.dnsPolicy`, spec.dnsPolicy, DNS_POLICIES),
    ...labelProblems(spec.nodeSelector, `${path}.nodeSelector`),
    ...podSecurityProblems(spec, path),
    ...affinityProblems(spec.affinity, `${path}.affinity`),
    ...dnsProblems(spec, `${path}.dnsConfig`),
    ...each(spec.readinessGates, `${path}.readinessGates`, ({ conditionType }, at) =>
      named(`${at}.conditionType`, conditionType, qualifiedName),
    ),
    ...gatesProblems(spec, `${path}.schedulingGates`),
    ...spreadProblems(spec.topologySpreadConstraints, `${path}.topologySpreadConstraints`),
    ...hostUsersProblems(spec, path),
    ...(serviceAccountName ? named(`${path}.serviceAccountName`, serviceAccountName, dns1123Subdomain) : []),
    ...(nodeName ? named(`${path}.nodeName`, nodeName, dns1123Subdomain) : []),
    ...(deadline !== undefined && (deadline < 1 || deadline > INT32_MAX)
      ? [invalidValue(`${path}.activeDeadlineSeconds`, deadline, `must be between 1 and ${INT32_MAX}, inclusive`)]
      : []),
    ...(hostname ? named(`${path}.hostname`, hostname, dns1123Label) : []),
    ...(subdomain ? named(`${path}.subdomain`, subdomain, dns1123Label) : []),
    ...tolerationsProblems(spec.tolerations, `${path}.tolerations`),
    ...each(spec.hostAliases, `${path}.hostAliases`, ({ ip, hostnames }, at) => [
      ...ipProblems(`${at}.ip`, ip),
      ...each(hostnames, `${at}.hostnames`, (name, where) => named(where, name, dns1123Subdomain)),
    ]),
    ...(spec.priorityClassName ? named(`${path}.priorityClassName`, spec.priorityClassName, dns1123Subdomain) : []),
    ...(spec.runtimeClassName !== undefined
      ? named(`${path}.runtimeClassName`, spec.runtimeClassName, dns1123Subdomain)
      : []),
    ...oneOf(`${path}.preemptionPolicy`, spec.preemptionPolicy, ['PreemptLowerPriority', 'Never']),
    ...sorted(spec.overhead ?? {}).flatMap(([name, amount]) => {
      const at = `${path}.overhead[${name}]`;
      return [...resourceNameProblems(at, name), ...amountProblems(at, name, amount)];
    }),
    ...osProblems(spec, path),
  ];
}

function resourceClaimsProblems({ resourceClaims }: PodSpec, path: string): FieldProblem[] {
  const names = new Set<string>();
  return each(resourceClaims, path, ({ name, resourceClaimName, resourceClaimTemplateName }, at) => {
    const problems: FieldProblem[] = [];
    if (!name) problems.push(required(`${at}.name`));
    else if (names.has(name)) problems.push(duplicate(`${at}.name`, name));
    else problems.push(...named(`${at}.name`, name, dns1123Label));
    names.add(name);
    const both = 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified';
    const none = 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`';
    if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined) {
      problems.push(invalidValue(at, { Name: name }, both));
    } else if (resourceClaimName === undefined && resourceClaimTemplateName === undefined) {
      problems.push(invalidValue(at, { Name: name }, none));
    }
    return problems;
  });
}

const NAMESERVERS_MAX = 3;
const SEARCHES_MAX = 32;
const SEARCH_LENGTH_MAX = 2048;

function dnsProblems({ dnsPolicy, dnsConfig }: PodSpec, path: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (dnsPolicy === 'None') {
    if (dnsConfig === undefined) return [required(path, 'must provide `dnsConfig` when `dnsPolicy` is None')];
    if (!dnsConfig.nameservers?.length) {
      const why = 'must provide at least one DNS nameserver when `dnsPolicy` is None';
      return [required(`${path}.nameservers`, why)];
    }
  }
  if (dnsConfig === undefined) return [];
  const { nameservers = [], searches = [], options } = dnsConfig;
  if (nameservers.length > NAMESERVERS_MAX) {
    const why = `must not have more than ${NAMESERVERS_MAX} nameservers`;
    problems.push(invalidValue(`${path}.nameservers`, nameservers, why));
  }
  problems.push(...each(nameservers, `${path}.nameservers`, (ip, at) => ipProblems(at, ip)));
  if (searches.length > SEARCHES_MAX) {
    const why = `must not have more than ${SEARCHES_MAX} search paths`;
    problems.push(invalidValue(`${path}.searches`, searches, why));
  }
  if (searches.join(' ').length > SEARCH_LENGTH_MAX) {
    const why = `must not have more than ${SEARCH_LENGTH_MAX} characters (including spaces) in the search list`;
    problems.push(invalidValue(`${path}.searches`, searches, why));
  }
  for (const [i, search] of searches.entries()) {
    if (search === '.') continue;
    const name = search.endsWith('.') ? search.slice(0, -1) : search;
    problems.push(...named(`${path}.searches[${i}]`, name, dns1123SubdomainWithUnderscore));
  }
  const unnamed = 'must not be empty';
  return [...problems, ...each(options, `${path}.options`, ({ name }, at) => (name ? [] : [required(at, unnamed)]))];
}

function gatesProblems({ schedulingGates }: PodSpec, path: string): FieldProblem[] {
  const names = new Set<string>();
  return each(schedulingGates, path, ({ name }, at) => {
    const problems = named(`${at}.name`, name, qualifiedName);
    if (names.has(name)) problems.push(duplicate(`${at}.name`, name));
    names.add(name);
    return problems;
  });
}

function hostUsersProblems(spec: PodSpec, path: string): FieldProblem[] {
  if (spec.hostUsers !== false) return [];
  const problems: FieldProblem[] = [];
  const when = 'when `hostUsers` is false';
  for (const field of ['hostNetwork', 'hostPID', 'hostIPC'] as const) {
    if (spec[field]) problems.push(forbidden(`${path}.${field}`, when));
  }
  return problems;
}

export function podProblems({ spec, metadata }: Pod): FieldProblem[] {
  return [
    ...podAnnotationProblems(metadata.annotations, 'metadata.annotations'),
    ...podSpecProblems(spec, 'spec'),
    ...imageSpaceProblems(spec),
  ];
}

/** Of pods only: templates have always been let through. */
function imageSpaceProblems(spec: PodSpec): FieldProblem[] {
  const why = 'must not have leading or trailing whitespace';
  return (['containers', 'initContainers'] as const).flatMap((list) =>
    each(spec[list], `spec.${list}`, ({ image = '' }, at) =>
      image === image.trim() ? [] : [invalidValue(`${at}.image`, image, why)],
    ),
  );
}

export function podCreateProblems(pod: Pod): FieldProblem[] {
  const { spec } = pod;
  const problems = podProblems(pod);
  if (spec.ephemeralContainers?.length) {
    problems.push(forbidden('spec.ephemeralContainers', 'cannot be set on create'));
  }
  if (spec.nodeName && spec.schedulingGates?.length) {
    problems.push(forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared'));
  }
  return problems;
}

function podAnnotationProblems(
  annotations: Readonly<Record<string, string>> | undefined,
  path: string,
): FieldProblem[] {
  const cost = annotations?.['controller.kubernetes.io/pod-deletion-cost'];
  if (cost === undefined || /^(0|-?[1-9]\d{0,9})$/.test(cost)) return [];
  return [invalidValue(`${path}[controller.kubernetes.io/pod-deletion-cost]`, cost, 'must be a 32bit integer')];
}

export function podTemplateProblems({ metadata = {}, spec }: PodTemplateSpec, path: string): FieldProblem[] {
  const problems = [
    ...labelProblems(metadata.labels, `${path}.labels`),
    ...annotationProblems(metadata.annotations, `${path}.annotations`),
    ...podAnnotationProblems(metadata.annotations, `${path}.annotations`),
    ...podSpecProblems(spec ?? { containers: [] }, `${path}.spec`),
  ];
  if (spec?.ephemeralContainers?.length) {
    const why = 'ephemeral containers not allowed in pod template';
    problems.push(forbidden(`${path}.spec.ephemeralContainers`, why));
  }
  return problems;
}
