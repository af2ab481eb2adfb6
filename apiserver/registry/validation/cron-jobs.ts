// Cron jobs: when, in which zone, and the jobs that they make.
import type { FieldProblem } from '../../../api/status.ts';
import type { CronJob } from '../../../api/types/batch/cron-job.ts';
import { cronScheduleProblem } from './cron-schedules.ts';
import { jobSpecProblems } from './jobs.ts';
import { invalidValue, notSupported, required } from './problems.ts';
import { notNegative, requiredOneOf } from './values.ts';

const NAME_MAX = 52;

export function cronJobProblems(job: CronJob): FieldProblem[] {
  const problems = cronJobSpecProblems(job);
  const { name = '' } = job.metadata;
  if (name.length <= NAME_MAX) return problems;
  return [...problems, invalidValue('metadata.name', name, `must be no more than ${NAME_MAX} characters`)];
}

/** Names that were taken before there was a limit stay usable, and so do zones in schedules. */
export function cronJobUpdateProblems(next: CronJob, current: CronJob): FieldProblem[] {
  return cronJobSpecProblems(next, current);
}

function cronJobSpecProblems({ spec }: CronJob, current?: CronJob): FieldProblem[] {
  const { schedule, timeZone, jobTemplate } = spec;
  const hadZone = current?.spec.schedule.includes('TZ') === true;
  const problems = schedule ? scheduleProblems(schedule, timeZone, hadZone) : [required('spec.schedule')];
  problems.push(...notNegative('spec.startingDeadlineSeconds', spec.startingDeadlineSeconds));
  if (timeZone !== undefined && timeZone !== current?.spec.timeZone) problems.push(...timeZoneProblems(timeZone));
  return [
    ...problems,
    ...requiredOneOf('spec.concurrencyPolicy', spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace']),
    ...jobTemplateProblems(jobTemplate, 'spec.jobTemplate'),
    ...notNegative('spec.successfulJobsHistoryLimit', spec.successfulJobsHistoryLimit),
    ...notNegative('spec.failedJobsHistoryLimit', spec.failedJobsHistoryLimit),
  ];
}

function scheduleProblems(schedule: string, timeZone: string | undefined, hadZone: boolean): FieldProblem[] {
  const at = 'spec.schedule';
  const why = cronScheduleProblem(schedule);
  const problems = why === undefined ? [] : [invalidValue(at, schedule, why)];
  if (!schedule.includes('TZ')) return problems;
  if (!hadZone) {
    problems.push(invalidValue(at, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'));
  } else if (timeZone !== undefined) {
    problems.push(invalidValue(at, schedule, 'cannot use both timeZone field and TZ or CRON_TZ in schedule'));
  }
  return problems;
}

function jobTemplateProblems({ spec }: CronJob['spec']['jobTemplate'], path: string): FieldProblem[] {
  if (spec === undefined) return [];
  const problems = jobSpecProblems(spec, `${path}.spec`);
  if (spec.selector !== undefined) {
    problems.push(invalidValue(`${path}.spec.selector`, spec.selector, '`selector` will be auto-generated'));
  }
  if (spec.manualSelector) {
    problems.push(notSupported(`${path}.spec.manualSelector`, spec.manualSelector, ['nil', 'false']));
  }
  return problems;
}

const ZONE_PART = /^[A-Za-z._0-9+-]{1,14}$/;

function timeZoneProblems(timeZone: string): FieldProblem[] {
  const at = 'spec.timeZone';
  if (timeZone === '') return [invalidValue(at, timeZone, 'timeZone must be nil or non-empty string')];
  const unknown = invalidValue(at, timeZone, `unknown time zone ${timeZone}`);
  const parts = timeZone.split('/');
  if (parts.some((part) => part === '.' || part === '..' || part.startsWith('-') || !ZONE_PART.test(part))) {
    return [unknown];
  }
  if (timeZone.toLowerCase() === 'local') {
    const why = 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones';
    return timeZone === 'Local' ? [invalidValue(at, timeZone, why)] : [invalidValue(at, timeZone, why), unknown];
  }
  return isTimeZone(timeZone) ? [] : [unknown];
}

function isTimeZone(name: string): boolean {
  try {
    return !/^[+-]/.test(name) && new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch (err) {
    if (err instanceof RangeError) return false;
    throw err;
  }
}
