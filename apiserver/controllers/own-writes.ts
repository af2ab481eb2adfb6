// What a controller wrote last, until its cache shows it. A pass that reads its own past from an old copy would do
// things twice; conflicts only stop the writes that come after.
import { keyOf } from '../../api/resource.ts';
import type { KubeObject } from '../../api/schema/kind.ts';

export class OwnWrites<T extends KubeObject> {
  readonly #written = new Map<string, T>();

  note(object: T): void {
    this.#written.set(keyOf(object), object);
  }

  /** The newer of what the cache has and what was written. */
  newest(key: string, cached: T | undefined): T | undefined {
    const written = this.#written.get(key);
    if (written === undefined) return cached;
    const isOld = cached?.metadata.uid === written.metadata.uid && versionOf(cached) < versionOf(written);
    if (isOld) return written;
    this.#written.delete(key);
    return cached;
  }
}

/** Versions of one resource grow: that is what lets a watch resume from one. */
function versionOf({ metadata }: KubeObject): bigint {
  return BigInt(metadata.resourceVersion || '0');
}
