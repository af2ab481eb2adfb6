// Jobs. What cron jobs add is in cron-jobs.ts, what is said of running ones in job-status.ts.
import { dns1123Label, domainPrefixedPath, qualifiedName } from '../../../api/names.ts';
import type { FieldProblem } from '../../../api/status.ts';
import {
  type Job,
  PodFailurePolicy,
  type PodFailurePolicyOnExitCodesRequirement,
  SuccessPolicy,
} from '../../../api/types/batch/job.ts';
import { PodTemplateSpec } from '../../../api/types/core/pod.ts';
import { PodSpec } from '../../../api/types/core/pod-spec.ts';
import { goJson, unchangedInGo } from './go-value.ts';
import { readIndexes } from './job-indexes.ts';
import { labelSelectorProblems } from './label-selector.ts';
import { podTemplateProblems } from './pod-spec.ts';
import { duplicate, invalid, invalidValue, notSupported, Printed, required, tooLong, tooMany } from './problems.ts';
import { each, named, notNegative, oneOf, unchanged } from './values.ts';
import { selects } from './workloads.ts';

type JobSpec = Job['spec'];
type Labels = Readonly<Record<string, string>>;

const INDEXED_ONLY = 'requires indexed completion mode';
const INDEXED_MAX = 100_000;
/** Above this many completions, there is less room for what else grows with them. */
const MANY_COMPLETIONS = 100_000;
const MAX_WITH_MANY = 10_000;
const RULES_MAX = 20;
const SUCCEEDED_INDEXES_MAX = 64 * 1024;
const MANAGED_BY_MAX = 63;

export function jobProblems(job: Job): FieldProblem[] {
  const { spec, metadata } = job;
  const { completions = 0, completionMode } = spec;
  const problems = [...generatedProblems(job), ...selectingProblems(spec)];
  if (completionMode === 'Indexed' && completions > 0) {
    const longest = `${metadata.name ?? ''}-${completions - 1}`;
    if (dns1123Label(longest).length > 0) {
      const why = `will not able to create pod with invalid DNS label: ${longest}`;
      problems.push(invalidValue('metadata.name', metadata.name ?? '', why));
    }
  }
  return problems;
}

/** Unless it is told otherwise, a job finds its pods by labels made for it. */
function generatedProblems({ spec, metadata }: Job): FieldProblem[] {
  if (spec.manualSelector === true || spec.selector === undefined) return [];
  const { uid = '', name = '' } = metadata;
  const expected: Labels = {
    'controller-uid': uid,
    'job-name': name,
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
  };
  const labels = spec.template.metadata?.labels;
  const problems = Object.entries(expected).flatMap(([key, value]) => {
    const at = `spec.template.metadata.labels[${key}]`;
    const why = `must be '${value}'`;
    if (labels?.[key] === undefined) return [required(at, why)];
    return labels[key] === value ? [] : [invalidValue(at, sorted(labels), why)];
  });
  if (selects(spec.selector, expected) === false) {
    problems.push(invalidValue('spec.selector', sortedSelector(spec.selector), '`selector` not auto-generated'));
  }
  return problems;
}

function selectingProblems(spec: JobSpec): FieldProblem[] {
  const { selector, template } = spec;
  const problems = jobSpecProblems(spec, 'spec');
  if (selector === undefined) problems.push(required('spec.selector'));
  else problems.push(...labelSelectorProblems(selector, 'spec.selector'));
  const labels = template.metadata?.labels;
  if (selects(selector, labels) === false) {
    const shown = labels && sorted(labels);
    problems.push(invalidValue('spec.template.metadata.labels', shown, '`selector` does not match template `labels`'));
  }
  return problems;
}

function sorted(labels: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function sortedSelector(selector: NonNullable<JobSpec['selector']>): unknown {
  return { ...selector, ...(selector.matchLabels && { matchLabels: sorted(selector.matchLabels) }) };
}

export function jobSpecProblems(spec: JobSpec, path: string): FieldProblem[] {
  const { completionMode, completions, managedBy, maxFailedIndexes, backoffLimitPerIndex, template } = spec;
  const problems = [
    ...notNegative(`${path}.parallelism`, spec.parallelism),
    ...notNegative(`${path}.completions`, completions),
    ...notNegative(`${path}.activeDeadlineSeconds`, spec.activeDeadlineSeconds),
    ...notNegative(`${path}.backoffLimit`, spec.backoffLimit),
    ...notNegative(`${path}.ttlSecondsAfterFinished`, spec.ttlSecondsAfterFinished),
    ...notNegative(`${path}.backoffLimitPerIndex`, backoffLimitPerIndex),
    ...notNegative(`${path}.maxFailedIndexes`, maxFailedIndexes),
  ];
  if (maxFailedIndexes !== undefined && backoffLimitPerIndex === undefined) {
    problems.push(required(`${path}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified'));
  }
  if (managedBy !== undefined) {
    problems.push(...named(`${path}.managedBy`, managedBy, domainPrefixedPath));
    if (managedBy.length > MANAGED_BY_MAX) problems.push(tooLong(`${path}.managedBy`, MANAGED_BY_MAX));
  }
  problems.push(...oneOf(`${path}.completionMode`, completionMode, ['NonIndexed', 'Indexed']));
  if (completionMode === 'Indexed') problems.push(...indexedProblems(spec, path));
  else if (completionMode === undefined || completionMode === 'NonIndexed') {
    for (const field of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const) {
      if (spec[field] !== undefined) problems.push(invalidValue(`${path}.${field}`, spec[field], INDEXED_ONLY));
    }
  }
  problems.push(...failurePolicyProblems(spec, path), ...successPolicyProblems(spec, path));
  problems.push(...replacementProblems(spec, path));
  problems.push(...podTemplateProblems(template, `${path}.template`));
  return [...problems, ...restartProblems(spec, path)];
}

function indexedProblems(spec: JobSpec, path: string): FieldProblem[] {
  const { completions, backoffLimitPerIndex, maxFailedIndexes } = spec;
  const problems: FieldProblem[] = [];
  const mode = 'when completion mode is Indexed';
  const above = (field: 'parallelism' | 'maxFailedIndexes', max: number, when = '') => {
    const value = spec[field] ?? 0;
    if (value > max)
      problems.push(invalidValue(`${path}.${field}`, value, `must be less than or equal to ${max}${when}`));
  };
  if (completions === undefined) problems.push(required(`${path}.completions`, mode));
  above('parallelism', INDEXED_MAX, ` ${mode}`);
  if (completions !== undefined && maxFailedIndexes !== undefined && maxFailedIndexes > completions) {
    const why = 'must be less than or equal to completions';
    problems.push(invalidValue(`${path}.maxFailedIndexes`, maxFailedIndexes, why));
  }
  above('maxFailedIndexes', INDEXED_MAX);
  if (completions === undefined || completions <= MANY_COMPLETIONS || backoffLimitPerIndex === undefined) {
    return problems;
  }
  if (maxFailedIndexes === undefined) {
    const why = `must be specified when completions is above ${MANY_COMPLETIONS}`;
    problems.push(required(`${path}.maxFailedIndexes`, why));
  }
  const many = ` when completions are above ${MANY_COMPLETIONS} and used with backoff limit per index`;
  above('parallelism', MAX_WITH_MANY, many);
  above('maxFailedIndexes', MAX_WITH_MANY, many);
  return problems;
}

function restartProblems({ template, podFailurePolicy }: JobSpec, path: string): FieldProblem[] {
  const policy = template.spec?.restartPolicy;
  const at = `${path}.template.spec.restartPolicy`;
  if (!policy || policy === 'Always') return [required(at, 'valid values: "OnFailure", "Never"')];
  if (policy !== 'OnFailure' && policy !== 'Never') return [notSupported(at, policy, ['OnFailure', 'Never'])];
  if (podFailurePolicy !== undefined && policy !== 'Never') {
    return [invalidValue(at, policy, 'only "Never" is supported when podFailurePolicy is specified')];
  }
  return [];
}

const ACTIONS = ['Count', 'FailIndex', 'FailJob', 'Ignore'];

/** A word of a list that is shown as Go prints lists. */
function wordOf(path: string, word: string | undefined, words: readonly string[]): FieldProblem[] {
  if (word) return oneOf(path, word, words);
  return [required(path, `valid values: [${words.map((one) => JSON.stringify(one)).join(' ')}]`)];
}

function failurePolicyProblems(spec: JobSpec, path: string): FieldProblem[] {
  const { podFailurePolicy: policy, template, backoffLimitPerIndex } = spec;
  if (policy === undefined) return [];
  const at = `${path}.podFailurePolicy.rules`;
  const rules = policy.rules ?? [];
  const problems: FieldProblem[] = [];
  if (rules.length > RULES_MAX) {
    problems.push(tooMany(at, rules.length, RULES_MAX));
  }
  const names = new Set(
    [...(template.spec?.containers ?? []), ...(template.spec?.initContainers ?? [])].map(({ name }) => name),
  );
  return [
    ...problems,
    ...each(rules, at, ({ action, onExitCodes, onPodConditions }, where) => {
      const rows: FieldProblem[] = [];
      if (action === 'FailIndex' && backoffLimitPerIndex === undefined) {
        rows.push(invalidValue(`${where}.action`, action, 'requires the backoffLimitPerIndex to be set'));
      }
      rows.push(...wordOf(`${where}.action`, action, ACTIONS));
      if (onExitCodes) rows.push(...exitCodeProblems(onExitCodes, names, `${where}.onExitCodes`));
      const { length } = onPodConditions ?? [];
      const conditions = `${where}.onPodConditions`;
      if (length > RULES_MAX) rows.push(tooMany(conditions, length, RULES_MAX));
      rows.push(
        ...each(onPodConditions, conditions, ({ type, status }, on) => [
          ...named(`${on}.type`, type, qualifiedName),
          ...wordOf(`${on}.status`, status, ['False', 'True', 'Unknown']),
        ]),
      );
      if (onExitCodes && length > 0) {
        rows.push(invalid(where, 'specifying both OnExitCodes and OnPodConditions is not supported'));
      } else if (!onExitCodes && length === 0) {
        rows.push(invalid(where, 'specifying one of OnExitCodes and OnPodConditions is required'));
      }
      return rows;
    }),
  ];
}

const CODES_MAX = 255;

function exitCodeProblems(
  { operator, values, containerName }: PodFailurePolicyOnExitCodesRequirement,
  names: ReadonlySet<string>,
  path: string,
): FieldProblem[] {
  const problems = wordOf(`${path}.operator`, operator, ['In', 'NotIn']);
  if (containerName !== undefined && !names.has(containerName)) {
    const why = 'must be one of the container or initContainer names in the pod template';
    problems.push(invalidValue(`${path}.containerName`, containerName, why));
  }
  const at = `${path}.values`;
  if (!values?.length) problems.push(invalidValue(at, values ?? [], 'at least one value is required'));
  else if (values.length > CODES_MAX) problems.push(tooMany(at, values.length, CODES_MAX));
  const seen = new Set<number>();
  let isOrdered = true;
  for (const [i, code] of (values ?? []).entries()) {
    if (operator === 'In' && code === 0) {
      problems.push(invalidValue(`${at}[${i}]`, code, 'must not be 0 for the In operator'));
    }
    if (seen.has(code)) problems.push(duplicate(`${at}[${i}]`, code));
    if (i > 0 && code < values[i - 1]!) isOrdered = false;
    seen.add(code);
  }
  if (!isOrdered) problems.push(invalidValue(at, values, 'must be ordered'));
  return problems;
}

function successPolicyProblems({ successPolicy, completions, completionMode }: JobSpec, path: string): FieldProblem[] {
  if (successPolicy === undefined) return [];
  const at = `${path}.successPolicy`;
  if (completionMode !== 'Indexed') {
    return [invalidValue(at, new Printed(goJson(SuccessPolicy, successPolicy)), INDEXED_ONLY)];
  }
  const rules = successPolicy.rules ?? [];
  const problems: FieldProblem[] = [];
  if (rules.length === 0) {
    const why = 'at least one rules must be specified when the successPolicy is specified';
    problems.push(required(`${at}.rules`, why));
  }
  if (rules.length > RULES_MAX) problems.push(tooMany(`${at}.rules`, rules.length, RULES_MAX));
  return [
    ...problems,
    ...each(rules, `${at}.rules`, (rule, where) => successRuleProblems(rule, completions ?? 0, where)),
  ];
}

type SuccessRule = NonNullable<JobSpec['successPolicy']>['rules'][number];

function successRuleProblems(
  { succeededCount, succeededIndexes }: SuccessRule,
  completions: number,
  path: string,
): FieldProblem[] {
  if (succeededCount === undefined && succeededIndexes === undefined) {
    return [required(path, 'at least one of succeededCount or succeededIndexes must be specified')];
  }
  const problems: FieldProblem[] = [];
  let total: number | undefined;
  if (succeededIndexes !== undefined) {
    const at = `${path}.succeededIndexes`;
    if (succeededIndexes.length > SUCCEEDED_INDEXES_MAX) problems.push(tooLong(at, SUCCEEDED_INDEXES_MAX));
    const read = readIndexes(succeededIndexes, completions);
    if (typeof read === 'string') {
      problems.push(invalidValue(at, succeededIndexes, `error parsing succeededIndexes: ${read}`));
    }
    total = typeof read === 'string' ? 0 : read.total;
  }
  if (succeededCount === undefined) return problems;
  const at = `${path}.succeededCount`;
  const atMost = (max: number, of: string) => {
    if (succeededCount <= max) return;
    problems.push(invalidValue(at, succeededCount, `must be less than or equal to ${max} (the number of ${of})`));
  };
  problems.push(...notNegative(at, succeededCount));
  atMost(completions, 'specified completions');
  if (total !== undefined) atMost(total, 'indexes in the specified succeededIndexes field');
  return problems;
}

function replacementProblems(
  { podReplacementPolicy: policy, podFailurePolicy }: JobSpec,
  path: string,
): FieldProblem[] {
  if (policy === undefined) return [];
  const at = `${path}.podReplacementPolicy`;
  return oneOf(at, policy, podFailurePolicy === undefined ? ['Failed', 'TerminatingOrFailed'] : ['Failed']);
}

/** What started cannot be told to be something else; a suspended job's pods may be placed and sized anew. */
export function jobUpdateProblems(next: Job, current: Job): FieldProblem[] {
  const [now, was] = [next.spec, current.spec];
  return [
    ...selectingProblems(now),
    ...completionsUpdateProblems(now, was),
    ...unchanged('spec.selector', now.selector, was.selector),
    ...templateUpdateProblems(now, current),
    ...unchanged('spec.completionMode', now.completionMode, was.completionMode),
    ...unchangedInGo(PodFailurePolicy, 'spec.podFailurePolicy', now.podFailurePolicy, was.podFailurePolicy),
    ...unchanged('spec.backoffLimitPerIndex', now.backoffLimitPerIndex, was.backoffLimitPerIndex),
    ...unchanged('spec.managedBy', now.managedBy, was.managedBy),
    ...unchangedInGo(SuccessPolicy, 'spec.successPolicy', now.successPolicy, was.successPolicy),
  ];
}

/** Only a job that counts by index grows and shrinks, its width with it. */
function completionsUpdateProblems(now: JobSpec, was: JobSpec): FieldProblem[] {
  const at = 'spec.completions';
  if (now.completionMode !== 'Indexed') return unchanged(at, now.completions, was.completions);
  if (now.completions === was.completions || now.completions === undefined) return [];
  if (now.completions === now.parallelism) return [];
  return [invalidValue(at, now.completions, 'can only be modified in tandem with spec.parallelism')];
}

function templateUpdateProblems(now: JobSpec, { spec: was, status }: Job): FieldProblem[] {
  const at = 'spec.template';
  const isIdle = was.suspend === true && (status.active ?? 0) === 0;
  if (!isIdle && !(was.suspend === true && status.startTime === undefined)) {
    return unchangedInGo(PodTemplateSpec, at, now.template, was.template);
  }
  const pods = was.template.spec;
  const wanted = now.template.spec;
  if (!pods || !wanted) return unchangedInGo(PodTemplateSpec, at, now.template, was.template);
  const { nodeSelector, tolerations, schedulingGates } = wanted;
  const affinity = placed(wanted.affinity, pods.affinity);
  const allowed = { ...pods, affinity, nodeSelector, tolerations, schedulingGates };
  if (!isIdle) {
    const { labels, annotations } = now.template.metadata ?? {};
    const metadata = { ...was.template.metadata, labels, annotations };
    return unchangedInGo(PodTemplateSpec, at, now.template, { metadata, spec: allowed });
  }
  for (const list of ['containers', 'initContainers'] as const) {
    const [asked, had] = [wanted[list], allowed[list]];
    if (!asked || asked.length !== had?.length) continue;
    allowed[list] = had.map((container, i) => {
      const { name, resources } = asked[i]!;
      return container.name === name ? { ...container, resources } : container;
    });
  }
  return unchangedInGo(PodSpec, `${at}.spec`, wanted, allowed);
}

type Affinity = NonNullable<JobSpec['template']['spec']>['affinity'];

/** What there was, with the node affinity that is asked for. */
function placed(wanted: Affinity, was: Affinity): Affinity {
  const affinity = { ...was, nodeAffinity: wanted?.nodeAffinity };
  const isEmpty = Object.values(affinity).every((one) => one === undefined);
  return wanted === undefined && isEmpty ? undefined : affinity;
}
