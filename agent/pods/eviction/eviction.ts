// Keeps the node alive when pods use up what all need: looks every ten seconds and as soon as memory gets short, frees
// what nobody uses, and when that does not help ends one pod at a time, for each ending changes the picture.
import type { Clock } from '../../../api/clock.ts';
import type { Logger } from '../../../api/log.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { isTerminal } from '../phase.ts';
import type { Ending } from '../world.ts';
import {
  assess,
  type EvictionMemory,
  isMet,
  NO_EVICTION_MEMORY,
  type Observation,
  type Observations,
} from './assess.ts';
import { exceededLocally, hasLocalLimits } from './local-storage.ts';
import { memoryPauseMs } from './memory-watch.ts';
import { evictionMessage, inOrder } from './rank.ts';
import { CONDITION, type EvictionSettings, RESOURCE, type Threshold } from './thresholds.ts';
import type { PodUsage } from './usage.ts';

const LOOK_EVERY_MS = 10_000;
/** How long the next look waits for the last victim to be gone. */
const GONE_WITHIN_MS = 30_000;
const GONE_LOOK_MS = 250;
/** No time for farewells. */
const HARD_GRACE_SECONDS = 1;

export interface EvictionDeps {
  readonly settings: EvictionSettings;
  readonly observe: (signal: AbortSignal) => Promise<Observations>;
  /** The cheap look at memory alone. */
  readonly memoryNow: () => Observation;
  readonly usage: Pick<PodUsage, 'of'>;
  /** Every pod of this node with its newest status. */
  readonly pods: () => Iterable<Pod>;
  readonly end: (uid: string, ending: Ending) => boolean;
  /** Removes images and dead containers nobody needs. */
  readonly freeDisk: (signal: AbortSignal) => Promise<void>;
  /** The node's conditions are different now. */
  readonly changed: (pressures: readonly string[]) => void;
  readonly nodeEvent: (type: 'Normal' | 'Warning', reason: string, message: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Eviction implements AsyncDisposable {
  readonly #deps: EvictionDeps;
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;
  #memory: EvictionMemory = NO_EVICTION_MEMORY;
  #pressures: readonly string[] = [];

  constructor(deps: EvictionDeps) {
    this.#deps = deps;
    this.#loop = this.#run(this.#stop.signal);
  }

  get pressures(): readonly string[] {
    return this.#pressures;
  }

  async [Symbol.asyncDispose]() {
    this.#stop.abort();
    await this.#loop;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { log } = this.#deps;
    while (!signal.aborted) {
      let victims: readonly string[] = [];
      try {
        victims = await this.look(signal);
        await this.#untilGone(victims, signal);
      } catch (err) {
        if (!signal.aborted) log.warn({ err }, 'pressure on the node not judged');
      }
      // After a victim the picture is another one.
      if (victims.length === 0) await this.#rest(signal);
    }
  }

  /** Until it is time for the next look, or memory is short where it was not. */
  async #rest(signal: AbortSignal): Promise<void> {
    const { settings, clock, memoryNow } = this.#deps;
    const fine = settings.thresholds.filter(
      ({ signal: what }, at) => what === 'memory.available' && !this.#memory.metSince.has(at),
    );
    const endMs = clock.monotonic() + LOOK_EVERY_MS;
    for (let left = LOOK_EVERY_MS; left > 0 && !signal.aborted; left = endMs - clock.monotonic()) {
      let pauseMs = left;
      if (fine.length > 0) {
        const memory = memoryNow();
        if (fine.some((threshold) => isMet(threshold, new Map([['memory.available', memory]]), false))) return;
        pauseMs = Math.min(left, memoryPauseMs(memory, fine));
      }
      await clock.sleep(pauseMs, signal).catch(() => {}); // woken early only to end
    }
  }

  /** One round; returns who was evicted. */
  async look(signal: AbortSignal): Promise<readonly string[]> {
    const { settings, observe, clock, changed } = this.#deps;
    const seen = await observe(signal);
    const { pressures, act, memory } = assess(settings, seen, this.#memory, clock.monotonic());
    this.#memory = memory;
    if (pressures.join() !== this.#pressures.join()) {
      this.#pressures = pressures;
      changed(pressures);
    }
    const living = [...this.#deps.pods()].filter((pod) => !isTerminal(pod) && pod.status.startTime !== undefined);
    const over = await this.#overTheirLimits(living, signal);
    if (over.length > 0 || act.length === 0) return over;
    return this.#reclaim(act[0]!, living, seen, signal);
  }

  async #overTheirLimits(living: readonly Pod[], signal: AbortSignal): Promise<readonly string[]> {
    const limited = living.filter(hasLocalLimits);
    if (limited.length === 0) return [];
    const over: string[] = [];
    for (const { pod, use } of await this.#deps.usage.of(limited, signal)) {
      const message = exceededLocally(pod, use);
      if (message !== undefined && this.#evict(pod, message, HARD_GRACE_SECONDS)) over.push(pod.metadata.uid);
    }
    return over;
  }

  async #reclaim(
    threshold: Threshold,
    living: readonly Pod[],
    seen: Observations,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const { settings, observe, nodeEvent, freeDisk, usage, log } = this.#deps;
    const { signal: what } = threshold;
    nodeEvent('Warning', 'EvictionThresholdMet', `Attempting to reclaim ${RESOURCE[what]}`);
    if (CONDITION[what] === 'DiskPressure') {
      await freeDisk(signal);
      if (!isMet(threshold, await observe(signal), true)) return [];
    }
    for (const candidate of inOrder(what, await usage.of(living, signal))) {
      const message = evictionMessage(threshold, seen.get(what)!, candidate);
      const own = candidate.pod.spec.terminationGracePeriodSeconds ?? 30;
      const grace = threshold.graceMs === 0 ? HARD_GRACE_SECONDS : Math.min(settings.maxPodGraceSeconds, own);
      if (this.#evict(candidate.pod, message, grace)) return [candidate.pod.metadata.uid];
    }
    log.warn({ signal: what }, 'the node is short of it and no pod can be evicted');
    return [];
  }

  #evict({ metadata }: Pod, message: string, graceSeconds: number): boolean {
    const ending: Ending = { phase: 'Failed', reason: 'Evicted', message, graceSeconds, disruption: message };
    const done = this.#deps.end(metadata.uid, ending);
    if (done) this.#deps.log.info({ pod: `${metadata.namespace}/${metadata.name}`, why: message }, 'pod evicted');
    return done;
  }

  async #untilGone(victims: readonly string[], signal: AbortSignal): Promise<void> {
    const { clock, pods } = this.#deps;
    const endMs = clock.monotonic() + GONE_WITHIN_MS;
    const goes = () => [...pods()].some((pod) => victims.includes(pod.metadata.uid) && !isTerminal(pod));
    while (victims.length > 0 && clock.monotonic() < endMs && goes()) await clock.sleep(GONE_LOOK_MS, signal);
  }
}
