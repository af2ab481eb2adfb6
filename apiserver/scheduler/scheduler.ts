// The scheduler: decides on one pod at a time, in memory, and lets the writes run beside.
//
//   informers -> feed -> snapshot, queue -> decide (pure) -> assume -> bind
//                                              `-> makeRoom (pure) -> nominate, preempt -> report why it waits
import type { Client } from '../../api/client/client.ts';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import type { Random } from '../../api/random.ts';
import { isConflict, isNotFound } from '../../api/status.ts';
import { nextTurn } from '../../api/turn.ts';
import { ClaimWriter } from './claim-writer.ts';
import { decide, type Verdict } from './decide.ts';
import type { Allotment } from './device-plan.ts';
import { NO_NODES, sentence, withAttempt } from './diagnosis.ts';
import { Doorbell } from './doorbell.ts';
import { Feed } from './feed.ts';
import type { NodeInfo } from './node-info.ts';
import { Performer, type Waiting } from './perform.ts';
import { defaultPlugins } from './plugins/index.ts';
import type { PodInfo } from './pod-info.ts';
import { makeRoom, type Preemption } from './preemption.ts';
import { SchedulingQueue } from './queue.ts';
import { SchedulerRecorder } from './recorder.ts';
import { Snapshot } from './snapshot.ts';
import { VolumeBinder } from './volume-binder.ts';
import { planVolumes, type VolumePlan } from './volume-plan.ts';

export interface SchedulerDeps {
  /** Acts as system:kube-scheduler. */
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Others get the event loop after this long. */
const TURN_MS = 5;
/** Writes under way at once; beyond that no more pods are decided on. */
const WRITES_MAX = 128;
/** How long after its binding a pod may take to show up here. */
const ASSUMED_MS = 30_000;
const TIDY_EVERY_MS = 30_000;
const NO_VOLUMES: VolumePlan = { take: [], make: [] };

/** Runs until the signal aborts and returns when every write has ended. */
export async function runScheduler(deps: SchedulerDeps, signal: AbortSignal): Promise<void> {
  await using recorder = new SchedulerRecorder(deps);
  await new Scheduler(deps, recorder).run(signal);
}

class Scheduler {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Logger;
  readonly #snapshot = new Snapshot();
  readonly #queue = new SchedulingQueue(defaultPlugins);
  readonly #bell = new Doorbell();
  readonly #feed: Feed;
  readonly #performer: Performer;
  readonly #volumes: VolumeBinder;
  readonly #claims: ClaimWriter;
  readonly #writes = new Set<Promise<void>>();
  readonly #slowWrites = new Set<Promise<void>>();
  /** By pod: its reports are written in order. */
  readonly #reports = new Map<string, Promise<void>>();
  #from = 0;
  #tidiedMs = 0;

  constructor({ client, clock, random, log }: SchedulerDeps, recorder: SchedulerRecorder) {
    this.#clock = clock;
    this.#random = random;
    this.#log = log.child({ component: 'scheduler' });
    this.#performer = new Performer({ client, clock, recorder });
    this.#volumes = new VolumeBinder({ client, clock, facts: this.#snapshot.volumes });
    this.#claims = new ClaimWriter({ client, facts: this.#snapshot.devices });
    this.#feed = new Feed({
      ...{ client, clock, log: this.#log, snapshot: this.#snapshot, queue: this.#queue },
      onChange: () => this.#bell.ring(),
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const feeding = this.#feed.run(signal);
    try {
      await this.#feed.synced(signal);
      await this.#loop(signal);
    } catch (err) {
      if (!signal.aborted) throw err;
    } finally {
      await Promise.all([feeding, ...this.#writes, ...this.#slowWrites]);
    }
  }

  async #loop(signal: AbortSignal): Promise<void> {
    let turnMs = this.#clock.monotonic();
    while (!signal.aborted) {
      const nowMs = this.#clock.monotonic();
      if (nowMs - this.#tidiedMs >= TIDY_EVERY_MS) this.#tidy(nowMs);
      const next = this.#writes.size < WRITES_MAX ? this.#queue.pop(nowMs) : undefined;
      if (next === undefined) {
        await this.#bell.wait(this.#restMs(nowMs), this.#clock, signal);
        turnMs = this.#clock.monotonic();
        continue;
      }
      this.#attempt(next.pod, signal);
      if (this.#clock.monotonic() - turnMs >= TURN_MS) {
        await nextTurn();
        turnMs = this.#clock.monotonic();
      }
    }
  }

  /** With all writes under way, the end of one rings. */
  #restMs(nowMs: number): number {
    const tidyMs = this.#tidiedMs + TIDY_EVERY_MS - nowMs;
    if (this.#writes.size >= WRITES_MAX) return tidyMs;
    return Math.max(1, Math.min(tidyMs, (this.#queue.nextDueMs() ?? Number.POSITIVE_INFINITY) - nowMs));
  }

  #tidy(nowMs: number): void {
    this.#tidiedMs = nowMs;
    this.#queue.flush(nowMs);
    for (const pod of this.#snapshot.dropExpired(nowMs)) {
      this.#log.warn({ pod: pod.key, uid: pod.uid }, 'bound, but never seen on its node: looking again');
      this.#again(pod);
    }
  }

  #attempt(pod: PodInfo, signal: AbortSignal): void {
    try {
      const dice = () => this.#random.float();
      const verdict = decide(pod, this.#snapshot, defaultPlugins, { dice, from: this.#from });
      this.#from = (this.#from + verdict.looked) % Math.max(1, this.#snapshot.nodes.length);
      if (verdict.fits) this.#place(pod, verdict.node, signal);
      else this.#refuse(pod, verdict, signal);
    } catch (err) {
      this.#log.error({ err, pod: pod.key, uid: pod.uid }, 'no decision on a pod');
      this.#queue.failed(pod, this.#clock.monotonic());
      this.#report(pod, { reason: 'SchedulerError', message: messageOf(err) }, signal);
    }
  }

  #place(pod: PodInfo, node: NodeInfo, signal: AbortSignal): void {
    const { volumes } = this.#snapshot;
    const claims = pod.claims.flatMap(({ key }) => volumes.claims.get(key) ?? []);
    const planned = planVolumes(claims, node, volumes);
    const plan = 'reasons' in planned ? NO_VOLUMES : planned;
    const allotments = this.#claims.assume(pod, node);
    this.#snapshot.assume(pod, node.name);
    this.#volumes.assume(plan);
    // Provisioners take their time: such a pod does not keep others from being bound.
    const among = plan.take.length + plan.make.length === 0 ? this.#writes : this.#slowWrites;
    this.#write(() => this.#bind(pod, node.name, plan, allotments, signal), among);
  }

  async #bind(
    pod: PodInfo,
    nodeName: string,
    plan: VolumePlan,
    allotments: readonly Allotment[],
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await this.#reports.get(pod.key);
      await this.#volumes.carryOut(plan, nodeName, () => this.#feed.pending(pod) !== undefined, signal);
      await this.#claims.carryOut(pod, allotments, signal);
      await this.#performer.bind(pod, nodeName, signal);
      this.#snapshot.expireAssumed(pod.key, this.#clock.monotonic() + ASSUMED_MS);
      this.#log.debug({ pod: pod.key, uid: pod.uid, node: nodeName }, 'pod bound');
    } catch (err) {
      if (signal.aborted) return;
      // Gone or bound by somebody else: not news for an operator.
      const level = isNotFound(err) || isConflict(err) ? 'debug' : 'warn';
      this.#log[level]({ err, pod: pod.key, uid: pod.uid, node: nodeName }, 'pod not bound');
      this.#volumes.release(plan);
      await this.#claims.release(pod, allotments, signal).catch((why) => {
        if (!signal.aborted) this.#log.warn({ err: why, pod: pod.key }, 'claims of a pod not given back');
      });
      const dropped = this.#snapshot.isAssumed(pod.key) ? this.#snapshot.removePod(pod.key) : undefined;
      if (dropped !== undefined) this.#queue.wake({ on: 'pod-gone', pod: dropped }, this.#clock.monotonic());
      if (this.#again(pod)) this.#report(pod, { reason: 'SchedulerError', message: messageOf(err) }, signal);
    }
  }

  /** Back into the queue, unless it is gone or has its node by now. */
  #again(pod: PodInfo): boolean {
    const now = this.#feed.pending(pod);
    if (now === undefined) return false;
    this.#queue.failed(now, this.#clock.monotonic());
    return true;
  }

  #refuse(pod: PodInfo, { diagnosis, filters }: Extract<Verdict, { fits: false }>, signal: AbortSignal): void {
    const nowMs = this.#clock.monotonic();
    const { plugins, nodeCount } = diagnosis;
    if (nodeCount === 0) {
      this.#queue.refused(pod.key, plugins, nowMs);
      this.#report(pod, { reason: 'Unschedulable', message: NO_NODES }, signal);
      return;
    }
    const said = sentence(diagnosis);
    const room = makeRoom(pod, this.#snapshot, diagnosis, filters, () => this.#random.float());
    this.#queue.refused(pod.key, plugins, nowMs);
    if ('why' in room) {
      const { mayStay } = room;
      if (!mayStay) this.#snapshot.withdraw(pod.key);
      const message = withAttempt(said, room.why);
      this.#report(pod, { reason: 'Unschedulable', message, ...(!mayStay && { nominatedNodeName: '' }) }, signal);
      return;
    }
    this.#snapshot.nominate(pod, room.node);
    this.#report(pod, { reason: 'Unschedulable', message: said, nominatedNodeName: room.node }, signal);
    this.#write(() => this.#preempt(pod, room, signal));
  }

  async #preempt(pod: PodInfo, room: Exclude<Preemption, { why: string }>, signal: AbortSignal): Promise<void> {
    const { node, victims, displaced } = room;
    this.#log.info({ pod: pod.key, node, victims: victims.map(({ key }) => key) }, 'preempting pods');
    for (const other of displaced) this.#snapshot.withdraw(other.key);
    const leaves = victims.map((victim) => this.#performer.preempt(victim, pod, node, signal));
    const promises = displaced.map((other) => this.#performer.withdrawPromise(other, signal));
    const ends = await Promise.allSettled([...leaves, ...promises]);
    const failed = ends.find((end) => end.status === 'rejected');
    for (const other of displaced) this.#queue.activate(other.key, this.#clock.monotonic());
    if (failed === undefined || signal.aborted) return;
    this.#log.warn({ pod: pod.key, node, err: failed.reason }, 'not every victim could be made to leave');
    this.#queue.activate(pod.key, this.#clock.monotonic());
  }

  #report(pod: PodInfo, waiting: Waiting, signal: AbortSignal): void {
    this.#log.debug({ pod: pod.key, uid: pod.uid, why: waiting.message }, 'pod waits');
    this.#write(async () => {
      const report = (this.#reports.get(pod.key) ?? Promise.resolve()).then(() =>
        this.#performer.report(pod, waiting, signal).catch((err) => {
          // The next attempt says it again.
          if (!signal.aborted) this.#log.debug({ err, pod: pod.key }, 'not said why a pod waits');
        }),
      );
      this.#reports.set(pod.key, report);
      await report;
      if (this.#reports.get(pod.key) === report) this.#reports.delete(pod.key);
    });
  }

  #write(run: () => Promise<void>, among: Set<Promise<void>> = this.#writes): void {
    const write = run().finally(() => {
      among.delete(write);
      this.#bell.ring();
    });
    among.add(write);
  }
}

function messageOf(err: unknown): string {
  return err instanceof Error ? err.message : String(err);
}
