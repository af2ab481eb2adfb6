// Space kept back for the moment when there is none: forgetting history frees space and needs some first, for what it
// deletes has to go through the log. Without it a disk that history filled would stay full.
import { closeSync, fsyncSync, openSync, rmSync, statSync, writeSync } from 'node:fs';

const CHUNK = Buffer.alloc(1 << 20);

export class Reserve {
  readonly #path: string;
  readonly #bytes: number;

  constructor(path: string, bytes: number) {
    this.#path = path;
    this.#bytes = bytes;
    this.keep();
  }

  /** Takes the space if it is there to be taken. */
  keep(): void {
    if (this.#bytes === 0 || statSync(this.#path, { throwIfNoEntry: false })?.size === this.#bytes) return;
    try {
      const file = openSync(this.#path, 'w', 0o600);
      try {
        for (let at = 0; at < this.#bytes; ) at += writeSync(file, CHUNK, 0, Math.min(CHUNK.length, this.#bytes - at));
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
    } catch {
      // Half of it is of no use, and another time may be better.
      rmSync(this.#path, { force: true });
    }
  }

  /** False when there was nothing to give. */
  spend(): boolean {
    if (statSync(this.#path, { throwIfNoEntry: false }) === undefined) return false;
    rmSync(this.#path, { force: true });
    return true;
  }
}
