// What an operator reads in `kubectl describe`. Repeated events are counted on one object, a flood about one object
// is cut, and nothing waits for an event to be written: they are news, not state.
import type { Clock } from '../clock.ts';
import { timestamp } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { ObjectKey } from '../resource.ts';
import type { KubeObject } from '../schema/kind.ts';
import { isNotFound } from '../status.ts';
import { events } from '../types/core/resources.ts';
import type { Client } from './client.ts';

export interface ObjectReference {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly fieldPath?: string;
}

export interface EventRecorder {
  event(about: ObjectReference | KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): void;
}

export interface RecorderOptions {
  readonly client: Client;
  readonly component: string;
  /** The node's name, for agents. */
  readonly host?: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Beyond this many unwritten events, new ones are dropped. */
const BACKLOG_MAX = 1000;
const REMEMBERED_MAX = 4096;
const MESSAGE_MAX = 1024;
/** Per object: 25 at once, then one every five minutes. */
const BURST = 25;
const REFILL_EVERY_MS = 300_000;

interface Written {
  readonly key: ObjectKey;
  count: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

export class Recorder implements EventRecorder, AsyncDisposable {
  readonly #options: RecorderOptions;
  readonly #stop = new AbortController();
  readonly #written = new Map<string, Written>();
  readonly #buckets = new Map<string, Bucket>();
  #tail: Promise<void> = Promise.resolve();
  #backlog = 0;
  #serial = 0;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  event(about: ObjectReference | KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const { log } = this.#options;
    const subject = referenceTo(about);
    if (this.#backlog >= BACKLOG_MAX || !this.#allowed(subject)) {
      log.debug({ reason, name: subject.name }, 'event dropped');
      return;
    }
    this.#backlog++;
    this.#tail = this.#tail
      .then(() => this.#write(subject, type, reason, message.slice(0, MESSAGE_MAX)))
      .catch((err) => this.#stop.signal.aborted || log.debug({ err, reason }, 'event not written'))
      .then(() => {
        this.#backlog--;
      });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#tail;
  }

  async #write(about: ObjectReference, type: string, reason: string, message: string): Promise<void> {
    const { client, component, host, clock } = this.#options;
    const { signal } = this.#stop;
    signal.throwIfAborted();
    const nowMs = clock.now();
    const same = [about.kind, about.namespace, about.name, about.uid, about.fieldPath, type, reason, message].join(
      '\n',
    );
    const known = this.#written.get(same);
    if (known !== undefined) {
      known.count++;
      const body = { count: known.count, lastTimestamp: timestamp(nowMs) };
      try {
        await client.patch(events, known.key, { type: 'strategic', body }, {}, signal);
        return;
      } catch (err) {
        if (!isNotFound(err)) throw err;
        this.#written.delete(same);
      }
    }
    // Events about what belongs to no namespace live in `default`.
    const namespace = about.namespace || 'default';
    const name = eventName(about.name ?? '', nowMs, this.#serial++);
    const source = { component, ...(host !== undefined && { host }) };
    const at = timestamp(nowMs);
    await client.create(
      events,
      {
        metadata: { name, namespace },
        involvedObject: about,
        type,
        reason,
        message,
        source,
        count: 1,
        firstTimestamp: at,
        lastTimestamp: at,
        reportingComponent: component,
        reportingInstance: host ?? '',
      },
      {},
      signal,
    );
    remember(this.#written, same, { key: { namespace, name }, count: 1 });
  }

  #allowed({ kind, namespace, name, uid }: ObjectReference): boolean {
    const key = [kind, namespace, name, uid].join('\n');
    const nowMs = this.#options.clock.monotonic();
    const bucket = this.#buckets.get(key) ?? { tokens: BURST, atMs: nowMs };
    const refilled = Math.floor((nowMs - bucket.atMs) / REFILL_EVERY_MS);
    if (refilled > 0) {
      bucket.tokens = Math.min(BURST, bucket.tokens + refilled);
      bucket.atMs += refilled * REFILL_EVERY_MS;
    }
    if (bucket.tokens === 0) return false;
    bucket.tokens--;
    remember(this.#buckets, key, bucket);
    return true;
  }
}

function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > REMEMBERED_MAX) map.delete(map.keys().next().value!);
}

export function referenceTo(about: ObjectReference | KubeObject): ObjectReference {
  if (!('metadata' in about)) return about;
  const { name, namespace, uid, resourceVersion } = about.metadata;
  return {
    apiVersion: about.apiVersion,
    kind: about.kind,
    ...(namespace && { namespace }),
    name,
    uid,
    resourceVersion,
  };
}

const NAME_MAX = 253;

/** By what it is about and when; events of one millisecond are told apart. Long names are cut. */
export function eventName(about: string, nowMs: number, serial: number): string {
  const suffix = BigInt(Math.trunc(nowMs * 1e3)).toString(16) + (serial % 4096).toString(16).padStart(3, '0');
  const room = NAME_MAX - suffix.length - 1;
  return `${about.slice(0, room).replace(/[.-]+$/, '')}.${suffix}`;
}
