// Which run of a cron job is due, which of its jobs are over, and which are history enough to go. Pure.
import { timestamp } from '../../api/clock.ts';
import type { CronJob, CronJobStatus } from '../../api/types/batch/cron-job.ts';
import type { Job } from '../../api/types/batch/job.ts';
import type { ObjectReference } from '../../api/types/core/references.ts';
import type { Schedule } from './cron-schedule.ts';
import { parseTime } from './times.ts';

export interface News {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export interface CronDecision {
  readonly status: CronJobStatus;
  readonly news: readonly News[];
  /** The moment of the run to start now. */
  readonly start: number | undefined;
  /** Running jobs that the new run replaces. */
  readonly replace: readonly Job[];
  readonly againMs: number | undefined;
}

/** More missed runs than this are taken for a broken clock, and said so. */
const MANY_MISSED = 100;

export function endOf({ status }: Job): 'Complete' | 'Failed' | undefined {
  const end = status.conditions?.find(
    ({ type, status: is }) => is === 'True' && (type === 'Complete' || type === 'Failed'),
  );
  return end?.type as 'Complete' | 'Failed' | undefined;
}

/** @param schedule undefined when it cannot be read: jobs that run are followed all the same */
export function decideCron(
  cron: CronJob,
  children: readonly Job[],
  schedule: Schedule | undefined,
  nowMs: number,
): CronDecision {
  const news: News[] = [];
  const status = followed(cron, children, news);
  const rest = { status, news, start: undefined, replace: [], againMs: undefined };
  if (cron.metadata.deletionTimestamp !== undefined || schedule === undefined || cron.spec.suspend) return rest;
  const nextMs = schedule.next(nowMs);
  const waits = { ...rest, againMs: nextMs === undefined ? undefined : nextMs - nowMs };
  const { dueMs, missed } = mostRecent(cron, schedule, nowMs);
  if (missed > MANY_MISSED) {
    const hint = 'Set or decrease .spec.startingDeadlineSeconds or check clock skew';
    news.push(warning('TooManyMissedTimes', `too many missed start times: ${missed}. ${hint}`));
  }
  if (dueMs === undefined) return waits;
  const { startingDeadlineSeconds, concurrencyPolicy } = cron.spec;
  if (startingDeadlineSeconds !== undefined && dueMs + startingDeadlineSeconds * 1000 < nowMs) {
    news.push(warning('MissSchedule', `Missed scheduled time to start a job: ${rfc1123(dueMs)}`));
    return waits;
  }
  const active = status.active ?? [];
  const started =
    active.some(({ name }) => name === jobName(cron, dueMs)) || parseTime(status.lastScheduleTime) === dueMs;
  if (started) return waits;
  if (concurrencyPolicy === 'Forbid' && active.length > 0) {
    const why = 'prior execution is running and concurrency policy is Forbid';
    news.push({ type: 'Normal', reason: 'JobAlreadyActive', message: `Not starting job because ${why}` });
    return waits;
  }
  const uids = new Set(active.map(({ uid }) => uid));
  const replace = concurrencyPolicy === 'Replace' ? children.filter(({ metadata }) => uids.has(metadata.uid)) : [];
  return { ...waits, start: dueMs, replace };
}

/** The list of running jobs, and the last success, as the jobs there are tell it. */
function followed({ status }: CronJob, children: readonly Job[], news: News[]): CronJobStatus {
  const byUid = new Map(children.map((job) => [job.metadata.uid, job]));
  const active: ObjectReference[] = [];
  for (const reference of status.active ?? []) {
    const job = byUid.get(reference.uid ?? '');
    const end = job && endOf(job);
    if (job === undefined) news.push(normal('MissingJob', `Active job went missing: ${reference.name}`));
    else if (end !== undefined)
      news.push(normal('SawCompletedJob', `Saw completed job: ${reference.name}, condition: ${end}`));
    else active.push(reference);
  }
  let lastSuccessfulTime = status.lastSuccessfulTime;
  for (const job of children) {
    const { completionTime } = job.status;
    if (endOf(job) !== 'Complete' || completionTime === undefined) continue;
    if ((parseTime(completionTime) ?? 0) > (parseTime(lastSuccessfulTime) ?? 0)) lastSuccessfulTime = completionTime;
  }
  const { active: _, ...others } = status;
  return { ...others, ...(active.length > 0 && { active }), ...(lastSuccessfulTime && { lastSuccessfulTime }) };
}

/** Of all runs that are due only the last is started, however long the server was away. */
export function mostRecent(
  { metadata, spec, status }: CronJob,
  schedule: Schedule,
  nowMs: number,
): { dueMs: number | undefined; missed: number } {
  let sinceMs = parseTime(status.lastScheduleTime) ?? parseTime(metadata.creationTimestamp) ?? nowMs;
  if (spec.startingDeadlineSeconds !== undefined) {
    sinceMs = Math.max(sinceMs, nowMs - spec.startingDeadlineSeconds * 1000);
  }
  const firstMs = schedule.next(sinceMs);
  if (firstMs === undefined || firstMs > nowMs) return { dueMs: undefined, missed: 0 };
  const secondMs = schedule.next(firstMs);
  if (secondMs === undefined || secondMs > nowMs) return { dueMs: firstMs, missed: 1 };
  const gapMs = secondMs - firstMs;
  const missed = Math.floor((nowMs - firstMs) / gapMs) + 1;
  // Looks back from now, further each time, so that a long absence costs few steps.
  for (let backMs = gapMs; ; backMs *= 2) {
    const fromMs = Math.max(firstMs, nowMs - backMs);
    let dueMs = fromMs === firstMs ? firstMs : schedule.next(fromMs);
    if (dueMs === undefined || dueMs > nowMs) continue;
    for (
      let laterMs = schedule.next(dueMs);
      laterMs !== undefined && laterMs <= nowMs;
      laterMs = schedule.next(dueMs)
    ) {
      dueMs = laterMs;
    }
    return { dueMs, missed };
  }
}

/** The same run has the same name, so that it is started once whatever is forgotten. */
export function jobName({ metadata }: CronJob, atMs: number): string {
  return `${metadata.name}-${Math.floor(atMs / 60_000)}`;
}

/** Finished jobs beyond the limits of history, oldest first. */
export function surplusHistory({ spec }: CronJob, children: readonly Job[]): Job[] {
  const beyond = (end: 'Complete' | 'Failed', limit: number | undefined) => {
    if (limit === undefined) return [];
    const over = children.filter((job) => endOf(job) === end && job.metadata.deletionTimestamp === undefined);
    return over.sort(byStart).slice(0, Math.max(0, over.length - limit));
  };
  return [...beyond('Complete', spec.successfulJobsHistoryLimit), ...beyond('Failed', spec.failedJobsHistoryLimit)];
}

function byStart(a: Job, b: Job): number {
  const started = ({ status, metadata }: Job) =>
    parseTime(status.startTime) ?? parseTime(metadata.creationTimestamp) ?? 0;
  return started(a) - started(b) || (a.metadata.name < b.metadata.name ? -1 : 1);
}

const normal = (reason: string, message: string): News => ({ type: 'Normal', reason, message });
const warning = (reason: string, message: string): News => ({ type: 'Warning', reason, message });

function rfc1123(ms: number): string {
  return new Date(ms).toUTCString().replace('GMT', '+0000');
}

/** `2026-03-29T03:30:00+02:00`: the moment as its zone writes it. */
export function zonedTimestamp(ms: number, timeZone: string | undefined): string {
  if (timeZone === undefined) return timestamp(ms);
  const parts = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' }).formatToParts(ms);
  const [, sign, hours = '00', minutes = '00'] =
    /GMT(?:([+-])(\d\d):(\d\d))?/.exec(parts.find(({ type }) => type === 'timeZoneName')?.value ?? '') ?? [];
  if (sign === undefined) return timestamp(ms);
  const offsetMs = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
  return `${timestamp(ms + offsetMs).slice(0, -1)}${sign}${hours}:${minutes}`;
}
