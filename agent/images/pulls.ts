// Gets images onto the node: one pull of an image at a time however many pods want it, a few images side by side,
// and back-off when it fails. A pod's worker asks and goes on; it is woken when there is news.
//
//   asked -> pulling -> present
//                    -> ErrImagePull --(a moment later)--> ImagePullBackOff --(retryAt)--> asked again
import type { Clock } from '../../api/clock.ts';
import type { Container } from '../../api/types/core/container.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { CriError } from '../cri/call.ts';
import type { ImageClient } from '../cri/images.ts';
import type { Image } from '../cri/types.ts';
import { goDuration } from '../pods/duration.ts';
import type { ImageState } from '../pods/world.ts';
import type { ContentStore, PullWatch } from './content.ts';
import type { FindCredentials } from './credentials.ts';
import { imageNameProblem } from './image-name.ts';
import type { Credential } from './keyring.ts';
import { type PullView, progressText } from './progress.ts';
import type { PulledRecords } from './pulled-records.ts';

const FIRST_BACK_OFF_MS = 10_000;
const MAX_BACK_OFF_MS = 300_000;
/** How long the error itself is shown before it is called back-off. */
const SHOW_ERROR_MS = 5_000;
/** How often the progress of a pull is looked at, and when it is told: after 5 s, then twice as late each time. */
const LOOK_MS = 1_000;
const FIRST_TOLD_MS = 5_000;
const TOLD_MAX_MS = 60_000;
/** Failures that runtimes name in front of their message. */
const NAMED_FAILURES: Readonly<Record<string, string>> = {
  RegistryUnavailable: 'because the registry is unavailable',
  SignatureValidationFailed: 'because the signature validation failed',
};

export type PodEvent = (
  pod: Pod,
  container: Container | undefined,
  type: 'Normal' | 'Warning',
  reason: string,
  message: string,
) => void;

export interface ImagePullsDeps {
  readonly images: ImageClient;
  readonly clock: Clock;
  readonly event: PodEvent;
  readonly credentials: FindCredentials;
  readonly records: Pick<PulledRecords, 'mayUse' | 'pulling'>;
  readonly content: Pick<ContentStore, 'watch'>;
  /** So many pulls side by side. */
  readonly parallel: number;
  /** There is news about this pod's images. */
  readonly wake: (uid: string) => void;
}

interface Entry {
  state: ImageState;
  image: string;
  backOffMs: number;
  failedAtMs: number;
  timer?: Disposable;
}

interface Arrived {
  readonly imageRef: string;
  readonly bytes: string;
  readonly credential: Credential | undefined;
  readonly tookMs: number;
}

class PullError extends Error {
  readonly reason: string;
  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

export class ImagePulls implements AsyncDisposable {
  readonly #deps: ImagePullsDeps;
  readonly #stop = new AbortController();
  readonly #entries = new Map<string, Map<string, Entry>>();
  /** By image and credentials: pulls under way. */
  readonly #pulls = new Map<string, Promise<Arrived>>();
  /** By image: how far they have come. */
  readonly #views = new Map<string, PullView>();
  readonly #tasks = new Set<Promise<void>>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(deps: ImagePullsDeps) {
    this.#deps = deps;
  }

  /** What is known for each container of the pod. */
  states(uid: string): ReadonlyMap<string, ImageState> {
    return new Map(Array.from(this.#entries.get(uid) ?? [], ([name, { state }]) => [name, state]));
  }

  /** The images that containers about to be made have been promised. */
  *asked(): Generator<string> {
    for (const ofPod of this.#entries.values()) {
      for (const { image, state } of ofPod.values()) {
        yield image;
        if (state.state === 'present') yield state.imageRef;
      }
    }
  }

  /** Pulls under way, for people. */
  underWay(): PullView[] {
    return [...this.#views.values()];
  }

  /** Makes sure of the image, in the background. */
  ask(pod: Pod, container: Container): void {
    const { uid } = pod.metadata;
    const image = container.image ?? '';
    const ofPod = this.#entries.get(uid) ?? new Map<string, Entry>();
    this.#entries.set(uid, ofPod);
    const before = ofPod.get(container.name);
    if (before?.state.state === 'pulling') return;
    const nowMs = this.#deps.clock.monotonic();
    const fresh = before?.image !== image || before.backOffMs === 0 || nowMs - before.failedAtMs > 2 * MAX_BACK_OFF_MS;
    const last = before?.state.state === 'failed' ? before.state : undefined;
    const entry: Entry = {
      state: { state: 'pulling', ...(last && { before: { reason: last.reason, message: last.message } }) },
      image,
      backOffMs: fresh ? 0 : before.backOffMs,
      failedAtMs: fresh ? 0 : before.failedAtMs,
    };
    before?.timer?.[Symbol.dispose]();
    ofPod.set(container.name, entry);
    const task = this.#ensure(pod, container, entry).finally(() => this.#tasks.delete(task));
    this.#tasks.add(task);
  }

  /** The container was made: its next start asks again. */
  used(uid: string, container: string): void {
    const entry = this.#entries.get(uid)?.get(container);
    entry?.timer?.[Symbol.dispose]();
    this.#entries.get(uid)?.delete(container);
  }

  forget(uid: string): void {
    for (const { timer } of this.#entries.get(uid)?.values() ?? []) timer?.[Symbol.dispose]();
    this.#entries.delete(uid);
  }

  async [Symbol.asyncDispose]() {
    this.#stop.abort();
    for (const uid of [...this.#entries.keys()]) this.forget(uid);
    await Promise.all(this.#tasks);
  }

  async #ensure(pod: Pod, container: Container, entry: Entry): Promise<void> {
    const { clock, event, wake } = this.#deps;
    const { signal } = this.#stop;
    try {
      const imageRef = await this.#imageRef(pod, container, signal);
      entry.state = { state: 'present', imageRef };
    } catch (err) {
      if (signal.aborted) return;
      const reason = err instanceof PullError ? err.reason : 'ErrImagePull';
      const said = detailOf(err);
      entry.failedAtMs = clock.monotonic();
      entry.backOffMs = entry.backOffMs === 0 ? FIRST_BACK_OFF_MS : Math.min(entry.backOffMs * 2, MAX_BACK_OFF_MS);
      const retryAtMs = entry.failedAtMs + entry.backOffMs;
      entry.state = { state: 'failed', reason, message: said, retryAtMs };
      event(pod, container, 'Warning', 'Failed', `Error: ${reason}`);
      if (reason === 'ErrImagePull') {
        entry.timer = clock.after(SHOW_ERROR_MS, () => this.#backOff(pod, container, entry, said, retryAtMs));
      }
    }
    wake(pod.metadata.uid);
  }

  #backOff(pod: Pod, container: Container, entry: Entry, said: string, retryAtMs: number): void {
    const { event, wake } = this.#deps;
    const message = `Back-off pulling image "${entry.image}"`;
    event(pod, container, 'Normal', 'BackOff', message);
    event(pod, container, 'Warning', 'Failed', 'Error: ImagePullBackOff');
    entry.state = {
      state: 'failed',
      reason: 'ImagePullBackOff',
      message: `${message}: ErrImagePull: ${said}`,
      retryAtMs,
    };
    wake(pod.metadata.uid);
  }

  async #imageRef(pod: Pod, container: Container, signal: AbortSignal): Promise<string> {
    const { event, clock } = this.#deps;
    const image = container.image ?? '';
    const problem = imageNameProblem(image);
    if (problem !== undefined) {
      const message = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": ${problem}`;
      event(pod, container, 'Warning', 'InspectFailed', message);
      throw new PullError('InvalidImageName', message);
    }
    const policy = container.imagePullPolicy ?? 'IfNotPresent';
    if (policy !== 'Always') {
      const present = await this.#inspect(pod, container, signal);
      if (present !== undefined && (await this.#mayUse(pod, image, present.id, signal))) {
        const message = `Container image "${image}" already present on machine and can be accessed by the pod`;
        event(pod, container, 'Normal', 'Pulled', message);
        return present.id;
      }
    }
    if (policy === 'Never') {
      const message = `Container image "${image}" is not present with pull policy of Never`;
      event(pod, container, 'Warning', 'ErrImageNeverPull', message);
      throw new PullError('ErrImageNeverPull', message);
    }
    event(pod, container, 'Normal', 'Pulling', `Pulling image "${image}"`);
    const askedMs = clock.monotonic();
    using _telling = this.#tell(pod, container, image, FIRST_TOLD_MS);
    try {
      const { imageRef, bytes, tookMs } = await this.#pull(pod, container, image, signal);
      const whole = goDuration(Math.round(clock.monotonic() - askedMs));
      const took = `in ${goDuration(Math.round(tookMs))} (${whole} including waiting)`;
      const message = `Successfully pulled image "${image}" ${took}. Image size: ${bytes} bytes.`;
      event(pod, container, 'Normal', 'Pulled', message);
      return imageRef;
    } catch (err) {
      signal.throwIfAborted();
      const said = detailOf(err);
      event(pod, container, 'Warning', 'Failed', `Failed to pull image "${image}": ${said}`);
      const named = Object.keys(NAMED_FAILURES).find((reason) => said.startsWith(reason));
      if (named === undefined) throw new PullError('ErrImagePull', said);
      const more = said.slice(named.length);
      throw new PullError(named, `image pull failed for ${image} ${NAMED_FAILURES[named]}${more}`);
    }
  }

  /** What a secret has pulled is not for pods that do not have it. */
  #mayUse(pod: Pod, image: string, imageRef: string, signal: AbortSignal): Promise<boolean> {
    const { records, credentials } = this.#deps;
    return records.mayUse(image, imageRef, async () => (await credentials(pod, image, signal)).found);
  }

  /** A pull that takes long says now and then how far it has come. */
  #tell(pod: Pod, container: Container, image: string, inMs: number): Disposable {
    const { clock, event } = this.#deps;
    let timer: Disposable;
    const next = (ms: number) => {
      timer = clock.after(ms, () => {
        const view = this.#views.get(image);
        const how = view === undefined ? 'waiting for other pulls' : progressText(view);
        event(pod, container, 'Normal', 'Pulling', `Pulling image "${image}": ${how}`);
        next(Math.min(ms * 2, TOLD_MAX_MS));
      });
    };
    next(inMs);
    return { [Symbol.dispose]: () => timer[Symbol.dispose]() };
  }

  async #inspect(pod: Pod, container: Container, signal: AbortSignal): Promise<Image | undefined> {
    const { images, event } = this.#deps;
    const image = container.image ?? '';
    try {
      return await images.status(image, signal);
    } catch (err) {
      signal.throwIfAborted();
      const said = detailOf(err);
      const message = `Failed to inspect image "${image}": ${said}`;
      event(pod, container, 'Warning', 'InspectFailed', message);
      throw new PullError('ImageInspectError', message);
    }
  }

  /** Tries the credentials one after the other; those who ask for the same thing share the pull. */
  async #pull(pod: Pod, container: Container, image: string, signal: AbortSignal): Promise<Arrived> {
    const { credentials, event } = this.#deps;
    const { found, missing } = await credentials(pod, image, signal);
    if (missing.length > 0) {
      const which = `Unable to retrieve some image pull secrets (${missing.join(', ')})`;
      const message = `${which}; attempting to pull the image may not succeed.`;
      event(pod, container, 'Warning', 'FailedToRetrieveImagePullSecret', message);
    }
    const failures = new Set<string>();
    for (const credential of found.length === 0 ? [undefined] : found) {
      const key = JSON.stringify([image, credential]);
      let under = this.#pulls.get(key);
      if (under === undefined) {
        under = this.#limited(() => this.#pullWith(image, credential, signal), signal).finally(() =>
          this.#pulls.delete(key),
        );
        this.#pulls.set(key, under);
      }
      try {
        return await under;
      } catch (err) {
        signal.throwIfAborted();
        failures.add(detailOf(err));
      }
    }
    const all = [...failures];
    throw new Error(all.length === 1 ? all[0] : `[${all.join(', ')}]`);
  }

  async #pullWith(image: string, credential: Credential | undefined, signal: AbortSignal): Promise<Arrived> {
    const { images, clock, records, content } = this.#deps;
    const startMs = clock.monotonic();
    const done = new AbortController();
    this.#views.set(image, { image, seconds: 0 });
    const watching = this.#watch(image, content.watch(image), startMs, AbortSignal.any([signal, done.signal]));
    try {
      return await records.pulling(image, async () => {
        const named = await images.pull(image, credential?.auth, undefined, signal);
        const tookMs = clock.monotonic() - startMs;
        const arrived = await images.status(image, signal);
        return { imageRef: arrived?.id ?? named, bytes: arrived?.size ?? '0', credential, tookMs };
      });
    } finally {
      done.abort();
      await watching;
      this.#views.delete(image);
    }
  }

  async #watch(image: string, watch: PullWatch, startMs: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    let last = { bytes: 0, atMs: startMs, rate: 0 };
    while (!signal.aborted) {
      await clock.sleep(LOOK_MS, signal).catch(() => {}); // woken early only to end
      const progress = await watch.look(signal).catch(() => undefined); // told at the next look
      const atMs = clock.monotonic();
      const view = { image, seconds: Math.round((atMs - startMs) / 1_000) };
      if (signal.aborted) return;
      if (progress === undefined) {
        this.#views.set(image, view);
        continue;
      }
      const rate = ((progress.bytes - last.bytes) * 1_000) / Math.max(atMs - last.atMs, 1);
      // Half of it is what was before: bytes come in gusts.
      last = { bytes: progress.bytes, atMs, rate: last.rate === 0 ? rate : (rate + last.rate) / 2 };
      this.#views.set(image, { ...view, ...progress, bytesPerSecond: Math.max(0, Math.round(last.rate)) });
    }
  }

  async #limited<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    // Who ends hands the place on: nobody slips in between.
    if (this.#running < this.#deps.parallel) this.#running++;
    else await this.#turn(signal);
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }

  /** Whoever gives up waiting leaves the line: the place goes to somebody who still wants it. */
  async #turn(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = () => {
      const at = this.#waiting.indexOf(resolve);
      if (at >= 0) this.#waiting.splice(at, 1);
      reject(signal.reason);
    };
    this.#waiting.push(resolve);
    signal.addEventListener('abort', leave, { once: true });
    await promise.finally(() => signal.removeEventListener('abort', leave));
  }
}

function detailOf(err: unknown): string {
  if (err instanceof CriError) return err.detail;
  return err instanceof Error ? err.message : String(err);
}
