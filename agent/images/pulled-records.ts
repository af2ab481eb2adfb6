// What this node has pulled and with whose credentials, in files (`image_manager` in the kubelet's folder, laid out as
// upstream does): so the answer survives this process. An intent stands while a pull is under way; one that is found
// at the start belongs to a pull whose end nobody saw, and its image has to be verified.
import { createHash } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, timestamp } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import { ifAbsent } from '../if-absent.ts';
import type { Credential } from './keyring.ts';
import { isOpen, mustVerify, opens, type PulledRecord, recorded, type VerificationSettings } from './pulled-decide.ts';

export interface PulledDeps {
  /** <kubeletDir>/image_manager */
  readonly dir: string;
  readonly settings: VerificationSettings;
  readonly clock: Clock;
  readonly log: Logger;
}

export class PulledRecords {
  readonly #deps: PulledDeps;
  readonly #intents = new Map<string, number>();
  /** One change at a time: two would lose each other's credentials. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(deps: PulledDeps) {
    this.#deps = deps;
  }

  /** Whether a pod may use the image that is here; if not, the registry has to say so first. */
  async mayUse(image: string, imageRef: string, credentials: () => Promise<readonly Credential[]>): Promise<boolean> {
    let record: PulledRecord | undefined;
    let pulledHere: boolean;
    try {
      record = await this.#read(imageRef);
      pulledHere = record !== undefined || this.#intents.has(image) || (await this.#exists('pulling', image));
    } catch (err) {
      // Not known is not allowed: the registry is asked.
      this.#deps.log.warn({ err, image }, 'who pulled the image cannot be read');
      return false;
    }
    if (!mustVerify(image, pulledHere, this.#deps.settings)) return true;
    if (record === undefined) return false;
    if (isOpen(record, image)) return true;
    const found = opens(record, image, await credentials());
    if (found === undefined) return false;
    await this.#write(image, imageRef, found); // its secret may have another name or content by now
    return true;
  }

  /** Around a pull: what is told of its end is remembered. A full disk does not stop pulls: then they are verified. */
  async pulling<T extends { imageRef: string; credential: Credential | undefined }>(
    image: string,
    pull: () => Promise<T>,
  ): Promise<T> {
    this.#intents.set(image, (this.#intents.get(image) ?? 0) + 1);
    await this.#put('pulling', image, { kind: 'ImagePullIntent', apiVersion: 'kubelet.config.k8s.io/v1beta1', image });
    try {
      const result = await pull();
      await this.#write(image, result.imageRef, result.credential);
      return result;
    } finally {
      const left = (this.#intents.get(image) ?? 1) - 1;
      if (left > 0) this.#intents.set(image, left);
      else {
        this.#intents.delete(image);
        await rm(this.#path('pulling', image), { force: true });
      }
    }
  }

  /** Images that are gone need no record. */
  async prune(imageRefs: ReadonlySet<string>, beforeMs: number): Promise<void> {
    const dir = join(this.#deps.dir, 'pulled');
    for (const file of await readdir(dir).catch(ifAbsent([]))) {
      let record: PulledRecord | undefined;
      try {
        record = await readRecord(join(dir, file));
      } catch (err) {
        this.#deps.log.warn({ err, file }, 'who pulled an image cannot be read, the record stays');
        continue;
      }
      if (record !== undefined && imageRefs.has(record.imageRef)) continue;
      if (record !== undefined && Date.parse(record.lastUpdatedTime) + 1_000 >= beforeMs) continue;
      await rm(join(dir, file), { force: true });
    }
  }

  async #write(image: string, imageRef: string, credential: Credential | undefined): Promise<void> {
    const work = this.#turn.then(async () => {
      const before = await this.#read(imageRef).catch((err) => {
        this.#deps.log.warn({ err, image }, 'who pulled the image cannot be read, it is recorded anew');
        return undefined;
      });
      const next = recorded(before, image, imageRef, credential, timestamp(this.#deps.clock.now()));
      if (next !== before) await this.#put('pulled', imageRef, next);
    });
    this.#turn = work.catch(() => {}); // whoever waits hears of it
    await work;
  }

  #read(imageRef: string): Promise<PulledRecord | undefined> {
    return readRecord(this.#path('pulled', imageRef));
  }

  async #exists(kind: 'pulling' | 'pulled', name: string): Promise<boolean> {
    return (await lstat(this.#path(kind, name)).catch(ifAbsent(undefined))) !== undefined;
  }

  async #put(kind: 'pulling' | 'pulled', name: string, content: object): Promise<void> {
    const path = this.#path(kind, name);
    try {
      await mkdir(join(this.#deps.dir, kind), { recursive: true, mode: 0o700 });
      await writeFile(`${path}.new`, JSON.stringify(content), { mode: 0o600 });
      await rename(`${path}.new`, path);
    } catch (err) {
      this.#deps.log.warn({ err, path }, 'what was pulled is not recorded');
    }
  }

  #path(kind: 'pulling' | 'pulled', name: string): string {
    return join(this.#deps.dir, kind, `sha256-${createHash('sha256').update(name).digest('hex')}`);
  }
}

async function readRecord(path: string): Promise<PulledRecord | undefined> {
  const text = await readFile(path, 'utf8').catch(ifAbsent(undefined));
  if (text === undefined) return undefined;
  try {
    const parsed = JSON.parse(text) as PulledRecord;
    return parsed.kind === 'ImagePulledRecord' && typeof parsed.credentialMapping === 'object' ? parsed : undefined;
  } catch {
    return undefined; // half a file: as if there were none
  }
}
