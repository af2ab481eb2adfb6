// containerd's content store, asked how far a pull has come: CRI itself does not tell. A runtime that has no such
// service (it is not containerd) is asked once and never again.
import { assetPath } from '../../api/assets.ts';
import type { Clock } from '../../api/clock.ts';
import { call, criError } from '../cri/call.ts';
import { Channel } from '../cri/channel.ts';
import { imageParts } from './image-name.ts';
import { type Blob, candidates, type Layer, layersOf, type Progress, progressOf } from './progress.ts';

const READ_MS = 10_000;
/** containerd keeps what CRI pulls in this namespace of its own. */
const HEADERS = { 'containerd-namespace': 'k8s.io' };
const MANIFEST_MAX_BYTES = 4 << 20;

interface Info {
  digest: string;
  size: string;
  createdAt: { seconds: string } | null;
  labels: Record<string, string>;
}

/** Follows one pull: which manifest it is about is found out once. */
export interface PullWatch {
  look(signal: AbortSignal): Promise<Progress | undefined>;
}

export class ContentStore implements Disposable {
  readonly #channel: Channel;
  readonly #clock: Clock;
  #absent = false;

  constructor(socket: string, clock: Clock) {
    const proto = assetPath('proto/containerd-content.proto');
    this.#channel = new Channel(socket, proto, 'containerd.services.content.v1.Content', HEADERS);
    this.#clock = clock;
  }

  watch(image: string): PullWatch {
    const sinceSeconds = Math.floor(this.#clock.now() / 1_000);
    let layers: readonly Layer[] | undefined;
    return {
      look: async (signal) => {
        if (this.#absent) return undefined;
        try {
          layers ??= await this.#layers(image, sinceSeconds, signal);
          if (layers === undefined) return undefined;
          const [there, coming] = await Promise.all([
            this.#list(
              layers.map(({ digest }) => `digest==${digest}`),
              signal,
            ),
            this.#coming(signal),
          ]);
          return progressOf(layers, new Set(there.map(({ digest }) => digest)), coming);
        } catch (err) {
          signal.throwIfAborted();
          this.#absent ||= criError('content', err).code === 'UNIMPLEMENTED';
          throw err;
        }
      },
    };
  }

  [Symbol.dispose]() {
    this.#channel[Symbol.dispose]();
  }

  /** Of the manifest that the pull is about, as soon as it has arrived. */
  async #layers(image: string, sinceSeconds: number, signal: AbortSignal): Promise<readonly Layer[] | undefined> {
    const blobs = (await this.#list([], signal)).map(
      ({ digest, size, createdAt, labels }): Blob => ({
        digest,
        bytes: Number(size),
        createdSeconds: Number(createdAt?.seconds ?? 0),
        labels,
      }),
    );
    const [manifest] = candidates(blobs, imageParts(image).repository, sinceSeconds);
    if (manifest === undefined || manifest.bytes > MANIFEST_MAX_BYTES) return undefined;
    return layersOf((await this.#read(manifest.digest, signal)).toString('utf8'));
  }

  async #list(filters: readonly string[], signal: AbortSignal): Promise<Info[]> {
    const all: Info[] = [];
    const deadline = AbortSignal.any([signal, this.#clock.deadline(READ_MS)]);
    for await (const { info } of this.#channel.stream<object, { info: Info[] }>('List', { filters }, deadline)) {
      all.push(...info);
    }
    return all;
  }

  async #read(digest: string, signal: AbortSignal): Promise<Buffer> {
    const parts: Buffer[] = [];
    const deadline = AbortSignal.any([signal, this.#clock.deadline(READ_MS)]);
    for await (const { data } of this.#channel.stream<object, { data: Buffer }>('Read', { digest }, deadline)) {
      parts.push(data);
    }
    return Buffer.concat(parts);
  }

  async #coming(signal: AbortSignal): Promise<{ ref: string; bytes: number }[]> {
    type Answer = { statuses: { ref: string; offset: string }[] };
    const rpc = this.#channel.unary<object, Answer>('ListStatuses');
    const { statuses } = await call(rpc, {}, { deadlineMs: READ_MS, signal, clock: this.#clock });
    return statuses.map(({ ref, offset }) => ({ ref, bytes: Number(offset) }));
  }
}
