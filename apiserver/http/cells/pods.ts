// A pod in one row: what is going on with it, in one word.
import type { Pod } from '../../../api/types/core/pod.ts';
import { NONE, since } from './words.ts';

type ContainerStatus = NonNullable<Pod['status']['containerStatuses']>[number];

const ALWAYS = 'Always';
const NODE_LOST = 'NodeLost';

export function podCells(pod: Pod, nowMs: number): unknown[] {
  const { spec, status, metadata } = pod;
  const { ready, total } = readiness(pod);
  const { reason, restarts, lastRestart } = summary(pod);
  const ago = restarts > 0 && lastRestart ? ` (${since(lastRestart, nowMs)} ago)` : '';
  const gates = spec.readinessGates ?? [];
  const met = gates.filter(({ conditionType }) =>
    status.conditions?.some(({ type, status: is }) => type === conditionType && is === 'True'),
  );
  return [
    `${ready}/${total}`,
    reason,
    `${restarts}${ago}`,
    since(metadata.creationTimestamp, nowMs),
    status.podIPs?.[0]?.ip ?? status.podIP ?? NONE,
    spec.nodeName || NONE,
    status.nominatedNodeName || NONE,
    gates.length === 0 ? NONE : `${met.length}/${gates.length}`,
  ];
}

/** Finished pods are marked, so that clients can leave them out. */
export function podRowConditions({ status }: Pod): object[] | undefined {
  const { phase } = status;
  if (phase !== 'Succeeded' && phase !== 'Failed') return undefined;
  const message = phase === 'Succeeded' ? 'The pod has completed successfully.' : 'The pod failed.';
  return [{ type: 'Completed', status: 'True', reason: phase, message }];
}

/** Sidecars: init containers that stay. */
function sidecars({ spec }: Pod): Set<string> {
  const stays = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === ALWAYS);
  return new Set(stays.map(({ name }) => name));
}

function readiness(pod: Pod): { ready: number; total: number } {
  const { spec, status } = pod;
  const stays = sidecars(pod);
  const statuses = [
    ...(status.containerStatuses ?? []).filter(({ ready, state }) => ready && state?.running),
    ...(status.initContainerStatuses ?? []).filter(({ name, ready, started }) => stays.has(name) && started && ready),
  ];
  return { ready: statuses.length, total: spec.containers.length + stays.size };
}

interface Summary {
  readonly reason: string;
  readonly restarts: number;
  readonly lastRestart: string | undefined;
}

function summary(pod: Pod): Summary {
  const { status, metadata } = pod;
  const { containerStatuses = [], initContainerStatuses = [] } = status;
  const stays = sidecars(pod);
  const init = initReason(pod, stays);
  const before = isGated(pod) ? 'SchedulingGated' : status.reason || status.phase || '';
  let reason = init ?? mainReason(containerStatuses, before, pod);
  if (metadata.deletionTimestamp !== undefined) {
    if (status.reason === NODE_LOST) reason = 'Unknown';
    else if (!isTerminal(status.phase)) reason = 'Terminating';
  }
  // While it initializes only that counts; afterwards the containers and the sidecars beside them.
  const running = [...containerStatuses, ...initContainerStatuses.filter(({ name }) => stays.has(name))];
  const counted = init === undefined ? running : initContainerStatuses;
  const restarts = counted.reduce((sum, { restartCount }) => sum + (restartCount ?? 0), 0);
  const ends = counted.flatMap(({ lastState }) => lastState?.terminated?.finishedAt ?? []);
  return { reason, restarts, lastRestart: ends.sort().at(-1) };
}

const isTerminal = (phase: string | undefined) => phase === 'Succeeded' || phase === 'Failed';

function isGated({ status }: Pod): boolean {
  return (
    status.conditions?.some(({ type, reason }) => type === 'PodScheduled' && reason === 'SchedulingGated') ?? false
  );
}

/** Undefined: initialization is over. */
function initReason({ spec, status }: Pod, stays: Set<string>): string | undefined {
  const statuses = status.initContainerStatuses ?? [];
  for (const [i, { name, state, started }] of statuses.entries()) {
    const { terminated, waiting } = state ?? {};
    if (terminated?.exitCode === 0) continue;
    if (stays.has(name) && started) continue;
    if (terminated) return `Init:${terminated.reason || signalOrCode(terminated)}`;
    if (waiting?.reason && waiting.reason !== 'PodInitializing') return `Init:${waiting.reason}`;
    return `Init:${i}/${spec.initContainers?.length ?? 0}`;
  }
  return undefined;
}

type Terminated = NonNullable<NonNullable<ContainerStatus['state']>['terminated']>;

function signalOrCode({ signal, exitCode }: Terminated): string {
  return signal ? `Signal:${signal}` : `ExitCode:${exitCode}`;
}

function mainReason(statuses: readonly ContainerStatus[], otherwise: string, { status }: Pod): string {
  let reason = otherwise;
  let hasRunning = false;
  for (const { state, ready } of [...statuses].reverse()) {
    const { waiting, terminated, running } = state ?? {};
    if (waiting?.reason) reason = waiting.reason;
    else if (terminated) reason = terminated.reason || signalOrCode(terminated);
    else if (ready && running) hasRunning = true;
  }
  if (reason !== 'Completed' || !hasRunning) return reason;
  const isReady = status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True');
  return isReady ? 'Running' : 'NotReady';
}
