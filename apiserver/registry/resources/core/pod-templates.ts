// Pod templates by themselves.
import type { FieldProblem } from '../../../../api/status.ts';
import type { PodTemplate } from '../../../../api/types/core/pod.ts';
import type { Strategy } from '../../strategy.ts';
import { podTemplateProblems } from '../../validation/pod-spec.ts';
import { workloadWarnings } from '../../validation/pod-warnings.ts';

function check({ template }: PodTemplate): FieldProblem[] {
  return template ? podTemplateProblems(template, 'template') : [];
}

export const podTemplateStrategy: Strategy<PodTemplate> = {
  hasGeneration: true,
  validateCreate: check,
  validateUpdate: check,
  warnings: (object, previous) => workloadWarnings(object, previous, object.template, 'template'),
};
