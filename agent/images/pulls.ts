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
import type { AuthConfig, Image } from '../cri/types.ts';
import { goDuration } from '../pods/duration.ts';
import type { ImageState } from '../pods/world.ts';
import { imageNameProblem } from './image-name.ts';

const PARALLEL = 4;
const FIRST_BACK_OFF_MS = 10_000;
const MAX_BACK_OFF_MS = 300_000;
/** How long the error itself is shown before it is called back-off. */
const SHOW_ERROR_MS = 5_000;

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
  /** The credentials to try, best first; an empty list is an anonymous pull. */
  readonly credentials: (pod: Pod, image: string, signal: AbortSignal) => Promise<AuthConfig[]>;
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
  readonly #pulls = new Map<string, Promise<string>>();
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

  /** Makes sure of the image, in the background. */
  ask(pod: Pod, container: Container): void {
    const { uid } = pod.metadata;
    const image = container.image ?? '';
    const ofPod = this.#entries.get(uid) ?? new Map<string, Entry>();
    this.#entries.set(uid, ofPod);
    const before = ofPod.get(container.name);
    if (before?.state.state === 'pulling') return;
    const nowMs = this.#deps.clock.now();
    const fresh = before?.image !== image || nowMs - before.failedAtMs > 2 * MAX_BACK_OFF_MS;
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
      const said = err instanceof PullError ? err.message : err instanceof CriError ? err.detail : String(err);
      entry.failedAtMs = clock.now();
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
    const { images, event, clock } = this.#deps;
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
      if (present !== undefined) {
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
    try {
      let pulledInMs = 0;
      await this.#pull(pod, image, signal, (ms) => {
        pulledInMs = ms;
      });
      const arrived = await images.status(image, signal);
      const whole = goDuration(Math.round(clock.monotonic() - askedMs));
      const own = pulledInMs === 0 ? whole : goDuration(Math.round(pulledInMs));
      const took = `in ${own} (${whole} including waiting)`;
      const message = `Successfully pulled image "${image}" ${took}. Image size: ${arrived?.size ?? 0} bytes.`;
      event(pod, container, 'Normal', 'Pulled', message);
      return arrived?.id ?? image;
    } catch (err) {
      signal.throwIfAborted();
      const said = err instanceof CriError ? err.detail : String(err);
      event(pod, container, 'Warning', 'Failed', `Failed to pull image "${image}": ${said}`);
      throw err;
    }
  }

  async #inspect(pod: Pod, container: Container, signal: AbortSignal): Promise<Image | undefined> {
    const { images, event } = this.#deps;
    const image = container.image ?? '';
    try {
      return await images.status(image, signal);
    } catch (err) {
      signal.throwIfAborted();
      const said = err instanceof CriError ? err.detail : String(err);
      const message = `Failed to inspect image "${image}": ${said}`;
      event(pod, container, 'Warning', 'InspectFailed', message);
      throw new PullError('ImageInspectError', message);
    }
  }

  /** Tries the credentials one after the other; those who ask for the same thing share the pull. */
  async #pull(pod: Pod, image: string, signal: AbortSignal, took: (ms: number) => void): Promise<string> {
    const { images, clock, credentials } = this.#deps;
    const found = await credentials(pod, image, signal);
    const tries: (AuthConfig | undefined)[] = found.length === 0 ? [undefined] : found;
    let failure: unknown;
    for (const auth of tries) {
      const key = JSON.stringify([image, auth]);
      let under = this.#pulls.get(key);
      if (under === undefined) {
        under = this.#limited(async () => {
          const startMs = clock.monotonic();
          const ref = await images.pull(image, auth, undefined, signal);
          took(clock.monotonic() - startMs);
          return ref;
        }).finally(() => this.#pulls.delete(key));
        this.#pulls.set(key, under);
      }
      try {
        return await under;
      } catch (err) {
        signal.throwIfAborted();
        failure = err;
      }
    }
    throw failure;
  }

  async #limited<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= PARALLEL) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running++;
    try {
      return await work();
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }
}
