// What the API is told about a pod: pure, from its specification and the world the planner sees. Reasons, messages
// and the meaning of conditions are upstream's; people and controllers read them.
import { timestamp } from '../../api/clock.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { PodCondition, PodStatus } from '../../api/types/core/pod-status.ts';
import { containerStatuses, ephemeralStatuses, initContainerStatuses } from './container-status.ts';
import { shortened } from './last-words.ts';
import { initialized, isSidecar, isTerminal, type Phase, phaseOf, verdict } from './phase.ts';
import { resizeKey, resizeOf } from './resize.ts';
import { type Ending, liveSandbox, newest, type World } from './world.ts';

export interface HostFacts {
  /** The node's own addresses, the preferred family first. */
  readonly hostIps: readonly string[];
  readonly runtimeName: string;
  readonly recursiveReadOnly?: boolean;
}

/** `nowMs` is the planner's line of time, `wallMs` what is written into stamps. */
export function podStatus(pod: Pod, world: World, host: HostFacts, nowMs: number, wallMs = nowMs): PodStatus {
  const phase = phaseOf(pod, world, nowMs);
  if (world.ended?.refused) return refusedStatus(pod, world.ended, wallMs);
  const neverRan = world.containers.length === 0 && pod.status?.containerStatuses === undefined;
  if (isTerminal(pod) && neverRan) return refusedStatus(pod, verdict(pod, world, nowMs)!, wallMs);
  const ended = phase === 'Failed' || phase === 'Succeeded' ? verdict(pod, world, nowMs) : undefined;
  const why = ended ?? world.refused;
  const ips = addresses(pod, world, host);
  const before = pod.status;
  const status: PodStatus = {
    phase,
    ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    ...(why?.reason && { reason: why.reason }),
    ...(why?.message && { message: why.message }),
    hostIP: host.hostIps[0],
    hostIPs: host.hostIps.map((ip) => ({ ip })),
    ...(ips.length > 0 && { podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) }),
    // Whoever waits at the door has not started: this is how the next process knows.
    ...(before?.startTime !== undefined || !world.held ? { startTime: before?.startTime ?? timestamp(wallMs) } : {}),
    containerStatuses: containerStatuses(pod, world, host, nowMs),
  };
  const inits = initContainerStatuses(pod, world, host, nowMs);
  if (inits.length > 0) status.initContainerStatuses = inits;
  const ephemeral = ephemeralStatuses(pod, world, host, nowMs);
  if (ephemeral.length > 0) status.ephemeralContainerStatuses = ephemeral;
  status.conditions = stamped(conditions(pod, world, status, phase), pod, wallMs);
  return shortened(status);
}

/** Nothing of it ever was here. */
function refusedStatus({ metadata, status }: Pod, { phase, reason, message }: Ending, nowMs: number): PodStatus {
  const { generation } = metadata;
  return {
    phase,
    ...(generation !== undefined && { observedGeneration: generation }),
    reason,
    message,
    startTime: status?.startTime ?? timestamp(nowMs),
  };
}

/** A pod keeps the address it was last known by until it has another one. */
function addresses(pod: Pod, world: World, { hostIps }: HostFacts): readonly string[] {
  const sandbox = liveSandbox(world);
  if (pod.spec.hostNetwork) return sandbox === undefined ? known(pod) : hostIps;
  return sandbox !== undefined && sandbox.ips.length > 0 ? sandbox.ips : known(pod);
}

function known(pod: Pod): string[] {
  return (pod.status?.podIPs ?? []).flatMap(({ ip }) => (ip === undefined ? [] : [ip]));
}

type Fact = Pick<PodCondition, 'type' | 'status' | 'reason' | 'message'>;

function conditions(pod: Pod, world: World, status: PodStatus, phase: Phase): Fact[] {
  const hasNetwork = liveSandbox(world) !== undefined && (status.podIP !== undefined || pod.spec.hostNetwork === true);
  const containersReady = readiness(pod, status, phase);
  return [
    { type: 'PodReadyToStartContainers', status: hasNetwork ? 'True' : 'False' },
    initializedCondition(pod, world, status, phase),
    { type: 'Ready', ...gated(pod, containersReady) },
    { type: 'ContainersReady', ...containersReady },
    { type: 'PodScheduled', status: 'True' },
    ...resizing(pod, world),
    ...(world.ended?.disruption === undefined
      ? []
      : [
          {
            type: 'DisruptionTarget',
            status: 'True',
            reason: 'TerminationByKubelet',
            message: world.ended.disruption,
          },
        ]),
  ];
}

/** Asked for and not given; given and not there yet. */
function resizing(pod: Pod, world: World): Fact[] {
  const { resize, failures } = world;
  const changing = pod.spec.containers.filter((container) => {
    const last = newest(world, container.name);
    return last?.state === 'running' && resizeOf(pod, container, last) !== 'none';
  });
  const failure = changing.map(({ name }) => failures.get(resizeKey(name))).find((each) => each !== undefined);
  return [
    ...(resize?.do === 'hold'
      ? [{ type: 'PodResizePending', status: 'True', reason: resize.reason, message: resize.message }]
      : []),
    ...(changing.length > 0
      ? [
          {
            type: 'PodResizeInProgress',
            status: 'True',
            ...(failure && { reason: 'Error', message: failure.message }),
          },
        ]
      : []),
  ];
}

function initializedCondition(pod: Pod, world: World, status: PodStatus, phase: Phase): Fact {
  const type = 'Initialized';
  if (phase === 'Succeeded') return { type, status: 'True', reason: 'PodCompleted' };
  if (initialized(pod, world) || (phase === 'Running' && hasRun(status))) return { type, status: 'True' };
  const open = (pod.spec.initContainers ?? []).filter(({ name }, at) => {
    const init = status.initContainerStatuses?.find((candidate) => candidate.name === name);
    return isSidecar(pod.spec.initContainers![at]!) ? init?.started !== true : init?.ready !== true;
  });
  if (open.length === 0) return { type, status: 'True' };
  const message = `containers with incomplete status: [${open.map(({ name }) => name).join(' ')}]`;
  return { type, status: 'False', reason: 'ContainersNotInitialized', message };
}

function hasRun(status: PodStatus): boolean {
  return (status.containerStatuses ?? []).some(({ state }) => state?.running !== undefined);
}

type Truth = Omit<Fact, 'type'>;

function readiness(pod: Pod, status: PodStatus, phase: Phase): Truth {
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' };
  const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar);
  const all = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  const unready = [...sidecars, ...pod.spec.containers].filter(
    ({ name }) => all.find((candidate) => candidate.name === name)?.ready !== true,
  );
  if (unready.length === 0) return { status: 'True' };
  const message = `containers with unready status: [${unready.map(({ name }) => name).join(' ')}]`;
  return { status: 'False', reason: 'ContainersNotReady', message };
}

/** Others may have a say in whether a pod is ready: they set conditions of their own. */
function gated(pod: Pod, containers: Truth): Truth {
  if (containers.status !== 'True') return containers;
  const missing = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const condition = pod.status?.conditions?.find(({ type }) => type === conditionType);
    if (condition === undefined) {
      return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    }
    if (condition.status === 'True') return [];
    return [`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`];
  });
  if (missing.length === 0) return containers;
  return { status: 'False', reason: 'ReadinessGatesNotReady', message: missing.join(', ') };
}

function stamped(facts: readonly Fact[], pod: Pod, nowMs: number): PodCondition[] {
  const { generation } = pod.metadata;
  return facts.map((fact) => {
    const before = pod.status?.conditions?.find(({ type }) => type === fact.type);
    const same = before?.status === fact.status && before.lastTransitionTime !== undefined;
    return {
      ...fact,
      lastTransitionTime: same ? before.lastTransitionTime : timestamp(nowMs),
      ...(generation !== undefined && { observedGeneration: generation }),
    };
  });
}
