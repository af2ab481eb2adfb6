// Pods: at creation, and what may change of them later.
import { isIP } from 'node:net';
import { deepEqual } from '../../../api/schema/equal.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { podSpecProblems } from './pod-spec.ts';
import { forbidden, invalidValue } from './problems.ts';
import { ipProblems } from './values.ts';

export function podProblems({ spec }: Pod): FieldProblem[] {
  return [
    ...podSpecProblems(spec, 'spec'),
    ...(spec.ephemeralContainers?.length ? [forbidden('spec.ephemeralContainers', 'cannot be set on create')] : []),
  ];
}

const MUTABLE =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,' +
  '`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),' +
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

export function podUpdateProblems(next: Pod, current: Pod): FieldProblem[] {
  const problems = [...podSpecProblems(next.spec, 'spec'), ...gateUpdateProblems(next, current)];
  const [now, before] = [next.spec, current.spec];
  if (now.containers.length !== before.containers.length) {
    return [...problems, forbidden('spec.containers', 'pod updates may not add or remove containers')];
  }
  if ((now.initContainers?.length ?? 0) !== (before.initContainers?.length ?? 0)) {
    return [...problems, forbidden('spec.initContainers', 'pod updates may not add or remove containers')];
  }
  problems.push(...deadlineProblems(next, current), ...tolerationUpdateProblems(next, current));
  if (problems.length > 0) return problems;
  return deepEqual(fixed(next), fixed(current, next)) ? [] : [forbidden('spec', MUTABLE)];
}

/** What must stay as it is: everything but the fields that may change, which are taken from `as`. */
function fixed({ spec }: Pod, as?: Pod): unknown {
  const other = as?.spec ?? spec;
  const withImages = (own: typeof spec.containers = [], from: typeof spec.containers = []) =>
    own.map((container, i) => ({ ...container, image: from[i]?.image }));
  const grace = spec.terminationGracePeriodSeconds;
  const mayBeOne = (grace ?? 0) < 0 && other.terminationGracePeriodSeconds === 1;
  const gated = (spec.schedulingGates?.length ?? 0) > 0;
  const bare = {
    ...spec,
    containers: withImages(spec.containers, other.containers),
    initContainers: withImages(spec.initContainers, other.initContainers),
    activeDeadlineSeconds: other.activeDeadlineSeconds,
    tolerations: other.tolerations,
    schedulingGates: other.schedulingGates,
    terminationGracePeriodSeconds: mayBeOne ? 1 : grace,
    // Until its gates are gone a pod may still be told more closely where to go.
    ...(gated && { nodeSelector: other.nodeSelector, affinity: other.affinity }),
  };
  return JSON.parse(JSON.stringify(bare));
}

function gateUpdateProblems({ spec }: Pod, { spec: before }: Pod): FieldProblem[] {
  const known = new Set((before.schedulingGates ?? []).map(({ name }) => name));
  return (spec.schedulingGates ?? []).flatMap(({ name }, i) => {
    if (known.has(name)) return [];
    const why = `only deletion is allowed, but found new scheduling gate '${name}'`;
    return [forbidden(`spec.schedulingGates[${i}].name`, why)];
  });
}

function deadlineProblems({ spec }: Pod, { spec: before }: Pod): FieldProblem[] {
  const path = 'spec.activeDeadlineSeconds';
  const [now, then] = [spec.activeDeadlineSeconds, before.activeDeadlineSeconds];
  if (now !== undefined && then !== undefined && then < now) {
    return [invalidValue(path, now, 'must be less than or equal to previous value')];
  }
  if (now === undefined && then !== undefined) {
    return [invalidValue(path, now, 'must not update from a positive integer to nil value')];
  }
  return [];
}

function tolerationUpdateProblems({ spec }: Pod, { spec: before }: Pod): FieldProblem[] {
  const kept = (before.tolerations ?? []).every((old) =>
    spec.tolerations?.some(({ tolerationSeconds: _now, ...rest }) => {
      const { tolerationSeconds: _before, ...was } = old;
      return deepEqual(rest, was);
    }),
  );
  return kept
    ? []
    : [forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')];
}

export function podStatusProblems({ status }: Pod): FieldProblem[] {
  const { podIPs = [], hostIPs = [] } = status;
  const all = (name: string, ips: readonly { ip?: string }[]) =>
    ips.flatMap(({ ip = '' }, i) => ipProblems(`status.${name}[${i}]`, ip));
  const families = podIPs.map(({ ip = '' }) => isIP(ip));
  const tooMany = families.length > 2 || (families.length === 2 && families[0] === families[1]);
  return [
    ...all('podIPs', podIPs),
    ...(tooMany ? [invalidValue('status.podIPs', podIPs, 'may specify no more than one IP for each IP family')] : []),
    ...all('hostIPs', hostIPs),
  ];
}

export function ephemeralContainersProblems(next: Pod, current: Pod): FieldProblem[] {
  const path = 'spec.ephemeralContainers';
  const now = new Map((next.spec.ephemeralContainers ?? []).map((container) => [container.name, container]));
  const changed = (current.spec.ephemeralContainers ?? []).flatMap((old) => {
    const kept = now.get(old.name);
    if (kept === undefined) {
      return [forbidden(path, `existing ephemeral containers ${JSON.stringify(old.name)} may not be removed`)];
    }
    if (deepEqual(kept, old)) return [];
    return [forbidden(path, `existing ephemeral containers ${JSON.stringify(old.name)} may not be changed`)];
  });
  return [...podSpecProblems(next.spec, 'spec'), ...changed];
}

export function resizeProblems(next: Pod): FieldProblem[] {
  return podSpecProblems(next.spec, 'spec');
}
