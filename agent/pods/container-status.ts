// What the API is told about each container: state, the state before, and why it waits.
import { timestamp } from '../../api/clock.ts';
import type { Container } from '../../api/types/core/container.ts';
import type { ContainerState, ContainerStatus } from '../../api/types/core/container-status.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { ephemeralOf, kindOf } from './containers.ts';
import { goDuration } from './duration.ts';
import { imageKey } from './image-volumes.ts';
import { isSidecar, verdict } from './phase.ts';
import { resizeOf } from './resize.ts';
import { startsAgain } from './restart.ts';
import { endKey, sighted } from './sightings.ts';
import { current, liveSandbox, newest, type ObservedContainer, probeOf, type World } from './world.ts';

export interface RuntimeHost {
  readonly runtimeName: string;
  /** The runtime makes everything below a mount read-only where that is asked for. */
  readonly recursiveReadOnly?: boolean;
}

/** Sorted by name, as upstream lists them. */
export function containerStatuses(pod: Pod, world: World, host: RuntimeHost, nowMs: number): ContainerStatus[] {
  const initial = (pod.spec.initContainers ?? []).length > 0 ? 'PodInitializing' : 'ContainerCreating';
  return pod.spec.containers
    .map((container) => statusOf(pod, container, world, host, initial, nowMs))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** In the order of the specification: the order in which they run. */
export function initContainerStatuses(pod: Pod, world: World, host: RuntimeHost, nowMs: number): ContainerStatus[] {
  return (pod.spec.initContainers ?? []).map((container) => {
    const status = statusOf(pod, container, world, host, 'PodInitializing', nowMs);
    if (isSidecar(container)) return status;
    return { ...status, ready: status.state?.terminated?.exitCode === 0 };
  });
}

export function ephemeralStatuses(pod: Pod, world: World, host: RuntimeHost, nowMs: number): ContainerStatus[] {
  return ephemeralOf(pod).map((container) => {
    const status = statusOf(pod, container, world, host, 'ContainerCreating', nowMs);
    return { ...status, ready: false };
  });
}

function statusOf(
  pod: Pod,
  container: Container,
  world: World,
  host: RuntimeHost,
  initial: string,
  nowMs: number,
): ContainerStatus {
  const { name, image } = container;
  const instances = world.containers.filter((instance) => instance.name === name);
  const last = newest(world, name);
  const { state, last: lastState } = states(pod, container, instances, world, host, initial, nowMs);
  const running = last !== undefined && state.running !== undefined;
  const probe = running ? probeOf(world, last.id) : undefined;
  const recursive = host.recursiveReadOnly === true;
  const mounts = (container.volumeMounts ?? []).map(
    ({ name: volume, mountPath, readOnly, recursiveReadOnly: wish }) => ({
      name: volume,
      mountPath,
      ...(readOnly && {
        readOnly,
        recursiveReadOnly: recursive && wish !== undefined && wish !== 'Disabled' ? 'Enabled' : 'Disabled',
      }),
    }),
  );
  return {
    name,
    state,
    lastState: lastState ?? {},
    ready: (probe?.ready ?? false) && probe?.started === true && probe.unhealthy === undefined,
    restartCount: last?.attempt ?? 0,
    image: last?.image || (image ?? ''),
    imageID: last?.imageId ?? '',
    ...(last !== undefined && { containerID: `${host.runtimeName}://${last.id}` }),
    started: probe?.started ?? false,
    ...(container.lifecycle?.stopSignal !== undefined && { stopSignal: container.lifecycle.stopSignal }),
    ...resourcesOf(pod, container, last),
    ...(mounts.length > 0 && { volumeMounts: mounts }),
  };
}

/** While a change is under way the API sees what the container still has. */
function resourcesOf(pod: Pod, container: Container, last: ObservedContainer | undefined) {
  const { resources } = container;
  if (resources === undefined || last === undefined) return {};
  const before = pod.status.containerStatuses?.find(({ name }) => name === container.name)?.resources;
  const pending = last.state === 'running' && resizeOf(pod, container, last) !== 'none';
  return {
    resources: pending && before !== undefined ? before : resources,
    ...(resources.requests !== undefined && { allocatedResources: resources.requests }),
  };
}

interface States {
  readonly state: ContainerState;
  readonly last?: ContainerState;
}

function states(
  pod: Pod,
  container: Container,
  instances: readonly ObservedContainer[],
  world: World,
  host: RuntimeHost,
  initial: string,
  nowMs: number,
): States {
  const [last, before] = instances;
  const previous = before === undefined ? undefined : terminated(before, host);
  const why = waitingFor(container, world);
  if (last === undefined) return { state: { waiting: why ?? { reason: initial } } };
  if (last.state === 'created' || world.hooked.has(last.id)) {
    return { state: { waiting: why ?? { reason: initial } }, last: previous };
  }
  if (last.state === 'running')
    return { state: { running: { startedAt: timestamp(last.startedAtMs) } }, last: previous };
  if (last.state === 'unknown') {
    return { state: { waiting: { reason: 'ContainerStatusUnknown' } }, last: previous };
  }
  const ended = terminated(last, host);
  if (!willStart(pod, container, last, world, nowMs)) return { state: ended, last: previous };
  const waitMs = sighted(world.sightings, endKey(last.id), last.finishedAtMs) + last.backOffMs - nowMs;
  const here = current(world, liveSandbox(world), container.name) !== undefined;
  if (here && waitMs > 0) {
    const { namespace, name, uid } = pod.metadata;
    const period = goDuration(last.backOffMs);
    const message = `back-off ${period} restarting failed container=${container.name} pod=${name}_${namespace}(${uid})`;
    return { state: { waiting: { reason: 'CrashLoopBackOff', message } }, last: ended };
  }
  if (why !== undefined) return { state: { waiting: why }, last: ended };
  return { state: ended, last: previous };
}

function willStart(pod: Pod, container: Container, last: ObservedContainer, world: World, nowMs: number): boolean {
  if (pod.metadata.deletionTimestamp !== undefined || verdict(pod, world, nowMs) !== undefined) return false;
  const kind = kindOf(pod, container.name);
  if (kind === 'ephemeralContainers') return false;
  if (kind === 'initContainers' && !isSidecar(container) && last.exitCode === 0) return false;
  return startsAgain(pod, container, last.exitCode);
}

/** What failed last stays the reason until it has worked. */
function waitingFor({ name, volumeMounts = [] }: Container, world: World): ContainerState['waiting'] {
  for (const key of [name, ...volumeMounts.map((mount) => imageKey(mount.name))]) {
    const image = world.images.get(key);
    if (image?.state === 'failed') return { reason: image.reason, message: image.message };
    if (image?.state === 'pulling' && image.before !== undefined) return image.before;
  }
  const failure = world.failures.get(name);
  return failure === undefined ? undefined : { reason: failure.reason, message: failure.message };
}

function terminated(container: ObservedContainer, host: RuntimeHost): ContainerState {
  const { exitCode, reason, message, startedAtMs, finishedAtMs, id } = container;
  return {
    terminated: {
      exitCode,
      reason: reason || (exitCode === 0 ? 'Completed' : 'Error'),
      ...(message !== '' && { message }),
      startedAt: timestamp(startedAtMs),
      finishedAt: timestamp(finishedAtMs),
      containerID: `${host.runtimeName}://${id}`,
    },
  };
}
