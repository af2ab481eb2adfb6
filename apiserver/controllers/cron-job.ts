// Cron jobs start jobs by the clock.
//
//   cron jobs, jobs -> key -> decideCron -> replace, start -> write status -> remove what is history
import { itsController, itself, on, runController } from '../../api/client/controller.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import { timestamp } from '../../api/clock.ts';
import type { ResourceDefinition } from '../../api/resource.ts';
import { clone } from '../../api/schema/clone.ts';
import { deepEqual } from '../../api/schema/equal.ts';
import { ApiError, isAlreadyExists, isNotFound } from '../../api/status.ts';
import type { CronJob, CronJobStatus } from '../../api/types/batch/cron-job.ts';
import type { Job, JobSpec } from '../../api/types/batch/job.ts';
import { cronJobs, jobs } from '../../api/types/batch/resources.ts';
import { decideCron, jobName, surplusHistory, zonedTimestamp } from './cron-job-decide.ts';
import { isTimeZone, parseSchedule, type Schedule } from './cron-schedule.ts';
import type { Controller } from './deps.ts';
import { controllerOf, ownerReference } from './ownership.ts';

const SCHEDULED_AT = 'batch.kubernetes.io/cronjob-scheduled-timestamp';

export const cronJobController: Controller = ({ client, informers, recorder, clock, log }) => {
  const cronInformer = informers.of(cronJobs);
  const jobInformer = informers.of(jobs);

  async function reconcile(key: string, signal: AbortSignal): Promise<Next> {
    const cron = cronInformer.get(key);
    if (cron === undefined) return AT_REST;
    const { uid } = cron.metadata;
    const children = jobInformer.byIndex('owner', uid).filter((job) => controllerOf(job)?.uid === uid);
    const decision = decideCron(cron, children, scheduleOf(cron), clock.now());
    for (const { type, reason, message } of decision.news) recorder.event(cron, type, reason, message);
    for (const job of decision.replace) await remove(cron, job, signal);
    let { status } = decision;
    if (decision.replace.length > 0) {
      const gone = new Set(decision.replace.map(({ metadata }) => metadata.uid));
      status = { ...status, active: (status.active ?? []).filter((reference) => !gone.has(reference.uid ?? '')) };
    }
    if (decision.start !== undefined) status = (await start(cron, status, decision.start, signal)) ?? status;
    await writeStatus(cron, status, signal);
    for (const job of surplusHistory(cron, children)) await remove(cron, job, signal);
    return decision.againMs === undefined ? AT_REST : { afterMs: decision.againMs };
  }

  function scheduleOf(cron: CronJob): Schedule | undefined {
    const { schedule, timeZone } = cron.spec;
    if (timeZone !== undefined && !isTimeZone(timeZone)) {
      const message = `invalid timeZone: ${JSON.stringify(timeZone)}: unknown time zone ${timeZone}`;
      recorder.event(cron, 'Warning', 'UnknownTimeZone', message);
      return undefined;
    }
    try {
      return parseSchedule(schedule, timeZone);
    } catch (err) {
      const message = `unparseable schedule: ${JSON.stringify(schedule)} : ${(err as Error).message}`;
      recorder.event(cron, 'Warning', 'UnparseableSchedule', message);
      return undefined;
    }
  }

  /** The status with the new run in it; undefined when somebody else has its name. */
  async function start(
    cron: CronJob,
    status: CronJobStatus,
    atMs: number,
    signal: AbortSignal,
  ): Promise<CronJobStatus | undefined> {
    const job = await create(cron, atMs, signal);
    if (job === undefined) return undefined;
    const { name, namespace, uid, resourceVersion } = job.metadata;
    const reference = { apiVersion: 'batch/v1', kind: 'Job', name, namespace, uid, resourceVersion };
    const others = (status.active ?? []).filter((known) => known.uid !== uid);
    return { ...status, active: [...others, reference], lastScheduleTime: timestamp(atMs) };
  }

  async function create(cron: CronJob, atMs: number, signal: AbortSignal): Promise<Job | undefined> {
    const { metadata, spec } = cron.spec.jobTemplate;
    const name = jobName(cron, atMs);
    const { namespace } = cron.metadata;
    try {
      const job = await client.create(
        jobs,
        {
          metadata: {
            ...{ name, namespace },
            ...(metadata?.labels && { labels: { ...metadata.labels } }),
            annotations: { ...metadata?.annotations, [SCHEDULED_AT]: zonedTimestamp(atMs, cron.spec.timeZone) },
            ownerReferences: [ownerReference(cron, cronJobs as unknown as ResourceDefinition)],
          },
          spec: clone(spec) as JobSpec,
        },
        {},
        signal,
      );
      recorder.event(cron, 'Normal', 'SuccessfulCreate', `Created job ${name}`);
      return job;
    } catch (err) {
      if (isAlreadyExists(err)) {
        // Started by a pass whose status was lost, or somebody else's job that happens to have the name.
        const there = await client.get(jobs, { namespace, name }, {}, signal);
        return controllerOf(there)?.uid === cron.metadata.uid ? there : undefined;
      }
      if (err instanceof ApiError)
        recorder.event(cron, 'Warning', 'FailedCreate', `Error creating job: ${err.message}`);
      throw err;
    }
  }

  async function remove(cron: CronJob, { metadata }: Job, signal: AbortSignal): Promise<void> {
    const options = { propagationPolicy: 'Background', preconditions: { uid: metadata.uid } } as const;
    try {
      await client.delete(jobs, metadata, options, signal);
      recorder.event(cron, 'Normal', 'SuccessfulDelete', `Deleted job ${metadata.name}`);
    } catch (err) {
      if (isNotFound(err)) return;
      if (err instanceof ApiError) recorder.event(cron, 'Warning', 'FailedDelete', `Deleted job: ${err.message}`);
      throw err;
    }
  }

  async function writeStatus(cron: CronJob, status: CronJobStatus, signal: AbortSignal): Promise<void> {
    const { active, ...others } = status;
    const next = { ...others, ...(active && active.length > 0 && { active }) };
    if (deepEqual(cron.status, next)) return;
    try {
      await client.update(cronJobs, { ...cron, status: next }, { subresource: 'status' }, signal);
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
  }

  const sources = [on(cronInformer, itself), on(jobInformer, itsController('CronJob'))];
  return (signal) => runController({ name: 'cronjob', workers: 5, sources, reconcile, clock, log }, signal);
};
