// One pod's loop: look, decide, do, report; then sleep until something wakes it or the time comes that the plan
// named. Workers share nothing, so a slow pod holds up no other.
import type { Pod } from '../../api/types/core/pod.ts';
import { findContainer } from './containers.ts';
import type { PodDeps } from './deps.ts';
import { PodMemory } from './memory.ts';
import type { PodName } from './names.ts';
import { nodeRefusal } from './node-refusals.ts';
import { perform, removeTraces, type Subject } from './perform.ts';
import { isTerminal } from './phase.ts';
import { type Action, planOrphan, planPod } from './plan.ts';
import { type Allocation, allocationOf, asAllocated, type ResizeAnswer } from './resize-decide.ts';
import { PodSightings } from './sightings.ts';
import { isStatic } from './static-pods.ts';
import { podStatus } from './status.ts';
import { UNSUPPORTED_REASON, unsupported } from './unsupported.ts';
import { type Ending, liveSandbox, type RuntimeView, type World } from './world.ts';

const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 10_000;
/** Even a pod at rest is looked at now and then: the net under lost events is the manager's relist. */
const REFRESH_MS = 60_000;
const ENDING_FIRST_MS = 10;
const ENDING_LOOKS = 8;

export class PodWorker implements AsyncDisposable {
  readonly uid: string;
  readonly #deps: PodDeps;
  readonly #memory: PodMemory;
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;
  /** What the API wants; undefined when it wants nothing of this pod. */
  #wanted: Pod | undefined;
  /** The last the API said, for a decent end. */
  #last: Pod | undefined;
  readonly #seen = new Map<string, string>();
  #name: PodName | undefined;
  /** Containers said to have ended although the runtime does not say so yet, and how often we looked. */
  readonly #endings = new Map<string, number>();
  #busy = false;
  /** What the runtime has, as just seen. */
  #unchanged: RuntimeView | undefined;
  /** Counts what was heard of the runtime. */
  #news = 0;
  readonly #adopted = Promise.withResolvers<void>();
  readonly #announced = new Set<string>();
  /** Containers seen alive by this process, and those of them whose lack of memory was told. */
  readonly #alive = new Set<string>();
  readonly #outOfMemory = new Set<string>();
  readonly #endedByOom = new Set<string>();
  /** What the pod has been promised; undefined until it is let in. */
  #allocation: Allocation | undefined;
  #resize: ResizeAnswer = { do: 'nothing' };
  readonly #sightings: PodSightings;
  #wake = Promise.withResolvers<void>();

  constructor(uid: string, pod: Pod | undefined, deps: PodDeps, onEnd: () => void) {
    this.uid = uid;
    this.#deps = {
      ...deps,
      log: deps.log.child({ uid, ...(pod && { pod: `${pod.metadata.namespace}/${pod.metadata.name}` }) }),
    };
    this.#wanted = pod;
    this.#last = pod;
    this.#sightings = new PodSightings(deps.clock);
    this.#memory = new PodMemory(() => this.wake(), this.#deps.log);
    this.#loop = this.#run(this.#stop.signal).then(() => {
      this.#adopted.resolve();
      onEnd();
    });
  }

  /** Resolves when the sandbox that was there before this process, if any, has its network again. */
  get adopted(): Promise<void> {
    return this.#adopted.promise;
  }

  update(pod: Pod | undefined): void {
    this.#wanted = pod;
    this.#last = pod ?? this.#last;
    if (pod !== undefined) this.#memory.gone = false;
    this.wake();
  }

  wake(): void {
    this.#wake.resolve();
  }

  /** What its volumes are made of has changed. */
  refresh(): void {
    if (this.#memory.volumesReady) this.#memory.refreshAtMs = 0;
    this.wake();
  }

  get allocation(): Allocation | undefined {
    return this.#allocation;
  }

  /** Of a kill that ended the container both an event and its end may tell. */
  outOfMemory(containerId: string, ended = false): void {
    const name = this.#seen.get(containerId);
    const pod = this.#wanted ?? this.#last;
    if (!name || pod === undefined || this.#endedByOom.has(containerId)) return;
    if (ended) this.#endedByOom.add(containerId);
    if (ended && this.#outOfMemory.has(containerId)) return;
    this.#outOfMemory.add(containerId);
    const container = findContainer(pod, name);
    const limit = container?.resources?.limits?.['memory'];
    const why = limit === undefined ? 'the node or the pod is out of memory' : `its memory limit is ${limit}`;
    this.#deps.event(pod, container, 'Warning', 'OOMKilled', `A process of container ${name} was killed: ${why}`);
  }

  /** This node ends the pod for good. False: it has ended already, or nobody wants it. */
  end(ending: Ending): boolean {
    const pod = this.#wanted;
    if (pod === undefined || this.#memory.ended !== undefined || isTerminal(this.#deps.status.view(pod))) return false;
    this.#memory.ended = ending;
    this.#deps.event(pod, undefined, 'Warning', ending.reason ?? 'Failed', ending.message ?? '');
    this.wake();
    return true;
  }

  /**
   * An event says that this container ended. It may come before the runtime itself has taken note, so the worker
   * looks several times. False: certainly not one of this pod's.
   */
  ended(containerId: string): boolean {
    // What is being started right now has no name yet.
    if (!this.#seen.has(containerId) && !this.#busy) return false;
    this.#endings.set(containerId, 0);
    this.#news++;
    this.#unchanged = undefined;
    this.wake();
    return this.#seen.has(containerId);
  }

  async [Symbol.asyncDispose]() {
    this.#stop.abort();
    this.wake();
    await this.#loop;
    await this.#memory[Symbol.asyncDispose]();
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { log } = this.#deps;
    let retryMs = FIRST_RETRY_MS;
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers<void>();
      let restMs: number | 'ended';
      try {
        this.#busy = true;
        restMs = await this.#pass(signal);
        // What this pass started has no name here before the next one, which follows at once.
        this.#busy = restMs === 0;
        retryMs = FIRST_RETRY_MS;
      } catch (err) {
        if (signal.aborted) return;
        log.warn({ err, retryMs }, 'pod not looked after, trying again');
        this.#deps.comeback?.settled(this.uid);
        restMs = retryMs;
        retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
        this.#busy = false;
      }
      if (restMs === 'ended') return;
      await this.#rest(restMs);
    }
  }

  async #pass(signal: AbortSignal): Promise<number | 'ended'> {
    const { clock, observer, status } = this.#deps;
    const view = this.#unchanged ?? (await observer.observe(this.uid, signal));
    this.#unchanged = undefined;
    this.#remember(view);
    const asked = this.#memory.gone || this.#wanted === undefined ? undefined : status.view(this.#wanted);
    const pod = asked && (await this.#asPromised(asked, view));
    if (pod !== undefined) await this.#prepare(pod, view, signal);
    this.#sightings.look(pod, view);
    const world = this.#world(view);
    const sandbox = liveSandbox(world);
    if (pod === undefined || sandbox === undefined || this.#memory.networked.has(sandbox.id)) this.#adopted.resolve();
    const actions = pod === undefined ? planOrphan(world) : planPod(pod, world, clock.monotonic());
    if (pod !== undefined) this.#report(pod, world);
    if (pod === undefined && actions.length === 0) {
      await this.#end();
      return 'ended';
    }
    const { comeback } = this.#deps;
    if (actions.some((action) => action.do === 'runSandbox') && comeback?.mayStart(this.uid) === false)
      return REFRESH_MS;
    const subject = { uid: this.uid, pod: pod ?? this.#last, world, memory: this.#memory };
    const looked = this.#news;
    for (const action of actions) await this.#perform(action, subject, signal);
    const restMs = nextLook(actions);
    // The next pass follows at once, and what was done is nothing that the runtime knows of.
    if (restMs === 0 && looked === this.#news && actions.every(isBesideRuntime)) this.#unchanged = view;
    if (restMs > 0 && !world.held) comeback?.settled(this.uid);
    return Math.min(restMs, this.#untilSettled(view));
  }

  async #perform(action: Action, subject: Subject, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps;
    const startMs = clock.monotonic();
    await perform(action, subject, this.#deps, signal);
    if (action.do !== 'wait') log.debug({ ...action, tookMs: Math.round(clock.monotonic() - startMs) }, 'done');
  }

  #world(view: RuntimeView): World {
    const { pulls, probes } = this.#deps;
    const { volumesReady, refreshAtMs, cleaned, refused, failures, stopping, networked, hooked } = this.#memory;
    const { ended, admitted } = this.#memory;
    const images = pulls.states(this.uid);
    return {
      ...view,
      volumesReady,
      refreshAtMs,
      cleaned,
      refused,
      ended,
      held: !admitted,
      resize: this.#resize,
      failures,
      stopping,
      networked,
      hooked,
      images,
      sightings: this.#sightings.all,
      probes: probes.views(this.uid),
    };
  }

  async #prepare(pod: Pod, view: RuntimeView, signal: AbortSignal): Promise<void> {
    const { node, event, probes } = this.#deps;
    await this.#knock(pod, view, signal);
    if (this.#memory.refused === undefined && view.containers.length === 0) {
      const message = unsupported(pod, node.abilities());
      if (message !== undefined) {
        this.#memory.refused = { reason: UNSUPPORTED_REASON, message };
        event(pod, undefined, 'Warning', UNSUPPORTED_REASON, message);
      }
    }
    probes.sync(pod, view, this.#memory.stopping, node.hostIps[0] ?? '');
  }

  /** The pod with the resources it may use: those of its specification as soon as the node has room for them. */
  async #asPromised(pod: Pod, { containers }: RuntimeView): Promise<Pod> {
    const { checkpoints, door, event } = this.#deps;
    if (this.#allocation === undefined) {
      const before = (await checkpoints.loaded()).get(this.uid);
      this.#allocation = allocationOf(before !== undefined && containers.length > 0 ? before : pod);
    }
    const answer = this.#memory.admitted ? door.resize(pod, this.#allocation) : { do: 'nothing' as const };
    if (answer.do === 'allocate') this.#allocation = allocationOf(pod);
    if (answer.do === 'hold' && !(this.#resize.do === 'hold' && this.#resize.reason === answer.reason)) {
      event(pod, undefined, 'Warning', `Resize${answer.reason}`, answer.message);
    }
    this.#resize = answer;
    return asAllocated(pod, this.#allocation);
  }

  /** Asks whether a pod that is new here may start. */
  async #knock(pod: Pod, { containers }: RuntimeView, signal: AbortSignal): Promise<void> {
    const { door, grants, event, node } = this.#deps;
    if (this.#memory.admitted || this.#memory.ended !== undefined || pod.metadata.deletionTimestamp !== undefined)
      return;
    const runs = containers.length > 0;
    // Who has started has been let in before.
    const turned = runs || pod.status.startTime !== undefined ? undefined : nodeRefusal(pod, node.abilities());
    const answer = turned === undefined ? door.admit(pod, runs) : { state: 'refused' as const, refusal: turned };
    let refusal = answer.state === 'refused' ? answer.refusal : undefined;
    let admitted = answer.state === 'admitted';
    // Who ran before this process, or has ended, has what it was given then.
    if (admitted && !runs && !isTerminal(pod)) {
      const granted = await grants.admit(pod, signal);
      admitted = granted === 'granted';
      if (typeof granted === 'object') refusal = granted;
    }
    this.#memory.admitted = admitted;
    if (refusal === undefined) return;
    const { reason, message } = refusal;
    event(pod, undefined, 'Warning', reason, message);
    this.#memory.ended = { phase: 'Failed', reason, message: `Pod was rejected: ${message}`, refused: true };
  }

  #report(pod: Pod, world: World): void {
    const { node, clock, event, status, checkpoints, mirrors } = this.#deps;
    const next = podStatus(
      pod,
      world,
      {
        hostIps: node.hostIps,
        runtimeName: 'containerd',
        recursiveReadOnly: node.abilities().recursiveReadOnly,
      },
      clock.monotonic(),
      clock.now(),
    );
    const own = isStatic(pod);
    status.set(this.#wanted!, next, own ? mirrors.of(pod) : this.#wanted);
    // A pod from a file is remembered by its file.
    if (!own) void checkpoints.save({ ...pod, status: next });
    for (const { name, state, containerID } of [
      ...(next.containerStatuses ?? []),
      ...(next.initContainerStatuses ?? []),
    ]) {
      if (state?.waiting?.reason !== 'CrashLoopBackOff' || containerID === undefined) continue;
      if (this.#announced.has(containerID)) continue;
      this.#announced.add(containerID);
      const { name: podName, namespace, uid } = pod.metadata;
      const container = findContainer(pod, name);
      const message = `Back-off restarting failed container ${name} in pod ${podName}_${namespace}(${uid})`;
      event(pod, container, 'Warning', 'BackOff', message);
    }
  }

  #remember({ containers, sandboxes }: RuntimeView): void {
    for (const { id, name, state, reason } of containers) {
      this.#seen.set(id, name);
      if (state === 'running') this.#alive.add(id);
      // The event of it was lost.
      if (reason === 'OOMKilled' && this.#alive.has(id)) this.outOfMemory(id, true);
    }
    for (const { id, podName: name, podNamespace: namespace } of sandboxes) {
      this.#seen.set(id, '');
      this.#name = { name, namespace, uid: this.uid };
    }
    const live = new Set(containers.map(({ id }) => id));
    for (const known of [this.#alive, this.#outOfMemory, this.#endedByOom])
      for (const id of known) if (!live.has(id)) known.delete(id);
    for (const id of this.#announced) if (![...live].some((each) => id.endsWith(each))) this.#announced.delete(id);
  }

  /** When to look again for an ending that was announced but is not to be seen yet. */
  #untilSettled({ containers, sandboxes }: RuntimeView): number {
    let soonestMs = Number.POSITIVE_INFINITY;
    for (const [id, looks] of this.#endings) {
      const runs = containers.some((each) => each.id === id && each.state === 'running');
      const ready = sandboxes.some((each) => each.id === id && each.ready);
      if ((!runs && !ready && this.#seen.has(id)) || looks >= ENDING_LOOKS) {
        this.#endings.delete(id);
        continue;
      }
      this.#endings.set(id, looks + 1);
      soonestMs = Math.min(soonestMs, ENDING_FIRST_MS * 2 ** looks);
    }
    return soonestMs;
  }

  async #end(): Promise<void> {
    const { observer, pulls, probes, status, checkpoints, door } = this.#deps;
    await removeTraces(this.uid, this.#name, this.#seen, this.#deps);
    observer.forget(this.uid);
    pulls.forget(this.uid);
    probes.forget(this.uid);
    status.forget(this.uid);
    door.forget(this.uid);
    this.#deps.comeback?.forget(this.uid);
    await checkpoints.remove(this.uid);
  }

  async #rest(ms: number): Promise<void> {
    const { promise, resolve } = this.#wake;
    using _timer = this.#deps.clock.after(ms, resolve);
    await promise;
  }
}

function isBesideRuntime({ do: what }: Action): boolean {
  return what === 'mountVolumes' || what === 'openNetwork' || what === 'pullImage' || what === 'wait';
}

/** At once after a deed, at the named time if there is only waiting, else when something happens. */
function nextLook(actions: readonly Action[]): number {
  const deeds = actions.filter(({ do: what }) => what !== 'wait' && what !== 'pullImage' && what !== 'stopContainer');
  if (deeds.length > 0) return 0;
  const waits = actions.flatMap((action) => (action.do === 'wait' ? [action.ms] : []));
  return Math.min(REFRESH_MS, ...waits.map((ms) => Math.max(ms, 10)));
}
