// agent/network: the names of the cluster on disk, so that an agent that starts while the server is away can go on
// answering for what it knew. Only names: the rules are in the kernel anyway.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import type { DnsRecords, ServiceNames } from './dns-records.ts';

const VERSION = 1;
/** A busy cluster changes all the time; after a crash a name may be this old. */
const WRITE_EVERY_MS = 10_000;

export class NamesCheckpoint implements AsyncDisposable {
  readonly #path: string;
  readonly #records: DnsRecords;
  readonly #clock: Clock;
  readonly #log: Logger;
  #timer: Disposable | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(path: string, records: DnsRecords, clock: Clock, log: Logger) {
    this.#path = path;
    this.#records = records;
    this.#clock = clock;
    this.#log = log;
  }

  /** Fills the records with what was known. They stay incomplete: a name that is not among them is not denied. */
  async restore(): Promise<void> {
    try {
      const { version, names } = JSON.parse(await readFile(this.#path, 'utf8')) as {
        version: number;
        names: ServiceNames[];
      };
      if (version !== VERSION) return;
      for (const entry of names) this.#records.set(`${entry.service.namespace}/${entry.service.name}`, entry);
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code === 'ENOENT') return;
      this.#log.warn({ err, path: this.#path }, 'checkpoint of names not readable, it is ignored');
    }
  }

  /** The records have changed: they will be written some time soon. */
  changed(): void {
    this.#timer ??= this.#clock.after(WRITE_EVERY_MS, () => this.#write());
  }

  #write(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#writing = this.#writing.then(async () => {
      try {
        await mkdir(dirname(this.#path), { recursive: true });
        const temporary = `${this.#path}.new`;
        await writeFile(temporary, JSON.stringify({ version: VERSION, names: [...this.#records.all()] }), {
          mode: 0o600,
        });
        await rename(temporary, this.#path);
      } catch (err) {
        this.#log.warn({ err, path: this.#path }, 'checkpoint of names not written');
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#timer !== undefined) this.#write();
    await this.#writing;
  }
}
