// The pods of this node as last known, on disk: so that a restarted agent looks after them, their restarts and their
// probes, before the API answers or without it. The API's word replaces them as soon as it is heard.
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../../api/log.ts';
import type { Pod } from '../../api/types/core/pod.ts';

export class Checkpoints {
  readonly #dir: string;
  readonly #log: Logger;
  /** By pod: what was written last, and the write under way. */
  readonly #written = new Map<string, string>();
  #loaded: Promise<ReadonlyMap<string, Pod>> | undefined;
  readonly #under = new Map<string, Promise<void>>();
  /** Pods whose trouble was told: once, until it is over. */
  readonly #failing = new Set<string>();

  constructor(dir: string, log: Logger) {
    this.#dir = dir;
    this.#log = log;
  }

  /** What was there when this process began, by UID. */
  loaded(): Promise<ReadonlyMap<string, Pod>> {
    this.#loaded ??= this.load().then((pods) => new Map(pods.map((pod) => [pod.metadata.uid, pod])));
    return this.#loaded;
  }

  async load(): Promise<Pod[]> {
    const names = await readdir(this.#dir).catch(() => []);
    const read = names
      .filter((name) => name.endsWith('.json'))
      .map(async (name): Promise<Pod | undefined> => {
        try {
          return JSON.parse(await readFile(join(this.#dir, name), 'utf8')) as Pod;
        } catch (err) {
          // Half a file after a power cut: the API has the whole.
          this.#log.warn({ err, name }, 'checkpoint not read');
          return undefined;
        }
      });
    return (await Promise.all(read)).filter((pod) => pod !== undefined);
  }

  /** Written when what matters for looking after the pod is different: not for every change of its status. */
  save(pod: Pod): Promise<void> {
    const { uid, generation, deletionTimestamp, labels, annotations } = pod.metadata;
    const key = JSON.stringify([generation, deletionTimestamp, labels, annotations, pod.spec, pod.status.phase]);
    if (this.#written.get(uid) === key) return Promise.resolve();
    this.#written.set(uid, key);
    const { managedFields: _bookkeeping, ...metadata } = pod.metadata;
    return this.#inOrder(uid, async () => {
      await mkdir(this.#dir, { recursive: true, mode: 0o700 });
      const path = join(this.#dir, `${uid}.json`);
      try {
        await writeFile(`${path}.new`, JSON.stringify({ ...pod, metadata }), { mode: 0o600 });
        await rename(`${path}.new`, path);
      } catch (err) {
        await rm(`${path}.new`, { force: true }); // on a full disk half a file is room that others need
        throw err;
      }
    });
  }

  remove(uid: string): Promise<void> {
    this.#written.delete(uid);
    return this.#inOrder(uid, () => rm(join(this.#dir, `${uid}.json`), { force: true }));
  }

  #inOrder(uid: string, work: () => Promise<void>): Promise<void> {
    const next = (this.#under.get(uid) ?? Promise.resolve()).then(work).then(
      () => void this.#failing.delete(uid),
      (err) => {
        this.#written.delete(uid);
        if (!this.#failing.has(uid)) this.#log.warn({ err, uid }, 'checkpoint not written');
        this.#failing.add(uid);
      },
    );
    const done = next.then(() => {
      if (this.#under.get(uid) === done) this.#under.delete(uid);
    });
    this.#under.set(uid, done);
    return done;
  }
}
