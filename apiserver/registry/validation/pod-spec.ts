// What a pod should be, in pods and in templates.
import { dns1123Label, dns1123Subdomain, dns1123SubdomainWithUnderscore, qualifiedName } from '../../../api/names.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { Container } from '../../../api/types/core/container.ts';
import type { Pod, PodTemplateSpec } from '../../../api/types/core/pod.ts';
import type { HostAlias, PodSpec } from '../../../api/types/core/pod-spec.ts';
import { containersProblems, hostNetworkProblems, imageSpaceProblems } from './containers.ts';
import { fileKeyVolumesProblems } from './env.ts';
import { annotationProblems, labelProblems } from './object-meta.ts';
import { podAnnotationProblems, profilesMatchProblems } from './pod-annotations.ts';
import { podResourcesProblems } from './pod-resources.ts';
import { add, duplicate, forbidden, invalidValue, required, tooLong } from './problems.ts';
import { requirementsProblems } from './resources.ts';
import { affinityProblems, spreadProblems, tolerationsProblems } from './scheduling.ts';
import { podSecurityProblems } from './security-context.ts';
import { each, ipProblems, named, requiredOneOf } from './values.ts';
import { volumesProblems } from './volumes.ts';
import { hostProcessProblems, osProblems } from './windows.ts';

const INT32_MAX = 2147483647;
const NO_CLAIMS: ReadonlySet<string> = new Set();
const RESTART_POLICIES = ['Always', 'OnFailure', 'Never'];
const PREEMPTION_POLICIES = ['PreemptLowerPriority', 'Never'];
const DNS_POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];

/** `pod` is the name of a real pod: claims made for it are named after it. */
export function podSpecProblems(spec: PodSpec, path: string, pod?: string): FieldProblem[] {
  const { problems, volumes } = volumesProblems(spec.volumes, `${path}.volumes`, pod);
  const claims = spec.resourceClaims ? new Set(spec.resourceClaims.map(({ name }) => name)) : NO_CLAIMS;
  // What is not said is not looked at: most pods say little of all this.
  const { activeDeadlineSeconds: deadline, affinity, topologySpreadConstraints, tolerations, hostAliases } = spec;
  const subdomainOf = (field: 'serviceAccountName' | 'nodeName' | 'priorityClassName' | 'runtimeClassName') => {
    const name = spec[field];
    if (name || (name === '' && field === 'runtimeClassName')) {
      add(problems, named(`${path}.${field}`, name, dns1123Subdomain));
    }
  };
  const labelOf = (field: 'hostname' | 'subdomain') => {
    if (spec[field]) add(problems, named(`${path}.${field}`, spec[field], dns1123Label));
  };
  add(problems, resourceClaimsProblems(spec, path));
  add(problems, containersProblems({ spec, volumes, claims }, path));
  if (spec.resources) add(problems, podResourcesProblems(spec, `${path}.resources`, claims));
  add(problems, hostNetworkProblems(spec, path));
  add(problems, requiredOneOf(`${path}.restartPolicy`, spec.restartPolicy, RESTART_POLICIES));
  add(problems, requiredOneOf(`${path}.dnsPolicy`, spec.dnsPolicy, DNS_POLICIES));
  if (spec.nodeSelector) add(problems, labelProblems(spec.nodeSelector, `${path}.nodeSelector`));
  add(problems, podSecurityProblems(spec, path));
  if (affinity) add(problems, affinityProblems(affinity, `${path}.affinity`));
  add(problems, dnsProblems(spec, path));
  if (spec.readinessGates) {
    const gates = each(spec.readinessGates, `${path}.readinessGates`, ({ conditionType }, at) =>
      named(`${at}.conditionType`, conditionType, qualifiedName),
    );
    add(problems, gates);
  }
  add(problems, gatesProblems(spec, path));
  if (topologySpreadConstraints) {
    add(problems, spreadProblems(topologySpreadConstraints, `${path}.topologySpreadConstraints`));
  }
  add(problems, hostProcessProblems(spec, path));
  add(problems, hostUsersProblems(spec, path));
  add(problems, hostnameOverrideProblems(spec, path));
  subdomainOf('serviceAccountName');
  subdomainOf('nodeName');
  if (deadline !== undefined && (deadline < 1 || deadline > INT32_MAX)) {
    const why = `must be between 1 and ${INT32_MAX}, inclusive`;
    problems.push(invalidValue(`${path}.activeDeadlineSeconds`, deadline, why));
  }
  labelOf('hostname');
  labelOf('subdomain');
  if (tolerations) add(problems, tolerationsProblems(tolerations, `${path}.tolerations`));
  if (hostAliases) add(problems, each(hostAliases, `${path}.hostAliases`, hostAliasProblems));
  subdomainOf('priorityClassName');
  subdomainOf('runtimeClassName');
  if (spec.preemptionPolicy !== undefined) {
    add(problems, requiredOneOf(`${path}.preemptionPolicy`, spec.preemptionPolicy, PREEMPTION_POLICIES));
  }
  // What a sandbox costs is checked as limits are.
  if (spec.overhead) add(problems, requirementsProblems({ limits: spec.overhead }, `${path}.overhead`));
  add(problems, osProblems(spec, path));
  add(problems, fileKeyVolumesProblems(spec, path));
  return problems;
}

function hostAliasProblems({ ip, hostnames }: HostAlias, path: string): FieldProblem[] {
  return [
    ...ipProblems(`${path}.ip`, ip),
    ...each(hostnames, `${path}.hostnames`, (name, at) => named(at, name, dns1123Subdomain)),
  ];
}

const HOSTNAME_MAX = 64;

function hostnameOverrideProblems(spec: PodSpec, specPath: string): FieldProblem[] {
  const { hostnameOverride: name, setHostnameAsFQDN, hostNetwork } = spec;
  if (name === undefined) return [];
  const path = `${specPath}.hostnameOverride`;
  const problems: FieldProblem[] = [];
  if (setHostnameAsFQDN) problems.push(forbidden(path, 'may not be specified when setHostnameAsFQDN is true'));
  if (hostNetwork) problems.push(forbidden(path, 'may not be specified when hostNetwork is true'));
  if (name.length > HOSTNAME_MAX) problems.push(tooLong(path, HOSTNAME_MAX));
  return [...problems, ...named(path, name, dns1123Subdomain)];
}

function resourceClaimsProblems({ resourceClaims }: PodSpec, specPath: string): FieldProblem[] {
  if (!resourceClaims) return [];
  const path = `${specPath}.resourceClaims`;
  const names = new Set<string>();
  return each(resourceClaims, path, ({ name, resourceClaimName, resourceClaimTemplateName }, at) => {
    const problems: FieldProblem[] = [];
    if (!name) problems.push(required(`${at}.name`));
    else if (names.has(name)) problems.push(duplicate(`${at}.name`, name));
    else problems.push(...named(`${at}.name`, name, dns1123Label));
    names.add(name);
    const shown = {
      Name: name ?? '',
      ResourceClaimName: resourceClaimName ?? null,
      ResourceClaimTemplateName: resourceClaimTemplateName ?? null,
    };
    const both = 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified';
    const none = 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`';
    if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined) {
      problems.push(invalidValue(at, shown, both));
    } else if (resourceClaimName === undefined && resourceClaimTemplateName === undefined) {
      problems.push(invalidValue(at, shown, none));
    }
    for (const [field, value] of Object.entries({ resourceClaimName, resourceClaimTemplateName })) {
      if (value !== undefined) problems.push(...named(`${at}.${field}`, value, dns1123Subdomain));
    }
    return problems;
  });
}

const NAMESERVERS_MAX = 3;
const SEARCHES_MAX = 32;
const SEARCH_LENGTH_MAX = 2048;

function dnsProblems({ dnsPolicy, dnsConfig }: PodSpec, specPath: string): FieldProblem[] {
  if (dnsPolicy !== 'None' && dnsConfig === undefined) return [];
  const path = `${specPath}.dnsConfig`;
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

function gatesProblems({ schedulingGates }: PodSpec, specPath: string): FieldProblem[] {
  if (!schedulingGates) return [];
  const path = `${specPath}.schedulingGates`;
  const names = new Set<string>();
  return each(schedulingGates, path, ({ name }, at) => {
    const problems = named(at, name, qualifiedName);
    if (names.has(name)) problems.push(duplicate(at, name));
    names.add(name);
    return problems;
  });
}

function hostUsersProblems(spec: PodSpec, path: string): FieldProblem[] {
  if (spec.hostUsers !== false) return [];
  const problems: FieldProblem[] = [];
  const when = 'when `hostUsers` is false';
  // The names as upstream spells them here.
  if (spec.hostNetwork) problems.push(forbidden(`${path}.hostNetwork`, when));
  if (spec.hostPID) problems.push(forbidden(`${path}.HostPID`, when));
  if (spec.hostIPC) problems.push(forbidden(`${path}.HostIPC`, when));
  for (const list of ['initContainers', 'containers', 'ephemeralContainers'] as const) {
    for (const [i, { volumeDevices }] of (spec[list] ?? []).entries()) {
      if (volumeDevices?.length) problems.push(forbidden(`${path}.${list}[${i}].volumeDevices`, when));
    }
  }
  return problems;
}

export function podProblems({ spec, metadata }: Pod): FieldProblem[] {
  return [
    ...podAnnotationProblems(metadata.annotations, spec, 'metadata.annotations'),
    ...podSpecProblems(spec, 'spec', metadata.name ?? ''),
    ...tokensWithoutAccount(spec),
    ...each<Container>(spec.containers, 'spec.containers', imageSpaceProblems),
    ...each<Container>(spec.initContainers, 'spec.initContainers', imageSpaceProblems),
  ];
}

function tokensWithoutAccount({ serviceAccountName, volumes }: PodSpec): FieldProblem[] {
  if (serviceAccountName) return [];
  const why = 'must not be specified when serviceAccountName is not set';
  return each(volumes, 'spec.volumes', ({ projected }, at) =>
    each(projected?.sources, `${at}.projected.sources`, ({ serviceAccountToken }, where) =>
      serviceAccountToken ? [forbidden(`${where}.serviceAccountToken`, why)] : [],
    ),
  );
}

export function podCreateProblems(pod: Pod): FieldProblem[] {
  const { spec, metadata } = pod;
  const problems = podProblems(pod);
  if (spec.ephemeralContainers?.length) {
    problems.push(forbidden('spec.ephemeralContainers', 'cannot be set on create'));
  }
  if (spec.nodeName && spec.schedulingGates?.length) {
    problems.push(forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared'));
  }
  return [...problems, ...profilesMatchProblems(metadata.annotations, spec, 'spec')];
}

export function podTemplateProblems({ metadata = {}, spec }: PodTemplateSpec, path: string): FieldProblem[] {
  const body = spec ?? { containers: [] };
  const problems = [
    ...templateMetaProblems({ metadata, spec }, path),
    ...podSpecProblems(body, `${path}.spec`),
    ...profilesMatchProblems(metadata.annotations, body, `${path}.spec`),
  ];
  if (spec?.ephemeralContainers?.length) {
    const why = 'ephemeral containers not allowed in pod template';
    problems.push(forbidden(`${path}.spec.ephemeralContainers`, why));
  }
  return problems;
}

export function templateMetaProblems({ metadata = {}, spec }: PodTemplateSpec, path: string): FieldProblem[] {
  return [
    ...labelProblems(metadata.labels, `${path}.labels`),
    ...annotationProblems(metadata.annotations, `${path}.annotations`),
    ...podAnnotationProblems(metadata.annotations, spec ?? { containers: [] }, `${path}.annotations`),
  ];
}
