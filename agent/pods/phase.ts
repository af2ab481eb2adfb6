// In which phase of its life a pod is, from its containers alone. The planner asks whether anything is left to run;
// status.ts asks what to call it. Rules as upstream's, for every restart policy.
import type { Container } from '../../api/types/core/container.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { startsAgain } from './restart.ts';
import { START_KEY, sighted } from './sightings.ts';
import { current, type Ending, isAlive, liveSandbox, newest, type World } from './world.ts';

export type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';
export type Verdict = Ending;

export function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always';
}

export function sidecarsOf(pod: Pod): Container[] {
  return (pod.spec.initContainers ?? []).filter(isSidecar);
}

export function isTerminal(pod: Pod): boolean {
  const phase = pod.status?.phase;
  return phase === 'Succeeded' || phase === 'Failed';
}

/** Whether the pod has run its course, although nobody deleted it. Once said, it stays said. */
export function verdict(pod: Pod, world: World, nowMs: number): Verdict | undefined {
  const { status, spec } = pod;
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') {
    return { phase: status.phase, reason: status.reason, message: status.message };
  }
  if (world.ended !== undefined) return world.ended;
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined && status?.startTime !== undefined) {
    const sinceMs = sighted(world.sightings, START_KEY, Date.parse(status.startTime));
    if (nowMs >= sinceMs + deadline * 1_000) {
      const message = 'Pod was active on the node longer than the specified deadline';
      return { phase: 'Failed', reason: 'DeadlineExceeded', message };
    }
  }
  const ends = spec.containers.map(({ name }) => newest(world, name));
  const failedInit = (spec.initContainers ?? []).some((init) => !isSidecar(init) && failedForGood(pod, init, world));
  if (failedInit && ends.every((end) => end === undefined || end.state === 'exited')) return { phase: 'Failed' };
  const over = spec.containers.every((container, at) => {
    const end = ends[at];
    return end?.state === 'exited' && !startsAgain(pod, container, end.exitCode);
  });
  if (!over) return undefined;
  return { phase: ends.every((end) => end?.exitCode === 0) ? 'Succeeded' : 'Failed' };
}

function failedForGood(pod: Pod, init: Container, world: World): boolean {
  const end = newest(world, init.name);
  return end?.state === 'exited' && end.exitCode !== 0 && !startsAgain(pod, init, end.exitCode);
}

/** How far initialization has come in the living sandbox. */
export function initialized(pod: Pod, world: World): boolean {
  const sandbox = liveSandbox(world) ?? world.sandboxes[0];
  if (sandbox === undefined) return (pod.spec.initContainers ?? []).length === 0;
  // An app container there proves it: the instances of init containers may have been collected since.
  if (pod.spec.containers.some(({ name }) => current(world, sandbox, name) !== undefined)) return true;
  return (pod.spec.initContainers ?? []).every((init) => {
    const last = current(world, sandbox, init.name);
    if (isSidecar(init)) return last?.state === 'running' && (world.probes.get(last.id)?.started ?? true);
    return last?.state === 'exited' && last.exitCode === 0;
  });
}

export function phaseOf(pod: Pod, world: World, nowMs: number): Phase {
  const ended = verdict(pod, world, nowMs);
  const nothingRuns = !world.containers.some(isAlive);
  // The last word is spoken when the last container, sidecars included, is down.
  if (ended !== undefined) return nothingRuns || isTerminal(pod) ? ended.phase : beforeEnd(pod, world);
  if (pod.metadata.deletionTimestamp !== undefined && nothingRuns && world.sandboxes[0]?.ready !== true) {
    const ends = pod.spec.containers.map(({ name }) => newest(world, name));
    return ends.every((end) => end?.state === 'exited' && end.exitCode === 0) ? 'Succeeded' : 'Failed';
  }
  return beforeEnd(pod, world);
}

function beforeEnd(pod: Pod, world: World): Phase {
  const lasts = pod.spec.containers.map(({ name }) => newest(world, name));
  if (!initialized(pod, world) && !lasts.some((last) => last !== undefined)) return 'Pending';
  // A container that ran once and waits for its next start does not make a running pod pending again.
  return lasts.every((last) => last !== undefined && last.state !== 'created' && !world.hooked.has(last.id))
    ? 'Running'
    : 'Pending';
}
