// Daemon sets: an annotation counts the changes of their template, as it did before metadata.generation was there.
import { deepEqual } from '../../../../api/schema/equal.ts';
import type { DaemonSet } from '../../../../api/types/apps/daemon-set.ts';
import type { Strategy } from '../../strategy.ts';
import { nodePodWarnings } from '../../validation/pod-warnings.ts';
import { daemonSetStatusProblems } from '../../validation/statuses.ts';
import { daemonSetProblems, daemonSetUpdateProblems } from '../../validation/workloads.ts';

const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';

function setTemplateGeneration({ metadata }: DaemonSet, count: number): void {
  metadata.annotations = { ...metadata.annotations, [TEMPLATE_GENERATION]: String(count) };
}
const templateGeneration = ({ metadata }: DaemonSet) => Number(metadata.annotations?.[TEMPLATE_GENERATION] ?? 0);

export const daemonSetStrategy: Strategy<DaemonSet> = {
  hasGeneration: true,
  validateCreate: daemonSetProblems,
  validateUpdate: daemonSetUpdateProblems,
  subresources: { status: { validateUpdate: daemonSetStatusProblems } },
  warnings: (set, previous) => nodePodWarnings(set, previous, set.spec.template),
  defaults: (set) => setTemplateGeneration(set, templateGeneration(set)),
  prepareForCreate: (set) => setTemplateGeneration(set, Math.max(1, templateGeneration(set))),
  prepareForUpdate(next, current) {
    const changed = !deepEqual(next.spec.template, current.spec.template);
    setTemplateGeneration(next, templateGeneration(current) + (changed ? 1 : 0));
  },
};
