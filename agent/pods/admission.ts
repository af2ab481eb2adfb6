// The node's door: every pod that is new here passes it once. What ran before this process did has passed it already.
import type { Node } from '../../api/types/core/node.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { type AdmissionNode, isCritical, judge, type Refusal, shortageRefusal } from './admission-decide.ts';
import { isTerminal } from './phase.ts';
import { amountsOf } from './pod-requests.ts';
import { victimsFor } from './preemption.ts';
import { type Allocation, decideResize, isAllocated, type ResizeAnswer } from './resize-decide.ts';
import type { Ending } from './world.ts';

export type Admission =
  | { readonly state: 'admitted' }
  /** Room is being made. */
  | { readonly state: 'waiting' }
  | { readonly state: 'refused'; readonly refusal: Refusal };

/** The node as the door sees it; undefined while it is not known what it has to give. */
export function doorNode(
  name: string,
  node: Node | undefined,
  allocatable: Readonly<Record<string, string>>,
  pressures: readonly string[] = [],
): AdmissionNode | undefined {
  if (Object.keys(allocatable).length === 0) return undefined;
  const { metadata, spec } = node ?? {};
  return {
    ...{ name, pressures, labels: metadata && (metadata.labels ?? {}), taints: spec?.taints ?? [] },
    allocatable: amountsOf(allocatable),
  };
}

export interface DoorDeps {
  /** Undefined until the node knows what it has to give. */
  readonly node: () => AdmissionNode | undefined;
  /** The machine goes down. */
  readonly shuttingDown?: () => boolean;
  /** Every pod of this node with its newest status. */
  readonly pods: () => Iterable<Pod>;
  /** Ends a pod for good. */
  readonly end: (uid: string, ending: Ending) => void;
}

const SHUTDOWN = { reason: 'NodeShutdown', message: 'Pod was rejected as the node is shutting down.' };
const PREEMPTED = 'Preempted in order to admit critical pod';

export class Door {
  readonly #deps: DoorDeps;
  readonly #admitted = new Set<string>();
  /** Victims on their way out, by the pod they make room for. */
  readonly #making = new Map<string, readonly string[]>();

  constructor(deps: DoorDeps) {
    this.#deps = deps;
  }

  /** `runs`: the runtime has containers of it, so an earlier process let it in. */
  admit(pod: Pod, runs: boolean): Admission {
    const { uid } = pod.metadata;
    if (runs || this.#isIn(pod)) return this.#letIn(uid);
    if (this.#deps.shuttingDown?.()) return { state: 'refused', refusal: SHUTDOWN };
    const node = this.#deps.node();
    if (node === undefined) return { state: 'waiting' };
    const others = this.#others(uid);
    const victims = this.#making.get(uid);
    if (victims?.some((victim) => others.some(({ metadata }) => metadata.uid === victim))) return { state: 'waiting' };
    this.#making.delete(uid);
    const { refusals, shortages } = judge(pod, node, others);
    if (refusals.length > 0) return { state: 'refused', refusal: refusals[0]! };
    if (shortages.length === 0) return this.#letIn(uid);
    if (!isCritical(pod)) return { state: 'refused', refusal: shortageRefusal(shortages[0]!) };
    const found = victimsFor(pod, shortages, others);
    if ('message' in found) {
      const what = 'preemption: error finding a set of pods to preempt';
      const message = `Unexpected error while attempting to recover from admission failure: ${what}: ${found.message}`;
      return { state: 'refused', refusal: { reason: 'UnexpectedAdmissionError', message } };
    }
    this.#making.set(
      uid,
      found.victims.map(({ metadata }) => metadata.uid),
    );
    for (const { metadata } of found.victims) {
      const disruption = 'Pod was preempted by Kubelet to accommodate a critical pod.';
      this.#deps.end(metadata.uid, { phase: 'Failed', reason: 'Preempting', message: PREEMPTED, disruption });
    }
    return { state: 'waiting' };
  }

  /** Whether a running pod may have what it asks for now. */
  resize(pod: Pod, allocation: Allocation): ResizeAnswer {
    // Asked in every pass of every pod: almost always nothing is different.
    if (isAllocated(pod, allocation)) return { do: 'nothing' };
    return decideResize(pod, allocation, this.#deps.node(), () => this.#others(pod.metadata.uid));
  }

  /** Who has been let in and has not ended. */
  #others(uid: string): Pod[] {
    return [...this.#deps.pods()].filter(
      (other) => other.metadata.uid !== uid && this.#isIn(other) && !isTerminal(other),
    );
  }

  forget(uid: string): void {
    this.#admitted.delete(uid);
    this.#making.delete(uid);
  }

  #letIn(uid: string): Admission {
    this.#admitted.add(uid);
    return { state: 'admitted' };
  }

  /** The start time is the first thing a node says of a pod it has let in. */
  #isIn({ metadata, status }: Pod): boolean {
    return this.#admitted.has(metadata.uid) || status?.startTime !== undefined;
  }
}
