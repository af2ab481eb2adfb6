// The main thread's end of the worker: requests go out, answers come back to whoever asked, failures get their class
// back. When the thread dies or its disk fails, everything asked and everything that follows fails with that.
import { Worker } from 'node:worker_threads';
import { workerUrl } from '../../api/assets.ts';
import type { Answer, Failure, OpenAnswer, OpenRequest, Request } from './embedded-messages.ts';
import { CompactedError, FutureRevisionError, NoSpaceError } from './store.ts';

interface Asked {
  resolve(ok: unknown): void;
  reject(error: Error): void;
}

export class EmbeddedThread implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #asked = new Map<number, Asked>();
  readonly #opened: Promise<OpenAnswer>;
  readonly #onFatal: (error: Error) => void;
  #lastId = 0;
  #dead: Error | undefined;
  #closing = false;

  constructor(request: OpenRequest, onFatal: (error: Error) => void) {
    this.#onFatal = onFatal;
    this.#worker = new Worker(workerUrl('apiserver/store/embedded-worker.ts'), { workerData: request });
    this.#worker.on('message', (answer: Answer) => this.#take(answer));
    this.#worker.on('error', (err) => this.#die(err instanceof Error ? err : new Error(String(err))));
    this.#worker.on('exit', (code) => this.#die(new Error(`the thread of the store ended (${code})`)));
    // The answer to a request nobody sent: how opening went.
    this.#opened = new Promise((resolve, reject) => {
      this.#asked.set(0, { resolve: (ok) => resolve(ok as OpenAnswer), reject });
    });
  }

  /** How opening went; rejects when the database cannot be used. */
  async opened(): Promise<OpenAnswer> {
    try {
      return await this.#opened;
    } catch (err) {
      this.#closing = true;
      await this.#worker.terminate();
      throw err;
    }
  }

  /** `done` and `failed` are called in the turn of the answer, so that the order of answers is kept. */
  send(request: Request, done: (ok: unknown) => void, failed: (error: Error) => void, transfer?: ArrayBuffer[]): void {
    if (this.#dead !== undefined) {
      failed(this.#dead);
      return;
    }
    const id = ++this.#lastId;
    this.#asked.set(id, { resolve: done, reject: failed });
    this.#worker.postMessage({ id, request }, transfer);
  }

  ask<T>(request: Request): Promise<T> {
    return new Promise((resolve, reject) => this.send(request, (ok) => resolve(ok as T), reject));
  }

  #take(answer: Answer): void {
    const asked = this.#asked.get(answer.id);
    this.#asked.delete(answer.id);
    if ('ok' in answer) asked?.resolve(answer.ok);
    else if (answer.failed.why === 'fatal') {
      const error = errorOf(answer.failed);
      asked?.reject(error);
      this.#die(error);
    } else asked?.reject(errorOf(answer.failed));
  }

  #die(error: Error): void {
    if (this.#dead !== undefined) return;
    this.#dead = error;
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const { reject } of asked) reject(error);
    if (!this.#closing) this.#onFatal(error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    // The checkpoint of a database that cannot be written fails; the log beside it holds everything all the same.
    if (this.#dead === undefined) await this.ask({ do: 'close' }).catch(() => {});
    await this.#worker.terminate();
  }
}

function errorOf(failed: Failure): Error {
  switch (failed.why) {
    case 'compacted':
      return new CompactedError(failed.compacted);
    case 'future':
      return new FutureRevisionError(failed.asked, failed.current);
    case 'full':
      return new NoSpaceError(`the store cannot write: ${failed.message}`);
    case 'refused':
      return new Error(failed.message);
    case 'fatal':
      return new Error(`the store failed and must not go on: ${failed.message}`);
    default:
      return failed satisfies never;
  }
}
