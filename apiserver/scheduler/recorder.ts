// Events as the scheduler writes them: of the newer form, with an action, and a series where the same happens again.
// Nothing waits for an event to be written: they are news, not state.
import type { Client } from '../../api/client/client.ts';
import { eventName } from '../../api/client/events.ts';
import { type Clock, microTimestamp } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import type { ObjectKey } from '../../api/resource.ts';
import { isNotFound } from '../../api/status.ts';
import { events } from '../../api/types/core/resources.ts';
import { type PodInfo, SCHEDULER_NAME } from './pod-info.ts';

export interface News {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly action: string;
  readonly note: string;
}

/** Beyond this many unwritten events, new ones are dropped. */
const BACKLOG_MAX = 4096;
const REMEMBERED_MAX = 4096;
const NOTE_MAX = 1024;
/** The same within this time is one series ... */
const SERIES_MS = 6 * 60_000;
/** ... which is written this often: a thousand waiting pods must not become a thousand writes with every change. */
const SERIES_WRITE_EVERY_MS = 30_000;

interface Written {
  readonly key: ObjectKey;
  count: number;
  atMs: number;
  writtenMs: number;
}

export class SchedulerRecorder implements AsyncDisposable {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  readonly #written = new Map<string, Written>();
  #tail: Promise<void> = Promise.resolve();
  #backlog = 0;
  #serial = 0;

  constructor({ client, clock, log }: { client: Client; clock: Clock; log: Logger }) {
    this.#client = client;
    this.#clock = clock;
    this.#log = log;
  }

  tell(about: PodInfo, news: News): void {
    if (this.#backlog >= BACKLOG_MAX) {
      this.#log.debug({ pod: about.key, reason: news.reason }, 'event dropped');
      return;
    }
    this.#backlog++;
    this.#tail = this.#tail
      .then(() => this.#write(about, news))
      .catch((err) => this.#stop.signal.aborted || this.#log.debug({ err, pod: about.key }, 'event not written'))
      .then(() => {
        this.#backlog--;
      });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#tail;
  }

  async #write({ namespace, name, uid }: PodInfo, { type, reason, action, note }: News): Promise<void> {
    const { signal } = this.#stop;
    signal.throwIfAborted();
    const nowMs = this.#clock.now();
    const same = [uid, type, reason, action, note].join('\n');
    const known = this.#written.get(same);
    if (known !== undefined && nowMs - known.atMs < SERIES_MS) {
      known.count++;
      known.atMs = nowMs;
      if (known.count > 2 && nowMs - known.writtenMs < SERIES_WRITE_EVERY_MS) return;
      known.writtenMs = nowMs;
      const series = { count: known.count, lastObservedTime: microTimestamp(nowMs) };
      try {
        await this.#client.patch(events, known.key, { type: 'strategic', body: { series } }, {}, signal);
        return;
      } catch (err) {
        if (!isNotFound(err)) throw err;
      }
    }
    const key = { namespace, name: eventName(name, nowMs, this.#serial++) };
    await this.#client.create(
      events,
      {
        metadata: key,
        involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid },
        ...{ type, reason, action },
        message: note.slice(0, NOTE_MAX),
        source: {},
        eventTime: microTimestamp(nowMs),
        reportingComponent: SCHEDULER_NAME,
        reportingInstance: SCHEDULER_NAME,
      },
      {},
      signal,
    );
    this.#written.delete(same);
    this.#written.set(same, { key, count: 1, atMs: nowMs, writtenMs: nowMs });
    if (this.#written.size > REMEMBERED_MAX) this.#written.delete(this.#written.keys().next().value!);
  }
}
