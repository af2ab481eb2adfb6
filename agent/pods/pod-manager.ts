// All pods of this node: a worker for each pod the API wants here, and for whatever the runtime still has that
// nobody wants. The API's news and the runtime's events wake workers; a slow relist is the net under lost events.
import type { Informer } from '../../api/client/informer.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { PodDeps } from './deps.ts';
import { isMirror } from './mirror-pods.ts';
import { ANNOTATION, LABEL } from './names.ts';
import { isTerminal } from './phase.ts';
import { PodWorker } from './pod-worker.ts';
import { asAllocated } from './resize-decide.ts';
import { podsOnDisk, sweepLogs } from './sweep.ts';
import type { Ending } from './world.ts';

const RELIST_MS = 10_000;
const SWEEP_MS = 120_000;

export class PodManager implements AsyncDisposable {
  readonly #deps: PodDeps;
  readonly #pods: Informer<Pod>;
  readonly #workers = new Map<string, PodWorker>();
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;
  #relistNow = Promise.withResolvers<void>();
  #fromFiles: ReadonlySet<string> = new Set();
  #sweepAtMs = 0;
  /** What the last relist saw of each pod, as one line. */
  #fingerprints = new Map<string, string>();

  constructor(pods: Informer<Pod>, deps: PodDeps) {
    this.#deps = deps;
    this.#pods = pods;
    pods.onChange((key, now, before) => this.#changed(key, now, before));
    this.#loop = this.#run(this.#stop.signal);
  }

  get size(): number {
    return this.#workers.size;
  }

  /** With the newest status this node knows, which may be ahead of the API's. */
  pod(namespace: string, name: string): Pod | undefined {
    const pod = this.#pods.get(`${namespace}/${name}`);
    return pod && this.#deps.status.view(pod);
  }

  *pods(): Generator<Pod> {
    for (const pod of this.#pods.list()) yield this.#deps.status.view(pod);
  }

  /** Every pod that runs or is to run here, as it was promised, those from files instead of what mirrors them. */
  *own(): Generator<Pod> {
    const { staticPods, status } = this.#deps;
    const promised = (pod: Pod) => asAllocated(status.view(pod), this.#workers.get(pod.metadata.uid)?.allocation);
    for (const pod of staticPods.pods.values()) yield promised(pod);
    for (const pod of this.#pods.list()) if (!isMirror(pod)) yield promised(pod);
  }

  find(uid: string): Pod | undefined {
    for (const pod of this.own()) if (pod.metadata.uid === uid) return pod;
    return undefined;
  }

  /** Ends a pod of this node for good. False: there is none, or it has ended already. */
  end(uid: string, ending: Ending): boolean {
    return this.#workers.get(uid)?.end(ending) ?? false;
  }

  wake(uid: string): void {
    this.#workers.get(uid)?.wake();
  }

  /** The runtime says something happened to this container, or (undefined) that anything may have. */
  runtimeEvent(containerId: string | undefined): void {
    const owned = containerId !== undefined && [...this.#workers.values()].some((worker) => worker.ended(containerId));
    if (!owned) this.#relistNow.resolve();
  }

  /** The kernel killed a process of this container for want of memory. */
  /** What volumes of this pod are made of has changed. */
  refresh(uid: string): void {
    this.#workers.get(uid)?.refresh();
  }

  outOfMemory(containerId: string): void {
    for (const worker of this.#workers.values()) worker.outOfMemory(containerId);
  }

  async [Symbol.asyncDispose]() {
    this.#stop.abort();
    this.#relistNow.resolve();
    await Promise.all(Array.from(this.#workers.values(), (worker) => worker[Symbol.asyncDispose]()));
    await this.#loop;
  }

  #changed(key: string, now: Pod | undefined, before: Pod | undefined): void {
    if (this.#stop.signal.aborted) return;
    const { mirrors } = this.#deps;
    mirrors.changed(key, now);
    if (before !== undefined && before.metadata.uid !== now?.metadata.uid) {
      this.#workers.get(before.metadata.uid)?.update(undefined);
    }
    if (now === undefined) return;
    if (isMirror(now)) {
      // Its pod runs already, from a file; the status has somewhere to go now.
      this.wake(now.metadata.annotations![ANNOTATION.configMirror]!);
      return;
    }
    const worker = this.#workers.get(now.metadata.uid);
    if (worker === undefined) this.#hire(now.metadata.uid, now);
    else worker.update(now);
  }

  #filesChanged(found: ReadonlyMap<string, Pod>): void {
    if (this.#stop.signal.aborted) return;
    for (const uid of this.#fromFiles) if (!found.has(uid)) this.#workers.get(uid)?.update(undefined);
    for (const [uid, pod] of found) {
      const worker = this.#workers.get(uid);
      if (worker === undefined) this.#hire(uid, pod);
      else worker.update(pod);
    }
    this.#fromFiles = new Set(found.keys());
    this.#deps.mirrors.setWanted(found.values());
  }

  #hire(uid: string, pod: Pod | undefined): void {
    const worker = new PodWorker(uid, pod, this.#deps, () => {
      if (this.#workers.get(uid) === worker) this.#workers.delete(uid);
    });
    this.#workers.set(uid, worker);
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, log, checkpoints, staticPods, comeback } = this.#deps;
    let adopting: Promise<void> | undefined;
    await staticPods.start((found) => this.#filesChanged(found));
    const remembered = [...(await checkpoints.loaded()).values()];
    comeback?.expect([...staticPods.pods.values(), ...remembered]);
    this.#filesChanged(staticPods.pods);
    for (const pod of remembered) {
      const { uid } = pod.metadata;
      if (!this.#workers.has(uid) && !this.#pods.isSynced && !signal.aborted) this.#hire(uid, pod);
    }
    // Pods known from before are looked after at once; what is nobody's shows only when the API has been heard.
    await this.#pods.synced(signal).catch(() => {});
    const wanted = new Set(Array.from(this.#pods.list(), ({ metadata }) => metadata.uid));
    for (const { metadata } of signal.aborted ? [] : remembered) {
      if (wanted.has(metadata.uid)) continue;
      if (this.#workers.has(metadata.uid)) this.#workers.get(metadata.uid)!.update(undefined);
      else this.#hire(metadata.uid, undefined); // its file goes with it
    }
    while (!signal.aborted) {
      this.#relistNow = Promise.withResolvers<void>();
      const { promise, resolve } = this.#relistNow;
      try {
        await this.#relist(signal);
        adopting ??= this.#adopt(signal);
      } catch (err) {
        if (!signal.aborted) log.warn({ err }, 'containers not listed');
      }
      using _timer = clock.after(RELIST_MS, resolve);
      await promise;
    }
    await adopting;
  }

  async #adopt(signal: AbortSignal): Promise<void> {
    const { network, grants, log } = this.#deps;
    await Promise.all(Array.from(this.#workers.values(), (worker) => worker.adopted));
    if (signal.aborted) return;
    await grants.keep(new Set(this.#workers.keys()), signal);
    await network
      .podsAdopted(signal)
      .catch((err) => signal.aborted || log.warn({ err }, 'stale pod addresses not removed'));
  }

  async #relist(signal: AbortSignal): Promise<void> {
    const { runtime, cgroups } = this.#deps;
    const [sandboxes, containers] = await Promise.all([
      runtime.listSandboxes({}, signal),
      runtime.listContainers({}, signal),
    ]);
    const seen = new Map<string, string[]>();
    for (const { id, state, labels } of [...sandboxes, ...containers]) {
      const uid = labels[LABEL.podUid];
      if (uid === undefined) continue; // made by somebody else: not ours to judge
      const parts = seen.get(uid) ?? [];
      parts.push(`${id}=${state}`);
      seen.set(uid, parts);
    }
    const before = this.#fingerprints;
    this.#fingerprints = new Map(Array.from(seen, ([uid, parts]) => [uid, parts.sort().join()]));
    for (const [uid, print] of this.#fingerprints) {
      const worker = this.#workers.get(uid);
      if (worker === undefined) this.#hire(uid, undefined);
      else if (before.get(uid) !== print) worker.wake();
    }
    for (const uid of before.keys()) if (!this.#fingerprints.has(uid)) this.#workers.get(uid)?.wake();
    await this.#sweep(signal);
    await cgroups.balance(this.#running(), signal);
  }

  *#running(): Generator<Pod> {
    for (const pod of this.#pods.list()) if (!isTerminal(pod)) yield pod;
  }

  /** Whoever left something on disk and is not known gets a worker, which finds nothing but remains to remove. */
  async #sweep(signal: AbortSignal): Promise<void> {
    const { clock, folders } = this.#deps;
    const nowMs = clock.monotonic();
    if (nowMs < this.#sweepAtMs) return;
    this.#sweepAtMs = nowMs + SWEEP_MS;
    const onDisk = await podsOnDisk(folders);
    if (signal.aborted) return;
    for (const uid of onDisk) if (!this.#workers.has(uid)) this.#hire(uid, undefined);
    await sweepLogs(folders, (uid) => this.#workers.has(uid));
  }
}
