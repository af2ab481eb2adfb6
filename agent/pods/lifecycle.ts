// Hooks around a container's life: postStart right after its start, preStop before it is asked to end. Both run in
// the background; the pod's worker is woken when they are through.
import type { Container } from '../../api/types/core/container.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { LifecycleHandler } from '../../api/types/core/probe.ts';
import type { PodDeps } from './deps.ts';
import { ask } from './probes/handlers.ts';

/** A postStart hook has no limit of its own; it must not hold a pod for ever either. */
const POST_START_MAX_MS = 60 * 60_000;

export async function postStart(
  pod: Pod,
  container: Container,
  containerId: string,
  podIp: string,
  deps: PodDeps,
  signal: AbortSignal,
): Promise<boolean> {
  const hook = container.lifecycle?.postStart;
  if (hook === undefined) return true;
  return run(hook, 'PostStartHook', { pod, container, containerId, podIp }, POST_START_MAX_MS, deps, signal);
}

export async function preStop(
  pod: Pod,
  container: Container,
  containerId: string,
  podIp: string,
  graceMs: number,
  deps: PodDeps,
  signal: AbortSignal,
): Promise<void> {
  const hook = container.lifecycle?.preStop;
  if (hook === undefined) return;
  const limit = new AbortController();
  using _timer = deps.clock.after(graceMs, () => limit.abort());
  const both = AbortSignal.any([signal, limit.signal]);
  await run(hook, 'PreStopHook', { pod, container, containerId, podIp }, graceMs, deps, both).catch(() => {
    signal.throwIfAborted(); // otherwise the grace is used up, and the container ends now
  });
}

interface HookTarget {
  readonly pod: Pod;
  readonly container: Container;
  readonly containerId: string;
  readonly podIp: string;
}

async function run(
  hook: LifecycleHandler,
  name: 'PostStartHook' | 'PreStopHook',
  { pod, container, containerId, podIp }: HookTarget,
  limitMs: number,
  deps: PodDeps,
  signal: AbortSignal,
): Promise<boolean> {
  const { result, output } = await ask(hook, { container, containerId, podIp }, limitMs, deps, signal);
  if (result === 'success' || result === 'warning') return true;
  deps.event(pod, container, 'Warning', `Failed${name}`, `${name} failed: ${output}`);
  return false;
}
