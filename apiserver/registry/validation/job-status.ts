// What a controller may say of a job. Those of other kinds of controllers are held to what clients rely on: a job that
// ended stays so, counts do not go back. What was wrong before is let be while it does not change.
import { deepEqual } from '../../../api/schema/equal.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { Job } from '../../../api/types/batch/job.ts';
import { overlapProblem, readIndexes } from './job-indexes.ts';
import { duplicate, invalid, invalidValue, required } from './problems.ts';
import { IMMUTABLE, notNegative } from './values.ts';

type Status = Job['status'];
type Condition = 'Complete' | 'Failed' | 'FailureTarget' | 'SuccessCriteriaMet' | 'Suspended';

const CONDITIONS = 'status.conditions';

const is = ({ status }: Job, type: Condition): boolean =>
  status.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true;

const isFinished = (job: Job): boolean => is(job, 'Complete') || is(job, 'Failed');

/** What differs from what was said before. */
class Changes {
  readonly #next: Job;
  readonly #current: Job;

  constructor(next: Job, current: Job) {
    this.#next = next;
    this.#current = current;
  }

  get finished(): boolean {
    return isFinished(this.#next) !== isFinished(this.#current);
  }

  of(...fields: readonly (keyof Status)[]): boolean {
    return fields.some((field) => !deepEqual(this.#next.status[field], this.#current.status[field]));
  }

  is(...types: readonly Condition[]): boolean {
    return types.some((type) => is(this.#next, type) !== is(this.#current, type));
  }
}

export function jobStatusProblems(next: Job, current: Job): FieldProblem[] {
  const changes = new Changes(next, current);
  return [
    ...countProblems(next.status),
    ...uncountedProblems(next.status),
    ...endProblems(next, changes),
    ...finishedProblems(next, changes),
    ...indexProblems(next, changes),
    ...podProblems(next, changes),
    ...criteriaProblems(next),
    ...historyProblems(next, current, changes),
  ];
}

function countProblems(status: Status): FieldProblem[] {
  return (['active', 'succeeded', 'failed', 'ready', 'terminating'] as const).flatMap((field) =>
    notNegative(`status.${field}`, status[field]),
  );
}

function uncountedProblems({ uncountedTerminatedPods: pods }: Status): FieldProblem[] {
  const seen = new Set<string>();
  return (['succeeded', 'failed'] as const).flatMap((field) =>
    (pods?.[field] ?? []).flatMap((uid, i) => {
      const at = `status.uncountedTerminatedPods.${field}[${i}]`;
      if (uid === '') return [invalidValue(at, uid, 'must not be empty')];
      if (seen.has(uid)) return [duplicate(at, uid)];
      seen.add(uid);
      return [];
    }),
  );
}

function endProblems(job: Job, changes: Changes): FieldProblem[] {
  const { startTime, completionTime } = job.status;
  const problems: FieldProblem[] = [];
  const at = 'status.completionTime';
  const cannot = (why: string) => problems.push(invalid(CONDITIONS, `cannot set ${why}`));
  const [complete, failed, target] = [is(job, 'Complete'), is(job, 'Failed'), is(job, 'FailureTarget')];
  if (changes.is('Complete', 'Failed') && complete && failed) cannot('Complete=True and Failed=true conditions');
  if (changes.is('Complete', 'FailureTarget') && complete && target) {
    cannot('Complete=True and FailureTarget=true conditions');
  }
  if (changes.is('Complete') || changes.of('completionTime')) {
    if (completionTime !== undefined && !complete) {
      const why = 'cannot set completionTime when there is no Complete=True condition';
      problems.push(invalidValue(at, completionTime, why));
    }
    if (completionTime === undefined && complete) {
      problems.push(required(at, 'completionTime is required for Complete jobs'));
    }
  }
  if (changes.of('startTime', 'completionTime') && startTime && completionTime && completionTime < startTime) {
    problems.push(invalidValue(at, completionTime, 'must be equal to or after `startTime`'));
  }
  if (changes.is('Failed', 'FailureTarget') && failed && !target) {
    cannot('Failed=True condition without the FailureTarget=true condition');
  }
  if (changes.is('Complete', 'SuccessCriteriaMet') && complete && !is(job, 'SuccessCriteriaMet')) {
    cannot('Complete=True condition without the SuccessCriteriaMet=true condition');
  }
  return problems;
}

function finishedProblems(job: Job, changes: Changes): FieldProblem[] {
  const { active = 0, startTime, uncountedTerminatedPods: pods } = job.status;
  if (!isFinished(job)) return [];
  const problems: FieldProblem[] = [];
  if ((changes.finished || changes.of('active')) && active > 0) {
    problems.push(invalidValue('status.active', active, 'active>0 is invalid for finished job'));
  }
  if ((changes.finished || changes.of('startTime')) && startTime === undefined) {
    problems.push(required('status.startTime', 'startTime is required for finished job'));
  }
  if (changes.finished || changes.of('uncountedTerminatedPods')) {
    const { succeeded = null, failed = null } = pods ?? {};
    if ((succeeded?.length ?? 0) + (failed?.length ?? 0) > 0) {
      const shown = { Succeeded: succeeded, Failed: failed };
      problems.push(invalidValue('status.uncountedTerminatedPods', shown, 'must be empty for finished job'));
    }
  }
  return problems;
}

function indexProblems({ spec, status }: Job, changes: Changes): FieldProblem[] {
  const { completedIndexes = '', failedIndexes } = status;
  const { completions, backoffLimitPerIndex } = spec;
  const problems: FieldProblem[] = [];
  const readable = (field: 'completedIndexes' | 'failedIndexes') => {
    const text = status[field];
    if (text === undefined || completions === undefined) return;
    const read = readIndexes(text, completions);
    if (typeof read !== 'string') return;
    problems.push(invalidValue(`status.${field}`, text, `error parsing ${field}: ${read}`));
  };
  if (changes.of('completedIndexes')) readable('completedIndexes');
  if (changes.of('failedIndexes') && backoffLimitPerIndex !== undefined) readable('failedIndexes');
  if (changes.of('completedIndexes') && completedIndexes !== '' && spec.completionMode !== 'Indexed') {
    const why = 'cannot set non-empty completedIndexes when non-indexed completion mode';
    problems.push(invalidValue('status.completedIndexes', completedIndexes, why));
  }
  if (failedIndexes === undefined) return problems;
  const at = 'status.failedIndexes';
  if (changes.of('failedIndexes') && backoffLimitPerIndex === undefined) {
    const why = 'cannot set non-null failedIndexes when backoffLimitPerIndex is null';
    problems.push(invalidValue(at, failedIndexes, why));
  }
  if (changes.of('failedIndexes', 'completedIndexes') && completions !== undefined) {
    const why = overlapProblem(completedIndexes, failedIndexes, completions);
    if (why !== undefined) problems.push(invalidValue(at, failedIndexes, why));
  }
  return problems;
}

function podProblems(job: Job, changes: Changes): FieldProblem[] {
  const { active = 0, ready = 0, terminating = 0 } = job.status;
  const problems: FieldProblem[] = [];
  if ((changes.finished || changes.of('terminating')) && terminating > 0 && isFinished(job)) {
    problems.push(invalidValue('status.terminating', terminating, 'terminating>0 is invalid for finished job'));
  }
  if (changes.of('ready', 'active') && ready > active) {
    problems.push(invalidValue('status.ready', ready, 'cannot set more ready pods than active'));
  }
  return problems;
}

function criteriaProblems(job: Job): FieldProblem[] {
  const isMet = is(job, 'SuccessCriteriaMet');
  if (!isMet && job.spec.successPolicy !== undefined && is(job, 'Complete')) {
    const why = 'cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True';
    return [invalid(CONDITIONS, why)];
  }
  return (['Failed', 'FailureTarget'] as const)
    .filter((other) => isMet && is(job, other))
    .map((other) => invalid(CONDITIONS, `cannot set SuccessCriteriaMet=True and ${other}=true conditions`));
}

function historyProblems(next: Job, current: Job, changes: Changes): FieldProblem[] {
  const [now, was] = [next.status, current.status];
  const { completions, parallelism, completionMode, suspend } = next.spec;
  const problems: FieldProblem[] = [];
  for (const type of ['Failed', 'Complete', 'FailureTarget'] as const) {
    if (is(current, type) && !is(next, type)) {
      problems.push(invalid(CONDITIONS, `cannot disable the terminal ${type}=True condition`));
    }
  }
  const decreased = (field: 'failed' | 'succeeded') => {
    const count = now[field] ?? 0;
    if (count >= (was[field] ?? 0)) return;
    problems.push(invalidValue(`status.${field}`, count, `cannot decrease the ${field} counter`));
  };
  decreased('failed');
  // One that shrank has fewer that succeeded.
  if (completionMode !== 'Indexed' || completions !== parallelism) decreased('succeeded');
  if (now.completionTime && was.completionTime && changes.of('completionTime')) {
    problems.push(invalidValue('status.completionTime', now.completionTime, IMMUTABLE));
  }
  // One that goes on after a pause starts anew.
  const isResumed = now.startTime !== undefined && is(current, 'Suspended');
  if (was.startTime !== undefined && changes.of('startTime') && suspend !== true && !isResumed) {
    problems.push(required('status.startTime', 'startTime cannot be removed for unsuspended job'));
  }
  const [isMet, wasMet] = [is(next, 'SuccessCriteriaMet'), is(current, 'SuccessCriteriaMet')];
  if (wasMet && !isMet) problems.push(invalid(CONDITIONS, 'cannot disable the SuccessCriteriaMet=True condition'));
  if (is(current, 'Complete') && !wasMet && isMet) {
    const why = 'cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions';
    problems.push(invalid(CONDITIONS, why));
  }
  return problems;
}
