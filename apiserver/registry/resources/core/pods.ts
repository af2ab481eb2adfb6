// Pods: born Pending, bound once, deleted with grace.
import type { Pod } from '../../../../api/types/core/pod.ts';
import type { Strategy } from '../../strategy.ts';
import { podCreateProblems } from '../../validation/pod-spec.ts';
import { podStatusProblems } from '../../validation/pod-status.ts';
import { podWarnings } from '../../validation/pod-warnings.ts';
import { ephemeralContainersProblems, podUpdateProblems, resizeProblems } from '../../validation/pods.ts';
import { bindPod } from './pod-binding.ts';
import { connectToPod, proxyToPod, readPodLog } from './pod-connect.ts';
import { evictPod } from './pod-eviction.ts';
import { qosClassOf } from './pod-status.ts';

/** Until the scheduler looks at it. */
const gated = () => ({
  type: 'PodScheduled',
  status: 'False',
  reason: 'SchedulingGated',
  message: 'Scheduling is blocked due to non-empty scheduling gates',
});

export const podStrategy: Strategy<Pod> = {
  hasGeneration: true,
  allowUnconditionalUpdate: true,
  prepareForCreate(pod) {
    pod.status = { phase: 'Pending', qosClass: qosClassOf(pod) };
    if (pod.spec.schedulingGates?.length) pod.status.conditions = [gated()];
  },
  validateCreate: podCreateProblems,
  validateUpdate: podUpdateProblems,
  warnings: podWarnings,
  gracePeriod(pod, { gracePeriodSeconds }) {
    const { phase } = pod.status;
    // Nobody would carry out the grace of a pod that runs nowhere, or runs no more.
    if (!pod.spec.nodeName || phase === 'Succeeded' || phase === 'Failed') return 0;
    const wanted = gracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 0;
    return wanted < 0 ? 1 : wanted;
  },
  subresources: {
    status: {
      prepareForUpdate(next, current) {
        next.metadata.ownerReferences = current.metadata.ownerReferences;
        if (next.metadata.ownerReferences === undefined) delete next.metadata.ownerReferences;
        // The class follows from the specification, whatever a kubelet says.
        next.status.qosClass ??= current.status.qosClass;
      },
      validateUpdate: podStatusProblems,
    },
    ephemeralcontainers: {
      validateUpdate: ephemeralContainersProblems,
      prepareForUpdate(next, current) {
        const { ephemeralContainers } = next.spec;
        next.spec = { ...current.spec, ...(ephemeralContainers && { ephemeralContainers }) };
      },
    },
    resize: {
      validateUpdate: resizeProblems,
      prepareForUpdate(next, current) {
        const wanted = new Map([...next.spec.containers, ...(next.spec.initContainers ?? [])].map((c) => [c.name, c]));
        const resized = <C extends Pod['spec']['containers'][number]>(container: C): C => {
          const { resources, resizePolicy } = wanted.get(container.name) ?? container;
          return { ...container, resources, ...(resizePolicy && { resizePolicy }) };
        };
        const { containers, initContainers } = current.spec;
        next.spec = {
          ...current.spec,
          containers: containers.map(resized),
          ...(initContainers && { initContainers: initContainers.map(resized) }),
        };
      },
    },
    binding: { handlers: { create: bindPod } },
    eviction: { handlers: { create: evictPod } },
    log: { converses: true, handlers: { get: readPodLog } },
    exec: { converses: true, handlers: { get: connectToPod, create: connectToPod } },
    attach: { converses: true, handlers: { get: connectToPod, create: connectToPod } },
    portforward: { converses: true, handlers: { get: connectToPod, create: connectToPod } },
    proxy: {
      converses: true,
      handlers: { get: proxyToPod, create: proxyToPod, update: proxyToPod, patch: proxyToPod, delete: proxyToPod },
    },
  },
};
