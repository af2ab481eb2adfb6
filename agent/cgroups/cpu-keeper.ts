// Keeps running containers on the CPUs that are theirs: when somebody gets CPUs for itself or gives them back, all
// who share are moved. A slow look is the net under containers that came up meanwhile.
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import { isCri } from '../cri/call.ts';
import type { RuntimeClient } from '../cri/runtime.ts';
import { LABEL } from '../pods/names.ts';
import type { CpuManager } from './cpu-manager.ts';
import { formatCpus } from './cpu-set.ts';

const LOOK_EVERY_MS = 10_000;

export interface CpuKeeperDeps {
  readonly cpus: Pick<CpuManager, 'exclusive' | 'shared'>;
  readonly runtime: Pick<RuntimeClient, 'listContainers' | 'updateContainer'>;
  readonly clock: Clock;
  readonly log: Logger;
}

export class CpuKeeper implements AsyncDisposable {
  readonly #deps: CpuKeeperDeps;
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;
  /** What each container was last set to by this process. */
  #set = new Map<string, string>();
  #wake = Promise.withResolvers<void>();

  constructor(deps: CpuKeeperDeps) {
    this.#deps = deps;
    this.#loop = this.#run(this.#stop.signal);
  }

  look(): void {
    this.#wake.resolve();
  }

  async [Symbol.asyncDispose]() {
    this.#stop.abort();
    this.look();
    await this.#loop;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps;
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers<void>();
      const { promise, resolve } = this.#wake;
      await this.#pass(signal).catch(
        (err) => signal.aborted || log.warn({ err }, 'CPUs of containers not looked after'),
      );
      using _timer = clock.after(LOOK_EVERY_MS, resolve);
      await promise;
    }
  }

  async #pass(signal: AbortSignal): Promise<void> {
    const { cpus, runtime, log } = this.#deps;
    const now = new Map<string, string>();
    for (const { id, state, labels } of await runtime.listContainers({}, signal)) {
      const uid = labels[LABEL.podUid];
      if (uid === undefined || state !== 'CONTAINER_RUNNING') continue;
      const wants = formatCpus(cpus.exclusive(uid, labels[LABEL.container] ?? '') ?? cpus.shared);
      if (wants !== this.#set.get(id)) {
        try {
          await runtime.updateContainer(id, { cpusetCpus: wants }, signal);
        } catch (err) {
          signal.throwIfAborted();
          if (!isCri(err, 'NOT_FOUND')) log.warn({ err, container: id, cpus: wants }, 'CPUs of a container not set');
          continue;
        }
      }
      now.set(id, wants);
    }
    this.#set = now;
  }
}
