// What the driver keeps below its root: a folder per volume (`data` for directories, `disk` for images), every call it
// got as a line of calls.jsonl, and the faults that a test put there.
import { appendFile, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fault } from './types.ts';

export interface StoredVolume {
  readonly id: string;
  readonly name: string;
  readonly capacityBytes: number;
  /** Node ids it is attached to. */
  readonly attached: readonly string[];
}

const DEFAULT_BYTES = 32 * 1024 * 1024;

export class Store {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  dir(id: string): string {
    return join(this.root, 'volumes', id);
  }

  data(id: string): string {
    return join(this.dir(id), 'data');
  }

  disk(id: string): string {
    return join(this.dir(id), 'disk');
  }

  async volume(id: string): Promise<StoredVolume | undefined> {
    const text = await readFile(join(this.dir(id), 'volume.json'), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : (JSON.parse(text) as StoredVolume);
  }

  async volumes(): Promise<StoredVolume[]> {
    const ids = await readdir(join(this.root, 'volumes')).catch(() => []);
    return (await Promise.all(ids.map((id) => this.volume(id)))).filter((each) => each !== undefined);
  }

  async save(volume: StoredVolume): Promise<void> {
    await mkdir(this.data(volume.id), { recursive: true });
    await replace(join(this.dir(volume.id), 'volume.json'), JSON.stringify(volume));
  }

  /** A volume that an operator wrote down is there when it is first used. */
  async demand(id: string): Promise<StoredVolume> {
    const known = await this.volume(id);
    if (known !== undefined) return known;
    const made = { id, name: id, capacityBytes: DEFAULT_BYTES, attached: [] };
    await this.save(made);
    return made;
  }

  async remove(id: string): Promise<void> {
    await rm(this.dir(id), { recursive: true, force: true });
  }

  /** The image as large as the volume; it never shrinks. */
  async sizeDisk(id: string, bytes: number): Promise<void> {
    await using file = await open(this.disk(id), 'a');
    if ((await file.stat()).size < bytes) await file.truncate(bytes);
  }

  async called(line: object): Promise<void> {
    await appendFile(join(this.root, 'calls.jsonl'), `${JSON.stringify(line)}\n`);
  }

  /** The fault that this call is to have, counted down. */
  async fault(method: string): Promise<Fault | undefined> {
    const file = join(this.root, 'faults.json');
    const text = await readFile(file, 'utf8').catch(() => '[]');
    const faults = JSON.parse(text) as Fault[];
    const found = faults.find((each) => each.method === method && each.times !== 0);
    if (found?.times !== undefined) {
      const left = faults.map((each) => (each === found ? { ...each, times: found.times! - 1 } : each));
      await replace(file, JSON.stringify(left));
    }
    return found;
  }
}

async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
