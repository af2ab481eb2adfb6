// Who uses which volume where: pods with claims by node and by claim, attachments by node and by volume. Keys only,
// so that a look at one node costs what that node holds.
import type { Pod } from '../../api/types/core/pod.ts';
import type { VolumeAttachment } from '../../api/types/storage/volume-attachment.ts';
import { claimsOf } from './claims-of-pod.ts';
import { isFinished } from './pod-facts.ts';

/** Sets by a key; an empty one is forgotten. */
class Groups {
  readonly #sets = new Map<string, Set<string>>();

  add(group: string, member: string): void {
    const set = this.#sets.get(group);
    if (set === undefined) this.#sets.set(group, new Set([member]));
    else set.add(member);
  }

  remove(group: string, member: string): void {
    const set = this.#sets.get(group);
    if (set?.delete(member) && set.size === 0) this.#sets.delete(group);
  }

  of(group: string): Iterable<string> {
    return this.#sets.get(group) ?? [];
  }

  keys(): Iterable<string> {
    return this.#sets.keys();
  }
}

export class AttachIndex {
  /** Keys of pods that are on a node and use claims. */
  readonly podsOn = new Groups();
  readonly podsUsing = new Groups();
  readonly attachmentsOn = new Groups();
  readonly attachmentsOf = new Groups();

  /** The nodes that the change concerns. */
  podChanged(key: string, now: Pod | undefined, before: Pod | undefined): string[] {
    if (before !== undefined && isHere(before)) {
      this.podsOn.remove(before.spec.nodeName!, key);
      for (const claim of claimKeys(before)) this.podsUsing.remove(claim, key);
    }
    if (now !== undefined && isHere(now)) {
      this.podsOn.add(now.spec.nodeName!, key);
      for (const claim of claimKeys(now)) this.podsUsing.add(claim, key);
    }
    const both = [now, before].filter((pod) => pod?.spec.nodeName && claimsOf(pod).length > 0);
    // What a running pod reports of itself changes nothing here.
    if (both.length === 2 && uses(now!) === uses(before!) && now!.spec.nodeName === before!.spec.nodeName) return [];
    return [...new Set(both.map((pod) => pod!.spec.nodeName!))];
  }

  attachmentChanged(key: string, now: VolumeAttachment | undefined, before: VolumeAttachment | undefined): void {
    const { spec } = (now ?? before)!;
    const volume = spec.source.persistentVolumeName ?? '';
    if (now === undefined) {
      this.attachmentsOn.remove(spec.nodeName, key);
      this.attachmentsOf.remove(volume, key);
    } else {
      this.attachmentsOn.add(spec.nodeName, key);
      this.attachmentsOf.add(volume, key);
    }
  }
}

export function claimKeys(pod: Pod): string[] {
  return claimsOf(pod).map((name) => `${pod.metadata.namespace}/${name}`);
}

const isHere = (pod: Pod): boolean => !!pod.spec.nodeName && claimsOf(pod).length > 0;

/** A pod that is over uses nothing any more, nor does one on its way out of which nothing runs. */
export function uses(pod: Pod): boolean {
  if (isFinished(pod)) return false;
  const { containerStatuses = [] } = pod.status;
  const isRunning = containerStatuses.some(({ state }) => !state?.terminated && !state?.waiting);
  return pod.metadata.deletionTimestamp === undefined || isRunning;
}
