// One object in the cache: its exact bytes and what is asked of it all the time.
import type { KeyValue } from '../store/store.ts';
import type { CachedObject, Projection } from './contract.ts';
import { type DecodedStore, deepFreeze } from './decoded.ts';
import { withRevision } from './splice.ts';

/** How one resource is read: what its cache is told when it is opened. */
export interface ResourceReading {
  /** Below which its objects lie, with the slash at its end: '/registry/pods/'. */
  readonly prefix: string;
  readonly namespaced: boolean;
  /** Labels and selectable fields of a decoded object. */
  readonly project: (object: unknown) => Projection;
  /** Opens what was sealed at rest. */
  readonly unseal?: (key: string, value: Buffer) => Buffer;
  /** Decodes what another API server wrote in protobuf (the envelope that begins with `k8s` and a zero byte). */
  readonly decodeEnvelope?: (value: Buffer) => object;
}

const ENVELOPE = Buffer.from('k8s\0');

export class Entry implements CachedObject {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  readonly bytes: Buffer;
  readonly labels: Projection['labels'];
  readonly fields: Projection['fields'];
  readonly #decoded: DecodedStore;

  constructor(key: string, revision: number, bytes: Buffer, projection: Projection, decoded: DecodedStore) {
    const slash = key.indexOf('/');
    this.key = key;
    this.namespace = slash < 0 ? '' : key.slice(0, slash);
    this.name = slash < 0 ? key : key.slice(slash + 1);
    this.revision = revision;
    this.bytes = bytes;
    this.labels = Object.freeze(projection.labels);
    this.fields = projection.fields;
    this.#decoded = decoded;
  }

  decoded(): unknown {
    return this.#decoded.get(this);
  }
}

/** Throws when the value is not an object of the API. `keep` is for events: their objects are asked for right away. */
export function entryOf(kv: KeyValue, reading: ResourceReading, decoded: DecodedStore, keep: boolean): Entry {
  const key = kv.key.slice(reading.prefix.length);
  const value = reading.unseal?.(kv.key, kv.value) ?? kv.value;
  const foreign = value.subarray(0, ENVELOPE.length).equals(ENVELOPE);
  const bytes = foreign ? foreignBytes(value, reading, kv.modRevision) : withRevision(value, kv.modRevision);
  // Who wrote it in this process has the object at hand; nobody may ever ask for it decoded.
  if (kv.object !== undefined)
    return new Entry(key, kv.modRevision, bytes, copied(reading.project(kv.object)), decoded);
  const object = decoded.parse(bytes.toString());
  const entry = new Entry(key, kv.modRevision, bytes, reading.project(object), decoded);
  if (keep) decoded.keep(entry, deepFreeze(object));
  return entry;
}

/** The writer's object is the writer's. */
function copied({ labels, fields }: Projection): Projection {
  return { labels: labels && { ...labels }, fields };
}

/** The last state of a deleted object, at the revision of its deletion. */
export function deletedEntry(last: Entry, revision: number, decoded: DecodedStore): Entry {
  return new Entry(last.key, revision, withRevision(last.bytes, revision), last, decoded);
}

function foreignBytes(value: Buffer, { decodeEnvelope, prefix }: ResourceReading, revision: number): Buffer {
  if (decodeEnvelope === undefined) throw new Error(`nothing here reads protobuf below ${prefix}`);
  const json = JSON.stringify(versioned(decodeEnvelope(value), revision));
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(json));
  bytes.write(json);
  return bytes;
}

function versioned(object: object, revision: number): object {
  const metadata: unknown = 'metadata' in object ? object.metadata : undefined;
  const rest = typeof metadata === 'object' ? metadata : undefined;
  return { ...object, metadata: { ...rest, resourceVersion: String(revision) } };
}
