// Which volumes a node should have attached, what is attached there, and what to do about the difference. Pure.
//
//   wanted:     nothing -> VolumeAttachment made -> attached by the driver's attacher -> told to the node
//   not wanted: unmounted by the node -> told to the node -> VolumeAttachment deleted -> the attacher lets it go
//
// The node mounts nothing that status.volumesAttached does not name, and names in status.volumesInUse what it may
// have mounted: so what is taken back is first struck from the one and then must be missing in the other.
import { createHash } from 'node:crypto';
import type { Node } from '../../api/types/core/node.ts';
import type { PersistentVolume } from '../../api/types/core/persistent-volume.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { VolumeAttachment } from '../../api/types/storage/volume-attachment.ts';

/** The node says by this annotation that it leaves attaching to us. */
export const MANAGED = 'volumes.kubernetes.io/controller-managed-attach-detach';
/** So long a node that is not ready may keep what nobody wants there any more. */
export const UNMOUNTED_WITHIN_MS = 6 * 60_000;
/** So long an attacher has before its silence is told. */
export const ATTACHED_WITHIN_MS = 2 * 60_000;
const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service';
const PREFIX = 'kubernetes.io/csi/';

/** A volume that pods of this node use. */
export interface WantedVolume {
  readonly volume: PersistentVolume;
  readonly pods: readonly Pod[];
  /** Where else it is attached, or may be. */
  readonly elsewhere: readonly VolumeAttachment[];
  /** Pods that use it there. */
  readonly othersPods: readonly Pod[];
}

export interface NodeVolumes {
  readonly name: string;
  /** Undefined when it is gone. */
  readonly node: Node | undefined;
  readonly wanted: readonly WantedVolume[];
  readonly attachments: readonly VolumeAttachment[];
  /** Since when an attachment is not wanted, by its name. */
  readonly unwantedSince: ReadonlyMap<string, number>;
  readonly volume: (name: string) => PersistentVolume | undefined;
}

export type AttachAction =
  | { readonly do: 'attach'; readonly name: string; readonly wanted: WantedVolume }
  | { readonly do: 'refuse'; readonly wanted: WantedVolume }
  /** `unsafe`: the node is not asked again whether it still uses it. */
  | { readonly do: 'detach'; readonly attachment: VolumeAttachment; readonly unsafe: boolean }
  /** What the node is told that it has. */
  | { readonly do: 'report'; readonly volumes: readonly string[] }
  | { readonly do: 'wait'; readonly ms: number };

/** Of a driver, a volume and a node there is one attachment. */
export function attachmentName(driver: string, handle: string, node: string): string {
  return `csi-${createHash('sha256').update(`${handle}${driver}${node}`).digest('hex')}`;
}

/** As nodes name it in their status. */
export function uniqueName(driver: string, handle: string): string {
  return `${PREFIX}${driver}^${handle}`;
}

export function decideNode(world: NodeVolumes, nowMs: number): AttachAction[] {
  const { name, node, wanted, attachments, unwantedSince } = world;
  // A node without the annotation attaches by itself; of one that is gone only what is left is taken away.
  if (node !== undefined && node.metadata.annotations?.[MANAGED] === undefined) return [];
  const byName = new Map(attachments.map((attachment) => [attachment.metadata.name, attachment]));
  const wantedNames = new Set<string>();
  const actions: AttachAction[] = [];
  const attached = new Set<string>();
  for (const one of node === undefined ? [] : wanted) {
    const { driver, volumeHandle } = one.volume.spec.csi!;
    const id = attachmentName(driver, volumeHandle, name);
    wantedNames.add(id);
    const attachment = byName.get(id);
    if (attachment !== undefined) {
      if (isAttached(attachment)) attached.add(uniqueName(driver, volumeHandle));
    } else if (maybeShared(one.volume) || !one.elsewhere.some(isHolding))
      actions.push({ do: 'attach', name: id, wanted: one });
    else if (one.elsewhere.some(isAttached)) actions.push({ do: 'refuse', wanted: one });
  }
  const inUse = namesIn(node?.status.volumesInUse, name);
  const isDown = !isReady(node);
  const isLeftFor = hasTaint(node);
  for (const attachment of attachments) {
    const id = attachment.metadata.name;
    if (wantedNames.has(id) || !isOurs(attachment, world)) continue;
    if (attachment.metadata.deletionTimestamp !== undefined) continue;
    const untilMs = (unwantedSince.get(id) ?? nowMs) + UNMOUNTED_WITHIN_MS;
    const isOverdue = isDown && nowMs >= untilMs;
    if (inUse.has(id) && !isOverdue && !isLeftFor) {
      // The node still uses it, so it goes on being told that it may.
      if (isAttached(attachment)) attached.add(inUse.get(id)!);
      if (isDown) actions.push({ do: 'wait', ms: untilMs - nowMs });
      continue;
    }
    actions.push({ do: 'detach', attachment, unsafe: isOverdue || isLeftFor });
  }
  // First of all: a volume is struck from the node's list before anything else happens to it.
  if (node !== undefined && !sameNames(node, attached))
    actions.unshift({ do: 'report', volumes: [...attached].sort() });
  return actions;
}

const isAttached = ({ metadata, status }: VolumeAttachment): boolean =>
  status.attached === true && metadata.deletionTimestamp === undefined;

/** One whose attacher has said that it failed holds nothing; all others may. */
function isHolding({ metadata, status }: VolumeAttachment): boolean {
  return status.attached === true || metadata.deletionTimestamp !== undefined || status.attachError === undefined;
}

/** A volume that says nothing of its modes is taken to be shareable: its driver will tell. */
function maybeShared({ spec }: PersistentVolume): boolean {
  const { accessModes = [] } = spec;
  return accessModes.length === 0 || accessModes.some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany');
}

/** Attachments that others made under names of their own are theirs. */
function isOurs({ metadata, spec }: VolumeAttachment, world: NodeVolumes): boolean {
  const csi = world.volume(spec.source.persistentVolumeName ?? '')?.spec.csi;
  // Its volume is gone: the name is all that is left to judge by.
  if (csi === undefined) return /^csi-[0-9a-f]{64}$/.test(metadata.name) && spec.source.inlineVolumeSpec === undefined;
  return metadata.name === attachmentName(csi.driver, csi.volumeHandle, spec.nodeName);
}

/** Attachment names of what a node lists, with the name it lists. */
function namesIn(listed: readonly string[] | undefined, node: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const unique of listed ?? []) {
    const [driver, handle] = unique.slice(PREFIX.length).split(/\^(.*)/s);
    if (unique.startsWith(PREFIX) && handle !== undefined) found.set(attachmentName(driver!, handle, node), unique);
  }
  return found;
}

/** Whether the node may still have it mounted, by what it says itself. */
export function isUsedBy(node: Node, { metadata }: VolumeAttachment): boolean {
  return namesIn(node.status.volumesInUse, node.metadata.name).has(metadata.name);
}

/** Only of volumes of CSI drivers: others are not ours to list. */
function sameNames({ status }: Node, attached: ReadonlySet<string>): boolean {
  const listed = (status.volumesAttached ?? []).filter(({ name }) => name.startsWith(PREFIX));
  return listed.length === attached.size && listed.every(({ name }) => attached.has(name));
}

/** The list as it shall be: ours, and what is not a CSI volume as it was. */
export function attachedList({ status }: Node, volumes: readonly string[]): { name: string; devicePath: string }[] {
  const others = (status.volumesAttached ?? []).filter(({ name }) => !name.startsWith(PREFIX));
  return [...others, ...volumes.map((name) => ({ name, devicePath: '' }))];
}

export function isReady(node: Node | undefined): boolean {
  return node?.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}

/** The operator's word that the node is down and will not come back with its mounts. */
export function hasTaint(node: Node | undefined): boolean {
  return node?.spec.taints?.some(({ key, effect }) => key === OUT_OF_SERVICE && effect === 'NoExecute') === true;
}

/** Told to each pod by itself: nobody learns names of pods in namespaces that are not theirs. */
export function multiAttachMessage({ volume, othersPods }: WantedVolume, { metadata }: Pod): string {
  const start = `Multi-Attach error for volume ${JSON.stringify(volume.metadata.name)}`;
  if (othersPods.length === 0) {
    return `${start} Volume is already exclusively attached to one node and can't be attached to another`;
  }
  const near = othersPods.filter((other) => other.metadata.namespace === metadata.namespace);
  const far = othersPods.length - near.length;
  if (near.length === 0) return `${start} Volume is already used by ${far} pod(s) in different namespaces`;
  const names = near.map((other) => other.metadata.name).join(', ');
  return `${start} Volume is already used by pod(s) ${names}${far > 0 ? ` and ${far} pod(s) in different namespaces` : ''}`;
}
