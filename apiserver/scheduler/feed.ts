// Keeps the snapshot and the queue up to date: every change the API shows becomes a change of the projection, and
// wakes the pods that it may concern.
import type { Client } from '../../api/client/client.ts';
import { Informer, type InformerOptions } from '../../api/client/informer.ts';
import type { Clock } from '../../api/clock.ts';
import { selectorMatcher } from '../../api/labels.ts';
import type { Logger } from '../../api/log.ts';
import type { ResourceDefinition } from '../../api/resource.ts';
import { deepEqual } from '../../api/schema/equal.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import { replicaSets, statefulSets } from '../../api/types/apps/resources.ts';
import { replicationControllers } from '../../api/types/core/legacy-resources.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { namespaces, nodes, pods, services } from '../../api/types/core/resources.ts';
import { persistentVolumeClaims, persistentVolumes } from '../../api/types/core/storage-resources.ts';
import { podDisruptionBudgets } from '../../api/types/policy/resources.ts';
import { deviceClasses, resourceClaims, resourceSlices } from '../../api/types/resource/resources.ts';
import {
  csiDrivers,
  csiNodes,
  csiStorageCapacities,
  storageClasses,
  volumeAttachments,
} from '../../api/types/storage/resources.ts';
import type { ClusterEvent, StorageKind } from './plugin.ts';
import { asksForLess } from './plugins/node-resources-fit.ts';
import { type PodInfo, podInfo, SCHEDULER_NAME } from './pod-info.ts';
import type { SchedulingQueue } from './queue.ts';
import { slimMetadata, slimNode, slimPod } from './slim.ts';
import type { Snapshot } from './snapshot.ts';

export interface FeedDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly snapshot: Snapshot;
  readonly queue: SchedulingQueue;
  /** Called after each change: there may be something to do. */
  readonly onChange: () => void;
}

/** Pods that ended take nothing of their node. */
const UNFINISHED = 'status.phase!=Succeeded,status.phase!=Failed';

export class Feed {
  readonly #deps: FeedDeps;
  readonly #informers: Informer<KubeObject>[] = [];
  readonly #pods: Informer<Pod>;

  constructor(deps: FeedDeps) {
    this.#deps = deps;
    const { snapshot } = deps;
    const { groups } = snapshot;
    this.#pods = this.#follow(pods, { fieldSelector: UNFINISHED, project: slimPod }, (key, now, before) =>
      this.#podChanged(key, now, before),
    );
    this.#follow(nodes, { project: slimNode }, (key, now) => {
      if (now === undefined) {
        snapshot.removeNode(key);
        return { on: 'node-gone', name: key };
      }
      const { node, changes } = snapshot.describeNode(now);
      return changes.length === 0 ? undefined : { on: 'node', node, changes };
    });
    this.#follow(namespaces, { project: headOnly }, (name, now, before) => {
      if (now === undefined) snapshot.namespaces.delete(name);
      else snapshot.namespaces.set(name, now.metadata.labels ?? {});
      return deepEqual(now?.metadata.labels, before?.metadata.labels) ? undefined : { on: 'namespace', name };
    });
    this.#follow(podDisruptionBudgets, {}, (key, now) => {
      if (now === undefined) snapshot.budgets.delete(key);
      else {
        snapshot.budgets.set(key, {
          namespace: now.metadata.namespace ?? '',
          selects: selectorMatcher(now.spec.selector),
          allowed: now.status.disruptionsAllowed ?? 0,
          disrupted: new Set(Object.keys(now.status.disruptedPods ?? {})),
        });
      }
      return undefined;
    });
    this.#follow(services, { project: selectorOnly }, (key, now, before) => {
      const namespace = (now ?? before)!.metadata.namespace ?? '';
      if (now === undefined) groups.removeService(key, namespace);
      else groups.setService(key, { namespace, selector: now.spec.selector ?? {} });
      return undefined;
    });
    for (const owners of [replicaSets, statefulSets]) {
      this.#follow(owners as ResourceDefinition<OwnerOfPods>, { project: selectorOnly }, (_key, now, before) => {
        if (now === undefined) groups.removeOwner(before!.metadata.uid);
        else groups.setOwner(now.metadata.uid, now.spec.selector);
        return undefined;
      });
    }
    this.#follow(replicationControllers, { project: selectorOnly }, (_key, now, before) => {
      if (now === undefined) groups.removeOwner(before!.metadata.uid);
      else groups.setOwner(now.metadata.uid, { matchLabels: now.spec.selector ?? {} });
      return undefined;
    });
    this.#followStorage();
    this.#followDevices();
  }

  #followStorage(): void {
    const { volumes } = this.#deps.snapshot;
    const about =
      (what: StorageKind) =>
      (key: string, isGone: boolean): ClusterEvent => ({ on: 'storage', what, key, isGone });
    const claim = about('claim');
    this.#follow(persistentVolumeClaims, {}, (key, now) => {
      if (now === undefined) volumes.removeClaim(key);
      else volumes.setClaim(now);
      return claim(key, now === undefined);
    });
    const volume = about('volume');
    this.#follow(persistentVolumes, {}, (key, now) => {
      if (now === undefined) volumes.removeVolume(key);
      else volumes.setVolume(now);
      return volume(key, now === undefined);
    });
    const sort = about('class');
    this.#follow(storageClasses, {}, (key, now) => {
      if (now === undefined) volumes.classes.delete(key);
      else volumes.setClass(now);
      return sort(key, now === undefined);
    });
    const limits = about('limits');
    this.#follow(csiNodes, {}, (key, now) => {
      if (now === undefined) volumes.limits.delete(key);
      else volumes.setCsiNode(now);
      return limits(key, now === undefined);
    });
    const driver = about('driver');
    this.#follow(csiDrivers, {}, (key, now) => {
      if (now === undefined) volumes.tellingCapacity.delete(key);
      else volumes.setDriver(now);
      // One that is gone tells nothing of its room any more, so every node may do.
      return driver(key, false);
    });
    const capacity = about('capacity');
    this.#follow(csiStorageCapacities, {}, (key, now) => {
      if (now === undefined) volumes.capacities.delete(key);
      else volumes.setCapacity(now);
      return capacity(key, now === undefined);
    });
    const attachment = about('attachment');
    this.#follow(volumeAttachments, {}, (key, now, before) => {
      if (now === undefined) volumes.removeAttachment(before!);
      else volumes.setAttachment(now);
      return attachment(key, now === undefined);
    });
  }

  #followDevices(): void {
    const { devices } = this.#deps.snapshot;
    const changed: ClusterEvent = { on: 'devices' };
    this.#follow(resourceClaims, {}, (key, now) => {
      devices.setClaim(key, now);
      return changed;
    });
    this.#follow(deviceClasses, {}, (key, now) => {
      if (now === undefined) devices.classes.delete(key);
      else devices.classes.set(key, now);
      return changed;
    });
    this.#follow(resourceSlices, {}, (key, now) => {
      if (now === undefined) devices.slices.delete(key);
      else devices.slices.set(key, now);
      return changed;
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#informers.map((informer) => informer.run(signal)));
  }

  async synced(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#informers.map((informer) => informer.synced(signal)));
  }

  /** The pod as the API shows it, while it still is the same one and waits for a node. */
  pending({ key, uid }: PodInfo): PodInfo | undefined {
    const now = this.#pods.get(key);
    if (now === undefined || now.metadata.uid !== uid || now.metadata.deletionTimestamp !== undefined) return undefined;
    return now.spec.nodeName ? undefined : podInfo(now, this.#deps.snapshot.names);
  }

  #follow<T extends KubeObject>(
    of: ResourceDefinition<T>,
    options: InformerOptions<T>,
    handle: (key: string, now: T | undefined, before: T | undefined) => ClusterEvent | undefined,
  ): Informer<T> {
    const { client, clock, log, queue, onChange } = this.#deps;
    const informer = new Informer(client, of, options, { clock, log });
    informer.onChange((key, now, before) => {
      const event = handle(key, now, before);
      if (event !== undefined) queue.wake(event, clock.monotonic());
      onChange();
    });
    this.#informers.push(informer as unknown as Informer<KubeObject>);
    return informer;
  }

  #podChanged(key: string, now: Pod | undefined, before: Pod | undefined): ClusterEvent | undefined {
    const { snapshot, queue, clock } = this.#deps;
    const replaced = before !== undefined && now !== undefined && before.metadata.uid !== now.metadata.uid;
    if (now === undefined || replaced) {
      const event = this.#podGone(key);
      if (now === undefined) return event;
      if (event !== undefined) queue.wake(event, clock.monotonic());
    }
    const pod = podInfo(now, snapshot.names);
    if (pod.nodeName !== '') return this.#podPlaced(pod, replaced ? undefined : before);
    if (pod.schedulerName !== SCHEDULER_NAME) return undefined;
    if (pod.terminating) {
      snapshot.withdraw(key);
      if (!snapshot.isAssumed(key)) queue.delete(key);
      return undefined;
    }
    if (pod.nominatedNodeName !== '') snapshot.nominate(pod, pod.nominatedNodeName);
    else if (before?.status.nominatedNodeName) snapshot.withdraw(key);
    // What else changed in its status is our own doing.
    const wakes =
      before === undefined ||
      !deepEqual(before.spec, now.spec) ||
      !deepEqual(before.metadata.labels, now.metadata.labels) ||
      !deepEqual(before.status.resourceClaimStatuses, now.status.resourceClaimStatuses);
    queue.put(pod, clock.monotonic(), wakes);
    return undefined;
  }

  #podPlaced(pod: PodInfo, before: Pod | undefined): ClusterEvent | undefined {
    const { snapshot, queue } = this.#deps;
    queue.delete(pod.key);
    snapshot.withdraw(pod.key);
    const previous = snapshot.setPod(pod);
    if (previous === undefined || !before?.spec.nodeName) return { on: 'pod', pod, change: 'added' };
    if (!deepEqual(previous.labels, pod.labels)) return { on: 'pod', pod, change: 'labels' };
    return asksForLess(pod, previous) ? { on: 'pod', pod, change: 'smaller' } : undefined;
  }

  #podGone(key: string): ClusterEvent | undefined {
    const { snapshot, queue } = this.#deps;
    queue.delete(key);
    snapshot.withdraw(key);
    const pod = snapshot.removePod(key);
    return pod && { on: 'pod-gone', pod };
  }
}

interface OwnerOfPods extends KubeObject {
  spec: { selector: Parameters<typeof selectorMatcher>[0] & object };
}

function headOnly<T extends KubeObject>({ apiVersion, kind, metadata }: T): T {
  return { apiVersion, kind, metadata: slimMetadata(metadata) } as T;
}

function selectorOnly<T extends KubeObject & { spec: { selector?: unknown } }>(object: T): T {
  return { ...headOnly(object), spec: { selector: object.spec.selector } };
}
