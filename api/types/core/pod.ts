// Pod, and the template that controllers make pods from.

import { kind } from '../../schema/kind.ts';
import { field, object, type TypeOf } from '../../schema/schema.ts';
import { TemplateMeta } from '../meta/template-meta.ts';
import { defaultPod } from './pod-defaults.ts';
import { PodSpec } from './pod-spec.ts';
import { PodStatus } from './pod-status.ts';

export const Pod = kind(
  'io.k8s.api.core.v1.Pod',
  {
    spec: field(2, PodSpec, { emitZero: {} }),
    status: field(3, PodStatus, { emitZero: {} }),
  },
  {
    defaults(value) {
      defaultPod(value.spec);
    },
  },
);
export type Pod = TypeOf<typeof Pod>;

export const PodTemplateSpec = object('io.k8s.api.core.v1.PodTemplateSpec', {
  metadata: field(1, TemplateMeta, { emitZero: {} }),
  spec: field(2, PodSpec, { emitZero: {} }),
});
export type PodTemplateSpec = TypeOf<typeof PodTemplateSpec>;

export const PodTemplate = kind('io.k8s.api.core.v1.PodTemplate', {
  template: field(2, PodTemplateSpec, { emitZero: {} }),
});
export type PodTemplate = TypeOf<typeof PodTemplate>;
