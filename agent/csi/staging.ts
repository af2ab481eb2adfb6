// Volumes as the whole node has them: staged before their first pod, unstaged after their last. Which pods use a volume
// is read from disk under the volume's lock; what is left without any, after a crash too, is unstaged until it is gone.
import { mkdir } from 'node:fs/promises';
import { AT_REST, WorkQueue } from '../../api/client/work-queue.ts';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import { isMounted } from '../volumes/mounts.ts';
import type { Attachments } from './attachments.ts';
import { rpcSaid } from './csi-client.ts';
import type { StageRequest } from './csi-types.ts';
import type { Driver, Drivers } from './drivers.ts';
import { isThere, type Layout, type Staged, uniqueName } from './layout.ts';
import { Locks } from './locks.ts';

const WORKERS = 4;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 122_000;

export interface StagingDeps {
  readonly node: string;
  readonly layout: Layout;
  readonly drivers: Pick<Drivers, 'get'>;
  readonly attachments: Pick<Attachments, 'use' | 'release'>;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Staging implements AsyncDisposable {
  readonly #deps: StagingDeps;
  readonly #locks = new Locks();
  /** By this process: after a restart drivers are asked again, which changes nothing for them. */
  readonly #staged = new Set<string>();
  readonly #waiting = new Map<string, Staged>();
  readonly #queue: WorkQueue;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(deps: StagingDeps) {
    this.#deps = deps;
    this.#queue = new WorkQueue(deps.clock, { firstRetryMs: FIRST_RETRY_MS, maxRetryMs: MAX_RETRY_MS });
  }

  /** What is on disk from before is in use until it is gone. */
  async start(): Promise<void> {
    const { layout, attachments, log } = this.#deps;
    for (const use of await layout.allUses()) if (use.lifecycle === 'Persistent') attachments.use(use);
    for (const staged of await layout.allStaged()) {
      attachments.use(staged);
      this.release(staged);
    }
    const failed = (key: string, err: unknown, retryMs: number) =>
      log.warn({ volume: key, why: rpcSaid(err), retryMs }, 'volume not unstaged, trying again');
    const { signal } = this.#stop;
    this.#running = this.#queue.run(WORKERS, (key, until) => this.#reconcile(key, until), failed, signal);
  }

  async stage(
    staged: Staged,
    driver: Driver,
    request: () => Promise<Omit<StageRequest, 'stagingTargetPath'>>,
    signal: AbortSignal,
  ): Promise<{ readonly path: string; readonly isNew: boolean }> {
    const { layout, node } = this.#deps;
    const path = layout.staging(staged);
    return this.#locks.run(uniqueName(staged), async () => {
      // Also of a driver that does not stage: it says that the volume is here.
      await layout.noteStaged(staged, node);
      if (!(await driver.capabilities(signal)).has('STAGE_UNSTAGE_VOLUME')) return { path: '', isNew: false };
      const key = keyOf(staged);
      if (this.#staged.has(key) && (staged.mode === 'Block' || (await isMounted(path)))) return { path, isNew: false };
      await mkdir(path, { recursive: true, mode: 0o750 });
      await driver.client.stage({ ...(await request()), stagingTargetPath: path }, signal);
      this.#staged.add(key);
      return { path, isNew: true };
    });
  }

  /** A pod has let go of it: it is looked whether that was the last one. */
  release(staged: Staged): void {
    const { spec, driver, handle, mode } = staged;
    const key = keyOf(staged);
    this.#waiting.set(key, { spec, driver, handle, mode });
    this.#queue.add(key);
  }

  /** A driver came: what waits for it need not wait longer. */
  again(): void {
    for (const key of this.#waiting.keys()) this.#queue.add(key);
  }

  async [Symbol.asyncDispose]() {
    this.#stop.abort();
    await this.#running;
  }

  async #reconcile(key: string, signal: AbortSignal) {
    const staged = this.#waiting.get(key);
    if (staged === undefined) return AT_REST;
    // Before looking: who lets go while we look is looked after again.
    this.#waiting.delete(key);
    try {
      await this.#locks.run(uniqueName(staged), () => this.#unstageUnused(key, staged, signal));
    } catch (err) {
      this.#waiting.set(key, staged);
      throw err;
    }
    return AT_REST;
  }

  async #unstageUnused(key: string, staged: Staged, signal: AbortSignal): Promise<void> {
    const { layout, attachments, log } = this.#deps;
    const uses = await layout.allUses();
    if (uses.some(({ driver, handle, mode }) => keyOf({ ...staged, driver, handle, mode }) === key)) return;
    await this.#unstage(staged, signal);
    await layout.forgetStaged(staged);
    this.#staged.delete(key);
    attachments.release(staged);
    log.info({ volume: staged.spec, driver: staged.driver }, 'volume is no longer used on this node');
  }

  async #unstage(staged: Staged, signal: AbortSignal): Promise<void> {
    const path = this.#deps.layout.staging(staged);
    if (!(await isThere(path))) return; // it never came to staging
    const driver = this.#deps.drivers.get(staged.driver);
    if (driver === undefined) {
      throw new Error(`driver name ${staged.driver} not found in the list of registered CSI drivers`);
    }
    if (!(await driver.capabilities(signal)).has('STAGE_UNSTAGE_VOLUME')) return;
    await driver.client.unstage(staged.handle, path, signal);
  }
}

function keyOf({ driver, handle, mode }: Staged): string {
  return `${mode} ${driver}^${handle}`;
}
