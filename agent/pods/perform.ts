// Carries out what plan.ts decided: one branch an action. What takes long (pulls, hooks, stops) goes on in the
// background; its end wakes the pod's worker.
import { rm } from 'node:fs/promises';
import { isConflict, isNotFound } from '../../api/status.ts';
import type { Container } from '../../api/types/core/container.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { pods } from '../../api/types/core/resources.ts';
import { signalNumber } from '../cri/tasks.ts';
import { VolumeError, VolumePending } from '../volumes/types.ts';
import { ephemeralOf, findContainer } from './containers.ts';
import type { PodDeps } from './deps.ts';
import { podDns } from './dns.ts';
import { farewell, farewellMs } from './farewell.ts';
import { asContainer } from './image-volumes.ts';
import { postStart, preStop } from './lifecycle.ts';
import type { PodMemory } from './memory.ts';
import { type PodName, podDir, podLogDir } from './names.ts';
import type { Action } from './plan.ts';
import { resizeKey } from './resize.ts';
import { containerResources } from './resources.ts';
import { sandboxConfig } from './sandbox-config.ts';
import { StartError, said, startContainer, unlinkLogs } from './start-container.ts';
import { namesInLogs, sweepLinks } from './sweep.ts';
import { current, liveSandbox, type World } from './world.ts';

const RETRY_MS = 5_000;
/** As often as upstream looks at what volumes are made of. */
const REFRESH_MS = 60_000;
const CLAIM_RETRY_MS = 2_000;
const RETRY_START_MS = 1_000;
const RESIZE_RETRY_MS = 30_000;

export interface Subject {
  readonly uid: string;
  /** As last known: the pod may be gone from the API. */
  readonly pod: Pod | undefined;
  readonly world: World;
  readonly memory: PodMemory;
}

export async function perform(action: Action, subject: Subject, deps: PodDeps, signal: AbortSignal): Promise<void> {
  const { pod, memory } = subject;
  switch (action.do) {
    case 'mountVolumes':
      return mountVolumes(pod!, memory, deps, signal);
    case 'refreshVolumes':
      return refreshVolumes(pod!, memory, deps, signal);
    case 'runSandbox':
      return runSandbox(pod!, action, memory, deps, signal);
    case 'openNetwork':
      return openNetwork(pod!, action, subject, deps, signal);
    case 'pullImage':
      return deps.pulls.ask(pod!, findContainer(pod!, action.container) ?? asContainer(pod!, action.container)!);
    case 'startContainer':
      return start(pod!, action, subject, deps, signal);
    case 'stopContainer':
      return stop(action, subject, deps);
    case 'resizeContainer':
      return resizeContainer(pod!, action.id, action.name, memory, deps, signal);
    case 'removeContainer':
      return removeContainer(action.id, subject, deps, signal);
    case 'stopSandbox':
      return stopSandbox(action.id, subject, deps, signal);
    case 'removeSandbox':
      return deps.runtime.removeSandbox(action.id, signal);
    case 'cleanUp':
      return cleanUp(subject, deps, signal);
    case 'confirmDeletion':
      return confirmDeletion(pod!, memory, deps, signal);
    case 'wait':
      return;
    default:
      action satisfies never;
  }
}

async function mountVolumes(pod: Pod, memory: PodMemory, deps: PodDeps, signal: AbortSignal): Promise<void> {
  memory.failures.delete('');
  try {
    await deps.cgroups.ensure(pod, signal);
    await deps.volumes.setUp(pod, true, signal);
  } catch (err) {
    signal.throwIfAborted();
    if (err instanceof VolumePending) return; // the next pass asks again
    return fail(pod, undefined, 'FailedMount', said(err), RETRY_MS, memory, deps);
  }
  try {
    await deps.claims.prepare(pod, signal);
  } catch (err) {
    signal.throwIfAborted();
    const message = `Failed to prepare dynamic resources: ${said(err)}`;
    return fail(pod, undefined, 'FailedPrepareDynamicResources', message, CLAIM_RETRY_MS, memory, deps);
  }
  memory.volumesReady = true;
  refreshLater(pod, memory, deps);
}

/** Contents follow their objects while the pod runs; a failure leaves the old ones and is tried again. */
async function refreshVolumes(pod: Pod, memory: PodMemory, deps: PodDeps, signal: AbortSignal): Promise<void> {
  refreshLater(pod, memory, deps);
  try {
    await deps.volumes.setUp(pod, false, signal);
  } catch (err) {
    signal.throwIfAborted();
    if (err instanceof VolumePending) return;
    if (err instanceof VolumeError) deps.event(pod, undefined, 'Warning', 'FailedMount', err.message);
    else deps.log.debug({ err }, 'volumes not refreshed');
  }
}

function refreshLater(pod: Pod, memory: PodMemory, { clock, volumes, watches }: PodDeps): void {
  watches.follow(pod);
  memory.refreshAtMs = volumes.refreshes(pod) ? clock.monotonic() + REFRESH_MS : Number.POSITIVE_INFINITY;
}

async function runSandbox(
  pod: Pod,
  { attempt, mounting }: Extract<Action, { do: 'runSandbox' }>,
  memory: PodMemory,
  deps: PodDeps,
  signal: AbortSignal,
): Promise<void> {
  memory.failures.delete('');
  if (mounting) {
    await deps.cgroups.ensure(pod, signal); // its parent
    await bothEnded(
      runSandbox(pod, { do: 'runSandbox', attempt }, memory, deps, signal),
      mountVolumes(pod, memory, deps, signal),
    );
    return;
  }
  if (attempt > 0) {
    deps.event(pod, undefined, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.');
  }
  try {
    const handler = await deps.runtimeHandler(pod, signal);
    await deps.runtime.runSandbox(configOf(pod, attempt, deps), handler, signal);
  } catch (err) {
    signal.throwIfAborted();
    const message = `Failed to create pod sandbox: ${said(err)}`;
    fail(pod, undefined, 'FailedCreatePodSandBox', message, RETRY_MS, memory, deps);
  }
}

async function openNetwork(
  pod: Pod,
  { id, ips }: Extract<Action, { do: 'openNetwork' }>,
  { world, memory }: Subject,
  deps: PodDeps,
  signal: AbortSignal,
): Promise<void> {
  const opened = pod.spec.hostNetwork ? Promise.resolve() : deps.network.podUp(pod, ips, signal);
  // Where nothing runs yet the first container is made meanwhile; it starts after this.
  if (world.containers.length > 0) await opened;
  else {
    memory.opening.set(id, opened);
    const closed = () => memory.opening.delete(id);
    opened.then(closed, () => closed() && memory.networked.delete(id)); // whoever waits for it hears why
  }
  memory.networked.add(id);
}

/** The kernel has been asked to forget the address before the runtime can give it to another pod. */
async function stopSandbox(id: string, { uid, world, memory }: Subject, deps: PodDeps, signal: AbortSignal) {
  const ips = world.sandboxes.find((each) => each.id === id)?.ips ?? [];
  const silent = deps.network.podDown(uid, ips, signal);
  memory.networked.delete(id);
  await bothEnded(silent, deps.runtime.stopSandbox(id, signal));
}

async function start(
  pod: Pod,
  { name, attempt, backOffMs }: Extract<Action, { do: 'startContainer' }>,
  { uid, world, memory }: Subject,
  deps: PodDeps,
  signal: AbortSignal,
): Promise<void> {
  const container = findContainer(pod, name)!;
  const sandbox = liveSandbox(world)!;
  const image = world.images.get(name);
  if (image?.state !== 'present') return;
  try {
    const sandboxOf = configOf(pod, sandbox.attempt, deps);
    const target = ephemeralOf(pod).find((each) => each.name === name)?.targetContainerName;
    const request = {
      ...{ pod, container, sandbox, sandboxConfig: sandboxOf, attempt, backOffMs },
      imageRef: image.imageRef,
      networkOpen: memory.opening.get(sandbox.id),
      targetId: target === undefined ? undefined : current(world, sandbox, target)?.id,
    };
    const id = await startContainer(request, deps, signal);
    memory.failures.delete(name);
    deps.pulls.used(uid, name);
    if (container.lifecycle?.postStart !== undefined) hook(pod, container, id, sandbox.ips[0] ?? '', memory, deps);
  } catch (err) {
    if (!(err instanceof StartError)) throw err;
    fail(pod, container, err.reason, err.message, err.made ? RETRY_START_MS : RETRY_MS, memory, deps);
    if (err.made) deps.pulls.used(uid, name);
  }
}

/** Until the hook is through, the container is not started in the pod's eyes; if it fails, the container ends. */
function hook(pod: Pod, container: Container, id: string, podIp: string, memory: PodMemory, deps: PodDeps): void {
  memory.hooked.add(id);
  memory.inBackground(async (signal) => {
    try {
      if (await postStart(pod, container, id, podIp, deps, signal)) return;
      deps.event(pod, container, 'Normal', 'Killing', 'FailedPostStartHook');
      const graceSeconds = pod.spec.terminationGracePeriodSeconds ?? 30;
      memory.stopping.set(id, deps.clock.monotonic() + graceSeconds * 1_000);
      await deps.runtime.stopContainer(id, graceSeconds, signal).finally(() => memory.stopping.delete(id));
    } finally {
      memory.hooked.delete(id);
    }
  });
}

function stop(
  { id, name, graceSeconds, why }: Extract<Action, { do: 'stopContainer' }>,
  { pod, world, memory }: Subject,
  deps: PodDeps,
): void {
  const byMs = deps.clock.monotonic() + graceSeconds * 1_000;
  const hurried = memory.stopping.has(id);
  memory.stopping.set(id, byMs);
  const container = pod === undefined ? undefined : findContainer(pod, name);
  if (pod !== undefined && !hurried) {
    deps.event(pod, container, 'Normal', 'Killing', why ?? `Stopping container ${name}`);
  }
  memory.inBackground(async (signal) => {
    try {
      if (pod !== undefined && container !== undefined && !hurried) {
        const podIp = liveSandbox(world)?.ips[0] ?? '';
        const { clock, network, log } = deps;
        const { namespace = '' } = pod.metadata;
        const slices = () => deps.endpointSlices(namespace);
        const parting = { slices, clock, log, settled: (until: AbortSignal) => network.settled(until) };
        const longestMs = farewellMs(pod, graceSeconds, deps.farewell);
        await Promise.all([
          preStop(pod, container, id, podIp, graceSeconds * 1_000, deps, signal),
          farewell(pod, longestMs, deps.farewell.peersMs, parting, signal),
        ]);
      }
      // A hook that used the grace up leaves the process enough to notice the signal.
      const left = Math.max(2, Math.ceil((byMs - deps.clock.monotonic()) / 1_000));
      const chosen = signalNumber(container?.lifecycle?.stopSignal ?? '');
      if (chosen !== undefined) await deps.tasks.stop(id, chosen, left * 1_000, signal);
      // After a signal of its own choice it had its time: what is left of it is killed.
      await deps.runtime.stopContainer(id, chosen === undefined ? left : 0, signal);
    } finally {
      if (memory.stopping.get(id) === byMs) memory.stopping.delete(id);
    }
  });
}

/** The group of the whole pod grows before its parts and shrinks after them. */
async function resizeContainer(
  pod: Pod,
  id: string,
  name: string,
  memory: PodMemory,
  deps: PodDeps,
  signal: AbortSignal,
): Promise<void> {
  const container = findContainer(pod, name)!;
  const { oomScoreAdj: _fixed, ...resources } = containerResources(pod, container, deps.node.memory);
  // No limit must be said, or the old one stays.
  const limits = { cpuQuota: -1, memoryLimitInBytes: -1, ...resources };
  try {
    await deps.cgroups.ensure(pod, signal).catch(() => undefined); // shrinking: again below
    await deps.runtime.updateContainer(id, limits, signal);
    await deps.cgroups.ensure(pod, signal);
    memory.failures.delete(resizeKey(name));
  } catch (err) {
    signal.throwIfAborted();
    const message = said(err);
    deps.event(pod, container, 'Warning', 'ResizeError', `Error resizing container ${name}: ${message}`);
    const retryAtMs = deps.clock.monotonic() + RESIZE_RETRY_MS;
    memory.failures.set(resizeKey(name), { reason: 'ResizeError', message, retryAtMs });
  } finally {
    deps.observer.changed(pod.metadata.uid, id);
  }
}

/** Its log goes with it; the end of it is kept for a while. */
async function removeContainer(id: string, { uid, world }: Subject, deps: PodDeps, signal: AbortSignal): Promise<void> {
  await deps.runtime.removeContainer(id, signal);
  const container = world.containers.find((each) => each.id === id);
  const sandbox = world.sandboxes.find((each) => each.id === container?.sandboxId);
  if (container === undefined || sandbox === undefined || container.state === 'created') return;
  const pod = { uid, namespace: sandbox.podNamespace, name: sandbox.podName };
  await deps.keptLogs.keep(pod, container.name, container.attempt);
  await unlinkLogs(pod, new Map([[id, container.name]]), deps);
}

async function cleanUp({ uid, pod, world, memory }: Subject, deps: PodDeps, signal: AbortSignal): Promise<void> {
  try {
    deps.watches.forget(uid);
    await deps.volumes.tearDown(uid, signal);
    await deps.cgroups.remove(uid, signal);
  } catch (err) {
    signal.throwIfAborted();
    if (err instanceof VolumePending) return; // the next pass asks again
    if (pod !== undefined) deps.event(pod, undefined, 'Warning', 'FailedUnmount', said(err));
    throw err;
  }
  await deps.grants.release(uid, signal);
  for (const { id } of world.sandboxes) memory.networked.delete(id);
  memory.cleaned = true;
  memory.volumesReady = false;
}

async function confirmDeletion(pod: Pod, memory: PodMemory, deps: PodDeps, signal: AbortSignal): Promise<void> {
  const { uid, namespace, name } = pod.metadata;
  await deps.status.flush(uid, signal);
  try {
    await deps.client.delete(pods, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } }, signal);
  } catch (err) {
    if (!isNotFound(err) && !isConflict(err)) throw err; // gone, or another pod of that name: ours is
  }
  memory.gone = true;
}

/** Two things side by side; when one fails the other is not left alone. */
async function bothEnded(...work: Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((each) => each.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** The last trace of a pod that neither the API nor the runtime knows any more. */
export async function removeTraces(
  uid: string,
  name: PodName | undefined,
  seen: ReadonlyMap<string, string>,
  deps: PodDeps,
): Promise<void> {
  // Nothing is mounted in it any more (cleanUp saw to that); a finished pod kept its last words there.
  await rm(podDir(deps.folders, uid), { recursive: true, force: true });
  if (name !== undefined) await unlinkLogs(name, seen, deps);
  // The process before this one may have ended in between: then nobody but the folder knows the name.
  for (const each of name === undefined ? await namesInLogs(uid, deps.folders) : [name]) {
    await deps.keptLogs.keepAll(each);
    await rm(podLogDir(deps.folders, each), { recursive: true, force: true });
  }
  if (name === undefined) await sweepLinks(deps.folders); // whose container they are called after nobody knows any more
}

function fail(
  pod: Pod,
  container: Container | undefined,
  reason: string,
  message: string,
  retryMs: number,
  memory: PodMemory,
  deps: PodDeps,
): void {
  const event = container === undefined ? reason : 'Failed';
  deps.event(pod, container, 'Warning', event, container === undefined ? message : `Error: ${message}`);
  memory.failures.set(container?.name ?? '', { reason, message, retryAtMs: deps.clock.monotonic() + retryMs });
}

function configOf(pod: Pod, attempt: number, deps: PodDeps) {
  const { names, folders, cgroups } = deps;
  return sandboxConfig(pod, {
    attempt,
    dns: podDns(pod, names),
    folders,
    cgroupParent: cgroups.parentOf(pod),
    clusterDomain: names.clusterDomain,
  });
}
