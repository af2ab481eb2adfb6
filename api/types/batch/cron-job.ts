// CronJob: jobs by the clock.

import { kind } from '../../schema/kind.ts';
import {
  boolean,
  field,
  int32,
  int64,
  list,
  object,
  ptr,
  required,
  string,
  type TypeOf,
  time,
} from '../../schema/schema.ts';
import { ObjectReference } from '../core/references.ts';
import { JobTemplateSpec } from './job.ts';

export const CronJobSpec = object('io.k8s.api.batch.v1.CronJobSpec', {
  schedule: string(1, { required, emitZero: '' }),
  startingDeadlineSeconds: int64(2, { ptr }),
  concurrencyPolicy: string(3, { enum: ['Allow', 'Forbid', 'Replace'] }),
  suspend: boolean(4, { ptr }),
  jobTemplate: field(5, JobTemplateSpec, { required, emitZero: {} }),
  successfulJobsHistoryLimit: int32(6, { ptr }),
  failedJobsHistoryLimit: int32(7, { ptr }),
  timeZone: string(8, { ptr }),
});
export type CronJobSpec = TypeOf<typeof CronJobSpec>;

export const CronJobStatus = object('io.k8s.api.batch.v1.CronJobStatus', {
  active: list(1, ObjectReference, { listType: 'atomic' }),
  lastScheduleTime: time(4, { ptr }),
  lastSuccessfulTime: time(5, { ptr }),
});
export type CronJobStatus = TypeOf<typeof CronJobStatus>;

export const CronJob = kind(
  'io.k8s.api.batch.v1.CronJob',
  {
    spec: field(2, CronJobSpec, { required, emitZero: {} }),
    status: field(3, CronJobStatus, { emitZero: {} }),
  },
  {
    defaults(value) {
      const { spec } = value;
      spec.concurrencyPolicy ||= 'Allow';
      spec.suspend ??= false;
      spec.successfulJobsHistoryLimit ??= 3;
      spec.failedJobsHistoryLimit ??= 1;
    },
  },
);
export type CronJob = TypeOf<typeof CronJob>;
