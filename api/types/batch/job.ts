// Job: pods that run to completion.

import { kind } from '../../schema/kind.ts';
import {
  anInt32,
  aString,
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
import { isEmpty } from '../build.ts';
import { PodTemplateSpec } from '../core/pod.ts';
import { LabelSelector } from '../meta/label-selector.ts';
import { TemplateMeta } from '../meta/template-meta.ts';

export const PodFailurePolicyOnExitCodesRequirement = object(
  'io.k8s.api.batch.v1.PodFailurePolicyOnExitCodesRequirement',
  {
    containerName: string(1, { ptr }),
    operator: string(2, { required, emitZero: '', enum: ['In', 'NotIn'] }),
    values: list(3, anInt32, { required, emitZero: null, listType: 'set' }),
  },
);
export type PodFailurePolicyOnExitCodesRequirement = TypeOf<typeof PodFailurePolicyOnExitCodesRequirement>;

export const PodFailurePolicyOnPodConditionsPattern = object(
  'io.k8s.api.batch.v1.PodFailurePolicyOnPodConditionsPattern',
  {
    type: string(1, { required, emitZero: '' }),
    status: string(2, { emitZero: '' }),
  },
  {
    defaults(value) {
      value.status ||= 'True';
    },
  },
);
export type PodFailurePolicyOnPodConditionsPattern = TypeOf<typeof PodFailurePolicyOnPodConditionsPattern>;

export const PodFailurePolicyRule = object('io.k8s.api.batch.v1.PodFailurePolicyRule', {
  action: string(1, { required, emitZero: '', enum: ['Count', 'FailIndex', 'FailJob', 'Ignore'] }),
  onExitCodes: field(2, PodFailurePolicyOnExitCodesRequirement, { ptr }),
  onPodConditions: list(3, PodFailurePolicyOnPodConditionsPattern, { listType: 'atomic' }),
});
export type PodFailurePolicyRule = TypeOf<typeof PodFailurePolicyRule>;

export const PodFailurePolicy = object('io.k8s.api.batch.v1.PodFailurePolicy', {
  rules: list(1, PodFailurePolicyRule, { required, emitZero: null, listType: 'atomic' }),
});
export type PodFailurePolicy = TypeOf<typeof PodFailurePolicy>;

export const SuccessPolicyRule = object('io.k8s.api.batch.v1.SuccessPolicyRule', {
  succeededIndexes: string(1, { ptr }),
  succeededCount: int32(2, { ptr }),
});
export type SuccessPolicyRule = TypeOf<typeof SuccessPolicyRule>;

export const SuccessPolicy = object('io.k8s.api.batch.v1.SuccessPolicy', {
  rules: list(1, SuccessPolicyRule, { required, emitZero: null, listType: 'atomic' }),
});
export type SuccessPolicy = TypeOf<typeof SuccessPolicy>;

export const JobSpec = object('io.k8s.api.batch.v1.JobSpec', {
  parallelism: int32(1, { ptr }),
  completions: int32(2, { ptr }),
  activeDeadlineSeconds: int64(3, { ptr }),
  selector: field(4, LabelSelector, { ptr }),
  manualSelector: boolean(5, { ptr }),
  template: field(6, PodTemplateSpec, { required, emitZero: {} }),
  backoffLimit: int32(7, { ptr }),
  ttlSecondsAfterFinished: int32(8, { ptr }),
  completionMode: string(9, { ptr, enum: ['Indexed', 'NonIndexed'] }),
  suspend: boolean(10, { ptr }),
  podFailurePolicy: field(11, PodFailurePolicy, { ptr }),
  backoffLimitPerIndex: int32(12, { ptr }),
  maxFailedIndexes: int32(13, { ptr }),
  podReplacementPolicy: string(14, { ptr, enum: ['Failed', 'TerminatingOrFailed'] }),
  managedBy: string(15, { ptr }),
  successPolicy: field(16, SuccessPolicy, { ptr }),
});
export type JobSpec = TypeOf<typeof JobSpec>;

export const JobCondition = object('io.k8s.api.batch.v1.JobCondition', {
  type: string(1, { required, emitZero: '' }),
  status: string(2, { required, emitZero: '' }),
  lastProbeTime: time(3, { emitZero: null }),
  lastTransitionTime: time(4, { emitZero: null }),
  reason: string(5),
  message: string(6),
});
export type JobCondition = TypeOf<typeof JobCondition>;

export const UncountedTerminatedPods = object('io.k8s.api.batch.v1.UncountedTerminatedPods', {
  succeeded: list(1, aString, { listType: 'set' }),
  failed: list(2, aString, { listType: 'set' }),
});
export type UncountedTerminatedPods = TypeOf<typeof UncountedTerminatedPods>;

export const JobStatus = object('io.k8s.api.batch.v1.JobStatus', {
  conditions: list(1, JobCondition, { listType: 'atomic', patchStrategy: 'merge', patchMergeKey: 'type' }),
  startTime: time(2, { ptr }),
  completionTime: time(3, { ptr }),
  active: int32(4),
  succeeded: int32(5),
  failed: int32(6),
  completedIndexes: string(7),
  uncountedTerminatedPods: field(8, UncountedTerminatedPods, { ptr }),
  ready: int32(9, { ptr }),
  failedIndexes: string(10, { ptr }),
  terminating: int32(11, { ptr }),
});
export type JobStatus = TypeOf<typeof JobStatus>;

export const Job = kind(
  'io.k8s.api.batch.v1.Job',
  {
    spec: field(2, JobSpec, { emitZero: {} }),
    status: field(3, JobStatus, { emitZero: {} }),
  },
  {
    defaults(value) {
      const { spec, metadata } = value;
      if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
      spec.parallelism ??= 1;
      spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : 2147483647;
      const labels = spec.template?.metadata?.labels;
      if (labels !== undefined && isEmpty(metadata.labels)) metadata.labels = { ...labels };
      spec.completionMode ??= 'NonIndexed';
      spec.suspend ??= false;
      spec.manualSelector ??= false;
      spec.podReplacementPolicy ??= spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed';
    },
  },
);
export type Job = TypeOf<typeof Job>;

export const JobTemplateSpec = object('io.k8s.api.batch.v1.JobTemplateSpec', {
  metadata: field(1, TemplateMeta, { emitZero: {} }),
  spec: field(2, JobSpec, { emitZero: {} }),
});
export type JobTemplateSpec = TypeOf<typeof JobTemplateSpec>;
