// Objects between the store's bytes and the engine's values.
import { apiVersionOf, type ResourceDefinition } from '../../api/resource.ts';
import { clone } from '../../api/schema/clone.ts';
import { deepEqual, semanticEqual } from '../../api/schema/equal.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import type { CachedObject } from '../cache/contract.ts';
import { withRevision } from '../cache/splice.ts';

/** As it is stored: kind and apiVersion first (lists cut them off), no resourceVersion (the revision says it). */
export function encodeForStore(definition: ResourceDefinition, object: KubeObject): Buffer {
  const { apiVersion: _v, kind: _k, metadata, ...rest } = object;
  const { resourceVersion: _r, ...ownMetadata } = metadata;
  const { kind } = definition;
  const text = JSON.stringify({ kind, apiVersion: apiVersionOf(definition), metadata: ownMetadata, ...rest });
  return onSlab(text);
}

const SLAB_BYTES = 256 << 10;
/** UTF-8 of a UTF-16 unit is at most as long. */
const BYTES_PER_UNIT = 3;
let slab = Buffer.alloc(0);
let written = 0;

/** In memory shared with the values written before and after: it is kept until the store has it, and copied from there. */
function onSlab(text: string): Buffer {
  const most = text.length * BYTES_PER_UNIT;
  if (most > slab.length - written) {
    if (most > SLAB_BYTES) return Buffer.from(text);
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    written = 0;
  }
  const from = written;
  written += slab.write(text, from);
  return slab.subarray(from, written);
}

/** A copy that may be changed. */
export function copyOf<T extends KubeObject>(cached: CachedObject): T {
  return clone(cached.decoded() as T);
}

/** Whether a write would change nothing; resourceVersion is not part of what is stored. */
export function isSame({ schema }: ResourceDefinition, a: KubeObject, b: KubeObject): boolean {
  // In custom objects an empty list is something else than none.
  return schema.custom ? deepEqual(bare(a), bare(b)) : semanticEqual(schema, bare(a), bare(b));
}

function bare(object: KubeObject): unknown {
  const { resourceVersion: _r, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** Without the fields that are undefined. */
export function compact<T extends object>(value: { [K in keyof T]: T[K] | undefined | null }): T {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T;
}

/** A value that was not read from the cache, in the cache's shape: the answer to a dry run, a converted version. */
export function asCached(
  definition: ResourceDefinition,
  object: KubeObject,
  revision: number,
  { key = '', fields = {} }: Partial<Pick<CachedObject, 'key' | 'fields'>> = {},
): CachedObject {
  let bytes: Buffer | undefined;
  const encode = () => {
    const stored = encodeForStore(definition, object);
    return revision > 0 ? withRevision(stored, revision) : stored;
  };
  return {
    key,
    namespace: object.metadata.namespace ?? '',
    name: object.metadata.name,
    revision,
    labels: object.metadata.labels,
    fields,
    get bytes() {
      bytes ??= encode();
      return bytes;
    },
    decoded: () => object,
  };
}

const revised = new WeakMap<CachedObject, Map<number, CachedObject>>();

/** The same object as of another revision: what a watcher is told when it left the selection. */
export function asOf(cached: CachedObject, revision: number): CachedObject {
  const byRevision = revised.get(cached) ?? new Map<number, CachedObject>();
  revised.set(cached, byRevision);
  const known = byRevision.get(revision);
  if (known !== undefined) return known;
  const { key, namespace, name, labels, fields } = cached;
  const bytes = withRevision(cached.bytes, revision);
  const again = { key, namespace, name, labels, fields, revision, bytes, decoded: () => JSON.parse(bytes.toString()) };
  byRevision.set(revision, again);
  return again;
}
