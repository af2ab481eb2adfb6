// Volumes of storage drivers, for pods: attach, stage, publish, and back. What has begun is noted on disk first
// (layout.ts), every call to a driver may be repeated, and none is waited for longer than a moment (operations.ts):
//
//   noted -> attached (the controller says) -> staged for the node -> grown -> published for the pod -> the pod's group
//   unpublished -> note gone -> (last pod of the node) unstaged -> no longer in use
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { PersistentVolume } from '../../api/types/core/persistent-volume.ts';
import type { PersistentVolumeClaim } from '../../api/types/core/persistent-volume-claim.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { Volume } from '../../api/types/core/volume.ts';
import { fsGroupOf } from '../volumes/context.ts';
import { giveToGroup } from '../volumes/fs-group.ts';
import { isMounted } from '../volumes/mounts.ts';
import { VolumeError, VolumePending } from '../volumes/types.ts';
import { isUncertain, rpcSaid } from './csi-client.ts';
import type { NodeCapability, Strings, VolumeStats } from './csi-types.ts';
import type { CsiDeps } from './deps.ts';
import type { Driver } from './drivers.ts';
import { inlineHandle, isThere, linkDevice, type Use } from './layout.ts';
import { capability, givesToGroup, lifecycleProblem, podInfo, type Shape, shapeOf, TOKENS } from './requests.ts';
import { secretOf, tokensOf } from './secrets.ts';

/** So long a worker waits for a driver before it goes on with other things. */
const WAIT_MS = 2_000;
const REFRESH_WAIT_MS = 100;

/** A pod's wish for one volume. */
export interface Job {
  readonly pod: Pod;
  readonly use: Use;
  readonly readOnly: boolean;
  readonly shape: Shape;
  readonly attributes: Strings;
  readonly publishSecret: { readonly namespace?: string; readonly name?: string } | undefined;
  /** Of an inline volume there are none. */
  readonly volume?: PersistentVolume;
  readonly claim?: PersistentVolumeClaim;
}

/** What the volumes of pods need of this room. */
export type PodCsi = Pick<
  CsiVolumes,
  'setUp' | 'setUpInline' | 'adopt' | 'pathOf' | 'republishes' | 'ownFolders' | 'tearDown'
>;

export class CsiVolumes {
  readonly #deps: CsiDeps;
  /** By pod, by the pod's name for the volume. */
  readonly #jobs = new Map<string, Map<string, Job>>();
  readonly #published = new Set<string>();

  constructor(deps: CsiDeps) {
    this.#deps = deps;
  }

  /** Everything that pods of this node have or wait for. */
  *jobs(): Generator<Job> {
    for (const jobs of this.#jobs.values()) yield* jobs.values();
  }

  isPublished({ use }: Job): boolean {
    return this.#published.has(keyOf(use));
  }

  async setUp(
    pod: Pod,
    podVolume: string,
    wanted: { volume: PersistentVolume; claim: PersistentVolumeClaim; readOnly: boolean },
    newest: boolean,
  ): Promise<void> {
    const { volume, claim, readOnly } = wanted;
    const csi = volume.spec.csi!;
    const shape = shapeOf(volume);
    const use: Use = {
      ...{ uid: pod.metadata.uid, spec: volume.metadata.name, driver: csi.driver, handle: csi.volumeHandle },
      ...{ mode: shape.mode, lifecycle: 'Persistent', podVolume },
    };
    const attributes = csi.volumeAttributes ?? {};
    const publishSecret = csi.nodePublishSecretRef;
    await this.#ensure({ pod, use, readOnly, shape, attributes, publishSecret, volume, claim }, newest);
  }

  async setUpInline(pod: Pod, { name, csi }: Volume, newest: boolean): Promise<void> {
    const { uid, namespace = '' } = pod.metadata;
    const { driver, fsType = '', readOnly = false, volumeAttributes, nodePublishSecretRef } = csi!;
    const use: Use = {
      ...{ uid, spec: name, driver, handle: inlineHandle(uid, name), podVolume: name },
      ...{ mode: 'Filesystem', lifecycle: 'Ephemeral' },
    };
    const shape: Shape = { mode: 'Filesystem', fsType, mountOptions: [], accessModes: ['ReadWriteOnce'] };
    const publishSecret = nodePublishSecretRef && { namespace, ...nodePublishSecretRef };
    await this.#ensure({ pod, use, readOnly, shape, attributes: volumeAttributes ?? {}, publishSecret }, newest);
  }

  /** What was published before this process began serves a pod that starts again while nobody can be asked. */
  async adopt(pod: Pod, podVolume: string): Promise<boolean> {
    const { uid } = pod.metadata;
    const use = (await this.#deps.layout.uses(uid)).find((each) => each.podVolume === podVolume);
    if (use === undefined || !(await this.#isThere(use))) return false;
    const shape: Shape = { mode: use.mode, fsType: '', mountOptions: [], accessModes: undefined };
    this.#remember({ pod, use, shape, readOnly: false, attributes: {}, publishSecret: undefined });
    return true;
  }

  /** Where a container finds it: a folder, or a device. Undefined: this volume is none of a driver's. */
  pathOf(uid: string, podVolume: string): string | undefined {
    const use = this.#jobs.get(uid)?.get(podVolume)?.use;
    return use && this.#deps.layout.target(use);
  }

  /** Whether a driver of this pod's wants to be told of it again and again. */
  republishes({ metadata }: Pod): boolean {
    const jobs = this.#jobs.get(metadata.uid)?.values() ?? [];
    return [...jobs].some(({ use }) => this.#deps.rules(use.driver).requiresRepublish);
  }

  /** Folders in which only drivers unmount. */
  ownFolders(uid: string): string[] {
    return this.#deps.layout.ownFolders(uid);
  }

  async tearDown(uid: string): Promise<void> {
    const { layout, operations, wake } = this.#deps;
    // Also what is wanted and not noted yet: a call that is under way may note it in the next moment.
    const wanted = Array.from(this.#jobs.get(uid)?.values() ?? [], ({ use }) => use);
    const left = new Map([...wanted, ...(await layout.uses(uid))].map((use) => [keyOf(use), use]));
    const outcomes = await Promise.allSettled(
      Array.from(left, ([key, use]) => {
        const work = (until: AbortSignal) => this.#unmountNoted(use, until);
        return operations.run(key, 'unmount', work, () => wake(uid), WAIT_MS);
      }),
    );
    const failed = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    const loud = failed.find((err) => !(err instanceof VolumePending)) ?? failed[0];
    if (loud !== undefined) throw loud;
    for (const key of left.keys()) operations.forget(key);
    this.#jobs.delete(uid);
  }

  /** What the drivers say of a pod's volumes, by the pod's name for them. */
  async stats(uid: string, signal: AbortSignal): Promise<ReadonlyMap<string, VolumeStats>> {
    const { layout, drivers, log } = this.#deps;
    const found = new Map<string, VolumeStats>();
    for (const [name, { use }] of this.#jobs.get(uid) ?? []) {
      const driver = drivers.get(use.driver);
      if (driver === undefined || !this.#published.has(keyOf(use))) continue;
      try {
        if (!(await driver.capabilities(signal)).has('GET_VOLUME_STATS')) continue;
        const stages =
          (await driver.capabilities(signal)).has('STAGE_UNSTAGE_VOLUME') && use.lifecycle === 'Persistent';
        const staging = stages ? layout.staging(use) : '';
        found.set(name, await driver.client.stats(use.handle, layout.target(use), staging, signal));
      } catch (err) {
        signal.throwIfAborted();
        log.debug({ volume: use.spec, why: rpcSaid(err) }, 'driver does not say how full the volume is');
      }
    }
    return found;
  }

  /** Published to its end, by whatever process, and mounted still. */
  async #isThere(use: Use): Promise<boolean> {
    const { layout } = this.#deps;
    return (await layout.isPublished(use)) && (await isMounted(layout.target(use)));
  }

  #remember(job: Job): void {
    const { uid, podVolume } = job.use;
    const jobs = this.#jobs.get(uid) ?? new Map<string, Job>();
    this.#jobs.set(uid, jobs.set(podVolume, job));
  }

  async #ensure(job: Job, newest: boolean): Promise<void> {
    const { layout, operations, rules, wake } = this.#deps;
    const { use, pod } = job;
    const key = keyOf(use);
    this.#remember(job);
    const isUp = this.#published.has(key) && (await isMounted(layout.target(use)));
    if (isUp && (newest || !rules(use.driver).requiresRepublish)) return;
    const work = (signal: AbortSignal) => this.#mount(job, isUp, signal);
    try {
      await operations.run(key, 'mount', work, () => wake(pod.metadata.uid), isUp ? REFRESH_WAIT_MS : WAIT_MS);
    } catch (err) {
      if (err instanceof VolumePending && isUp) return; // told again in the background
      // The driver is away: what it published before serves a pod that starts again.
      if (!isUp && this.#deps.drivers.get(use.driver) === undefined && (await this.#isThere(use))) return;
      throw err instanceof VolumeError ? err : new VolumeError(rpcSaid(err), { cause: err });
    }
  }

  async #mount(job: Job, isUp: boolean, signal: AbortSignal): Promise<void> {
    const { layout, node, rules, attachments } = this.#deps;
    const { use, volume } = job;
    const driver = this.#driver(use.driver);
    const has = await driver.capabilities(signal);
    const rule = rules(use.driver);
    const problem = lifecycleProblem(use.driver, use.lifecycle, rule);
    if (problem !== undefined) throw new VolumeError(problem);
    if (!(await layout.isPublished(use))) await layout.noteUse(use, node);
    let publishContext: Strings = {};
    let staging = '';
    if (volume !== undefined) {
      if (rule.attachRequired) publishContext = await attachments.attached(use, signal);
      const staged = await this.#stage(job, driver, has, publishContext, signal);
      staging = staged.path;
      if (staged.isNew) await this.#deps.grow(job, staging, signal);
    }
    await this.#publish(job, driver, has, publishContext, staging, signal);
    if (isUp) return;
    const target = layout.target(use);
    if (use.mode === 'Block') await linkDevice(layout.deviceLink(use), target);
    if (givesToGroup(job.shape, job.pod, job.readOnly, rule.fsGroupPolicy, has)) {
      await giveToGroup(target, job.pod).catch((err) => {
        throw new VolumeError(`applyFSGroup failed for vol ${use.handle}: ${rpcSaid(err)}`, { cause: err });
      });
    }
    await layout.noteUse(use, node, true);
    this.#published.add(keyOf(use));
    if (staging === '' && volume !== undefined) await this.#deps.grow(job, target, signal);
  }

  #stage(
    { pod, use, volume, shape, attributes }: Job,
    driver: Driver,
    has: ReadonlySet<NodeCapability>,
    publishContext: Strings,
    signal: AbortSignal,
  ) {
    const request = async () => ({
      volumeId: use.handle,
      publishContext,
      volumeCapability: capability(shape, has, fsGroupOf(pod)),
      secrets: await secretOf(volume?.spec.csi?.nodeStageSecretRef, 'NodeStageSecretRef', this.#deps.objects, signal),
      volumeContext: attributes,
    });
    return this.#deps.staging.stage(use, driver, request, signal);
  }

  async #publish(
    { pod, use, readOnly, shape, attributes, publishSecret }: Job,
    driver: Driver,
    has: ReadonlySet<NodeCapability>,
    publishContext: Strings,
    stagingTargetPath: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { layout, rules, objects, tokens } = this.#deps;
    const rule = rules(use.driver);
    const target = layout.target(use);
    const secrets = await secretOf(publishSecret, 'NodePublishSecretRef', objects, signal);
    const issued = await tokensOf(pod, rule, tokens, signal);
    const token: Strings = issued === undefined ? {} : { [TOKENS]: issued };
    await mkdir(dirname(target), { recursive: true, mode: 0o750 });
    const request = {
      ...{ volumeId: use.handle, publishContext, stagingTargetPath, targetPath: target, readonly: readOnly },
      volumeCapability: capability(shape, has, fsGroupOf(pod)),
      secrets: { ...secrets, ...(rule.tokensInSecrets && token) },
      volumeContext: { ...attributes, ...podInfo(pod, use.lifecycle, rule), ...(!rule.tokensInSecrets && token) },
    };
    try {
      await driver.client.publish(request, signal);
    } catch (err) {
      signal.throwIfAborted();
      this.#deps.log.debug({ volume: use.spec, uncertain: isUncertain(err), why: rpcSaid(err) }, 'not published');
      throw err;
    }
  }

  async #unmountNoted(use: Use, signal: AbortSignal): Promise<void> {
    const noted = await this.#deps.layout.uses(use.uid);
    if (noted.some((each) => keyOf(each) === keyOf(use))) await this.#unmount(use, signal);
  }

  async #unmount(use: Use, signal: AbortSignal): Promise<void> {
    const { layout, staging } = this.#deps;
    const target = layout.target(use);
    const driver = (await isThere(target)) ? this.#driver(use.driver) : this.#deps.drivers.get(use.driver);
    try {
      await driver?.client.unpublish(use.handle, target, signal);
    } catch (err) {
      signal.throwIfAborted();
      throw new VolumeError(`UnmountVolume.TearDown failed for volume "${use.spec}" : ${rpcSaid(err)}`, { cause: err });
    }
    this.#published.delete(keyOf(use));
    await layout.forgetUse(use);
    if (use.lifecycle === 'Persistent') staging.release(use);
  }

  #driver(name: string): Driver {
    const driver = this.#deps.drivers.get(name);
    if (driver !== undefined) return driver;
    throw new VolumeError(`driver name ${name} not found in the list of registered CSI drivers`);
  }
}

function keyOf({ uid, mode, spec }: Use): string {
  return `${uid} ${mode} ${spec}`;
}
