// What may change of a pod that is there: its images, its deadline, tolerations and gates, and little else.
import { isIP } from 'node:net';
import { deepEqual } from '../../../api/schema/equal.ts';
import type { FieldProblem } from '../../../api/status.ts';
import { EphemeralContainer } from '../../../api/types/core/container.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { PodSpec } from '../../../api/types/core/pod-spec.ts';
import { qosClassOf } from '../resources/core/pod-status.ts';
import { goJson } from './go-value.ts';
import { podProblems } from './pod-spec.ts';
import { forbidden, invalidValue } from './problems.ts';
import { textDiff } from './text-diff.ts';
import { each, ipProblems } from './values.ts';

const ONLY =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,' +
  '`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),' +
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

export function podUpdateProblems(next: Pod, current: Pod): FieldProblem[] {
  const problems = podProblems(next);
  const { spec } = next;
  const was = current.spec;
  if (spec.containers.length !== was.containers.length) {
    return [...problems, forbidden('spec.containers', 'pod updates may not add or remove containers')];
  }
  if ((spec.initContainers ?? []).length !== (was.initContainers ?? []).length) {
    return [...problems, forbidden('spec.initContainers', 'pod updates may not add or remove containers')];
  }
  problems.push(...deadlineProblems(spec.activeDeadlineSeconds, was.activeDeadlineSeconds));
  const munged = munge(spec, was);
  if (was.terminationGracePeriodSeconds !== undefined && was.terminationGracePeriodSeconds < 0) {
    if (spec.terminationGracePeriodSeconds === 1) {
      munged.terminationGracePeriodSeconds = was.terminationGracePeriodSeconds;
    }
  }
  problems.push(...onlyDeletions(spec, was));
  problems.push(...onlyAdditions(spec, was));
  // Said in Go's words only where something is to be said.
  if (deepEqual(munged, was)) return problems;
  const before = goJson(PodSpec, was, 1);
  const after = goJson(PodSpec, munged, 1);
  if (before !== after) problems.push(forbidden('spec', `${ONLY}\n${textDiff(before, after)}`));
  return problems;
}

/** The new state with everything taken back that may change: it must be the old state then. */
function munge(spec: PodSpec, was: PodSpec): PodSpec {
  const withImages = <C extends { image?: string }>(own: readonly C[], from: readonly C[]): C[] =>
    own.map((container, i) => ({ ...container, image: from[i]!.image }));
  const munged: PodSpec = {
    ...spec,
    containers: withImages(spec.containers, was.containers),
    activeDeadlineSeconds: was.activeDeadlineSeconds,
    tolerations: was.tolerations,
    schedulingGates: was.schedulingGates,
  };
  if (spec.initContainers && was.initContainers) {
    munged.initContainers = withImages(spec.initContainers, was.initContainers);
  }
  // A pod that is held back may still be told where to go.
  if (was.schedulingGates?.length) {
    munged.nodeSelector = was.nodeSelector;
    if (munged.affinity?.nodeAffinity || was.affinity?.nodeAffinity) {
      munged.affinity = withNodeAffinity(munged.affinity, was.affinity);
    }
  }
  return munged;
}

function withNodeAffinity(affinity: PodSpec['affinity'], was: PodSpec['affinity']): PodSpec['affinity'] {
  const { nodeAffinity: _mine, ...rest } = affinity ?? {};
  if (was?.nodeAffinity) return { ...rest, nodeAffinity: was.nodeAffinity };
  return was === undefined && Object.keys(rest).length === 0 ? undefined : rest;
}

function deadlineProblems(next: number | undefined, current: number | undefined): FieldProblem[] {
  const path = 'spec.activeDeadlineSeconds';
  if (next === undefined) {
    return current === undefined
      ? []
      : [invalidValue(path, null, 'must not update from a positive integer to nil value')];
  }
  if (next < 0 || next > 2147483647) return [];
  if (current === undefined || next <= current) return [];
  return [invalidValue(path, next, 'must be less than or equal to previous value')];
}

function onlyDeletions({ schedulingGates }: PodSpec, was: PodSpec): FieldProblem[] {
  const known = new Set((was.schedulingGates ?? []).map(({ name }) => name));
  return each(schedulingGates, 'spec.schedulingGates', ({ name }, at) =>
    known.has(name)
      ? []
      : [forbidden(`${at}.name`, `only deletion is allowed, but found new scheduling gate '${name}'`)],
  );
}

/** Of what is there, only the seconds may change. */
function onlyAdditions({ tolerations = [] }: PodSpec, was: PodSpec): FieldProblem[] {
  const plain = (list: PodSpec['tolerations']) => (list ?? []).map(({ tolerationSeconds: _s, ...rest }) => rest);
  const now = plain(tolerations);
  const isKept = plain(was.tolerations).every((old) => now.some((one) => deepEqual(one, old)));
  return isKept
    ? []
    : [forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')];
}

/** Ephemeral containers come and stay as they are. */
export function ephemeralContainersProblems(next: Pod, current: Pod): FieldProblem[] {
  const problems = podProblems(next);
  const path = 'spec.ephemeralContainers';
  const now = next.spec.ephemeralContainers ?? [];
  for (const old of current.spec.ephemeralContainers ?? []) {
    const i = now.findIndex(({ name }) => name === old.name);
    if (i < 0)
      problems.push(forbidden(path, `existing ephemeral containers ${JSON.stringify(old.name)} may not be removed\n`));
    else if (!deepEqual(now[i], old)) {
      const difference = textDiff(goJson(EphemeralContainer, old, 1), goJson(EphemeralContainer, now[i], 1));
      const why = `existing ephemeral containers ${JSON.stringify(old.name)} may not be changed`;
      problems.push(forbidden(path, `${why}\n${difference}`));
    }
  }
  return problems;
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

/** Only amounts of processor time and memory change, none of them goes away, and the class of the pod stays. */
export function resizeProblems(next: Pod, current: Pod): FieldProblem[] {
  const problems = podProblems(next);
  for (const list of ['containers', 'initContainers'] as const) {
    for (const [i, { resources = {} }] of (next.spec[list] ?? []).entries()) {
      const was = current.spec[list]?.[i]?.resources ?? {};
      const at = `spec.${list}[${i}].resources`;
      for (const part of ['limits', 'requests'] as const) {
        const removed = Object.keys(was[part] ?? {}).some((name) => resources[part]?.[name] === undefined);
        if (removed) problems.push(forbidden(`${at}.${part}`, `resource ${part} cannot be removed`));
      }
      if (!deepEqual(fixedAmounts(resources), fixedAmounts(was))) {
        problems.push(forbidden(at, 'only cpu and memory resources are mutable'));
      }
    }
  }
  if (qosClassOf(next) !== qosClassOf(current)) {
    const why = 'Pod QOS Class may not change as a result of resizing';
    problems.push(invalidValue('spec', current.status.qosClass ?? qosClassOf(current), why));
  }
  return problems;
}

const ELASTIC = ['cpu', 'memory'];

function fixedAmounts({ limits, requests }: NonNullable<PodSpec['containers'][number]['resources']>): unknown {
  const others = (amounts: Readonly<Record<string, string>> = {}) =>
    Object.fromEntries(Object.entries(amounts).filter(([name]) => !ELASTIC.includes(name)));
  return { limits: others(limits), requests: others(requests) };
}
