// What a kubelet says of a pod: its addresses fit together, and containers that have ended for good stay so.
import { isIP } from 'node:net';
import { dns1123Label, dns1123Subdomain, qualifiedName } from '../../../api/names.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { ContainerStatus } from '../../../api/types/core/container-status.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import type { PodSpec } from '../../../api/types/core/pod-spec.ts';
import { annotationUpdateProblems, podAnnotationProblems } from './pod-annotations.ts';
import { duplicate, forbidden, invalidValue, required } from './problems.ts';
import { idProblems } from './security-context.ts';
import { each, ipProblems, named, unchanged } from './values.ts';

const SYSTEM = ['PodScheduled', 'Ready', 'Initialized'];
const NOT_NEGATIVE = 'must be a non-negative integer';

export function podStatusProblems(next: Pod, current: Pod): FieldProblem[] {
  const { status, spec, metadata } = next;
  const was = current.status;
  const problems = [
    ...annotationUpdateProblems(metadata.annotations, current.metadata.annotations),
    ...podAnnotationProblems(metadata.annotations, spec, 'metadata.annotations'),
    ...each(status.conditions, 'status.conditions', ({ type, observedGeneration = 0 }, at) => [
      ...(observedGeneration < 0 ? [invalidValue(`${at}.observedGeneration`, observedGeneration, NOT_NEGATIVE)] : []),
      ...(SYSTEM.includes(type) ? [] : named(`${at}.Type`, type, qualifiedName)),
    ]),
  ];
  const { nominatedNodeName: nominated = '', observedGeneration = 0 } = status;
  if (nominated !== '' && nominated !== was.nominatedNodeName) {
    problems.push(...named('status.nominatedNodeName', nominated, dns1123Subdomain));
    if (current.spec.nodeName) {
      const why = 'may not be set on pods that are already bound to a node';
      problems.push(forbidden('status.nominatedNodeName', why));
    }
  }
  if (observedGeneration < 0) {
    problems.push(invalidValue('status.observedGeneration', observedGeneration, NOT_NEGATIVE));
  }
  return [
    ...problems,
    ...unchanged('status.qosClass', status.qosClass ?? '', was.qosClass ?? ''),
    ...transitionProblems(next, current),
    ...claimsProblems(next),
    ...addressesProblems('podIPs', status.podIPs ?? []),
    ...hostProblems(next),
    ...usersProblems(next),
  ];
}

const LISTS = [
  ['containerStatuses', 'containers'],
  ['initContainerStatuses', 'initContainers'],
  ['ephemeralContainerStatuses', 'ephemeralContainers'],
] as const;

function transitionProblems(next: Pod, current: Pod): FieldProblem[] {
  const { spec } = current;
  if (restartsAll(spec)) return ephemeralTransitions(next, current);
  return [
    ...LISTS.slice(0, 2).flatMap(([list, kind]) =>
      left(list, next, current).filter(({ status }) => {
        const container = spec[kind as 'containers']?.find(({ name }) => name === status.name);
        return container === undefined || !runsAgain(container, spec, status.state?.terminated?.exitCode ?? 0);
      }),
    ),
  ]
    .map(({ problem }) => problem)
    .concat(ephemeralTransitions(next, current));
}

function ephemeralTransitions(next: Pod, current: Pod): FieldProblem[] {
  return left('ephemeralContainerStatuses', next, current).map(({ problem }) => problem);
}

/** Containers that had ended and now have not. */
function left(list: (typeof LISTS)[number][0], next: Pod, current: Pod) {
  const now = new Map((next.status[list] ?? []).map((status) => [status.name, status]));
  return (current.status[list] ?? []).flatMap((status: ContainerStatus, i) => {
    const after = now.get(status.name);
    if (!status.state?.terminated || after === undefined || after.state?.terminated) return [];
    const why = 'may not be transitioned to non-terminated state';
    return [{ status, problem: forbidden(`status.${list}[${i}].state`, why) }];
  });
}

type Container = PodSpec['containers'][number];

function restartsAll({ containers, initContainers }: PodSpec): boolean {
  return [...containers, ...(initContainers ?? [])].some(({ restartPolicyRules }) =>
    restartPolicyRules?.some(({ action }) => action === 'RestartAllContainers'),
  );
}

/** The first rule that fits decides, then the container's policy, then the pod's. */
function runsAgain(container: Container, { restartPolicy: ofPod }: PodSpec, exitCode: number): boolean {
  const { restartPolicy, restartPolicyRules } = container;
  for (const { exitCodes } of restartPolicyRules ?? []) {
    const isListed = exitCodes?.values?.includes(exitCode) ?? false;
    if (exitCodes && isListed === (exitCodes.operator === 'In')) return true;
  }
  const policy = restartPolicy ?? ofPod;
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
}

function claimsProblems({ spec, status }: Pod): FieldProblem[] {
  const known = new Set((spec.resourceClaims ?? []).map(({ name }) => name));
  const seen = new Set<string>();
  const path = 'status.resourceClaimStatuses';
  const problems = each(status.resourceClaimStatuses, path, ({ name, resourceClaimName: claim }, at) => {
    const rows: FieldProblem[] = [];
    if (!known.has(name)) {
      const why = 'must match the name of an entry in `spec.resourceClaims`';
      rows.push(invalidValue(`${at}.name`, name, why));
    }
    if (seen.has(name)) rows.push(duplicate(`${at}.name`, name));
    seen.add(name);
    return claim === undefined ? rows : [...rows, ...named(`${at}.resourceClaimName`, claim, dns1123Subdomain)];
  });
  return status.extendedResourceClaimStatus ? [...problems, ...extendedProblems(spec, status)] : problems;
}

function extendedProblems({ containers, initContainers }: PodSpec, status: Pod['status']): FieldProblem[] {
  const { requestMappings, resourceClaimName: claim } = status.extendedResourceClaimStatus!;
  const path = 'status.extendedResourceClaimStatus';
  const at = `${path}.requestMappings`;
  const all = [...(initContainers ?? []), ...containers];
  const of = 'in spec.initContainers';
  const seen = new Set<string>();
  const problems = requestMappings?.length ? [] : [required(at, 'at least one request mapping is required')];
  problems.push(
    ...each(requestMappings, at, ({ containerName, resourceName, requestName }, where) => {
      const rows: FieldProblem[] = [];
      const container = all.find(({ name }) => name === containerName);
      if (container === undefined) {
        const why = `must match the name of an entry ${of}.name or spec.containers.name`;
        rows.push(invalidValue(`${where}.containerName`, containerName, why));
      } else if (container.resources?.requests?.[resourceName] === undefined) {
        const why = `must match the extended resource name of an entry ${of}.resources.requests or spec.containers.resources.requests`;
        rows.push(invalidValue(`${where}.resourceName`, resourceName, why));
      }
      rows.push(...named(`${path}.requestName`, requestName, dns1123Label));
      const fields = { containerName, resourceName, requestName };
      const id = JSON.stringify(fields);
      if (seen.has(id)) {
        for (const [field, value] of Object.entries(fields)) rows.push(duplicate(`${where}.${field}`, value));
      }
      seen.add(id);
      return rows;
    }),
  );
  const name = `${path}.resourceClaimName`;
  return [...problems, ...(claim ? named(name, claim, dns1123Subdomain) : [required(name)])];
}

function addressesProblems(list: 'podIPs' | 'hostIPs', ips: readonly { ip?: string }[]): FieldProblem[] {
  const path = `status.${list}`;
  const problems = ips.flatMap(({ ip = '' }, i) => ipProblems(`${path}[${i}]`, ip));
  const families = ips.map(({ ip = '' }) => isIP(ip));
  if (families.length < 2 || problems.length > 0) return problems;
  if (families.length === 2 && families[0] !== families[1]) return problems;
  const shown = ips.map(({ ip = '' }) => ({ IP: ip }));
  return [...problems, invalidValue(path, shown, 'may specify no more than one IP for each IP family')];
}

function hostProblems({ status }: Pod): FieldProblem[] {
  const { hostIP = '', hostIPs = [] } = status;
  const [first] = hostIPs;
  if (first === undefined) return [];
  const problems: FieldProblem[] = [];
  if (first.ip !== hostIP) {
    problems.push(invalidValue('status.hostIPs[0].ip', first.ip ?? '', 'must be equal to `hostIP`'));
  }
  return [...problems, ...addressesProblems('hostIPs', hostIPs)];
}

function usersProblems({ spec, status }: Pod): FieldProblem[] {
  const isWindows = spec.os?.name === 'windows';
  const problems = LISTS.flatMap(([list]) =>
    each<ContainerStatus>(status[list], `status.${list}`, ({ user }, path) => {
      const linux = user?.linux;
      const at = `${path}.user.linux`;
      if (linux === undefined) return [];
      if (isWindows) return [forbidden(at, 'cannot be set for a windows pod')];
      return [
        ...idProblems(`${at}.uid`, linux.uid),
        ...idProblems(`${at}.gid`, linux.gid),
        ...(linux.supplementalGroups ?? []).flatMap((id, i) => idProblems(`${at}.supplementalGroups[${i}]`, id)),
      ];
    }),
  );
  return [...problems, ...devicesProblems({ spec, status } as Pod)];
}

/** Health of what was given to containers: each is something the container asked for. */
function devicesProblems({ spec, status }: Pod): FieldProblem[] {
  const problems = LISTS.slice(0, 2).flatMap(([list, kind]) =>
    each<ContainerStatus>(status[list], `status.${list}`, ({ name, allocatedResourcesStatus }, path) =>
      each(allocatedResourcesStatus, `${path}.allocatedResourcesStatus`, (resource, at) => {
        const container = spec[kind as 'containers']?.find((one) => one.name === name);
        return container === undefined ? [] : askedProblems(container, resource.name, `${at}.name`);
      }),
    ),
  );
  const never = 'must not be specified in container status';
  return [
    ...problems,
    ...each(status.ephemeralContainerStatuses, 'status.ephemeralContainerStatuses', (one, at) =>
      one.allocatedResourcesStatus?.length ? [forbidden(`${at}.allocatedResourcesStatus`, never)] : [],
    ),
  ];
}

function askedProblems({ resources }: Container, name: string, path: string): FieldProblem[] {
  if (!name.startsWith('claim:')) {
    if (Object.hasOwn(resources?.requests ?? {}, name)) return [];
    return [invalidValue(path, name, "must match one of the container's resource requests")];
  }
  const claims = resources?.claims ?? [];
  if (claims.some((claim) => `claim:${claim.name}${claim.request ? `/${claim.request}` : ''}` === name)) return [];
  const why =
    "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or " +
    "'claim:<claimName>' if request is empty";
  return [invalidValue(path, name, why)];
}
