// Pods waiting for a node. Time comes in with each call.
//
//   gated --gates gone--> active --pop--> (in hand) --refused--> unschedulable --event, 5 min--> backoff --due--> active
//                                             |---failed (a write went wrong)--------------------^
//
// Active: the highest priority first, then who came first. An idle scheduler does not wait for the back-off of pods that
// an event has woken a few times: they are next when nobody else is.
import { Heap } from './heap.ts';
import type { ClusterEvent, Plugin } from './plugin.ts';
import type { PodInfo } from './pod-info.ts';

export const FIRST_BACKOFF_MS = 1000;
export const MAX_BACKOFF_MS = 10_000;
/** Whoever was looked at more often waits its time out, else many waiting pods make each event dear. */
const EARLY_ATTEMPTS_MAX = 5;
export const FLUSH_AFTER_MS = 5 * 60_000;

type Place = 'gated' | 'active' | 'hand' | 'backoff' | 'unschedulable';

export interface QueuedPod {
  pod: PodInfo;
  attempts: number;
}

interface Entry extends QueuedPod {
  place: Place;
  /** When it was put where it is. */
  sinceMs: number;
  readyMs: number;
  /** Heaps keep what has moved on: only the entry with this stamp counts. */
  stamp: number;
  refusedBy: ReadonlySet<string>;
  /** A write went wrong: the delay protects the API, so nothing shortens it. */
  failed: boolean;
}

/** What it is ordered by is fixed when it is put in: a heap must not change under its own feet. */
interface Slot {
  readonly entry: Entry;
  readonly stamp: number;
  readonly priority: number;
  readonly order: number;
}

const NOBODY: ReadonlySet<string> = new Set();

export class SchedulingQueue {
  readonly #plugins: ReadonlyMap<string, Plugin>;
  readonly #entries = new Map<string, Entry>();
  readonly #active = new Heap<Slot>((a, b) =>
    a.priority === b.priority ? a.order < b.order : a.priority > b.priority,
  );
  readonly #backoff = new Heap<Slot>((a, b) => a.order < b.order);
  readonly #unschedulable = new Set<Entry>();
  #serial = 0;

  constructor(plugins: readonly Plugin[]) {
    this.#plugins = new Map(plugins.map((plugin) => [plugin.name, plugin]));
  }

  get size(): number {
    return this.#entries.size;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  placeOf(key: string): Place | undefined {
    return this.#entries.get(key)?.place;
  }

  /** New, or changed. `wakes`: the change is one that may let it fit. */
  put(pod: PodInfo, nowMs: number, wakes = true): void {
    const entry = this.#entries.get(pod.key);
    if (entry === undefined || entry.pod.uid !== pod.uid) {
      this.delete(pod.key);
      this.#insert(pod, nowMs);
      return;
    }
    entry.pod = pod;
    if (entry.place === 'gated' && !pod.gated) this.#activate(entry, nowMs);
    else if (entry.place === 'unschedulable' && wakes) this.#wakeEntry(entry, nowMs);
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.stamp++;
    this.#unschedulable.delete(entry);
    this.#entries.delete(key);
  }

  /** The next pod to decide on; it stays known, in hand, until one of the calls below. */
  pop(nowMs: number): QueuedPod | undefined {
    for (
      let slot = first(this.#backoff);
      slot !== undefined && slot.entry.readyMs <= nowMs;
      slot = first(this.#backoff)
    ) {
      this.#backoff.pop();
      this.#activate(slot.entry, nowMs);
    }
    const slot = first(this.#active) ? this.#active.pop()! : this.#early();
    if (slot === undefined) return undefined;
    const { entry } = slot;
    this.#move(entry, 'hand', nowMs);
    entry.attempts++;
    return entry;
  }

  /** No node takes it: it waits for a change that concerns the plugins that refused. */
  refused(key: string, plugins: ReadonlySet<string>, nowMs: number): void {
    const entry = this.#inHand(key);
    if (entry === undefined) return;
    entry.refusedBy = plugins;
    entry.failed = false;
    this.#move(entry, 'unschedulable', nowMs);
    this.#unschedulable.add(entry);
  }

  /** Something other than the decision went wrong: again after a while. */
  failed(pod: PodInfo, nowMs: number): void {
    const entry = this.#inHand(pod.key) ?? this.#insert(pod, nowMs);
    entry.refusedBy = NOBODY;
    entry.failed = true;
    entry.attempts = Math.max(1, entry.attempts);
    this.#backOff(entry, nowMs);
  }

  /** Looks at a waiting pod again, whatever it waits for. */
  activate(key: string, nowMs: number): void {
    const entry = this.#entries.get(key);
    if (entry?.place === 'unschedulable' || entry?.place === 'backoff') this.#activate(entry, nowMs);
  }

  /** Something changed: whoever may fit now is looked at again. */
  wake(event: ClusterEvent, nowMs: number): void {
    for (const entry of [...this.#unschedulable]) {
      if (this.#concerns(event, entry)) this.#wakeEntry(entry, nowMs);
    }
  }

  /** Nobody waits for ever on an event that was not thought of. */
  flush(nowMs: number): void {
    for (const entry of [...this.#unschedulable]) {
      if (entry.sinceMs + FLUSH_AFTER_MS <= nowMs) this.#wakeEntry(entry, nowMs);
    }
  }

  /** When `pop` may have something, if nothing happens until then. */
  nextDueMs(): number | undefined {
    return first(this.#active) !== undefined ? 0 : first(this.#backoff)?.entry.readyMs;
  }

  #insert(pod: PodInfo, nowMs: number): Entry {
    const entry: Entry = {
      ...{ pod, attempts: 0, place: 'gated' as Place, sinceMs: nowMs, readyMs: nowMs },
      ...{ stamp: 0, refusedBy: NOBODY, failed: false },
    };
    this.#entries.set(pod.key, entry);
    if (!pod.gated) this.#activate(entry, nowMs);
    return entry;
  }

  /** Pods that no plugin refused wait for whatever comes: there was no node at all. */
  #concerns(event: ClusterEvent, { refusedBy, pod }: Entry): boolean {
    if (refusedBy.size === 0) return true;
    return [...refusedBy].some((name) => this.#plugins.get(name)?.wokenBy?.(event, pod) === true);
  }

  #wakeEntry(entry: Entry, nowMs: number): void {
    this.#unschedulable.delete(entry);
    this.#backOff(entry, nowMs);
  }

  #backOff(entry: Entry, nowMs: number): void {
    const delayMs = backoffMs(entry.attempts);
    const fromMs = entry.failed ? nowMs : entry.sinceMs;
    entry.readyMs = fromMs + delayMs;
    if (entry.readyMs <= nowMs) {
      this.#activate(entry, nowMs);
      return;
    }
    this.#move(entry, 'backoff', nowMs);
    this.#backoff.push({ entry, stamp: entry.stamp, priority: 0, order: entry.readyMs });
  }

  #activate(entry: Entry, nowMs: number): void {
    this.#unschedulable.delete(entry);
    this.#move(entry, 'active', nowMs);
    this.#active.push({ entry, stamp: entry.stamp, priority: entry.pod.priority, order: this.#serial++ });
  }

  #early(): Slot | undefined {
    const slot = first(this.#backoff);
    const waits = slot === undefined || slot.entry.failed || slot.entry.attempts > EARLY_ATTEMPTS_MAX;
    return waits ? undefined : this.#backoff.pop();
  }

  #move(entry: Entry, place: Place, nowMs: number): void {
    entry.place = place;
    entry.sinceMs = nowMs;
    entry.stamp++;
  }

  #inHand(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    return entry?.place === 'hand' ? entry : undefined;
  }
}

/** The first that still is what it was when it was put there. */
function first(heap: Heap<Slot>): Slot | undefined {
  for (let slot = heap.peek(); slot !== undefined; slot = heap.peek()) {
    if (slot.stamp === slot.entry.stamp) return slot;
    heap.pop();
  }
  return undefined;
}

/** Doubles with each attempt, up to ten seconds. */
export function backoffMs(attempts: number): number {
  return Math.min(FIRST_BACKOFF_MS * 2 ** Math.max(0, Math.min(attempts, 10) - 1), MAX_BACKOFF_MS);
}
