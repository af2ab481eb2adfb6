// When things happened, on a clock that never jumps. What others stamp with wall time (the runtime, the API) is put on
// this process's monotonic line when it is first seen; from then on nobody can move it by setting the machine's clock.
import type { Clock } from '../../api/clock.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { RuntimeView } from './world.ts';

export type Sightings = ReadonlyMap<string, number>;

const DEFAULT_GRACE_SECONDS = 30;

/** When it happened, or will: on the line of time that `nowMs` of the planner is on. */
export function sighted(sightings: Sightings | undefined, key: string, stampMs: number): number {
  return sightings?.get(key) ?? stampMs;
}

/** A second deletion with another grace is another one. */
export function deletionKey({ metadata }: Pod): string {
  return `deletion ${metadata.deletionTimestamp} ${metadata.deletionGracePeriodSeconds}`;
}

export const START_KEY = 'start';

export function graceSecondsOf({ metadata, spec }: Pod): number {
  return metadata.deletionGracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
}

export class PodSightings {
  readonly #clock: Clock;
  readonly #at = new Map<string, number>();
  /** This process knew the pod before it was deleted. */
  #lived = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get all(): Sightings {
    return this.#at;
  }

  look(pod: Pod | undefined, { containers }: RuntimeView): void {
    const ids = new Set(containers.map(({ id }) => id));
    for (const key of [...this.#at.keys()]) if (key.startsWith('end ') && !ids.has(key.slice(4))) this.#at.delete(key);
    for (const { id, state, finishedAtMs } of containers) if (state === 'exited') this.#past(endKey(id), finishedAtMs);
    if (pod === undefined) return;
    const { deletionTimestamp } = pod.metadata;
    const startTime = pod.status?.startTime;
    if (startTime !== undefined) this.#past(START_KEY, Date.parse(startTime));
    if (deletionTimestamp === undefined) this.#lived = true;
    else if (!this.#at.has(deletionKey(pod))) this.#deleted(pod, Date.parse(deletionTimestamp));
  }

  /** The grace runs from the deletion: whoever saw it happen needs nobody's clock to know how much is left. */
  #deleted(pod: Pod, byWallMs: number): void {
    const wholeMs = graceSecondsOf(pod) * 1_000;
    const leftMs = this.#lived ? wholeMs : Math.min(wholeMs, Math.max(0, byWallMs - this.#clock.now()));
    this.#at.set(deletionKey(pod), this.#clock.monotonic() + leftMs);
  }

  /** Nothing has happened in the future. */
  #past(key: string, stampMs: number): void {
    if (this.#at.has(key)) return;
    this.#at.set(key, this.#clock.monotonic() - Math.max(0, this.#clock.now() - stampMs));
  }
}

export function endKey(containerId: string): string {
  return `end ${containerId}`;
}
