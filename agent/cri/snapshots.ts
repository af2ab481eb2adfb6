// containerd's snapshot service: read-only views of images that are unpacked. A view holds the layers it shows, so that
// nobody collects them; whoever made it removes it.
import { assetPath } from '../../api/assets.ts';
import { type Clock, timestamp } from '../../api/clock.ts';
import { call, ignoreNotFound, isCri } from './call.ts';
import { Channel } from './channel.ts';

const CALL_MS = 30_000;
const HEADERS = { 'containerd-namespace': 'k8s.io' };

export interface SnapshotMount {
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

export class SnapshotClient implements Disposable {
  readonly #channel: Channel;
  readonly #clock: Clock;

  constructor(socket: string, clock: Clock) {
    const proto = assetPath('proto/containerd-snapshots.proto');
    this.#channel = new Channel(socket, proto, 'containerd.services.snapshots.v1.Snapshots', HEADERS);
    this.#clock = clock;
  }

  /** How the view is to be mounted; made if there is none by that key. */
  async view(snapshotter: string, key: string, parent: string, signal: AbortSignal): Promise<readonly SnapshotMount[]> {
    // Without it the collector takes what no container, image or lease refers to.
    const labels = { 'containerd.io/gc.root': timestamp(this.#clock.now()) };
    type Answer = { mounts: SnapshotMount[] };
    try {
      return (await this.#call<Answer>('View', { snapshotter, key, parent, labels }, signal)).mounts;
    } catch (err) {
      if (!isCri(err, 'ALREADY_EXISTS')) throw err;
      return (await this.#call<Answer>('Mounts', { snapshotter, key }, signal)).mounts;
    }
  }

  async remove(snapshotter: string, key: string, signal: AbortSignal): Promise<void> {
    await ignoreNotFound(this.#call('Remove', { snapshotter, key }, signal));
  }

  [Symbol.dispose]() {
    this.#channel[Symbol.dispose]();
  }

  #call<Res>(method: string, request: object, signal: AbortSignal): Promise<Res> {
    return call(this.#channel.unary<object, Res>(method), request, {
      deadlineMs: CALL_MS,
      signal,
      clock: this.#clock,
    });
  }
}
