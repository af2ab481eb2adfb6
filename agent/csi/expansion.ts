// Claims that got more while a pod uses them: the driver grows the file system or device on this node, and the claim is
// told. Before a pod starts this is part of mounting; for those that run, their claims are looked at now and then.

import type { Client } from '../../api/client/client.ts';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import { isNotFound } from '../../api/status.ts';
import type { PersistentVolumeClaim } from '../../api/types/core/persistent-volume-claim.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { persistentVolumeClaims, persistentVolumes } from '../../api/types/core/storage-resources.ts';
import { CriError } from '../cri/call.ts';
import type { Objects } from '../pods/objects.ts';
import { fsGroupOf } from '../volumes/context.ts';
import { rpcSaid } from './csi-client.ts';
import type { CsiVolumes, Job } from './csi-volumes.ts';
import type { Drivers } from './drivers.ts';
import { type Growth, grown, growthOf, inState, isInfeasible } from './expansion-decide.ts';
import type { Layout } from './layout.ts';
import { delayAfter } from './operations.ts';
import { capability } from './requests.ts';
import { secretOf } from './secrets.ts';

/** Nodes may not watch claims, only read those of their pods. */
const LOOK_EVERY_MS = 10_000;

export interface ExpansionDeps {
  readonly node: string;
  readonly client: Client;
  readonly objects: Objects;
  readonly drivers: Pick<Drivers, 'get'>;
  readonly layout: Layout;
  readonly event: (pod: Pod, type: 'Normal' | 'Warning', reason: string, message: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Expansion {
  readonly #deps: ExpansionDeps;
  readonly #failures = new Map<string, { readonly times: number; readonly retryAtMs: number }>();

  constructor(deps: ExpansionDeps) {
    this.#deps = deps;
  }

  /** Looks after what is published, until the signal. */
  async run(volumes: CsiVolumes, signal: AbortSignal): Promise<void> {
    const { clock, log, layout, drivers } = this.#deps;
    while (!signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, signal).catch(() => {}); // woken early only to end
      const seen = new Set<string>();
      for (const job of [...volumes.jobs()]) {
        const { use, claim } = job;
        if (signal.aborted) return;
        // A volume that several pods share grows once.
        if (claim === undefined || seen.has(use.spec) || !volumes.isPublished(job)) continue;
        seen.add(use.spec);
        try {
          const has = await drivers.get(use.driver)?.capabilities(signal);
          const stages = has?.has('STAGE_UNSTAGE_VOLUME') === true && use.mode === 'Filesystem';
          await this.#growLater(job, stages ? layout.staging(use) : layout.target(use), signal);
        } catch (err) {
          if (!signal.aborted) log.debug({ volume: use.spec, why: rpcSaid(err) }, 'claim not looked at');
        }
      }
    }
  }

  /** Part of mounting: a failure is told, and the pod starts with what there is. */
  async grow(job: Job, path: string, signal: AbortSignal): Promise<void> {
    if (job.claim === undefined || job.volume === undefined) return;
    const growth = growthOf(job.claim, job.volume);
    if (growth !== undefined) await this.#grow(job, job.claim, growth, path, signal);
  }

  async #growLater(job: Job, path: string, signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#deps;
    const { metadata } = job.claim!;
    if ((this.#failures.get(job.use.spec)?.retryAtMs ?? 0) > clock.monotonic()) return;
    const key = { namespace: metadata.namespace, name: metadata.name };
    const claim = await client.get(persistentVolumeClaims, key, {}, signal).catch((err) => {
      if (isNotFound(err)) return undefined;
      throw err;
    });
    if (claim === undefined || claim.metadata.uid !== metadata.uid) return;
    const volume = await client.get(persistentVolumes, { name: job.use.spec }, {}, signal);
    const growth = growthOf(claim, volume);
    if (growth !== undefined) await this.#grow({ ...job, claim, volume }, claim, growth, path, signal);
  }

  async #grow(
    job: Job,
    claim: PersistentVolumeClaim,
    growth: Growth,
    path: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { drivers, layout, event, node, objects, clock } = this.#deps;
    const { use, pod, readOnly, shape, volume } = job;
    const driver = drivers.get(use.driver);
    if (driver === undefined || readOnly) return; // whoever may write to it grows it
    const has = await driver.capabilities(signal);
    if (has.has('EXPAND_VOLUME')) {
      await this.#tell(claim, inState(claim, 'NodeResizeInProgress'), signal);
      try {
        await driver.client.expand(
          {
            volumeId: use.handle,
            volumePath: path,
            stagingTargetPath: has.has('STAGE_UNSTAGE_VOLUME') ? layout.staging(use) : '',
            capacityRange: { requiredBytes: growth.bytes },
            volumeCapability: capability(shape, has, fsGroupOf(pod)),
            secrets: await secretOf(volume?.spec.csi?.nodeExpandSecretRef, 'NodeExpandSecretRef', objects, signal),
          },
          signal,
        );
      } catch (err) {
        signal.throwIfAborted();
        const times = (this.#failures.get(use.spec)?.times ?? 0) + 1;
        this.#failures.set(use.spec, { times, retryAtMs: clock.monotonic() + delayAfter(times) });
        event(
          pod,
          'Warning',
          'VolumeResizeFailed',
          `NodeExpandVolume failed for volume "${use.spec}" : ${rpcSaid(err)}`,
        );
        const isVain = err instanceof CriError && isInfeasible(err.code);
        if (isVain) await this.#tell(claim, inState(claim, 'NodeResizeInfeasible'), signal);
        return;
      }
    }
    this.#failures.delete(use.spec);
    await this.#tell(claim, grown(claim, growth), signal);
    const message = `MountVolume.NodeExpandVolume succeeded for volume "${use.spec}" ${node}`;
    event(pod, 'Normal', 'FileSystemResizeSuccessful', message);
  }

  async #tell({ metadata }: PersistentVolumeClaim, status: object | undefined, signal: AbortSignal): Promise<void> {
    if (status === undefined) return;
    const { namespace, name } = metadata;
    const patch = { type: 'merge', body: { status } } as const;
    await this.#deps.client.patch(
      persistentVolumeClaims,
      { namespace, name },
      patch,
      { subresource: 'status' },
      signal,
    );
  }
}
