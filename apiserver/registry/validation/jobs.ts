// Jobs, and cron jobs that make them.
import { domainPrefixedPath, qualifiedName } from '../../../api/names.ts';
import { deepEqual } from '../../../api/schema/equal.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { CronJob } from '../../../api/types/batch/cron-job.ts';
import { type Job, type PodFailurePolicyOnExitCodesRequirement, SuccessPolicy } from '../../../api/types/batch/job.ts';
import { cronScheduleProblem } from './cron-schedules.ts';
import { goJson } from './go-value.ts';
import { labelSelectorProblems } from './label-selector.ts';
import { annotationProblems, labelProblems } from './object-meta.ts';
import { podTemplateProblems } from './pod-spec.ts';
import { duplicate, invalidValue, notSupported, Printed, required } from './problems.ts';
import { each, IMMUTABLE, named, notNegative, oneOf, requiredOneOf, unchanged } from './values.ts';
import { selects } from './workloads.ts';

type JobSpec = Job['spec'];

const INDEXED_ONLY = 'requires indexed completion mode';
const COMPLETIONS_MAX = 1_000_000_000;
const INDEXED_COMPLETIONS_MAX = 100_000;
const RULES_MAX = 20;

export function jobProblems({ spec, metadata }: Job): FieldProblem[] {
  const { manualSelector, selector, template, completions, completionMode } = spec;
  const problems: FieldProblem[] = [];
  if (manualSelector !== true && selector !== undefined) {
    const expected = { matchLabels: { 'batch.kubernetes.io/controller-uid': metadata.uid } };
    if (!deepEqual(selector, expected)) {
      problems.push(invalidValue('spec.selector', sortedSelector(selector), '`selector` not auto-generated'));
    }
  }
  problems.push(...jobSpecProblems(spec, 'spec'));
  if (selector === undefined) problems.push(required('spec.selector'));
  else problems.push(...labelSelectorProblems(selector, 'spec.selector'));
  const isSelected = selects(selector, template.metadata?.labels);
  if (isSelected === false && selector !== undefined) {
    const labels = Object.fromEntries(
      Object.entries(template.metadata?.labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)),
    );
    problems.push(invalidValue('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
  }
  if (completionMode === 'Indexed' && completions !== undefined && metadata.name) {
    const longest = `${metadata.name}-${completions - 1}`;
    if (completions > 0 && longest.length > 63) {
      const why = 'must be no more than 63 characters';
      problems.push(
        invalidValue(
          'metadata.name',
          metadata.name,
          `will not able to create pod with invalid DNS label: ${longest}: ${why}`,
        ),
      );
    }
  }
  return problems;
}

function sortedSelector(selector: NonNullable<JobSpec['selector']>): unknown {
  const labels = Object.entries(selector.matchLabels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return { ...selector, ...(selector.matchLabels && { matchLabels: Object.fromEntries(labels) }) };
}

export function jobSpecProblems(spec: JobSpec, path: string): FieldProblem[] {
  const { completionMode, completions, parallelism = 0, managedBy, template } = spec;
  const problems = [
    ...notNegative(`${path}.parallelism`, spec.parallelism),
    ...notNegative(`${path}.completions`, completions),
    ...notNegative(`${path}.activeDeadlineSeconds`, spec.activeDeadlineSeconds),
    ...notNegative(`${path}.backoffLimit`, spec.backoffLimit),
    ...notNegative(`${path}.ttlSecondsAfterFinished`, spec.ttlSecondsAfterFinished),
    ...notNegative(`${path}.backoffLimitPerIndex`, spec.backoffLimitPerIndex),
    ...notNegative(`${path}.maxFailedIndexes`, spec.maxFailedIndexes),
  ];
  if (managedBy !== undefined) {
    problems.push(...named(`${path}.managedBy`, managedBy, domainPrefixedPath));
    if (managedBy.length > 63) {
      problems.push({
        path: `${path}.managedBy`,
        reason: 'FieldValueTooLong',
        message: 'Too long: may not be more than 63 bytes',
      });
    }
  }
  const isIndexed = completionMode === 'Indexed';
  if (completionMode !== undefined) {
    problems.push(...oneOf(`${path}.completionMode`, completionMode, ['NonIndexed', 'Indexed']));
  }
  if (isIndexed) problems.push(...indexedProblems(spec, path));
  else {
    for (const field of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const) {
      if (spec[field] !== undefined) problems.push(invalidValue(`${path}.${field}`, spec[field], INDEXED_ONLY));
    }
    if (completions !== undefined && completions > COMPLETIONS_MAX && parallelism > COMPLETIONS_MAX) {
      problems.push(
        invalidValue(`${path}.completions`, completions, `must be less than or equal to ${COMPLETIONS_MAX}`),
      );
    }
  }
  problems.push(...failurePolicyProblems(spec, path), ...successPolicyProblems(spec, path));
  problems.push(...replacementProblems(spec, path));
  problems.push(...podTemplateProblems(template, `${path}.template`));
  return [...problems, ...restartProblems(spec, path)];
}

function indexedProblems(spec: JobSpec, path: string): FieldProblem[] {
  const { completions, parallelism = 0, backoffLimitPerIndex, maxFailedIndexes } = spec;
  const problems: FieldProblem[] = [];
  const because = 'when completion mode is Indexed';
  if (completions === undefined) problems.push(required(`${path}.completions`, `${because}`));
  if (parallelism > INDEXED_COMPLETIONS_MAX) {
    const why = `must be less than or equal to ${INDEXED_COMPLETIONS_MAX} ${because}`;
    problems.push(invalidValue(`${path}.parallelism`, parallelism, why));
  }
  if (completions !== undefined && maxFailedIndexes !== undefined && maxFailedIndexes > completions) {
    problems.push(
      invalidValue(`${path}.maxFailedIndexes`, maxFailedIndexes, 'must be less than or equal to completions'),
    );
  }
  if (maxFailedIndexes !== undefined && backoffLimitPerIndex === undefined) {
    problems.push(required(`${path}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified'));
  }
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

function failurePolicyProblems(spec: JobSpec, path: string): FieldProblem[] {
  const { podFailurePolicy: policy, template, backoffLimitPerIndex } = spec;
  if (policy === undefined) return [];
  const at = `${path}.podFailurePolicy.rules`;
  const rules = policy.rules ?? [];
  const problems: FieldProblem[] = [];
  if (rules.length > RULES_MAX) {
    problems.push({
      path: at,
      reason: 'FieldValueTooMany',
      message: `Too many: ${rules.length}: must have at most ${RULES_MAX} items`,
    });
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
      rows.push(...requiredOneOf(`${where}.action`, action, ACTIONS));
      if (onExitCodes) rows.push(...exitCodeProblems(onExitCodes, names, `${where}.onExitCodes`));
      for (const [i, { type, status }] of (onPodConditions ?? []).entries()) {
        const on = `${where}.onPodConditions[${i}]`;
        rows.push(...named(`${on}.type`, type, qualifiedName));
        rows.push(...requiredOneOf(`${on}.status`, status, ['False', 'True', 'Unknown']));
      }
      const { length } = onPodConditions ?? [];
      if (onExitCodes && length > 0) {
        rows.push(invalidValue(where, '', 'specifying both OnExitCodes and OnPodConditions is not supported'));
      } else if (!onExitCodes && length === 0) {
        rows.push(invalidValue(where, '', 'specifying one of OnExitCodes and OnPodConditions is required'));
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
  const problems = requiredOneOf(`${path}.operator`, operator, ['In', 'NotIn']);
  if (containerName !== undefined && !names.has(containerName)) {
    const why = 'must be one of the container or initContainer names in the pod template';
    problems.push(invalidValue(`${path}.containerName`, containerName, why));
  }
  const at = `${path}.values`;
  if (!values?.length) problems.push(invalidValue(at, values ?? [], 'at least one value is required'));
  else if (values.length > CODES_MAX) {
    problems.push({
      path: at,
      reason: 'FieldValueTooMany',
      message: `Too many: ${values.length}: must have at most ${CODES_MAX} items`,
    });
  }
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
  if (rules.length === 0)
    return [required(`${at}.rules`, 'at least one rules must be specified when the successPolicy is specified')];
  const problems: FieldProblem[] = [];
  if (rules.length > RULES_MAX) {
    problems.push({
      path: `${at}.rules`,
      reason: 'FieldValueTooMany',
      message: `Too many: ${rules.length}: must have at most ${RULES_MAX} items`,
    });
  }
  return [
    ...problems,
    ...each(rules, `${at}.rules`, ({ succeededCount, succeededIndexes }, where) => {
      if (succeededCount === undefined && succeededIndexes === undefined) {
        return [required(where, 'at least one of succeededCount or succeededIndexes must be specified')];
      }
      const rows: FieldProblem[] = [];
      let total = completions ?? 0;
      if (succeededIndexes !== undefined) {
        const count = countIndexes(succeededIndexes, completions ?? 0);
        if (count === undefined) {
          rows.push(
            invalidValue(
              `${where}.succeededIndexes`,
              succeededIndexes,
              `error parsing succeededIndexes: cannot convert string to integer for index: ${JSON.stringify(succeededIndexes)}`,
            ),
          );
        } else total = count;
      }
      if (succeededCount !== undefined) {
        rows.push(...notNegative(`${where}.succeededCount`, succeededCount));
        if (succeededCount > total) {
          rows.push(
            invalidValue(
              `${where}.succeededCount`,
              succeededCount,
              `must be less than or equal to ${total} (the number of ${succeededIndexes === undefined ? 'specified completions' : 'indexes in the specified succeededIndexes field'})`,
            ),
          );
        }
      }
      return rows;
    }),
  ];
}

function countIndexes(text: string, completions: number): number | undefined {
  let count = 0;
  let last = -1;
  for (const part of text.split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (!match) return undefined;
    const from = Number(match[1]);
    const to = Number(match[2] ?? match[1]);
    if (from <= last || to < from || to >= completions) return undefined;
    count += to - from + 1;
    last = to;
  }
  return count;
}

function replacementProblems(
  { podReplacementPolicy: policy, podFailurePolicy }: JobSpec,
  path: string,
): FieldProblem[] {
  if (policy === undefined) return [];
  const at = `${path}.podReplacementPolicy`;
  return oneOf(at, policy, podFailurePolicy === undefined ? ['Failed', 'TerminatingOrFailed'] : ['Failed']);
}

/** What started cannot be told to be something else; a suspended job's template may be placed anew. */
export function jobUpdateProblems(next: Job, current: Job): FieldProblem[] {
  const path = 'spec';
  const [now, was] = [next.spec, current.spec];
  const problems = jobProblems(next);
  const isElastic = now.completionMode === 'Indexed' && was.completionMode === 'Indexed';
  const follows = isElastic && now.completions === now.parallelism;
  if (!follows) problems.push(...unchanged(`${path}.completions`, now.completions, was.completions));
  problems.push(...unchanged(`${path}.selector`, now.selector, was.selector));
  const notStarted = was.suspend === true && current.status.startTime === undefined;
  const template = structuredClone(now.template);
  if (notStarted && template.spec && was.template.spec) {
    const { nodeSelector, affinity, tolerations, schedulingGates } = was.template.spec;
    Object.assign(template.spec, { nodeSelector, affinity, tolerations, schedulingGates });
    template.metadata = was.template.metadata;
  }
  const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null));
  if (!deepEqual(plain(template), plain(was.template))) {
    problems.push(invalidValue(`${path}.template`, now.template, IMMUTABLE));
  }
  problems.push(
    ...unchanged(`${path}.completionMode`, now.completionMode, was.completionMode),
    ...unchanged(`${path}.podFailurePolicy`, now.podFailurePolicy, was.podFailurePolicy),
    ...unchanged(`${path}.backoffLimitPerIndex`, now.backoffLimitPerIndex, was.backoffLimitPerIndex),
    ...unchanged(`${path}.managedBy`, now.managedBy, was.managedBy),
    ...unchanged(`${path}.successPolicy`, now.successPolicy, was.successPolicy),
  );
  return problems;
}

const CRON_NAME_MAX = 52;

export function cronJobProblems({ spec, metadata }: CronJob): FieldProblem[] {
  const { schedule, timeZone, jobTemplate } = spec;
  const problems: FieldProblem[] = [];
  if (!schedule) problems.push(required('spec.schedule'));
  else {
    const why = cronScheduleProblem(schedule);
    if (why !== undefined) problems.push(invalidValue('spec.schedule', schedule, why));
    if (timeZone !== undefined && /TZ/.test(schedule)) {
      problems.push(
        invalidValue('spec.timeZone', timeZone, 'cannot use both timeZone field and TZ or CRON_TZ in schedule'),
      );
    }
  }
  if (timeZone !== undefined) problems.push(...timeZoneProblems(timeZone));
  problems.push(
    ...notNegative('spec.startingDeadlineSeconds', spec.startingDeadlineSeconds),
    ...requiredOneOf('spec.concurrencyPolicy', spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace']),
    ...jobTemplateProblems(jobTemplate, 'spec.jobTemplate'),
    ...notNegative('spec.successfulJobsHistoryLimit', spec.successfulJobsHistoryLimit),
    ...notNegative('spec.failedJobsHistoryLimit', spec.failedJobsHistoryLimit),
  );
  if (metadata.name && metadata.name.length > CRON_NAME_MAX) {
    problems.push(invalidValue('metadata.name', metadata.name, `must be no more than ${CRON_NAME_MAX} characters`));
  }
  return problems;
}

function jobTemplateProblems({ metadata, spec }: CronJob['spec']['jobTemplate'], path: string): FieldProblem[] {
  const problems = [
    ...labelProblems(metadata?.labels, `${path}.labels`),
    ...annotationProblems(metadata?.annotations, `${path}.annotations`),
  ];
  if (spec === undefined) return problems;
  problems.push(...jobSpecProblems(spec, `${path}.spec`));
  if (spec.selector !== undefined)
    problems.push(invalidValue(`${path}.spec.selector`, spec.selector, '`selector` will be auto-generated'));
  if (spec.manualSelector) {
    problems.push(notSupported(`${path}.spec.manualSelector`, spec.manualSelector, ['nil', 'false']));
  }
  return problems;
}

function timeZoneProblems(timeZone: string): FieldProblem[] {
  const at = 'spec.timeZone';
  if (timeZone === '') return [invalidValue(at, timeZone, 'timeZone must be nil or non-empty string')];
  if (timeZone.toLowerCase() === 'local') {
    return [
      invalidValue(
        at,
        timeZone,
        'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones',
      ),
    ];
  }
  if (isTimeZone(timeZone)) return [];
  return [invalidValue(at, timeZone, `unknown time zone ${timeZone}`)];
}

function isTimeZone(name: string): boolean {
  try {
    return !/^[+-]/.test(name) && new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch (err) {
    if (err instanceof RangeError) return false;
    throw err;
  }
}
