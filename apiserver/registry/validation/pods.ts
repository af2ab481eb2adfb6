// What may change of a pod that is there: its images, its deadline, tolerations and gates, and little else.
import { deepEqual, semanticEqual } from '../../../api/schema/equal.ts';
import type { FieldProblem } from '../../../api/status.ts';
import { NodeSelectorTerm } from '../../../api/types/core/affinity.ts';
import { Container, EphemeralContainer } from '../../../api/types/core/container.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { PodSpec } from '../../../api/types/core/pod-spec.ts';
import { qosClassOf } from '../resources/core/pod-status.ts';
import { imageSpaceProblems } from './containers.ts';
import { goJson } from './go-value.ts';
import { annotationUpdateProblems, MIRROR, podAnnotationProblems } from './pod-annotations.ts';
import { podProblems } from './pod-spec.ts';
import { forbidden, invalidValue, Printed, required } from './problems.ts';
import { tolerationsProblems } from './scheduling.ts';
import { textDiff } from './text-diff.ts';
import { each } from './values.ts';

const ONLY =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,' +
  '`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),' +
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

export function podUpdateProblems(next: Pod, current: Pod): FieldProblem[] {
  const { spec } = next;
  const was = current.spec;
  const problems = [
    ...podProblems(next),
    ...annotationUpdateProblems(next.metadata.annotations, current.metadata.annotations),
    ...podAnnotationProblems(next.metadata.annotations, spec, 'metadata.annotations'),
  ];
  for (const list of ['containers', 'initContainers'] as const) {
    const now = spec[list] ?? [];
    if (now.length !== (was[list] ?? []).length) {
      return [...problems, forbidden(`spec.${list}`, 'pod updates may not add or remove containers')];
    }
    // Upstream looks at images twice.
    for (const [i, container] of now.entries()) {
      if (!container.image) problems.push(required(`spec.${list}[${i}].image`));
      problems.push(...imageSpaceProblems(container, `spec.${list}[${i}]`));
    }
  }
  const deadline = deadlineProblems(spec.activeDeadlineSeconds, was.activeDeadlineSeconds);
  problems.push(...deadline);
  if (deadline.length > 0 && spec.activeDeadlineSeconds !== undefined) return problems;
  problems.push(...onlyAdditions(spec, was));
  problems.push(...onlyDeletions(spec, was));
  if (semanticEqual(PodSpec, spec, was)) return problems;
  const munged = munge(spec, was);
  if (was.terminationGracePeriodSeconds !== undefined && was.terminationGracePeriodSeconds < 0) {
    if (spec.terminationGracePeriodSeconds === 1) {
      munged.terminationGracePeriodSeconds = was.terminationGracePeriodSeconds;
    }
  }
  if (was.schedulingGates?.length) problems.push(...placementProblems(spec, was));
  // Said in Go's words only where something is to be said.
  if (semanticEqual(PodSpec, munged, was)) return problems;
  const before = goJson(PodSpec, was, 1);
  const after = goJson(PodSpec, munged, 1);
  if (before !== after) problems.push(forbidden('spec', `${ONLY}\n${textDiff(before, after)}`));
  return problems;
}

const HARD = 'requiredDuringSchedulingIgnoredDuringExecution';

/** Where a pod that is held back may run can become less, never more. */
function placementProblems(spec: PodSpec, was: PodSpec): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const [labels, labelsWere] = [spec.nodeSelector ?? {}, was.nodeSelector ?? {}];
  if (Object.entries(labelsWere).some(([key, value]) => labels[key] !== value)) {
    const shown = spec.nodeSelector && Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
    const why = 'only additions to spec.nodeSelector are allowed (no mutations or deletions)';
    problems.push(invalidValue('spec.nodeSelector', shown, why));
  }
  const termsWere = was.affinity?.nodeAffinity?.[HARD]?.nodeSelectorTerms ?? [];
  const terms = spec.affinity?.nodeAffinity?.[HARD]?.nodeSelectorTerms;
  const path = `spec.affinity.nodeAffinity.${HARD}.nodeSelectorTerms`;
  if (termsWere.length === 0) return problems;
  const shown = (term: NodeSelectorTerm) => new Printed(goJson(NodeSelectorTerm, term));
  if (terms?.length !== termsWere.length) {
    const all = terms && new Printed(`[${terms.map((term) => shown(term).text).join(',')}]`);
    const why = 'no additions/deletions to non-empty NodeSelectorTerms list are allowed';
    return [...problems, invalidValue(path, all, why)];
  }
  for (const [i, term] of terms.entries()) {
    if (onlyMore(term, termsWere[i]!)) continue;
    const why = 'only additions are allowed (no mutations or deletions)';
    problems.push(invalidValue(`${path}[${i}]`, shown(term), why));
  }
  return problems;
}

/** A term that says nothing chooses nothing and may not begin to. */
function onlyMore(term: NodeSelectorTerm, was: NodeSelectorTerm): boolean {
  const lists = ['matchExpressions', 'matchFields'] as const;
  const wasEmpty = lists.every((list) => !was[list]?.length);
  if (wasEmpty && lists.some((list) => term[list]?.length)) return false;
  return lists.every((list) => deepEqual((term[list] ?? []).slice(0, was[list]?.length ?? 0), was[list] ?? []));
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
  if (next < 0 || next > 2147483647) return [invalidValue(path, next, 'must be between 0 and 2147483647, inclusive')];
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
  const why = 'existing toleration can not be modified except its tolerationSeconds';
  // Upstream looks at them twice.
  return isKept ? tolerationsProblems(tolerations, 'spec.tolerations') : [forbidden('spec.tolerations', why)];
}

/** Ephemeral containers come and stay as they are. */
export function ephemeralContainersProblems(next: Pod, current: Pod): FieldProblem[] {
  if (isMirror(current)) return [forbidden('[]', 'static pods do not support ephemeral containers')];
  const problems = [
    ...podProblems(next),
    ...annotationUpdateProblems(next.metadata.annotations, current.metadata.annotations),
  ];
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

const isMirror = ({ metadata }: Pod) => metadata.annotations?.[MIRROR] !== undefined;

/** Only amounts of processor time and memory change, none of them goes away, and the class of the pod stays. */
export function resizeProblems(next: Pod, current: Pod): FieldProblem[] {
  const problems = podProblems(next);
  if (isMirror(current)) return [forbidden('[]', 'static pods cannot be resized')];
  if (current.spec.os?.name === 'windows') return [forbidden('[]', 'windows pods cannot be resized')];
  const was = current.status.qosClass ?? qosClassOf(current);
  if (qosClassOf(next) !== was) {
    const why = 'Pod QOS Class may not change as a result of resizing';
    problems.push(invalidValue('spec', next.status.qosClass ?? '', why));
  }
  const running = current.status.containerStatuses?.find(({ state }) => state?.running);
  if (running && running.resources === undefined) {
    problems.push(forbidden('spec', 'Pod running on node without support for resize'));
  }
  problems.push(...podResizeProblems(next.spec.resources, current.spec.resources));
  const moved = orderProblems(next.spec, current.spec);
  if (moved.length > 0) return [...problems, ...moved];
  for (const list of ['initContainers', 'containers'] as const) {
    for (const [i, container] of (current.spec[list] ?? []).entries()) {
      if (list === 'initContainers' && container.restartPolicy !== 'Always') continue;
      const { requests, limits } = next.spec[list]![i]!.resources ?? {};
      const at = `spec.${list}[${i}].resources`;
      if (isLess(requests, container.resources?.requests)) {
        problems.push(forbidden(`${at}.requests`, 'resource requests cannot be removed'));
      }
      if (isLess(limits, container.resources?.limits)) {
        problems.push(forbidden(`${at}.limits`, 'resource limits cannot be removed'));
      }
    }
  }
  for (const [i, container] of next.spec.containers.entries()) {
    if (isSameButElastic(container, current.spec.containers[i]!)) continue;
    problems.push(forbidden('spec', 'only cpu and memory resources are mutable'));
  }
  for (const [i, container] of (next.spec.initContainers ?? []).entries()) {
    const before = current.spec.initContainers![i]!;
    if (container.restartPolicy === 'Always') {
      if (isSameButElastic(container, before)) continue;
      const why = 'only cpu and memory resources for init or sidecar containers are mutable';
      problems.push(forbidden(`spec.initContainers[${i}]`, why));
    } else if (!semanticEqual(Container, container, before)) {
      problems.push(forbidden('spec', 'resources for non-sidecar init containers are immutable'));
    }
  }
  return problems;
}

type Amounts = Readonly<Record<string, string>> | undefined;
type Resources = PodSpec['resources'];

const isLess = (now: Amounts = {}, was: Amounts = {}) => Object.keys(was).some((name) => !Object.hasOwn(now, name));

function podResizeProblems(now: Resources, was: Resources): FieldProblem[] {
  if (was === undefined) return [];
  if (now === undefined) return [forbidden('spec.resources', 'pod-level resources cannot be removed')];
  const problems: FieldProblem[] = [];
  for (const part of ['requests', 'limits'] as const) {
    if (!isLess(now[part], was[part])) continue;
    problems.push(forbidden(`spec.resources.${part}`, `pod-level resource ${part} cannot be removed`));
  }
  if (!deepEqual(fixedAmounts(now), fixedAmounts(was))) {
    problems.push(forbidden('spec', 'only cpu and memory resources are mutable at pod-level'));
  }
  return problems;
}

function orderProblems(now: PodSpec, was: PodSpec): FieldProblem[] {
  return (['containers', 'initContainers'] as const).flatMap((list) => {
    const [after, before] = [now[list] ?? [], was[list] ?? []];
    if (after.length !== before.length) {
      return [forbidden(`spec.${list}`, `${list} may not be added or removed on resize`)];
    }
    const why = `${list} may not be renamed or reordered on resize`;
    return before.flatMap(({ name }, i) =>
      after[i]!.name === name ? [] : [forbidden(`spec.${list}[${i}].name`, why)],
    );
  });
}

/** Claims of resources are lost on the way of upstream's comparison: a container that has some cannot be resized. */
function isSameButElastic(now: Container, was: Container): boolean {
  const { resources: mine, ...rest } = now;
  const { resources: before, ...restWas } = was;
  return deepEqual(fixedAmounts(mine), fixedAmounts(before)) && deepEqual(rest, restWas) && !before?.claims?.length;
}

const ELASTIC = ['cpu', 'memory'];

function fixedAmounts({ limits, requests }: NonNullable<Resources> = {}): unknown {
  const others = (amounts: Amounts = {}) =>
    Object.fromEntries(Object.entries(amounts).filter(([name]) => !ELASTIC.includes(name)));
  return { limits: others(limits), requests: others(requests) };
}
