// Which nodes lack their daemon, which pods are too many or too old, and what the status says. Pure.
import type { DaemonSet, DaemonSetStatus } from '../../api/types/apps/daemon-set.ts';
import type { Node } from '../../api/types/core/node.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { fitOf, isUpdated } from './daemon-pods.ts';
import { availableInMs, isActive, isFinished, isReady } from './pod-facts.ts';
import { targetNode } from './target-node.ts';
import { parseTime } from './times.ts';

export interface DaemonView {
  readonly set: DaemonSet;
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
  readonly hash: string;
  readonly nowMs: number;
}

export interface DaemonPlan {
  /** Names of nodes. */
  readonly create: readonly string[];
  readonly remove: readonly Pod[];
  /** Pods among those to remove that ended by themselves. */
  readonly ended: readonly Pod[];
}

/** At most this many pods come or go in one pass. */
const BURST = 250;

export function podsByNode(pods: readonly Pod[]): Map<string, Pod[]> {
  const byNode = new Map<string, Pod[]>();
  for (const pod of pods) {
    const node = targetNode(pod.spec);
    if (node === undefined) continue;
    const own = byNode.get(node);
    if (own === undefined) byNode.set(node, [pod]);
    else own.push(pod);
  }
  return byNode;
}

/** First every node gets what it needs; only a set at rest is rolled on. */
export function decideDaemons(view: DaemonView): DaemonPlan {
  const { set } = view;
  if (set.metadata.deletionTimestamp !== undefined) return { create: [], remove: [], ended: [] };
  const byNode = podsByNode(view.pods);
  const settled = settle(view, byNode);
  const plan = settled.create.length + settled.remove.length > 0 ? settled : roll(view, byNode);
  return { ...plan, create: plan.create.slice(0, BURST), remove: plan.remove.slice(0, BURST) };
}

function settle(view: DaemonView, byNode: ReadonlyMap<string, readonly Pod[]>): DaemonPlan {
  const { set, nodes } = view;
  const create: string[] = [];
  const remove: Pod[] = [];
  const ended: Pod[] = [];
  const known = new Set(nodes.map(({ metadata }) => metadata.name));
  for (const node of nodes) {
    const { run, stay } = fitOf(set, node);
    const own = byNode.get(node.metadata.name) ?? [];
    const staying = own.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    if (!stay) {
      remove.push(...staying);
      continue;
    }
    if (run && own.length === 0) create.push(node.metadata.name);
    const over = staying.filter(isFinished);
    ended.push(...over);
    remove.push(...over);
    const running = staying.filter(isActive).sort(byAge);
    if (!surges(set)) remove.push(...running.slice(1));
    else if (own.length > 0 && staying.length === 0 && run) create.push(node.metadata.name);
    else remove.push(...surplusOfSurge(view, running));
  }
  // Nothing schedules a pod on a node that is not there any more.
  for (const [node, own] of byNode) {
    if (!known.has(node)) remove.push(...own.filter((pod) => isActive(pod) && !pod.spec.nodeName));
  }
  return { create, remove, ended };
}

/** While a node is surged onto it has one old and one new pod; the old one goes when it is of no more use. */
function surplusOfSurge({ set, hash, nowMs }: DaemonView, running: readonly Pod[]): Pod[] {
  if (running.length <= 1) return [];
  const fresh = running.filter((pod) => isUpdated(pod, set, hash));
  const old = running.filter((pod) => !isUpdated(pod, set, hash));
  const surplus = [...fresh.slice(1), ...old.slice(1)];
  const [newest, oldest] = [fresh[0], old[0]];
  if (newest === undefined || oldest === undefined) return surplus;
  return !isReady(oldest) || isAvailable(newest, set, nowMs) ? [...surplus, oldest] : surplus;
}

function roll(view: DaemonView, byNode: ReadonlyMap<string, readonly Pod[]>): DaemonPlan {
  const { set, nodes, hash, nowMs } = view;
  const nothing: DaemonPlan = { create: [], remove: [], ended: [] };
  if (set.spec.updateStrategy?.type === 'OnDelete') return nothing;
  const wanted = nodes.filter((node) => fitOf(set, node).run).map(({ metadata }) => metadata.name);
  const { maxSurge, maxUnavailable } = limitsOf(set, wanted.length);
  let unavailable = 0;
  let surged = 0;
  /** Old pods that serve nobody cost nothing to replace. */
  const free: { node: string; pod: Pod }[] = [];
  const candidates: { node: string; pod: Pod }[] = [];
  const done: Pod[] = [];
  for (const node of new Set([...wanted, ...byNode.keys()])) {
    const active = (byNode.get(node) ?? []).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const fresh = active.filter((pod) => isUpdated(pod, set, hash));
    const old = active.filter((pod) => !isUpdated(pod, set, hash));
    if (fresh.length === 0 && old.length === 1) {
      (isAvailable(old[0]!, set, nowMs) ? candidates : free).push({ node, pod: old[0]! });
    } else if (fresh.length === 1 && old.length === 0) {
      if (!isAvailable(fresh[0]!, set, nowMs)) unavailable++;
    } else if (fresh.length === 1 && old.length === 1 && maxSurge > 0) {
      if (isAvailable(fresh[0]!, set, nowMs)) done.push(old[0]!);
      else surged++;
    } else unavailable++;
  }
  if (maxSurge > 0) {
    const more = candidates.slice(0, Math.max(0, maxSurge - surged));
    return { ...nothing, create: [...free, ...more].map(({ node }) => node), remove: done };
  }
  const more = candidates.slice(0, Math.max(0, maxUnavailable - unavailable));
  return { ...nothing, remove: [...free, ...more].map(({ pod }) => pod) };
}

function surges({ spec }: DaemonSet): boolean {
  const surge = spec.updateStrategy?.rollingUpdate?.maxSurge ?? 0;
  return spec.updateStrategy?.type !== 'OnDelete' && surge !== 0 && surge !== '0%';
}

/** Parts are rounded up; both at zero would stand still. */
function limitsOf({ spec }: DaemonSet, nodes: number): { maxSurge: number; maxUnavailable: number } {
  const { maxSurge = 0, maxUnavailable = 1 } = spec.updateStrategy?.rollingUpdate ?? {};
  const limits = { maxSurge: portion(maxSurge, nodes), maxUnavailable: portion(maxUnavailable, nodes) };
  return limits.maxSurge + limits.maxUnavailable === 0 ? { maxSurge: 0, maxUnavailable: 1 } : limits;
}

function portion(of: number | string, whole: number): number {
  if (typeof of === 'number') return of;
  const percent = /^(\d+)%$/.exec(of);
  return percent === null ? 0 : Math.ceil((Number(percent[1]) * whole) / 100);
}

function isAvailable(pod: Pod, { spec }: DaemonSet, nowMs: number): boolean {
  return availableInMs(pod, spec.minReadySeconds ?? 0, nowMs) === 0;
}

function byAge(a: Pod, b: Pod): number {
  const created = ({ metadata }: Pod) => parseTime(metadata.creationTimestamp) ?? 0;
  return Number(!!b.spec.nodeName) - Number(!!a.spec.nodeName) || created(a) - created(b);
}

/** The status these pods make, and when to look again because a pod becomes available by waiting. */
export function daemonStatus(
  { set, nodes, pods, hash, nowMs }: DaemonView,
  collisionCount: number,
): { status: DaemonSetStatus; againMs: number | undefined } {
  const byNode = podsByNode(pods);
  const count = { desired: 0, current: 0, misscheduled: 0, ready: 0, available: 0, updated: 0 };
  const waits: number[] = [];
  for (const node of nodes) {
    const pod = byNode.get(node.metadata.name)?.toSorted(byAge)[0];
    if (!fitOf(set, node).run) {
      if (pod !== undefined) count.misscheduled++;
      continue;
    }
    count.desired++;
    if (pod === undefined) continue;
    count.current++;
    if (isReady(pod)) count.ready++;
    const waitMs = availableInMs(pod, set.spec.minReadySeconds ?? 0, nowMs);
    if (waitMs === 0) count.available++;
    else if (waitMs !== undefined) waits.push(waitMs);
    if (isUpdated(pod, set, hash)) count.updated++;
  }
  const { conditions } = set.status;
  const status: DaemonSetStatus = {
    currentNumberScheduled: count.current,
    numberMisscheduled: count.misscheduled,
    desiredNumberScheduled: count.desired,
    numberReady: count.ready,
    observedGeneration: set.metadata.generation,
    updatedNumberScheduled: count.updated,
    numberAvailable: count.available,
    numberUnavailable: count.desired - count.available,
    ...((collisionCount > 0 || set.status.collisionCount !== undefined) && { collisionCount }),
    ...(conditions && { conditions }),
  };
  return { status, againMs: waits.length > 0 ? Math.min(...waits) : undefined };
}
