// Keeps images from filling the disk: looks every five minutes, and at once when the node is short of disk.
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import { ignoreNotFound } from '../cri/call.ts';
import type { ImageClient } from '../cri/images.ts';
import type { RuntimeClient } from '../cri/runtime.ts';
import {
  bytesToFree,
  type DiskRoom,
  type ImageGcSettings,
  type ImageRecord,
  isReferred,
  removable,
  tooOld,
} from './gc-decide.ts';
import { fullName } from './image-name.ts';

const EVERY_MS = 5 * 60_000;

export interface ImageGcDeps {
  readonly runtime: RuntimeClient;
  readonly images: ImageClient;
  readonly settings: ImageGcSettings;
  /** The file system images lie on. */
  readonly room: (signal: AbortSignal) => Promise<DiskRoom | undefined>;
  /** Images that pods about to start have asked for. */
  readonly asked: () => Iterable<string>;
  /** Of images that are gone nobody needs to know who pulled them. */
  readonly prune: (imageRefs: ReadonlySet<string>, beforeMs: number) => Promise<void>;
  readonly nodeEvent: (type: 'Normal' | 'Warning', reason: string, message: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

export class ImageGc implements AsyncDisposable {
  readonly #deps: ImageGcDeps;
  readonly #seen = new Map<string, { firstSeenMs: number; lastUsedMs: number }>();
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;
  /** One at a time: two would count the same bytes twice. */
  #under: Promise<unknown> = Promise.resolve();
  #pauseImage: string | undefined;

  constructor(deps: ImageGcDeps) {
    this.#deps = deps;
    this.#loop = this.#run(this.#stop.signal);
  }

  /** Removes everything nobody uses; returns how many bytes that were. */
  freeAll(signal: AbortSignal): Promise<number> {
    return this.#inTurn(async () => {
      const { clock } = this.#deps;
      const records = await this.#look(signal);
      return this.#remove(removable(records, 0, clock.monotonic()), Number.POSITIVE_INFINITY, signal);
    });
  }

  /** One round, as every five minutes. */
  collect(signal: AbortSignal): Promise<void> {
    return this.#inTurn(async () => {
      const { settings, clock, room, nodeEvent } = this.#deps;
      const records = await this.#look(signal);
      const nowMs = clock.monotonic();
      await this.#remove(tooOld(records, settings, nowMs), Number.POSITIVE_INFINITY, signal);
      const disk = await room(signal);
      const wanted = disk === undefined ? 0 : bytesToFree(disk, settings);
      if (wanted === 0) return;
      const freed = await this.#remove(removable(records, settings.minAgeMs, nowMs), wanted, signal);
      if (freed >= wanted) return;
      const tried = `Attempted to free ${wanted} bytes, but only found ${freed} bytes eligible to free.`;
      nodeEvent('Warning', 'FreeDiskSpaceFailed', `Failed to garbage collect required amount of images. ${tried}`);
    });
  }

  async [Symbol.asyncDispose]() {
    this.#stop.abort();
    await this.#loop;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps;
    while (!signal.aborted) {
      await this.collect(signal).catch((err) => signal.aborted || log.warn({ err }, 'images not collected'));
      await clock.sleep(EVERY_MS, signal).catch(() => {}); // woken early only to end
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#under.then(work);
    this.#under = next.catch(() => {}); // whoever asked hears of it
    return next;
  }

  async #look(signal: AbortSignal): Promise<ImageRecord[]> {
    const { runtime, images, clock, asked, prune } = this.#deps;
    const wallMs = clock.now();
    const nowMs = clock.monotonic();
    const [containers, list] = await Promise.all([runtime.listContainers({}, signal), images.list(signal)]);
    this.#pauseImage ??= await pauseImageOf(runtime, signal);
    const references = new Set([
      ...containers.flatMap(({ imageRef, image }) => [imageRef, image.image, image.userSpecifiedImage ?? '']),
      ...asked(),
      this.#pauseImage,
    ]);
    references.delete('');
    // Names are written shorter than the runtime lists them.
    for (const name of [...references]) if (!name.startsWith('sha256:')) references.add(fullName(name));
    const there = new Set(list.map(({ id }) => id));
    await prune(there, wallMs);
    for (const id of [...this.#seen.keys()]) if (!there.has(id)) this.#seen.delete(id);
    return list.map((image) => {
      const inUse = isReferred(image, references);
      const before = this.#seen.get(image.id) ?? { firstSeenMs: nowMs, lastUsedMs: Number.NEGATIVE_INFINITY };
      const record = { ...before, lastUsedMs: inUse ? nowMs : before.lastUsedMs };
      this.#seen.set(image.id, record);
      return { id: image.id, bytes: Number(image.size), pinned: image.pinned, inUse, ...record };
    });
  }

  async #remove(records: readonly ImageRecord[], wanted: number, signal: AbortSignal): Promise<number> {
    const { images, log } = this.#deps;
    let freed = 0;
    for (const { id, bytes } of records) {
      if (freed >= wanted) break;
      try {
        await ignoreNotFound(images.remove(id, signal));
      } catch (err) {
        signal.throwIfAborted();
        log.warn({ err, image: id }, 'image not removed');
        continue;
      }
      log.info({ image: id, bytes }, 'unused image removed');
      this.#seen.delete(id);
      freed += bytes;
    }
    return freed;
  }
}

/** Every sandbox needs it, and no container shows it. Runtimes tell of it in their configuration. */
async function pauseImageOf(runtime: RuntimeClient, signal: AbortSignal): Promise<string> {
  const { info } = await runtime.status(true, signal);
  const { sandboxImage } = JSON.parse(info['config'] ?? '{}') as { sandboxImage?: string };
  return sandboxImage ?? '';
}
