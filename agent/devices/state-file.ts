// One small JSON file of what must outlive this process. Written whole, put in place by a rename, one write after the
// other: who waits for `save` knows that the next process will read it.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from '../../api/log.ts';

export class StateFile<T> {
  readonly #path: string;
  readonly #log: Logger;
  #written = '';
  #under: Promise<void> = Promise.resolve();

  constructor(path: string, log: Logger) {
    this.#path = path;
    this.#log = log;
  }

  /** Undefined: there is none, or it cannot be read, which is told. */
  async load(): Promise<T | undefined> {
    try {
      this.#written = await readFile(this.#path, 'utf8');
      return JSON.parse(this.#written) as T;
    } catch (err) {
      if ((err as { code?: string }).code !== 'ENOENT') this.#log.warn({ err, path: this.#path }, 'state not read');
      return undefined;
    }
  }

  save(state: T): Promise<void> {
    const text = JSON.stringify(state);
    const write = async () => {
      if (text === this.#written) return;
      await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
      await writeFile(`${this.#path}.new`, text, { mode: 0o600 });
      await rename(`${this.#path}.new`, this.#path);
      this.#written = text;
    };
    const done = this.#under.then(write);
    this.#under = done.catch(() => {}); // told to whoever asked for it
    return done;
  }
}
