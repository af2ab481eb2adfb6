// Jobs: unless told otherwise, a job finds its pods by its own uid.
import { deepEqual } from '../../../../api/schema/equal.ts';
import type { CronJob } from '../../../../api/types/batch/cron-job.ts';
import type { Job } from '../../../../api/types/batch/job.ts';
import type { Strategy } from '../../strategy.ts';
import { cronJobProblems, cronJobUpdateProblems } from '../../validation/cron-jobs.ts';
import { jobStatusProblems } from '../../validation/job-status.ts';
import { jobProblems, jobUpdateProblems } from '../../validation/jobs.ts';
import { workloadWarnings } from '../../validation/pod-warnings.ts';

const UID = 'batch.kubernetes.io/controller-uid';
const NAME = 'batch.kubernetes.io/job-name';
/** As they were called before they had a prefix. */
const OLD_UID = 'controller-uid';
const OLD_NAME = 'job-name';

export const jobStrategy: Strategy<Job> = {
  hasGeneration: true,
  renamed: rename,
  validateCreate: jobProblems,
  validateUpdate: jobUpdateProblems,
  subresources: { status: { validateUpdate: jobStatusProblems } },
  warnings: (job, previous) => workloadWarnings(job, previous, job.spec.template),
  defaultPropagation: 'Orphan',
  prepareForCreate(job) {
    if (job.spec.manualSelector === true) return;
    const { name = '', uid } = job.metadata;
    const labels = { [UID]: uid, [NAME]: name, [OLD_UID]: uid, [OLD_NAME]: name };
    const { template } = job.spec;
    // A job without labels of its own shows its template's, these among them.
    const showsTemplates = template.metadata?.labels && deepEqual(job.metadata.labels, template.metadata.labels);
    template.metadata = { ...template.metadata, labels: { ...labels, ...template.metadata?.labels } };
    if (showsTemplates) job.metadata.labels = { ...template.metadata.labels };
    // One that is asked for by hand stays; validation finds that it selects others.
    job.spec.selector = { ...job.spec.selector, matchLabels: { [UID]: uid, ...job.spec.selector?.matchLabels } };
  },
};

function rename({ metadata, spec }: Job, before: string): void {
  for (const labels of [metadata.labels, spec.template.metadata?.labels]) {
    for (const label of [NAME, OLD_NAME]) if (labels?.[label] === before) labels[label] = metadata.name;
  }
}

export const cronJobStrategy: Strategy<CronJob> = {
  hasGeneration: true,
  validateCreate: cronJobProblems,
  validateUpdate: cronJobUpdateProblems,
  warnings: (job, previous) =>
    workloadWarnings(job, previous, job.spec.jobTemplate.spec?.template, 'spec.jobTemplate.spec.template'),
};
