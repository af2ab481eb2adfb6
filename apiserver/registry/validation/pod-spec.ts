// What a pod should be, alone or in a template.
import { dns1123Label, dns1123Subdomain, dns1123SubdomainWithUnderscore, qualifiedName } from '../../../api/names.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { PodTemplateSpec } from '../../../api/types/core/pod.ts';
import type { PodSpec } from '../../../api/types/core/pod-spec.ts';
import { containersProblems } from './containers.ts';
import { annotationProblems, labelProblems } from './object-meta.ts';
import { forbidden, invalidValue, notSupported, required } from './problems.ts';
import { affinityProblems, spreadProblems, tolerationProblems } from './scheduling.ts';
import { podSecurityProblems } from './security-context.ts';
import { between, duplicates, ipProblems, named, oneOf } from './values.ts';
import { volumesProblems } from './volumes.ts';

const NAMESERVERS_MAX = 3;
const SEARCHES_MAX = 32;
const SEARCH_CHARS_MAX = 2048;
const INT32_MAX = 2 ** 31 - 1;

export function podSpecProblems(spec: PodSpec, path: string): FieldProblem[] {
  const optional = (name: string, value: string | undefined, check: (value: string) => string[]) =>
    value ? named(`${path}.${name}`, value, check) : [];
  return [
    ...volumesProblems(spec.volumes, `${path}.volumes`),
    ...containersProblems(spec, path),
    ...restartPolicyProblems(spec, path),
    ...dnsPolicyProblems(spec, path),
    ...labelProblems(spec.nodeSelector, `${path}.nodeSelector`),
    ...podSecurityProblems(spec.securityContext, `${path}.securityContext`),
    ...affinityProblems(spec.affinity, `${path}.affinity`),
    ...dnsConfigProblems(spec, path),
    ...(spec.readinessGates ?? []).flatMap(({ conditionType }, i) =>
      named(`${path}.readinessGates[${i}].conditionType`, conditionType, qualifiedName),
    ),
    ...gateProblems(spec, path),
    ...spreadProblems(spec.topologySpreadConstraints ?? [], `${path}.topologySpreadConstraints`),
    ...optional('serviceAccountName', spec.serviceAccountName, dns1123Subdomain),
    ...optional('nodeName', spec.nodeName, dns1123Subdomain),
    ...between(`${path}.activeDeadlineSeconds`, spec.activeDeadlineSeconds, 1, INT32_MAX),
    ...optional('hostname', spec.hostname, dns1123Label),
    ...optional('subdomain', spec.subdomain, dns1123Label),
    ...tolerationProblems(spec.tolerations ?? [], `${path}.tolerations`),
    ...(spec.hostAliases ?? []).flatMap(({ ip, hostnames = [] }, i) => [
      ...ipProblems(`${path}.hostAliases[${i}].ip`, ip),
      ...hostnames.flatMap((name, n) => named(`${path}.hostAliases[${i}].hostnames[${n}]`, name, dns1123Subdomain)),
    ]),
    ...optional('priorityClassName', spec.priorityClassName, dns1123Subdomain),
    ...optional('runtimeClassName', spec.runtimeClassName, dns1123Subdomain),
    ...oneOf(`${path}.preemptionPolicy`, spec.preemptionPolicy, ['PreemptLowerPriority', 'Never']),
    ...osProblems(spec, path),
    ...hostUserProblems(spec, path),
  ];
}

function restartPolicyProblems({ restartPolicy }: PodSpec, path: string): FieldProblem[] {
  if (!restartPolicy) return [required(`${path}.restartPolicy`)];
  return oneOf(`${path}.restartPolicy`, restartPolicy, ['Always', 'OnFailure', 'Never']);
}

function dnsPolicyProblems({ dnsPolicy }: PodSpec, path: string): FieldProblem[] {
  if (!dnsPolicy) return [required(`${path}.dnsPolicy`)];
  return oneOf(`${path}.dnsPolicy`, dnsPolicy, ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None']);
}

function dnsConfigProblems({ dnsPolicy, dnsConfig }: PodSpec, path: string): FieldProblem[] {
  const at = `${path}.dnsConfig`;
  const problems: FieldProblem[] = [];
  if (dnsPolicy === 'None') {
    if (dnsConfig === undefined) return [required(at, 'must provide `dnsConfig` when `dnsPolicy` is None')];
    if (!dnsConfig.nameservers?.length) {
      return [required(`${at}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None')];
    }
  }
  const { nameservers = [], searches = [], options = [] } = dnsConfig ?? {};
  if (nameservers.length > NAMESERVERS_MAX) {
    const why = `must not have more than ${NAMESERVERS_MAX} nameservers`;
    problems.push(invalidValue(`${at}.nameservers`, nameservers, why));
  }
  for (const [i, server] of nameservers.entries()) problems.push(...ipProblems(`${at}.nameservers[${i}]`, server));
  if (searches.length > SEARCHES_MAX) {
    problems.push(invalidValue(`${at}.searches`, searches, `must not have more than ${SEARCHES_MAX} search paths`));
  }
  if (searches.join(' ').length > SEARCH_CHARS_MAX) {
    const why = `must not have more than ${SEARCH_CHARS_MAX} characters (including spaces) in the search list`;
    problems.push(invalidValue(`${at}.searches`, searches, why));
  }
  for (const [i, search] of searches.entries()) {
    const bare = search === '.' ? '' : search.replace(/\.$/, '');
    if (bare !== '') problems.push(...named(`${at}.searches[${i}]`, bare, dns1123SubdomainWithUnderscore));
  }
  for (const [i, { name }] of options.entries()) {
    if (!name) problems.push(required(`${at}.options[${i}]`, 'must not be empty'));
  }
  return problems;
}

function gateProblems({ schedulingGates = [], nodeName }: PodSpec, path: string): FieldProblem[] {
  const at = `${path}.schedulingGates`;
  const names = schedulingGates.map(({ name }) => name);
  return [
    ...names.flatMap((name, i) => named(`${at}[${i}].name`, name, qualifiedName)),
    ...duplicates((i) => `${at}[${i}]`, names),
    ...(nodeName && names.length > 0
      ? [forbidden(`${path}.nodeName`, 'cannot be set until all schedulingGates have been cleared')]
      : []),
  ];
}

function osProblems({ os }: PodSpec, path: string): FieldProblem[] {
  if (os === undefined) return [];
  if (!os.name) return [required(`${path}.os.name`, 'cannot be empty')];
  return ['linux', 'windows'].includes(os.name) ? [] : [notSupported(`${path}.os`, os.name, ['linux', 'windows'])];
}

function hostUserProblems({ hostUsers, hostPID, hostIPC, hostNetwork }: PodSpec, path: string): FieldProblem[] {
  if (hostUsers !== false) return [];
  const shared = Object.entries({ hostPID, hostIPC, hostNetwork }).filter(([, on]) => on === true);
  return shared.map(([name]) => forbidden(`${path}.${name}`, 'when `hostUsers` is false'));
}

export function podTemplateProblems(template: PodTemplateSpec, path: string): FieldProblem[] {
  const { metadata = {}, spec } = template;
  return [
    ...labelProblems(metadata.labels, `${path}.labels`),
    ...annotationProblems(metadata.annotations, `${path}.annotations`),
    ...podSpecProblems(spec!, `${path}.spec`),
    ...(spec!.ephemeralContainers?.length
      ? [forbidden(`${path}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template')]
      : []),
  ];
}
