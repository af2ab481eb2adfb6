// Whether a container that has ended starts again: its own rules first, then its own policy, then the pod's. Pure.
import type { Container } from '../../api/types/core/container.ts';
import type { Pod } from '../../api/types/core/pod.ts';

export type RestartPolicy = 'Always' | 'OnFailure' | 'Never';

/** Init containers run to their success: `Always` of a pod is `OnFailure` for them, and of their own a sidecar. */
export function restartPolicyOf(pod: Pod, container: Container): RestartPolicy {
  const own = container.restartPolicy as RestartPolicy | undefined;
  if (own !== undefined) return own;
  const shared = (pod.spec.restartPolicy ?? 'Always') as RestartPolicy;
  const isInit = (pod.spec.initContainers ?? []).some(({ name }) => name === container.name);
  return isInit && shared === 'Always' ? 'OnFailure' : shared;
}

export function startsAgain(pod: Pod, container: Container, exitCode: number): boolean {
  const policy = restartPolicyOf(pod, container);
  if (policy === 'Always') return true;
  if (policy === 'OnFailure' && exitCode !== 0) return true;
  const { restartPolicyRules = [] } = container;
  return restartPolicyRules.some(({ action, exitCodes }) => {
    if (action !== 'Restart' || exitCodes === undefined) return false;
    return (exitCodes.values ?? []).includes(exitCode) === (exitCodes.operator === 'In');
  });
}
