// Whom an eviction meets first, and what is said about it. Pure; order and wording are upstream's: first who uses more
// than it asked for, then the lesser priority, then who is furthest above what it asked for.
import { formatQuantity, quantityFrom } from '../../../api/quantity.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { isCritical } from '../admission-decide.ts';
import { containerRequests, podRequests } from '../pod-requests.ts';
import type { Observation } from './assess.ts';
import { inUnits, RESOURCE, type Signal, type Threshold } from './thresholds.ts';

export interface ContainerUse {
  readonly name: string;
  readonly memory: number;
  /** Of its writable layer and its logs. */
  readonly disk: number;
  readonly inodes: number;
}

export interface PodUse {
  readonly containers: readonly ContainerUse[];
  /** In emptyDirs that lie on the disk, by volume. */
  readonly volumes: ReadonlyMap<string, { readonly disk: number; readonly inodes: number }>;
  readonly pids: number;
}

export interface Candidate {
  readonly pod: Pod;
  readonly use: PodUse;
}

export function inOrder(signal: Signal, candidates: readonly Candidate[]): Candidate[] {
  const excess = ({ pod, use }: Candidate) => usedBy(signal, use) - (requested(signal, pod) ?? 0);
  const exceeds = (candidate: Candidate) => (signal !== 'pid.available' && excess(candidate) > 0 ? 0 : 1);
  return candidates
    .filter(({ pod }) => !isCritical(pod))
    .sort(
      (a, b) =>
        exceeds(a) - exceeds(b) || (a.pod.spec.priority ?? 0) - (b.pod.spec.priority ?? 0) || excess(b) - excess(a),
    );
}

function usedBy(signal: Signal, { containers, volumes, pids }: PodUse): number {
  if (signal === 'pid.available') return pids;
  const own = containers.reduce((sum, container) => sum + ofContainer(signal, container), 0);
  if (signal === 'memory.available') return own;
  const key = signal.endsWith('inodesFree') ? 'inodes' : 'disk';
  return [...volumes.values()].reduce((sum, volume) => sum + volume[key], own);
}

function ofContainer(signal: Signal, { memory, disk, inodes }: ContainerUse): number {
  if (signal === 'memory.available') return memory;
  return signal.endsWith('inodesFree') ? inodes : disk;
}

function requested(signal: Signal, pod: Pod): number | undefined {
  return podRequests(pod).get(RESOURCE[signal]);
}

export function evictionMessage(
  { signal, amount }: Threshold,
  { available, capacity }: Observation,
  { pod, use }: Candidate,
): string {
  const resource = RESOURCE[signal];
  const quantity = (value: number) => readable(value, signal.endsWith('.available') && signal !== 'pid.available');
  const larger = use.containers.flatMap((container) => {
    const spec = pod.spec.containers.find(({ name }) => name === container.name);
    if (spec === undefined || signal === 'pid.available') return [];
    const asks = containerRequests(spec).get(resource) ?? 0;
    const uses = ofContainer(signal, container);
    if (uses <= asks) return [];
    const amounts = `was using ${quantity(uses)}, request is ${quantity(asks)}`;
    return [`Container ${container.name} ${amounts}, has larger consumption of ${resource}. `];
  });
  const threshold = `Threshold quantity: ${quantity(inUnits(amount, capacity))}, available: ${quantity(available)}. `;
  return `The node was low on resource: ${resource}. ${threshold}${larger.join('')}`;
}

/** Bytes are told in whole Ki where there is more than one. */
function readable(value: number, bytes: boolean): string {
  if (!bytes || value < 1_024) return String(value);
  return formatQuantity(quantityFrom(Math.ceil(value / 1_024) * 1_024, 'binary'));
}
