// Workloads of the apps group and replication controllers: a selector, a template it selects, and how to roll.
import { labelMapMatcher, labelMatcher, requirementsOf } from '../../../api/labels.ts';
import { dns1123Label } from '../../../api/names.ts';
import { deepEqual } from '../../../api/schema/equal.ts';
import { ApiError, type FieldProblem } from '../../../api/status.ts';
import type { ControllerRevision } from '../../../api/types/apps/controller-revision.ts';
import { type DaemonSet, DaemonSetUpdateStrategy } from '../../../api/types/apps/daemon-set.ts';
import { type Deployment, DeploymentStrategy } from '../../../api/types/apps/deployment.ts';
import type { ReplicaSet } from '../../../api/types/apps/replica-set.ts';
import {
  RollingUpdateStatefulSetStrategy,
  type StatefulSet,
  StatefulSetUpdateStrategy,
} from '../../../api/types/apps/stateful-set.ts';
import type { PodTemplateSpec } from '../../../api/types/core/pod.ts';
import type { ReplicationController } from '../../../api/types/core/replication-controller.ts';
import type { LabelSelector } from '../../../api/types/meta/label-selector.ts';
import { goJson } from './go-value.ts';
import { isEmptySelector, labelSelectorProblems } from './label-selector.ts';
import { podTemplateProblems } from './pod-spec.ts';
import { forbidden, invalidValue, notSupported, Printed, required } from './problems.ts';
import { countOrPercent, IMMUTABLE, isNone, notAbove100, notNegative, oneOf, unchanged } from './values.ts';

type Labels = Readonly<Record<string, string>>;

const MISMATCH = '`selector` does not match template `labels`';

/** Undefined: the selector itself is wrong. Upstream goes on with what it makes of it then, which is nothing. */
export function selects(selector: LabelSelector | undefined, labels: Labels | undefined): boolean | undefined {
  if (!selector) return false;
  try {
    const requirements = requirementsOf(selector);
    if (
      requirements.some(({ operator, values }) => (operator === 'in' || operator === 'notin') && values.length === 0)
    ) {
      return undefined;
    }
    return labelMatcher(requirements)(labels);
  } catch (err) {
    if (err instanceof ApiError) return undefined;
    throw err;
  }
}

function selectorProblems(selector: LabelSelector | undefined, of: string): FieldProblem[] {
  const path = 'spec.selector';
  if (!selector) return [required(path)];
  const problems = labelSelectorProblems(selector, path);
  if (isEmptySelector(selector)) problems.push(invalidValue(path, selector, `empty selector is invalid for ${of}`));
  return problems;
}

function shownLabels(labels: Labels | undefined): unknown {
  if (labels === undefined) return null;
  return Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The template as a controller needs it: selected, and its pods always run again. */
function ownTemplateProblems(
  { template, selector }: { template: PodTemplateSpec; selector: LabelSelector | undefined },
  of: string,
): FieldProblem[] {
  const path = 'spec.template';
  const problems: FieldProblem[] = [];
  const isSelected = selects(selector, template.metadata?.labels);
  if (isSelected === undefined) {
    const shown = invalidValue('spec.selector', selector, 'invalid label selector');
    const isBare = of === 'StatefulSet';
    return [isBare ? { ...shown, message: shown.message.replace(/: invalid label selector$/, '') } : shown];
  }
  if (!isSelected) {
    problems.push(invalidValue(`${path}.metadata.labels`, shownLabels(template.metadata?.labels), MISMATCH));
  }
  return [...problems, ...podTemplateProblems(template, path), ...foreverProblems(template, of)];
}

function foreverProblems({ spec }: PodTemplateSpec, of: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (spec?.restartPolicy !== 'Always') {
    problems.push(notSupported('spec.template.spec.restartPolicy', spec?.restartPolicy ?? '', ['Always']));
  }
  if (spec?.activeDeadlineSeconds !== undefined) {
    const why = `activeDeadlineSeconds in ${of} is not Supported`;
    problems.push(forbidden('spec.template.spec.activeDeadlineSeconds', why));
  }
  return problems;
}

export function deploymentProblems({ spec }: Deployment): FieldProblem[] {
  const { progressDeadlineSeconds: deadline, minReadySeconds = 0 } = spec;
  const problems = [
    ...notNegative('spec.replicas', spec.replicas),
    ...selectorProblems(spec.selector, 'deployment'),
    ...ownTemplateProblems(spec, 'ReplicaSet'),
    ...strategyProblems(spec.strategy ?? {}, 'spec.strategy'),
    ...notNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...notNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit),
    ...notNegative('spec.progressDeadlineSeconds', deadline),
  ];
  if (deadline !== undefined && deadline <= minReadySeconds) {
    problems.push(invalidValue('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds'));
  }
  return problems;
}

function strategyProblems(strategy: DeploymentStrategy, path: string): FieldProblem[] {
  const { type, rollingUpdate } = strategy;
  switch (type as string | undefined) {
    case 'Recreate':
      return rollingUpdate
        ? [forbidden(`${path}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'")]
        : [];
    case 'RollingUpdate': {
      const at = `${path}.rollingUpdate`;
      if (rollingUpdate === undefined) return [required(at, 'this should be defaulted and never be nil')];
      const { maxUnavailable, maxSurge } = rollingUpdate;
      const problems = [
        ...countOrPercent(`${at}.maxUnavailable`, maxUnavailable),
        ...countOrPercent(`${at}.maxSurge`, maxSurge),
      ];
      if (isNone(maxUnavailable) && isNone(maxSurge)) {
        problems.push(invalidValue(`${at}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0'));
      }
      return [...problems, ...notAbove100(`${at}.maxUnavailable`, maxUnavailable)];
    }
    default:
      return [notSupported(path, new Printed(goJson(DeploymentStrategy, strategy)), ['Recreate', 'RollingUpdate'])];
  }
}

export function deploymentUpdateProblems(next: Deployment, current: Deployment): FieldProblem[] {
  return [...deploymentProblems(next), ...unchanged('spec.selector', next.spec.selector, current.spec.selector)];
}

export function replicaSetProblems({ spec }: ReplicaSet): FieldProblem[] {
  return [
    ...notNegative('spec.replicas', spec.replicas),
    ...notNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...selectorProblems(spec.selector, 'deployment'),
    ...(spec.template ? ownTemplateProblems({ ...spec, template: spec.template }, 'ReplicaSet') : []),
  ];
}

export function replicaSetUpdateProblems(next: ReplicaSet, current: ReplicaSet): FieldProblem[] {
  return [...replicaSetProblems(next), ...unchanged('spec.selector', next.spec.selector, current.spec.selector)];
}

export function replicationControllerProblems({ spec }: ReplicationController): FieldProblem[] {
  const { selector, template } = spec;
  const problems = notNegative('spec.minReadySeconds', spec.minReadySeconds);
  if (Object.keys(selector ?? {}).length === 0) problems.push(required('spec.selector'));
  problems.push(...notNegative('spec.replicas', spec.replicas));
  if (template === undefined) return [...problems, required('spec.template')];
  if (!labelMapMatcher(selector)(template.metadata?.labels)) {
    problems.push(invalidValue('spec.template.metadata.labels', shownLabels(template.metadata?.labels), MISMATCH));
  }
  return [
    ...problems,
    ...podTemplateProblems(template, 'spec.template'),
    ...foreverProblems(template, 'ReplicationController'),
  ];
}

export function daemonSetProblems({ spec }: DaemonSet): FieldProblem[] {
  const { selector, template } = spec;
  const labels = template.metadata?.labels;
  const problems = selector ? labelSelectorProblems(selector, 'spec.selector') : [];
  if (selects(selector, labels) === false) {
    problems.push(invalidValue('spec.template.metadata.labels', shownLabels(labels), MISMATCH));
  }
  if (selector && isEmptySelector(selector)) {
    problems.push(invalidValue('spec.selector', selector, 'empty selector is invalid for daemonset'));
  }
  return [
    ...problems,
    ...podTemplateProblems(template, 'spec.template'),
    ...foreverProblems(template, 'DaemonSet'),
    ...notNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...daemonStrategyProblems(spec.updateStrategy ?? {}, 'spec.updateStrategy'),
    ...notNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit),
  ];
}

function daemonStrategyProblems(
  strategy: NonNullable<DaemonSet['spec']['updateStrategy']>,
  path: string,
): FieldProblem[] {
  const { type, rollingUpdate } = strategy;
  if (type === 'OnDelete') return [];
  if (type !== 'RollingUpdate') {
    const shown = new Printed(goJson(DaemonSetUpdateStrategy, strategy));
    return [notSupported(path, shown, ['RollingUpdate', 'OnDelete'])];
  }
  const at = `${path}.rollingUpdate`;
  if (rollingUpdate === undefined) return [required(at)];
  const { maxUnavailable, maxSurge } = rollingUpdate;
  const problems = [
    ...countOrPercent(`${at}.maxUnavailable`, maxUnavailable),
    ...notAbove100(`${at}.maxUnavailable`, maxUnavailable),
    ...countOrPercent(`${at}.maxSurge`, maxSurge),
    ...notAbove100(`${at}.maxSurge`, maxSurge),
  ];
  if (!isNone(maxUnavailable) && !isNone(maxSurge)) {
    problems.push(invalidValue(`${at}.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero'));
  } else if (isNone(maxUnavailable) && isNone(maxSurge)) {
    problems.push(required(`${at}.maxUnavailable`, 'cannot be 0 when maxSurge is 0'));
  }
  return problems;
}

export function daemonSetUpdateProblems(next: DaemonSet, current: DaemonSet): FieldProblem[] {
  return [...daemonSetProblems(next), ...unchanged('spec.selector', next.spec.selector, current.spec.selector)];
}

export function statefulSetProblems({ spec }: StatefulSet): FieldProblem[] {
  const { podManagementPolicy: policy, updateStrategy = {}, persistentVolumeClaimRetentionPolicy: keep } = spec;
  const problems: FieldProblem[] = [];
  const at = 'spec.podManagementPolicy';
  if (!policy) problems.push(required(at));
  else if (policy !== 'OrderedReady' && policy !== 'Parallel') {
    problems.push(invalidValue(at, policy, "must be 'OrderedReady' or 'Parallel'"));
  }
  const retention = ['Retain', 'Delete'];
  const kept = 'spec.persistentVolumeClaimRetentionPolicy';
  return [
    ...problems,
    ...statefulStrategyProblems(updateStrategy, 'spec.updateStrategy'),
    ...oneOf(`${kept}.whenDeleted`, keep?.whenDeleted, retention),
    ...oneOf(`${kept}.whenScaled`, keep?.whenScaled, retention),
    ...notNegative('spec.replicas', spec.replicas),
    ...notNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...notNegative('spec.ordinals.start', spec.ordinals?.start),
    ...selectorProblems(spec.selector, 'statefulset'),
    ...ownTemplateProblems({ ...spec, template: withClaims(spec) }, 'StatefulSet'),
    ...(spec.serviceName
      ? dns1123Label(spec.serviceName).map((why) => invalidValue('spec.serviceName', spec.serviceName, why))
      : []),
  ];
}

/** The template as pods get it: their claims are volumes, in the place of others with their names. */
function withClaims({ template, volumeClaimTemplates: claims = [] }: StatefulSet['spec']): PodTemplateSpec {
  if (claims.length === 0 || !template.spec) return template;
  const names = new Set(claims.map(({ metadata }) => metadata?.name ?? ''));
  const others = (template.spec.volumes ?? []).filter(({ name }) => !names.has(name));
  const own = [...names].map((name) => ({ name, persistentVolumeClaim: { claimName: name } }));
  return { ...template, spec: { ...template.spec, volumes: [...others, ...own] } };
}

function statefulStrategyProblems(strategy: StatefulSetUpdateStrategy, path: string): FieldProblem[] {
  const { type, rollingUpdate } = strategy;
  const at = `${path}.rollingUpdate`;
  switch (type as string | undefined) {
    case undefined:
    case '':
      return [required(path)];
    case 'OnDelete': {
      if (rollingUpdate === undefined) return [];
      const shown = new Printed(goJson(RollingUpdateStatefulSetStrategy, rollingUpdate));
      return [invalidValue(at, shown, "only allowed for updateStrategy 'RollingUpdate'")];
    }
    case 'RollingUpdate': {
      const { partition, maxUnavailable } = rollingUpdate ?? {};
      const problems = [
        ...notNegative(`${at}.partition`, partition),
        ...countOrPercent(`${at}.maxUnavailable`, maxUnavailable),
      ];
      if (maxUnavailable !== undefined && isNone(maxUnavailable)) {
        problems.push(invalidValue(`${at}.maxUnavailable`, maxUnavailable, 'cannot be 0'));
      }
      return [...problems, ...notAbove100(`${at}.maxUnavailable`, maxUnavailable)];
    }
    default: {
      const shown = new Printed(goJson(StatefulSetUpdateStrategy, strategy));
      return [invalidValue(path, shown, "must be 'RollingUpdate' or 'OnDelete'")];
    }
  }
}

const MUTABLE = [
  'replicas',
  'template',
  'updateStrategy',
  'minReadySeconds',
  'ordinals',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
];
const FIXED =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', " +
  "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

export function statefulSetUpdateProblems(next: StatefulSet, current: StatefulSet): FieldProblem[] {
  const fixed = ({ spec }: StatefulSet) =>
    Object.fromEntries(Object.entries(spec).filter(([name, value]) => !MUTABLE.includes(name) && value !== undefined));
  const problems = statefulSetProblems(next);
  return deepEqual(fixed(next), fixed(current)) ? problems : [...problems, forbidden('spec', FIXED)];
}

export function revisionProblems({ revision, data }: ControllerRevision): FieldProblem[] {
  const problems: FieldProblem[] = [];
  problems.push(...notNegative('revision', revision));
  if (data === undefined || data === null) problems.push(required('data', 'data is mandatory'));
  else if (typeof data !== 'object' || Array.isArray(data)) {
    problems.push(invalidValue('data', '<value omitted>', 'data must be a valid JSON object'));
  }
  return problems;
}

export function revisionUpdateProblems(next: ControllerRevision, current: ControllerRevision): FieldProblem[] {
  const problems = revisionProblems(next);
  return deepEqual(next.data, current.data) ? problems : [...problems, invalidValue('data', next.data, IMMUTABLE)];
}
