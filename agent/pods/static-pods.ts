// Pods from files on this node: they run without the API's say, and even without the API. A file is a pod; what it
// says and where makes its identity, so a changed file is another pod.
import { createHash } from 'node:crypto';
import { watch } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import { decode } from '../../api/schema/decode.ts';
import { applyDefaults } from '../../api/schema/defaults.ts';
import { parseYaml } from '../../api/schema/yaml.ts';
import { Pod } from '../../api/types/core/pod.ts';
import { ANNOTATION } from './names.ts';

const RELIST_MS = 20_000;
/** Editors write in several steps. */
const SETTLE_MS = 100;

/** One file as a pod of this node. Throws what is wrong with it. */
export async function staticPod(text: Buffer, nodeName: string): Promise<Pod> {
  // YAML's parser reads JSON as well.
  const { value } = await parseYaml(text);
  const { apiVersion, kind } = (value ?? {}) as { apiVersion?: string; kind?: string };
  if (apiVersion !== 'v1' || kind !== 'Pod')
    throw new Error(`expected a v1 Pod, found ${apiVersion ?? '?'} ${kind ?? '?'}`);
  const { value: written, unknown } = decode(Pod, value);
  if (unknown.length > 0) throw new Error(`unknown field ${unknown.join(', ')}`);
  const pod = applyDefaults(Pod, written) as Pod;
  const { name, namespace } = pod.metadata;
  if (!name) throw new Error('metadata.name: Required value');
  if (!pod.spec.containers?.length) throw new Error('spec.containers: Required value');
  const hash = createHash('md5').update(JSON.stringify(written)).update(`host:${nodeName}`).digest('hex');
  return {
    ...pod,
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...pod.metadata,
      name: `${name}-${nodeName}`,
      namespace: namespace || 'default',
      uid: hash,
      resourceVersion: '',
      annotations: {
        ...pod.metadata.annotations,
        [ANNOTATION.configHash]: hash,
        [ANNOTATION.configSource]: 'file',
      },
    },
    spec: {
      ...pod.spec,
      nodeName,
      // Nothing may push out what the node needs to work.
      tolerations: [...(pod.spec.tolerations ?? []), { operator: 'Exists', effect: 'NoExecute' }],
    },
    status: {},
  };
}

export interface StaticPodFiles {
  /** By UID. */
  readonly pods: ReadonlyMap<string, Pod>;
  /** Why there is no pod in a file. */
  readonly problems: ReadonlyMap<string, string>;
}

export async function readStaticPods(dir: string, nodeName: string): Promise<StaticPodFiles> {
  const names = (await readdir(dir).catch(() => [])).filter((name) => /^[^.].*\.(ya?ml|json)$/.test(name)).sort();
  const pods = new Map<string, Pod>();
  const problems = new Map<string, string>();
  const owners = new Map<string, string>();
  for (const name of names) {
    const file = join(dir, name);
    try {
      const pod = await staticPod(await readFile(file), nodeName);
      const called = `${pod.metadata.namespace}/${pod.metadata.name}`;
      const owner = owners.get(called);
      // Two pods of one name would fight for what stands for them in the API, and for their ports: the first file has it.
      if (owner !== undefined) throw new Error(`pod ${called} is in ${owner} already`);
      owners.set(called, file);
      pods.set(pod.metadata.uid, pod);
    } catch (err) {
      problems.set(file, err instanceof Error ? err.message : String(err));
    }
  }
  return { pods, problems };
}

export function isStatic({ metadata }: Pod): boolean {
  const { annotations = {} } = metadata;
  return annotations[ANNOTATION.configSource] === 'file' && annotations[ANNOTATION.configMirror] === undefined;
}

export type OnStaticPods = (pods: ReadonlyMap<string, Pod>) => void;

export class StaticPods implements AsyncDisposable {
  readonly #dir: string;
  readonly #nodeName: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  /** By file. */
  #complained: ReadonlyMap<string, string> = new Map();
  #loop: Promise<void> | undefined;
  #pods: ReadonlyMap<string, Pod> = new Map();
  #wake = Promise.withResolvers<void>();

  constructor(dir: string, nodeName: string, clock: Clock, log: Logger) {
    this.#dir = dir;
    this.#nodeName = nodeName;
    this.#clock = clock;
    this.#log = log;
  }

  /** By UID. */
  get pods(): ReadonlyMap<string, Pod> {
    return this.#pods;
  }

  /** Resolves after the first look; `onPods` hears of every later change. */
  async start(onPods: OnStaticPods): Promise<void> {
    await this.#look();
    this.#loop = this.#run(onPods, this.#stop.signal);
  }

  async [Symbol.asyncDispose]() {
    this.#stop.abort();
    this.#wake.resolve();
    await this.#loop;
  }

  async #run(onPods: OnStaticPods, signal: AbortSignal): Promise<void> {
    const changed = () => this.#wake.resolve();
    let watcher: ReturnType<typeof watch> | undefined;
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers<void>();
      watcher ??= watchFolder(this.#dir, changed, () => {
        watcher = undefined; // the folder went: the relist sees when it is back
      });
      if (await this.#look()) onPods(this.#pods);
      const { promise, resolve } = this.#wake;
      using _timer = this.#clock.after(RELIST_MS, resolve);
      await promise;
      await this.#clock.sleep(SETTLE_MS, signal).catch(() => {}); // woken early only to end
    }
    watcher?.close();
  }

  async #look(): Promise<boolean> {
    const { pods: found, problems } = await readStaticPods(this.#dir, this.#nodeName);
    for (const [file, why] of problems) {
      if (this.#complained.get(file) !== why) this.#log.error({ file, why }, 'no pod in this file');
    }
    this.#complained = problems;
    const same = found.size === this.#pods.size && [...found.keys()].every((uid) => this.#pods.has(uid));
    if (!same) this.#pods = found;
    return !same;
  }
}

function watchFolder(dir: string, changed: () => void, failed: () => void) {
  try {
    const watcher = watch(dir, { persistent: false }, changed);
    watcher.on('error', () => {
      watcher.close();
      failed();
    });
    return watcher;
  } catch {
    return undefined; // no such folder yet
  }
}
