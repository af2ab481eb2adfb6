// What a plugin is: it looks at the pod once and answers with a test of nodes, a way to rank them, or nothing when
// the pod has no wish that concerns it. plugins/node-name.ts is the smallest: copy it.
import type { NodeChange, NodeInfo } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';
import type { Snapshot } from './snapshot.ts';

export interface Refusal {
  /** In upstream's words; each is counted over the nodes. */
  readonly reasons: readonly string[];
  /** Whether taking pods away from the node could help. */
  readonly resolvable: boolean;
}

export interface NodeFilter {
  test(node: NodeInfo): Refusal | undefined;
  /** Nodes that can fit at all, by name, where the pod says so: others are not even looked at. */
  readonly only?: ReadonlySet<string>;
  /** What the test knows of pods, changed as if this one came to the node or left it. Always taken back. */
  changed?(pod: PodInfo, node: NodeInfo, by: 1 | -1): void;
}

export interface NodeScore {
  of(node: NodeInfo): number;
  /** Brings the scores of all nodes into 0..100, in place. Without it they are there already. */
  normalize?(scores: number[], nodes: readonly NodeInfo[]): void;
}

export interface Plugin {
  readonly name: string;
  /** A refusal concerns all nodes. */
  filter?(pod: PodInfo, snapshot: Snapshot): NodeFilter | Refusal | undefined;
  /** `nodes` are those that fit. */
  score?(pod: PodInfo, snapshot: Snapshot, nodes: readonly NodeInfo[]): NodeScore | undefined;
  /** Of the scores: 1 unless said. */
  readonly weight?: number;
  /** Whether a pod that this plugin refused may fit after the event. */
  wokenBy?(event: ClusterEvent, pod: PodInfo): boolean;
}

/** Something changed that pods may have waited for. */
export type ClusterEvent =
  | { readonly on: 'node'; readonly node: NodeInfo; readonly changes: readonly NodeChange[] }
  | { readonly on: 'node-gone'; readonly name: string }
  /** A pod came to a node, or one there changed its labels or asks for less. */
  | { readonly on: 'pod'; readonly pod: PodInfo; readonly change: 'added' | 'labels' | 'smaller' }
  | { readonly on: 'pod-gone'; readonly pod: PodInfo }
  /** Something of storage: `key` is its name, with its namespace where it has one. */
  | { readonly on: 'storage'; readonly what: StorageKind; readonly key: string; readonly isGone: boolean }
  /** Claims of devices, their classes, or what drivers have. */
  | { readonly on: 'devices' }
  | { readonly on: 'namespace'; readonly name: string };

export type StorageKind = 'claim' | 'volume' | 'class' | 'limits' | 'driver' | 'capacity' | 'attachment';

/** Storage of one of these kinds came or changed; of claims only those that the pod uses count. */
export function storageChanged(event: ClusterEvent, { claims }: PodInfo, ...of: readonly StorageKind[]): boolean {
  if (event.on !== 'storage' || event.isGone || !of.includes(event.what)) return false;
  return event.what !== 'claim' || claims.some(({ key }) => key === event.key);
}

export const MAX_SCORE = 100;

export function refusal(reason: string, resolvable = false): Refusal {
  return { reasons: [reason], resolvable };
}

export function isRefusal(answer: NodeFilter | Refusal): answer is Refusal {
  return 'reasons' in answer;
}

/** A node came, or one of these things about it changed. */
export function nodeChanged(event: ClusterEvent, ...of: readonly NodeChange[]): boolean {
  return event.on === 'node' && event.changes.some((change) => change === 'added' || of.includes(change));
}

/** The greatest score becomes 100, or 0 where less is better. */
export function normalizeByMost(scores: number[], lessIsBetter = false): void {
  const most = Math.max(0, ...scores);
  for (let i = 0; i < scores.length; i++) {
    const part = most === 0 ? 0 : Math.floor((MAX_SCORE * scores[i]!) / most);
    scores[i] = lessIsBetter ? MAX_SCORE - part : part;
  }
}
