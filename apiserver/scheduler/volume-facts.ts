// What the scheduler knows of storage: claims, volumes, classes, and how many volumes of a driver a node can hold.
// Volumes it has chosen for a claim and not seen bound yet count as taken.
import { type LabelMatcher, type Labels, selectorMatcher } from '../../api/labels.ts';
import { anyTerm, type NodeTest } from '../../api/node-selector.ts';
import { quantityValue } from '../../api/quantity.ts';
import { keyOf } from '../../api/resource.ts';
import type { PersistentVolume } from '../../api/types/core/persistent-volume.ts';
import type { PersistentVolumeClaim } from '../../api/types/core/persistent-volume-claim.ts';
import type { CSIDriver, CSINode, CSIStorageCapacity } from '../../api/types/storage/csi.ts';
import type { StorageClass } from '../../api/types/storage/storage-class.ts';
import type { VolumeAttachment } from '../../api/types/storage/volume-attachment.ts';

export interface ClaimFacts {
  readonly key: string;
  readonly uid: string;
  readonly ownerUid: string | undefined;
  readonly className: string;
  readonly accessModes: readonly string[];
  readonly mode: string;
  readonly bytes: number;
  readonly selects: LabelMatcher | undefined;
  readonly volumeName: string;
  readonly bound: boolean;
  readonly lost: boolean;
  readonly deleting: boolean;
  /** Where its volume shall be made. */
  readonly selectedNode: string;
}

export interface VolumeInfo {
  readonly name: string;
  readonly labels: Labels;
  readonly className: string;
  readonly accessModes: readonly string[];
  readonly mode: string;
  readonly bytes: number;
  readonly available: boolean;
  readonly deleting: boolean;
  readonly claimKey: string;
  readonly claimUid: string;
  /** Undefined when it can be reached from everywhere. */
  readonly reachableFrom: NodeTest | undefined;
  readonly driver: string;
  readonly handle: string;
}

export interface ClassFacts {
  readonly provisioner: string;
  /** Binds when the first pod that uses it is placed. */
  readonly waits: boolean;
  readonly allows: NodeTest | undefined;
}

interface CapacityFacts {
  readonly className: string;
  readonly largest: number;
  readonly where: LabelMatcher;
}

const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';
export const SELECTED_NODE = 'volume.kubernetes.io/selected-node';
export const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';

export class VolumeFacts {
  readonly claims = new Map<string, ClaimFacts>();
  readonly volumes = new Map<string, VolumeInfo>();
  readonly classes = new Map<string, ClassFacts>();
  /** By node: how many volumes of each driver fit. */
  readonly limits = new Map<string, ReadonlyMap<string, number>>();
  /** By node: the names of the volumes attached there, or about to be, by attachment. */
  readonly attached = new Map<string, Map<string, string>>();
  readonly capacities = new Map<string, CapacityFacts>();
  /** Drivers that publish how much room they have. */
  readonly tellingCapacity = new Set<string>();
  /** Volume name to the key of the claim it was chosen for. */
  readonly #chosen = new Map<string, string>();
  #changed = Promise.withResolvers<void>();

  setClaim(claim: PersistentVolumeClaim): void {
    this.claims.set(keyOf(claim), claimFacts(claim));
    this.#tell();
  }

  removeClaim(key: string): void {
    this.claims.delete(key);
    this.#tell();
  }

  /** Resolves with the next change of a claim. */
  get claimsChanged(): Promise<void> {
    return this.#changed.promise;
  }

  setVolume(volume: PersistentVolume): void {
    const info = volumeInfo(volume);
    this.volumes.set(info.name, info);
    if (info.claimKey !== '') this.#chosen.delete(info.name);
  }

  removeVolume(name: string): void {
    this.volumes.delete(name);
    this.#chosen.delete(name);
  }

  setClass({ metadata, provisioner, volumeBindingMode, allowedTopologies = [] }: StorageClass): void {
    const terms = allowedTopologies.map(({ matchLabelExpressions = [] }) => ({
      matchExpressions: matchLabelExpressions.map(({ key, values }) => ({ key, operator: 'In' as const, values })),
    }));
    this.classes.set(metadata.name, {
      provisioner,
      waits: volumeBindingMode === 'WaitForFirstConsumer',
      allows: terms.length === 0 ? undefined : anyTerm(terms),
    });
  }

  setCsiNode({ metadata, spec }: CSINode): void {
    const counts = (spec.drivers ?? []).flatMap(({ name, allocatable }): [string, number][] =>
      allocatable?.count === undefined ? [] : [[name, allocatable.count]],
    );
    this.limits.set(metadata.name, new Map(counts));
  }

  setDriver({ metadata, spec }: CSIDriver): void {
    if (spec.storageCapacity) this.tellingCapacity.add(metadata.name);
    else this.tellingCapacity.delete(metadata.name);
  }

  setAttachment({ metadata, spec }: VolumeAttachment): void {
    const here = this.attached.get(spec.nodeName) ?? new Map<string, string>();
    this.attached.set(spec.nodeName, here.set(metadata.name, spec.source.persistentVolumeName ?? ''));
  }

  removeAttachment({ metadata, spec }: VolumeAttachment): void {
    const here = this.attached.get(spec.nodeName);
    if (here?.delete(metadata.name) && here.size === 0) this.attached.delete(spec.nodeName);
  }

  setCapacity(capacity: CSIStorageCapacity): void {
    this.capacities.set(keyOf(capacity), {
      className: capacity.storageClassName,
      largest: quantityValue(capacity.maximumVolumeSize ?? capacity.capacity ?? '0'),
      where: selectorMatcher(capacity.nodeTopology),
    });
  }

  choose(volumeName: string, claimKey: string): void {
    this.#chosen.set(volumeName, claimKey);
  }

  unchoose(volumeName: string): void {
    this.#chosen.delete(volumeName);
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  /** The claim that has this volume, or will. */
  takerOf({ name, claimKey }: VolumeInfo): string {
    return claimKey || (this.#chosen.get(name) ?? '');
  }
}

function claimFacts(claim: PersistentVolumeClaim): ClaimFacts {
  const { metadata, spec, status } = claim;
  const annotations: Readonly<Record<string, string>> = metadata.annotations ?? {};
  const volumeName = spec.volumeName ?? '';
  return {
    key: keyOf(claim),
    uid: metadata.uid,
    ownerUid: metadata.ownerReferences?.find(({ controller }) => controller === true)?.uid,
    className: annotations[CLASS_ANNOTATION] ?? spec.storageClassName ?? '',
    accessModes: spec.accessModes ?? [],
    mode: spec.volumeMode ?? 'Filesystem',
    bytes: quantityValue(spec.resources?.requests?.['storage'] ?? '0'),
    selects: spec.selector && selectorMatcher(spec.selector),
    volumeName,
    bound: volumeName !== '' && (annotations[BIND_COMPLETED] !== undefined || status.phase === 'Bound'),
    lost: status.phase === 'Lost',
    deleting: metadata.deletionTimestamp !== undefined,
    selectedNode: annotations[SELECTED_NODE] ?? '',
  };
}

function volumeInfo({ metadata, spec, status }: PersistentVolume): VolumeInfo {
  const { claimRef, csi } = spec;
  const required = spec.nodeAffinity?.required;
  return {
    name: metadata.name,
    labels: metadata.labels ?? {},
    className: metadata.annotations?.[CLASS_ANNOTATION] ?? spec.storageClassName ?? '',
    accessModes: spec.accessModes ?? [],
    mode: spec.volumeMode ?? 'Filesystem',
    bytes: quantityValue(spec.capacity?.['storage'] ?? '0'),
    available: status.phase === 'Available',
    deleting: metadata.deletionTimestamp !== undefined,
    claimKey: claimRef ? `${claimRef.namespace}/${claimRef.name}` : '',
    claimUid: claimRef?.uid ?? '',
    reachableFrom: required && anyTerm(required.nodeSelectorTerms ?? []),
    driver: csi?.driver ?? '',
    handle: csi?.volumeHandle ?? '',
  };
}
