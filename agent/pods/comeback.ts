// After a reboot all pods of a node want to start at once. They come back in order: those from files first, then by
// priority, a few at a time. It lasts until each has started once, or a while: a pod that cannot start holds up nobody.
import type { Clock } from '../../api/clock.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { isStatic } from './static-pods.ts';

const AT_ONCE = 4;
const LONGEST_MS = 30_000;

interface Returning {
  readonly rank: number;
  state: 'expected' | 'waiting' | 'starting';
}

export class Comeback implements Disposable {
  readonly #wake: (uid: string) => void;
  readonly #end: Disposable;
  /** Undefined until it is known who is to come back, and empty when all have. */
  #pods: Map<string, Returning> | undefined;
  readonly #early = new Set<string>();

  constructor({ wake, clock }: { wake: (uid: string) => void; clock: Clock }) {
    this.#wake = wake;
    this.#end = clock.after(LONGEST_MS, () => this.#over());
  }

  expect(pods: Iterable<Pod>): void {
    this.#pods = new Map(Array.from(pods, (pod) => [pod.metadata.uid, { rank: rankOf(pod), state: 'expected' }]));
    for (const uid of this.#early) this.#wake(uid);
    this.#early.clear();
  }

  /** Whether the pod may have its sandbox now. If not, it is woken when it may. */
  mayStart(uid: string): boolean {
    if (this.#pods === undefined) {
      this.#early.add(uid);
      return false;
    }
    const pod = this.#pods.get(uid);
    if (pod === undefined || pod.state === 'starting') return true;
    pod.state = 'waiting';
    this.#next();
    return (pod.state as Returning['state']) === 'starting';
  }

  /** The pod has started, or has nothing to start, or waits for something else. */
  settled(uid: string): void {
    if (this.#pods?.get(uid)?.state !== 'waiting' && this.#pods?.delete(uid)) this.#next();
  }

  /** The pod is gone. */
  forget(uid: string): void {
    if (this.#pods?.delete(uid)) this.#next();
  }

  [Symbol.dispose](): void {
    this.#end[Symbol.dispose]();
  }

  #next(): void {
    const all = [...(this.#pods ?? [])].sort(([, a], [, b]) => b.rank - a.rank);
    let room = AT_ONCE - all.filter(([, { state }]) => state === 'starting').length;
    const before = Math.max(...all.filter(([, { state }]) => state === 'expected').map(([, { rank }]) => rank));
    for (const [uid, pod] of all) {
      if (room <= 0 || pod.rank < before) return;
      if (pod.state !== 'waiting') continue;
      pod.state = 'starting';
      room--;
      this.#wake(uid);
    }
  }

  #over(): void {
    const waiting = [...(this.#pods ?? [])].filter(([, { state }]) => state === 'waiting').map(([uid]) => uid);
    const all = [...waiting, ...this.#early];
    this.#pods = new Map();
    for (const uid of all) this.#wake(uid);
  }
}

/** What the node itself needs comes from files. */
export function rankOf(pod: Pod): number {
  return isStatic(pod) ? Number.POSITIVE_INFINITY : (pod.spec.priority ?? 0);
}
