// The node's side of attaching: it says in its status which volumes it has in use before it mounts them and until the
// last trace is gone, and mounts only what it has been told is attached. So nothing is detached under a mount.
import type { Client } from '../../api/client/client.ts';
import type { Clock } from '../../api/clock.ts';
import { isNotFound } from '../../api/status.ts';
import type { Node } from '../../api/types/core/node.ts';
import { volumeAttachments } from '../../api/types/storage/resources.ts';
import { VolumeError, VolumePending } from '../volumes/types.ts';
import type { Strings } from './csi-types.ts';
import { attachmentName, type Staged, uniqueName } from './layout.ts';

const WAIT_MS = 1_500;
const LOOK_MS = 50;
/** As long as upstream is patient before it complains. */
const PATIENCE_MS = 120_000;

export interface AttachmentsDeps {
  readonly node: string;
  readonly client: Client;
  readonly clock: Clock;
  /** As the API has it: the newest that this process has heard. */
  readonly view: () => Node | undefined;
  /** The node's status is to be written: another volume is in use, or one less. */
  readonly report: () => void;
}

export class Attachments {
  readonly #deps: AttachmentsDeps;
  readonly #inUse = new Set<string>();
  readonly #waitingSinceMs = new Map<string, number>();

  constructor(deps: AttachmentsDeps) {
    this.#deps = deps;
  }

  /** For the node's status. */
  get inUse(): readonly string[] {
    return [...this.#inUse].sort();
  }

  use(volume: Staged): void {
    const name = uniqueName(volume);
    if (this.#inUse.has(name)) return;
    this.#inUse.add(name);
    this.#deps.report();
  }

  release(volume: Staged): void {
    this.#waitingSinceMs.delete(uniqueName(volume));
    if (this.#inUse.delete(uniqueName(volume))) this.#deps.report();
  }

  /** What the attacher has to say to whoever mounts. Throws while it is not attached. */
  async attached(volume: Staged, signal: AbortSignal): Promise<Strings> {
    const { clock, client, node } = this.#deps;
    const name = uniqueName(volume);
    this.use(volume);
    const until = clock.monotonic() + WAIT_MS;
    while (!this.#isTold(name)) {
      if (clock.monotonic() >= until) throw this.#notYet(volume, name);
      await clock.sleep(LOOK_MS, signal);
    }
    const id = attachmentName(volume.driver, volume.handle, node);
    const attachment = await client.get(volumeAttachments, { name: id }, {}, signal).catch((err) => {
      if (isNotFound(err)) throw this.#notYet(volume, name);
      throw err;
    });
    const { status, metadata } = attachment;
    if (!status.attached || metadata.deletionTimestamp !== undefined) throw this.#notYet(volume, name);
    this.#waitingSinceMs.delete(name);
    return status.attachmentMetadata ?? {};
  }

  /** In use by our own word and attached by the controller's. */
  #isTold(name: string): boolean {
    const status = this.#deps.view()?.status;
    const isReported = status?.volumesInUse?.includes(name) === true;
    return isReported && status?.volumesAttached?.some((each) => each.name === name) === true;
  }

  #notYet({ spec }: Staged, name: string): VolumeError {
    const nowMs = this.#deps.clock.monotonic();
    const sinceMs = this.#waitingSinceMs.get(name) ?? nowMs;
    this.#waitingSinceMs.set(name, sinceMs);
    const message = `volume ${spec} is not yet attached to the node: the controller has not attached it`;
    return nowMs - sinceMs > PATIENCE_MS
      ? new VolumeError(`timed out waiting for the condition: ${message}`)
      : new VolumePending(message);
  }
}
