// Asks containers how they are, on the schedule of their probes, and keeps the answers. A prober lives as long as
// its container runs; what follows from an answer is the planner's and status's to say.
import type { Clock } from '../../../api/clock.ts';
import type { Random } from '../../../api/random.ts';
import type { Container } from '../../../api/types/core/container.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import type { Probe } from '../../../api/types/core/probe.ts';
import type { RuntimeClient } from '../../cri/runtime.ts';
import type { PodEvent } from '../../images/pulls.ts';
import { liveSandbox, type ObservedContainer, type ProbeView, type RuntimeView } from '../world.ts';
import { ask, type Outcome, type Target } from './handlers.ts';
import { initial, judge, type Kind, type Tally } from './tally.ts';

export interface ProbesDeps {
  readonly runtime: RuntimeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly event: PodEvent;
  /** Something about this pod's containers is different now. */
  readonly wake: (uid: string) => void;
}

const KINDS = ['startup', 'liveness', 'readiness'] as const;
const NAMES: Readonly<Record<Kind, string>> = { startup: 'Startup', liveness: 'Liveness', readiness: 'Readiness' };
type Result = Outcome['result'];
const COUNTED = { success: 'successful', warning: 'successful', failure: 'failed', error: 'unknown' } as const;
/** A failed question is asked again this often before it counts. */
const ATTEMPTS = 3;

interface Prober {
  readonly pod: Pod;
  readonly container: Container;
  readonly target: Target;
  readonly startedAtMs: number;
  readonly tallies: Map<Kind, Tally>;
  /** How often each kind of probe was answered how. */
  readonly answers: Map<Kind, Map<Result, number>>;
  readonly stop: AbortController;
  /** Only readiness is still asked for: the container is on its way out. */
  stopping: boolean;
}

export class Probes implements AsyncDisposable {
  readonly #deps: ProbesDeps;
  readonly #byPod = new Map<string, Map<string, Prober>>();
  readonly #loops = new Set<Promise<void>>();
  readonly #bornMs: number;

  constructor(deps: ProbesDeps) {
    this.#deps = deps;
    this.#bornMs = deps.clock.monotonic();
  }

  views(uid: string): ReadonlyMap<string, ProbeView> {
    return new Map(Array.from(this.#byPod.get(uid) ?? [], ([id, prober]) => [id, viewOf(prober)]));
  }

  /** In the words of upstream's metric: of the containers that run. */
  *counts() {
    for (const { pod, container, answers } of [...this.#byPod.values()].flatMap((ofPod) => [...ofPod.values()])) {
      const { name, namespace = '', uid } = pod.metadata;
      for (const [kind, byResult] of answers) {
        for (const [result, value] of byResult) {
          const which = { container: container.name, pod: name, namespace, pod_uid: uid };
          yield { labels: { probe_type: NAMES[kind], result: COUNTED[result], ...which }, value };
        }
      }
    }
  }

  /** Starts probers for what runs, ends those of what does not. */
  sync(pod: Pod, view: RuntimeView, stopping: ReadonlyMap<string, number>, hostIp: string): void {
    const { uid } = pod.metadata;
    const ofPod = this.#byPod.get(uid) ?? new Map<string, Prober>();
    const podIp = pod.spec.hostNetwork ? hostIp : (liveSandbox(view)?.ips[0] ?? '');
    const running = view.containers.filter(({ state }) => state === 'running');
    for (const [id, prober] of ofPod) {
      if (running.some((container) => container.id === id)) continue;
      prober.stop.abort();
      ofPod.delete(id);
    }
    for (const observed of running) {
      const known = ofPod.get(observed.id);
      if (known !== undefined) {
        known.stopping = stopping.has(observed.id) || pod.metadata.deletionTimestamp !== undefined;
        continue;
      }
      const container = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find(
        ({ name }) => name === observed.name,
      );
      if (container === undefined || !KINDS.some((kind) => probeOf(container, kind))) continue;
      ofPod.set(observed.id, this.#start(pod, container, observed, podIp));
    }
    if (ofPod.size === 0) this.#byPod.delete(uid);
    else this.#byPod.set(uid, ofPod);
  }

  forget(uid: string): void {
    for (const { stop } of this.#byPod.get(uid)?.values() ?? []) stop.abort();
    this.#byPod.delete(uid);
  }

  async [Symbol.asyncDispose]() {
    for (const uid of [...this.#byPod.keys()]) this.forget(uid);
    await Promise.all(this.#loops);
  }

  #start(pod: Pod, container: Container, { id, startedAtMs }: ObservedContainer, podIp: string): Prober {
    // After a restart of this process the API's word stands until the first answer: nobody falls out of service.
    const said = [...(pod.status.containerStatuses ?? []), ...(pod.status.initContainerStatuses ?? [])].find(
      ({ containerID }) => containerID?.endsWith(id),
    );
    const prober: Prober = {
      pod,
      container,
      target: { container, containerId: id, podIp },
      startedAtMs,
      tallies: new Map(),
      answers: new Map(),
      stop: new AbortController(),
      stopping: false,
    };
    for (const kind of KINDS) {
      if (probeOf(container, kind) === undefined) continue;
      const adopted = kind === 'startup' ? said?.started === true : kind === 'readiness' && said?.ready === true;
      prober.tallies.set(kind, initial(kind, adopted));
    }
    for (const kind of prober.tallies.keys()) {
      const loop = this.#run(prober, kind, probeOf(container, kind)!).finally(() => this.#loops.delete(loop));
      this.#loops.add(loop);
    }
    return prober;
  }

  async #run(prober: Prober, kind: Kind, probe: Probe): Promise<void> {
    const { clock, random } = this.#deps;
    const { signal } = prober.stop;
    const periodMs = (probe.periodSeconds ?? 10) * 1_000;
    const delayMs = (probe.initialDelaySeconds ?? 0) * 1_000;
    // The runtime's stamp may be of another time than the clock shows now: nothing starts in the future.
    const ranMs = Math.max(0, clock.now() - prober.startedAtMs);
    const firstMs = delayMs - ranMs;
    // Containers that ran before this process did are not all asked at once.
    const adopted = ranMs > clock.monotonic() - this.#bornMs;
    try {
      await clock.sleep(Math.max(firstMs, adopted ? random.float() * periodMs : 0), signal);
      while (!signal.aborted) {
        const before = prober.tallies.get(kind)!;
        if (kind === 'startup' && before.verdict === 'success') return;
        const due = kind === 'startup' || startedIn(prober);
        const asks =
          due && !(prober.stopping && kind !== 'readiness') && !(before.verdict === 'failure' && kind !== 'readiness');
        if (asks) await this.#once(prober, kind, probe, signal);
        const waits = kind !== 'startup' && !startedIn(prober);
        // As soon as the startup probe is through, the others begin.
        await clock.sleep(waits ? Math.min(periodMs, 1_000) : periodMs, signal);
      }
    } catch (err) {
      if (!signal.aborted) throw err;
    }
  }

  async #once(prober: Prober, kind: Kind, probe: Probe, signal: AbortSignal): Promise<void> {
    const { event, wake } = this.#deps;
    const timeoutMs = (probe.timeoutSeconds ?? 1) * 1_000;
    let outcome: Outcome | undefined;
    for (let attempt = 0; attempt < ATTEMPTS && (outcome === undefined || outcome.result === 'error'); attempt++) {
      outcome = await ask(probe, prober.target, timeoutMs, this.#deps, signal);
    }
    if (signal.aborted || outcome === undefined) return;
    const { pod, container } = prober;
    const said = NAMES[kind];
    if (outcome.result === 'failure')
      event(pod, container, 'Warning', 'Unhealthy', `${said} probe failed: ${outcome.output}`);
    if (outcome.result === 'error')
      event(pod, container, 'Warning', 'Unhealthy', `${said} probe errored: ${outcome.output}`);
    if (outcome.result === 'warning')
      event(pod, container, 'Warning', 'ProbeWarning', `${said} probe warning: ${outcome.output}`);
    count(prober, kind, outcome.result);
    const before = prober.tallies.get(kind)!;
    const after = judge(before, outcome.result, probe);
    prober.tallies.set(kind, after);
    if (after.verdict !== before.verdict) wake(pod.metadata.uid);
  }
}

function count({ answers }: Prober, kind: Kind, result: Result): void {
  const byResult = answers.get(kind) ?? new Map<Result, number>();
  byResult.set(result, (byResult.get(result) ?? 0) + 1);
  answers.set(kind, byResult);
}

function probeOf(container: Container, kind: Kind): Probe | undefined {
  if (kind === 'startup') return container.startupProbe;
  return kind === 'liveness' ? container.livenessProbe : container.readinessProbe;
}

function startedIn({ tallies }: Prober): boolean {
  return (tallies.get('startup')?.verdict ?? 'success') === 'success';
}

function viewOf(prober: Prober): ProbeView {
  const { container, tallies } = prober;
  const started = startedIn(prober);
  const ready = started && (tallies.get('readiness')?.verdict ?? 'success') === 'success';
  for (const kind of ['startup', 'liveness'] as const) {
    if (tallies.get(kind)?.verdict !== 'failure') continue;
    const graceSeconds = probeOf(container, kind)?.terminationGracePeriodSeconds;
    const unhealthy = `Container ${container.name} failed ${kind} probe, will be restarted`;
    return { started, ready, unhealthy, ...(graceSeconds !== undefined && { graceSeconds }) };
  }
  return { started, ready };
}
