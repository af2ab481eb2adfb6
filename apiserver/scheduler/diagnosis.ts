// Why a pod fits nowhere, in the one sentence that people read in its condition and events: how many nodes refused
// it for which reason.
import type { Refusal } from './plugin.ts';

export const NO_NODES = 'no nodes available to schedule pods';
/** Said by the device claims' turn of making room, which comes before preemption. */
export const NO_CLAIMS_TO_FREE = 'no new claims to deallocate';

export interface Diagnosis {
  readonly nodeCount: number;
  /** What refused the pod on all nodes alike, before any was looked at. */
  readonly whole?: Refusal;
  /** By name of node. */
  readonly byNode: ReadonlyMap<string, Refusal>;
  /** For the nodes that are not named. */
  readonly others?: Refusal;
  /** Names of the plugins that refused: what may wake the pod. */
  readonly plugins: ReadonlySet<string>;
}

export function sentence({ nodeCount, whole, byNode, others }: Omit<Diagnosis, 'plugins'>): string {
  const said = whole === undefined ? histogram(byNode, others, nodeCount) : whole.reasons.join(', ');
  const head = `0/${nodeCount} nodes are available:`;
  return said === '' ? head : `${head} ${said}.`;
}

function histogram(byNode: ReadonlyMap<string, Refusal>, others: Refusal | undefined, nodeCount: number): string {
  const counts = new Map<string, number>();
  const add = ({ reasons }: Refusal, times: number) => {
    for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + times);
  };
  for (const refusal of byNode.values()) add(refusal, 1);
  if (others !== undefined && byNode.size < nodeCount) add(others, nodeCount - byNode.size);
  const lines = Array.from(counts, ([reason, times]) => `${times} ${reason}`);
  return lines.sort().join(', ');
}

/** The sentence with what was tried to make room. */
export function withAttempt(said: string, preemption: string): string {
  return `${said} ${NO_CLAIMS_TO_FREE}, preemption: ${preemption}`;
}
