// The resources of batch/v1.
import type { ResourceDefinition } from '../../resource.ts';
import { AGE, ALL_VERBS, flag, integer, NAME, PART, text, wide } from '../resource-parts.ts';
import { CronJob } from './cron-job.ts';
import { Job } from './job.ts';

export const cronJobs: ResourceDefinition<CronJob> = {
  group: 'batch',
  version: 'v1',
  kind: 'CronJob',
  listKind: 'CronJobList',
  plural: 'cronjobs',
  singular: 'cronjob',
  shortNames: ['cj'],
  categories: ['all'],
  namespaced: true,
  verbs: ALL_VERBS,
  schema: CronJob,
  subresources: {
    status: PART,
  },
  columns: [
    NAME,
    text('Schedule', 'spec.schedule'),
    text('Timezone'),
    flag('Suspend'),
    integer('Active'),
    text('Last Schedule'),
    AGE,
    ...wide(text('Containers'), text('Images'), text('Selector')),
  ],
};

export const jobs: ResourceDefinition<Job> = {
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  listKind: 'JobList',
  plural: 'jobs',
  singular: 'job',
  categories: ['all'],
  namespaced: true,
  verbs: ALL_VERBS,
  schema: Job,
  subresources: {
    status: PART,
  },
  selectableFields: ['status.successful'],
  columns: [
    NAME,
    text('Status'),
    text('Completions'),
    text('Duration'),
    AGE,
    ...wide(text('Containers'), text('Images'), text('Selector')),
  ],
};

export const batchResources: readonly ResourceDefinition[] = [cronJobs, jobs];
