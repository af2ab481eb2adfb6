// agent/network: the names of the cluster on disk, so that an agent that starts while the server is away can go on
// answering for what it knew. Only names: the rules are in the kernel anyway.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import type { Service } from '../../api/types/core/service.ts';
import type { DnsRecords, ServiceNames } from './dns-records.ts';

/** In the agent's own folder. */
export const NAMES_FILE = 'names.json';
const VERSION = 1;
/** A busy cluster changes all the time; after a crash a name may be this old. */
const WRITE_EVERY_MS = 10_000;
/** A node that has just joined may be left alone soon. */
const FIRST_WRITE_MS = 1_000;

/** The services as this node last knew them, with what containers are told of them; undefined where nothing is known. */
export async function rememberedServices(path: string): Promise<Service[] | undefined> {
  try {
    const { version, names } = JSON.parse(await readFile(path, 'utf8')) as { version: number; names: ServiceNames[] };
    if (version !== VERSION) return undefined;
    return names.map(({ service: { namespace, name, clusterIps, ports } }) => {
      const told = ports.map((port) => ({ name: port.name, port: port.port, protocol: port.protocol }));
      const spec = { clusterIP: clusterIps[0] ?? 'None', ports: told };
      return { metadata: { namespace, name }, spec } as unknown as Service;
    });
  } catch {
    return undefined; // none was written yet, or not to its end: as if nothing were known
  }
}

export class NamesCheckpoint implements AsyncDisposable {
  readonly #path: string;
  readonly #records: DnsRecords;
  readonly #clock: Clock;
  readonly #log: Logger;
  #timer: Disposable | undefined;
  #written = false;
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
    this.#timer ??= this.#clock.after(this.#written ? WRITE_EVERY_MS : FIRST_WRITE_MS, () => this.#write());
  }

  #write(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#written = true;
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
