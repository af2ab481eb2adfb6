// The runtime's image service. A pull has no fixed deadline: it lasts as long as its owner waits.
import { assetPath } from '../../api/assets.ts';
import type { Clock } from '../../api/clock.ts';
import { call, ignoreNotFound } from './call.ts';
import { Channel } from './channel.ts';
import type { AuthConfig, FilesystemUsage, Image, PodSandboxConfig } from './types.ts';

const READ_MS = 30_000;
const PULL_MS = 6 * 60 * 60_000;
const REMOVE_MS = 120_000;

export class ImageClient implements Disposable {
  readonly #channel: Channel;
  readonly #clock: Clock;

  constructor(socket: string, clock: Clock) {
    this.#channel = new Channel(socket, assetPath('proto/cri.proto'), 'runtime.v1.ImageService');
    this.#clock = clock;
  }

  async list(signal: AbortSignal): Promise<Image[]> {
    return (await this.#call<{ images: Image[] }>('ListImages', {}, READ_MS, signal)).images;
  }

  /** By tag, digest or id; undefined where the runtime does not have it. */
  async status(image: string, signal: AbortSignal): Promise<Image | undefined> {
    const request = { image: { image } };
    return (await this.#call<{ image: Image | null }>('ImageStatus', request, READ_MS, signal)).image ?? undefined;
  }

  /** Of the unpacked layers; undefined where the runtime does not have the image, or does not tell. */
  async chainId(image: string, signal: AbortSignal): Promise<string | undefined> {
    const request = { image: { image }, verbose: true };
    type Answer = { image: Image | null; info: Record<string, string> };
    const { image: found, info } = await this.#call<Answer>('ImageStatus', request, READ_MS, signal);
    if (found === null) return undefined;
    return (JSON.parse(info['info'] ?? '{}') as { chainID?: string }).chainID;
  }

  /** Returns the reference by which the runtime knows what came. */
  async pull(
    image: string,
    auth: AuthConfig | undefined,
    sandboxConfig: PodSandboxConfig | undefined,
    signal: AbortSignal,
  ): Promise<string> {
    const request = { image: { image }, auth, sandboxConfig };
    return (await this.#call<{ imageRef: string }>('PullImage', request, PULL_MS, signal)).imageRef;
  }

  async remove(image: string, signal: AbortSignal): Promise<void> {
    await ignoreNotFound(this.#call('RemoveImage', { image: { image } }, REMOVE_MS, signal));
  }

  async fsInfo(signal: AbortSignal): Promise<FilesystemUsage[]> {
    type Answer = { imageFilesystems: FilesystemUsage[] };
    return (await this.#call<Answer>('ImageFsInfo', {}, READ_MS, signal)).imageFilesystems;
  }

  [Symbol.dispose]() {
    this.#channel[Symbol.dispose]();
  }

  #call<Res>(method: string, request: object, deadlineMs: number, signal: AbortSignal): Promise<Res> {
    return call(this.#channel.unary<object, Res>(method), request, { deadlineMs, signal, clock: this.#clock });
  }
}
