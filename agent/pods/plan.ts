// The pod lifecycle: from what the API wants and what the runtime has, what to do next.
// Pure, and it remembers nothing: after a restart the same world gives the same actions.
// worker.ts calls it, perform.ts carries its actions out.
//
//   volumes -> sandbox (both at once where no volume can be missing) -> init containers, one after the other -> all others
//   deleted or finished: main containers stop -> sidecars, last first -> sandbox -> clean up -> (deleted) API delete
import type { Container } from '../../api/types/core/container.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { hasCertainVolumes } from './certain-volumes.ts';
import { ephemeralOf } from './containers.ts';
import { containerHash } from './hash.ts';
import { imageKey, imageVolumes } from './image-volumes.ts';
import { initialized, isSidecar, sidecarsOf, verdict } from './phase.ts';
import { resizeKey, resizeOf } from './resize.ts';
import { startsAgain } from './restart.ts';
import { deletionKey, endKey, graceSecondsOf, START_KEY, sighted } from './sightings.ts';
import { current, isAlive, isUp, liveSandbox, newest, type ObservedContainer, probeOf, type World } from './world.ts';

export type Action =
  | { do: 'mountVolumes' }
  | { do: 'refreshVolumes' }
  /** `mounting`: the volumes are set up beside it. */
  | { do: 'runSandbox'; attempt: number; mounting?: true }
  | { do: 'openNetwork'; id: string; ips: readonly string[] }
  | { do: 'pullImage'; container: string }
  | { do: 'startContainer'; name: string; attempt: number; backOffMs: number }
  | { do: 'stopContainer'; id: string; name: string; graceSeconds: number; why?: string }
  | { do: 'resizeContainer'; id: string; name: string }
  | { do: 'removeContainer'; id: string; name: string }
  | { do: 'stopSandbox'; id: string }
  | { do: 'removeSandbox'; id: string }
  | { do: 'cleanUp' }
  | { do: 'confirmDeletion' }
  | { do: 'wait'; ms: number };

const FIRST_BACK_OFF_MS = 10_000;
const MAX_BACK_OFF_MS = 300_000;
/** Who ran this long starts over with the back-off. */
const BACK_OFF_RESET_MS = 2 * MAX_BACK_OFF_MS;
/** Even a deletion without grace lets a process see the signal. */
const MIN_GRACE_SECONDS = 2;
const DEFAULT_GRACE_SECONDS = 30;
/** A stop under way is hurried only by a grace that is shorter by more than this. */
const SOONER_MS = 1_500;
/** How often a pod at the door asks again whether there is room. */
const HELD_MS = 250;
/** Dead instances kept per container, for `kubectl logs --previous`. */
const KEEP_DEAD = 1;

export function planPod(pod: Pod, world: World, nowMs: number): Action[] {
  // The address is silent until the network knows it: no process may notice, neither a new one nor an adopted one.
  const sandbox = liveSandbox(world);
  if (sandbox !== undefined && !world.networked.has(sandbox.id)) {
    return [{ do: 'openNetwork', id: sandbox.id, ips: sandbox.ips }];
  }
  if (pod.metadata.deletionTimestamp !== undefined) {
    const down = tearDown(pod, world, graceLeft(pod, world, nowMs), nowMs);
    if (down.length > 0) return down;
    if (!world.cleaned) return [{ do: 'cleanUp' }];
    return [{ do: 'confirmDeletion' }];
  }
  // A finished pod gives its address back but keeps its containers: their logs are still wanted.
  const ended = verdict(pod, world, nowMs);
  if (ended !== undefined) {
    const grace = ended.graceSeconds ?? pod.spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
    const down = tearDown(pod, world, grace, nowMs);
    if (down.length > 0) return down;
    return world.cleaned ? garbage(world) : [{ do: 'cleanUp' }];
  }
  if (world.held) return [wait(HELD_MS)];
  if (world.refused !== undefined) return [];
  const deadline = untilDeadline(pod, world, nowMs);
  const pending = world.failures.get('');
  if (pending !== undefined && nowMs < pending.retryAtMs)
    return soonest([wait(pending.retryAtMs - nowMs), ...deadline]);
  if (!world.volumesReady) {
    const coming = pullsForVolumes(pod, world, nowMs);
    if (coming !== undefined) return soonest([...coming, ...deadline]);
    const beside = world.sandboxes.length === 0 && hasCertainVolumes(pod);
    return [
      ...firstImages(pod, world),
      beside ? { do: 'runSandbox', attempt: 0, mounting: true } : { do: 'mountVolumes' },
    ];
  }
  const [last] = world.sandboxes;
  if (last === undefined || !last.ready) return renewSandbox(pod, world);
  const refresh: Action[] = nowMs >= world.refreshAtMs ? [{ do: 'refreshVolumes' }] : [];
  return soonest([...runContainers(pod, world, nowMs), ...refresh, ...garbage(world), ...deadline]);
}

/** Until the images that are volumes have come; undefined when they have. Who runs already has what it mounts. */
function pullsForVolumes(pod: Pod, world: World, nowMs: number): Action[] | undefined {
  if (world.containers.some(isAlive)) return undefined;
  const names = imageVolumes(pod).map(({ name }) => imageKey(name));
  if (names.every((name) => world.images.get(name)?.state === 'present')) return undefined;
  return names.flatMap((container): Action[] => {
    const image = world.images.get(container);
    if (image?.state === 'present' || image?.state === 'pulling') return [];
    if (image?.state === 'failed' && nowMs < image.retryAtMs) return [wait(image.retryAtMs - nowMs)];
    return [{ do: 'pullImage', container }];
  });
}

/** What is needed first is there by the time the sandbox is. */
function firstImages({ spec }: Pod, world: World): Action[] {
  const first = spec.initContainers?.slice(0, 1) ?? [];
  return (first.length > 0 ? first : spec.containers)
    .filter(({ name }) => newest(world, name) === undefined && !world.images.has(name))
    .map(({ name }) => ({ do: 'pullImage', container: name }));
}

/** What the runtime has of a pod that nobody wants any more. */
export function planOrphan(world: World): Action[] {
  const alive = world.containers.filter(isAlive);
  const stops = alive
    .filter(({ id }) => !world.stopping.has(id))
    .map(({ id, name, graceSeconds }): Action => ({ do: 'stopContainer', id, name, graceSeconds }));
  if (alive.length > 0) return stops;
  const up = world.sandboxes.filter(isUp);
  if (up.length > 0) return up.map(({ id }) => ({ do: 'stopSandbox', id }));
  if (!world.cleaned) return [{ do: 'cleanUp' }];
  return [
    ...world.containers.map(({ id, name }): Action => ({ do: 'removeContainer', id, name })),
    ...world.sandboxes.map(({ id }): Action => ({ do: 'removeSandbox', id })),
  ];
}

/** Nothing of the pod runs, holds an address or a mount. */
function tearDown(pod: Pod, world: World, wholeGrace: number, nowMs: number): Action[] {
  const alive = world.containers.filter(isAlive);
  if (alive.length === 0) return world.sandboxes.filter(isUp).map(({ id }) => ({ do: 'stopSandbox', id }));
  const graceSeconds = Math.max(wholeGrace, MIN_GRACE_SECONDS);
  const byMs = nowMs + graceSeconds * 1_000;
  const next = nextToStop(pod, alive);
  const late = next.filter(({ id }) => (world.stopping.get(id) ?? Number.POSITIVE_INFINITY) > byMs + SOONER_MS);
  if (late.length > 0) return late.map(({ id, name }) => ({ do: 'stopContainer', id, name, graceSeconds }));
  return [wait(Math.max(...next.map(({ id }) => world.stopping.get(id) ?? nowMs)) - nowMs)];
}

/** Sidecars serve the others, so they outlive them, and one another in the reverse order of their start. */
function nextToStop(pod: Pod, alive: readonly ObservedContainer[]): ObservedContainer[] {
  const sidecars = sidecarsOf(pod).map(({ name }) => name);
  const others = alive.filter(({ name }) => !sidecars.includes(name));
  if (others.length > 0) return others;
  const last = sidecars.findLast((name) => alive.some((container) => container.name === name));
  return alive.filter(({ name }) => name === last);
}

/** The grace runs from the deletion, not from the moment this process looks. */
function graceLeft(pod: Pod, { sightings }: World, nowMs: number): number {
  const byMs = sighted(sightings, deletionKey(pod), Date.parse(pod.metadata.deletionTimestamp!));
  return Math.min(graceSecondsOf(pod), Math.max(Math.ceil((byMs - nowMs) / 1_000), 0));
}

function untilDeadline(pod: Pod, { sightings }: World, nowMs: number): Action[] {
  const { activeDeadlineSeconds } = pod.spec;
  const startTime = pod.status?.startTime;
  if (activeDeadlineSeconds === undefined || startTime === undefined) return [];
  const sinceMs = sighted(sightings, START_KEY, Date.parse(startTime));
  return [wait(sinceMs + activeDeadlineSeconds * 1_000 - nowMs)];
}

/** Containers live in the sandbox's namespaces: with the sandbox gone they end, and all starts again in a new one. */
function renewSandbox(pod: Pod, world: World): Action[] {
  const alive = world.containers.filter(isAlive);
  if (alive.length > 0) {
    const graceSeconds = pod.spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
    return alive
      .filter(({ id }) => !world.stopping.has(id))
      .map(({ id, name }) => ({
        do: 'stopContainer',
        id,
        name,
        graceSeconds,
        why: 'Pod sandbox changed, it will be killed and re-created.',
      }));
  }
  const dead = world.sandboxes.filter(isUp);
  if (dead.length > 0) return dead.map(({ id }) => ({ do: 'stopSandbox', id }));
  // What must not run twice has run; the phase follows from its exit codes.
  const ran = pod.spec.containers.some(({ name }) => (newest(world, name)?.state ?? 'created') !== 'created');
  if (pod.spec.restartPolicy === 'Never' && ran) return [];
  const [last] = world.sandboxes;
  return [{ do: 'runSandbox', attempt: last === undefined ? 0 : last.attempt + 1 }];
}

function runContainers(pod: Pod, world: World, nowMs: number): Action[] {
  const ready = initialized(pod, world);
  const actions: Action[] = [];
  for (const init of pod.spec.initContainers ?? []) {
    const last = current(world, liveSandbox(world), init.name);
    if (isSidecar(init)) {
      actions.push(...nextForContainer(pod, init, world, nowMs));
      if (!ready && !(last?.state === 'running' && isStarted(world, last))) return actions;
      continue;
    }
    if (ready || (last?.state === 'exited' && last.exitCode === 0)) continue;
    return [...actions, ...nextForContainer(pod, init, world, nowMs)];
  }
  for (const container of pod.spec.containers) {
    actions.push(...nextForContainer(pod, container, world, nowMs));
  }
  // Somebody's way into a running pod: each runs once.
  for (const { name } of ephemeralOf(pod)) {
    if (newest(world, name) === undefined) actions.push(...start(name, 0, 0, world, nowMs));
  }
  return actions;
}

function isStarted(world: World, { id }: ObservedContainer): boolean {
  return probeOf(world, id).started && !world.hooked.has(id);
}

function nextForContainer(pod: Pod, container: Container, world: World, nowMs: number): Action[] {
  const { name } = container;
  const last = newest(world, name);
  if (last === undefined) return start(name, 0, 0, world, nowMs);
  if (world.stopping.has(last.id)) return [];
  const here = last.sandboxId === liveSandbox(world)?.id;
  if (last.state === 'created') {
    // Made but never started: this process ended in between. Its name must be free before the next try.
    return [{ do: 'removeContainer', id: last.id, name }, ...start(name, last.attempt, last.backOffMs, world, nowMs)];
  }
  if (isAlive(last)) {
    const { unhealthy, graceSeconds } = probeOf(world, last.id);
    const resize = last.state === 'running' ? resizeOf(pod, container, last) : 'none';
    const why =
      unhealthy ??
      outdated(container, last) ??
      (resize === 'restart' ? `Container ${name} resize requires restart` : undefined);
    if (why === undefined) return resize === 'none' ? [] : resizeInPlace(last, world, nowMs);
    const grace = graceSeconds ?? pod.spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
    return [{ do: 'stopContainer', id: last.id, name, graceSeconds: grace, why }];
  }
  const again = startsAgain(pod, container, last.exitCode);
  // In a new sandbox init containers run again whatever they said in the old one.
  const isInit = !pod.spec.containers.some((app) => app.name === name);
  if (!again && !(isInit && !here)) return [];
  const waitMs = sighted(world.sightings, endKey(last.id), last.finishedAtMs) + last.backOffMs - nowMs;
  // What never started has no start time.
  const ranLong = last.startedAtMs > 0 && last.finishedAtMs - last.startedAtMs > BACK_OFF_RESET_MS;
  if (here && waitMs > 0 && !ranLong) return [wait(waitMs)];
  return start(name, last.attempt + 1, nextBackOff(last, ranLong), world, nowMs);
}

/** The first restart is immediate, the next ones wait 10 s, 20 s, ... 5 min. */
function nextBackOff({ backOffMs }: ObservedContainer, ranLong: boolean): number {
  if (backOffMs === 0 || ranLong) return FIRST_BACK_OFF_MS;
  return Math.min(backOffMs * 2, MAX_BACK_OFF_MS);
}

function resizeInPlace({ id, name }: ObservedContainer, world: World, nowMs: number): Action[] {
  const failure = world.failures.get(resizeKey(name));
  if (failure !== undefined && nowMs < failure.retryAtMs) return [wait(failure.retryAtMs - nowMs)];
  return [{ do: 'resizeContainer', id, name }];
}

function outdated(container: Container, { name, hash }: ObservedContainer): string | undefined {
  if (hash === '' || hash === containerHash(container)) return undefined;
  return `Container ${name} definition changed, will be restarted`;
}

function start(name: string, attempt: number, backOffMs: number, world: World, nowMs: number): Action[] {
  const failure = world.failures.get(name);
  if (failure !== undefined && nowMs < failure.retryAtMs) return [wait(failure.retryAtMs - nowMs)];
  const image = world.images.get(name);
  if (image?.state === 'pulling') return [];
  if (image?.state === 'failed' && nowMs < image.retryAtMs) return [wait(image.retryAtMs - nowMs)];
  if (image?.state !== 'present') return [{ do: 'pullImage', container: name }];
  return [{ do: 'startContainer', name, attempt, backOffMs }];
}

/** Dead instances and sandboxes nobody asks for any more. */
function garbage(world: World): Action[] {
  const names = new Set(world.containers.map(({ name }) => name));
  const old = [...names].flatMap((name) => {
    const dead = world.containers.filter((container) => container.name === name && container.state === 'exited');
    return dead.slice(KEEP_DEAD);
  });
  const gone = new Set(old.map(({ id }) => id));
  const used = new Set(world.containers.filter(({ id }) => !gone.has(id)).map(({ sandboxId }) => sandboxId));
  const sandboxes = world.sandboxes.slice(1).filter(({ id, ready }) => !ready && !used.has(id));
  return [
    ...old.map(({ id, name }): Action => ({ do: 'removeContainer', id, name })),
    ...sandboxes.map(({ id }): Action => ({ do: 'removeSandbox', id })),
  ];
}

function wait(ms: number): Action {
  return { do: 'wait', ms: Math.max(ms, 0) };
}

/** One wait is enough: the first. */
function soonest(actions: readonly Action[]): Action[] {
  const waits = actions.filter((action) => action.do === 'wait');
  const deeds = actions.filter((action) => action.do !== 'wait');
  if (waits.length === 0) return deeds;
  return [...deeds, { do: 'wait', ms: Math.min(...waits.map(({ ms }) => ms)) }];
}
