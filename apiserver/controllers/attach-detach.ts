// Volumes of CSI drivers get to the nodes of the pods that use them, and away from there: a VolumeAttachment asks the
// driver's attacher, the node's status tells its kubelet. Keyed by node; what to do is attach-detach-decide.ts's.
import { on, runController } from '../../api/client/controller.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import { isAlreadyExists, isNotFound } from '../../api/status.ts';
import type { Node } from '../../api/types/core/node.ts';
import type { PersistentVolume } from '../../api/types/core/persistent-volume.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { nodes, pods } from '../../api/types/core/resources.ts';
import { persistentVolumeClaims, persistentVolumes } from '../../api/types/core/storage-resources.ts';
import { csiDrivers, volumeAttachments } from '../../api/types/storage/resources.ts';
import type { VolumeAttachment } from '../../api/types/storage/volume-attachment.ts';
import {
  ATTACHED_WITHIN_MS,
  attachedList,
  attachmentName,
  decideNode,
  hasTaint,
  isReady,
  isUsedBy,
  multiAttachMessage,
  type WantedVolume,
} from './attach-detach-decide.ts';
import { AttachIndex, claimKeys, uses } from './attach-index.ts';
import type { Controller } from './deps.ts';

/** News of what we wrote is late, not lost; a relist may have left it out. */
const NEWS_WITHIN_MS = 60_000;

interface Remembered {
  /** Attachments not seen attached yet. */
  readonly waiting: Map<string, Waiting>;
  /** Those that pods were told they cannot have yet. */
  readonly refused: Set<string>;
}

/** Asked again although nothing is known to have changed: an attacher that does not answer is told of. */
interface Waiting {
  readonly sinceMs: number;
  told: string;
}

export const attachDetachController: Controller = ({ client, informers, recorder, clock, log }) => {
  const podsHere = informers.of(pods);
  const nodesHere = informers.of(nodes);
  const claims = informers.of(persistentVolumeClaims);
  const volumes = informers.of(persistentVolumes);
  const drivers = informers.of(csiDrivers);
  const attachments = informers.of(volumeAttachments);
  const index = new AttachIndex();
  /** By node. Only what is said and when hangs on it. */
  const remembered = new Map<string, Remembered>();
  const unwantedSince = new Map<string, number>();
  const detachErrors = new Map<string, string>();
  /** Made and not in the news yet: two nodes must not get the same volume from the same picture. */
  const made = new Map<string, VolumeAttachment & { readonly atMs: number }>();

  /** The volume behind a claim, if it is one that has to be attached. */
  function attachable(claimKey: string): PersistentVolume | undefined {
    const claim = claims.get(claimKey);
    if (claim === undefined || claim.status.phase !== 'Bound' || !claim.spec.volumeName) return undefined;
    const volume = volumes.get(claim.spec.volumeName);
    if (volume?.spec.csi === undefined || volume.spec.claimRef?.uid !== claim.metadata.uid) return undefined;
    return drivers.get(volume.spec.csi.driver)?.spec.attachRequired === false ? undefined : volume;
  }

  function* usersOf(volume: PersistentVolume): Generator<Pod> {
    const { namespace, name } = volume.spec.claimRef ?? {};
    for (const key of index.podsUsing.of(`${namespace}/${name}`)) {
      const pod = podsHere.get(key);
      if (pod !== undefined && uses(pod)) yield pod;
    }
  }

  function wantedOn(node: string): WantedVolume[] {
    const found = new Map<string, { volume: PersistentVolume; pods: Pod[] }>();
    for (const key of index.podsOn.of(node)) {
      const pod = podsHere.get(key);
      if (pod === undefined || !uses(pod)) continue;
      for (const claim of new Set(claimKeys(pod))) {
        const volume = attachable(claim);
        if (volume === undefined) continue;
        const { driver, volumeHandle } = volume.spec.csi!;
        const id = attachmentName(driver, volumeHandle, node);
        const one = found.get(id) ?? { volume, pods: [] };
        one.pods.push(pod);
        found.set(id, one);
      }
    }
    return Array.from(found.values(), ({ volume, pods: users }) => {
      const all = [...listed(index.attachmentsOf.of(volume.metadata.name)), ...madeOf(volume)];
      const elsewhere = all.filter(({ spec }) => spec.nodeName !== node);
      const there = new Set(elsewhere.map(({ spec }) => spec.nodeName));
      const othersPods = [...usersOf(volume)].filter(({ spec }) => there.has(spec.nodeName ?? ''));
      return { volume, pods: users, elsewhere, othersPods };
    });
  }

  function madeOf({ metadata }: PersistentVolume): VolumeAttachment[] {
    for (const [name, { atMs }] of made) if (clock.monotonic() - atMs >= NEWS_WITHIN_MS) made.delete(name);
    return [...made.values()].filter(({ spec }) => spec.source.persistentVolumeName === metadata.name);
  }

  function listed(keys: Iterable<string>): VolumeAttachment[] {
    return [...keys].flatMap((key) => attachments.get(key) ?? []);
  }

  async function reconcile(name: string, signal: AbortSignal): Promise<Next> {
    const node = nodesHere.get(name);
    const wanted = wantedOn(name);
    const here = listed(index.attachmentsOn.of(name));
    const wakeMs = noteTimes(name, wanted, here);
    const world = { name, node, wanted, attachments: here, unwantedSince, volume: (key: string) => volumes.get(key) };
    let seen: Node | undefined;
    let nextMs = wakeMs;
    for (const action of decideNode(world, clock.monotonic())) {
      switch (action.do) {
        case 'attach':
          await attach(action.name, action.wanted, name, signal);
          nextMs = Math.min(nextMs, ATTACHED_WITHIN_MS);
          break;
        case 'refuse':
          refuse(action.wanted, name);
          break;
        case 'report':
          seen = await report(node!, action.volumes, signal);
          break;
        case 'detach':
          await detach(action.attachment, action.unsafe ? 'whatever' : seen, signal);
          break;
        case 'wait':
          nextMs = Math.min(nextMs, Math.max(action.ms, 1));
          break;
        default:
          return action satisfies never;
      }
    }
    return Number.isFinite(nextMs) ? { afterMs: nextMs } : AT_REST;
  }

  /** What is waited for and since when, and news of it for those who wait. Returns when to look again by itself. */
  function noteTimes(node: string, wanted: readonly WantedVolume[], here: readonly VolumeAttachment[]): number {
    const nowMs = clock.monotonic();
    let nextMs = Number.POSITIVE_INFINITY;
    const names = new Set<string>();
    const { waiting, refused } = memoryOf(node);
    for (const one of wanted) {
      const { driver, volumeHandle } = one.volume.spec.csi!;
      const id = attachmentName(driver, volumeHandle, node);
      names.add(id);
      unwantedSince.delete(id);
      const attachment = here.find(({ metadata }) => metadata.name === id);
      if (attachment === undefined) continue;
      refused.delete(id);
      const wait = waiting.get(id);
      if (attachment.status.attached && attachment.metadata.deletionTimestamp === undefined) {
        waiting.delete(id);
        if (wait !== undefined) tellPods(one, 'Normal', 'SuccessfulAttachVolume', 'AttachVolume.Attach succeeded', '');
        continue;
      }
      const since = wait ?? { sinceMs: nowMs, told: '' };
      waiting.set(id, since);
      const leftMs = since.sinceMs + ATTACHED_WITHIN_MS - nowMs;
      const trouble = troubleOf(attachment, volumeHandle, leftMs <= 0);
      if (trouble !== undefined && since.told !== trouble.id) {
        tellPods(one, 'Warning', 'FailedAttachVolume', 'AttachVolume.Attach failed', `: ${trouble.message}`);
      }
      if (leftMs > 0) nextMs = Math.min(nextMs, leftMs);
      since.told = trouble?.id ?? '';
    }
    for (const { metadata, status } of here) {
      if (names.has(metadata.name)) continue;
      if (!unwantedSince.has(metadata.name)) unwantedSince.set(metadata.name, nowMs);
      const { detachError } = status;
      const text = detachError === undefined ? '' : `${detachError.time} ${detachError.message}`;
      if (text !== '' && detachErrors.get(metadata.name) !== text) tellNode(node, metadata.name, detachError?.message);
      if (text !== '') detachErrors.set(metadata.name, text);
    }
    for (const id of waiting.keys()) if (!names.has(id)) waiting.delete(id);
    for (const id of refused) if (!names.has(id)) refused.delete(id);
    if (names.size === 0) remembered.delete(node);
    return nextMs;
  }

  function memoryOf(node: string): Remembered {
    const known = remembered.get(node) ?? { waiting: new Map(), refused: new Set() };
    remembered.set(node, known);
    return known;
  }

  function troubleOf({ metadata, spec, status }: VolumeAttachment, handle: string, isLate: boolean) {
    const { attachError } = status;
    if (metadata.deletionTimestamp !== undefined)
      return { id: 'deleting', message: 'volume attachment is being deleted' };
    if (attachError !== undefined) {
      return { id: `${attachError.time} ${attachError.message}`, message: attachError.message ?? '' };
    }
    if (!isLate) return undefined;
    const message = `timed out waiting for external-attacher of ${spec.attacher} CSI driver to attach volume ${handle}`;
    return { id: 'late', message };
  }

  function tellPods(
    { volume, pods: users }: WantedVolume,
    type: 'Normal' | 'Warning',
    reason: string,
    what: string,
    more: string,
  ): void {
    const message = `${what} for volume ${JSON.stringify(volume.metadata.name)} ${more}`;
    for (const pod of users) recorder.event(pod, type, reason, message);
  }

  function tellNode(node: string, attachment: string, why = ''): void {
    const object = nodesHere.get(node);
    const name = attachments.get(attachment)?.spec.source.persistentVolumeName ?? '';
    const message = `DetachVolume.Detach failed for volume ${JSON.stringify(name)} : ${why}`;
    if (object !== undefined) recorder.event(object, 'Warning', 'FailedDetachVolume', message);
  }

  function refuse(wanted: WantedVolume, node: string): void {
    const { driver, volumeHandle } = wanted.volume.spec.csi!;
    const id = attachmentName(driver, volumeHandle, node);
    const { refused } = memoryOf(node);
    if (refused.has(id)) return;
    refused.add(id);
    for (const pod of wanted.pods) {
      recorder.event(pod, 'Warning', 'FailedAttachVolume', multiAttachMessage(wanted, pod));
    }
  }

  async function attach(name: string, wanted: WantedVolume, nodeName: string, signal: AbortSignal): Promise<void> {
    const { volume } = wanted;
    const attacher = volume.spec.csi!.driver;
    const source = { persistentVolumeName: volume.metadata.name };
    const body = { metadata: { name }, spec: { attacher, nodeName, source } };
    memoryOf(nodeName).waiting.set(name, { sinceMs: clock.monotonic(), told: '' });
    made.set(name, { ...body, status: {}, atMs: clock.monotonic() } as VolumeAttachment & { atMs: number });
    try {
      await client.create(volumeAttachments, body, {}, signal);
    } catch (err) {
      made.delete(name);
      if (isAlreadyExists(err)) return; // its news is on the way
      signal.throwIfAborted();
      const why = `: kubernetes.io/csi: attacher.Attach failed: ${err instanceof Error ? err.message : String(err)}`;
      tellPods(wanted, 'Warning', 'FailedAttachVolume', 'AttachVolume.Attach failed', why);
      throw err;
    }
  }

  async function report(node: Node, attached: readonly string[], signal: AbortSignal): Promise<Node | undefined> {
    const volumesAttached = attachedList(node, attached);
    const key = { name: node.metadata.name };
    // A merge would leave an empty list as it is not: null takes the field away.
    const body = { status: { volumesAttached: volumesAttached.length > 0 ? volumesAttached : null } };
    return client
      .patch(nodes, key, { type: 'merge', body }, { subresource: 'status' }, signal)
      .catch((err) => unlessGone(err));
  }

  /** The node's own word is taken fresh: its news may be older than what it mounted last. */
  async function detach(attachment: VolumeAttachment, asked: Node | 'whatever' | undefined, signal: AbortSignal) {
    const { name, uid } = attachment.metadata;
    const { nodeName } = attachment.spec;
    if (asked !== 'whatever') {
      const node = asked ?? (await client.get(nodes, { name: nodeName }, {}, signal).catch(unlessGone));
      // Its news will wake us.
      if (node !== undefined && isUsedBy(node, attachment)) return;
    } else log.warn({ node: nodeName, attachment: name }, 'detached from a node that may still use it');
    await client.delete(volumeAttachments, { name }, { preconditions: { uid } }, signal).catch(unlessGone);
  }

  function* nodesOf(volume: PersistentVolume | undefined): Generator<string> {
    if (volume === undefined) return;
    for (const { spec } of usersOf(volume)) if (spec.nodeName) yield spec.nodeName;
  }

  const sources = [
    on(podsHere, (key, now, before) => index.podChanged(key, now, before)),
    on(claims, (key) => [...index.podsUsing.of(key)].flatMap((pod) => podsHere.get(pod)?.spec.nodeName ?? [])),
    on(volumes, (_key, now, before) => new Set([...nodesOf(now), ...nodesOf(before)])),
    on(drivers, () => index.podsOn.keys()),
    on(attachments, (key, now, before) => {
      index.attachmentChanged(key, now, before);
      made.delete(key);
      if (now === undefined) {
        for (const map of [unwantedSince, detachErrors]) map.delete(key);
      }
      const { spec } = (now ?? before)!;
      // Whoever waits until it is free elsewhere looks again.
      return new Set([spec.nodeName, ...nodesOf(volumes.get(spec.source.persistentVolumeName ?? ''))]);
    }),
    on(nodesHere, (key, now, before) => (summary(now) === summary(before) ? [] : [key])),
  ];
  return (signal) => runController({ name: 'attach-detach', sources, reconcile, workers: 4, clock, log }, signal);
};

/** What of a node matters here; heartbeats do not. */
function summary(node: Node | undefined): string {
  if (node === undefined) return '';
  const { volumesInUse, volumesAttached } = node.status;
  const { uid, annotations } = node.metadata;
  return JSON.stringify([uid, annotations, volumesInUse, volumesAttached, isReady(node), hasTaint(node)]);
}

function unlessGone(err: unknown): undefined {
  if (!isNotFound(err)) throw err;
  return undefined;
}
