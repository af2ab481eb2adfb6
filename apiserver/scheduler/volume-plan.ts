// How a pod's claims get their volumes if it goes to this node: which volume each waiting claim takes, and which claims
// have theirs made there. Asked for every node, and once more for the chosen one.
import type { NodeInfo } from './node-info.ts';
import { type Refusal, refusal } from './plugin.ts';
import type { ClaimFacts, VolumeFacts, VolumeInfo } from './volume-facts.ts';

export interface VolumePlan {
  /** Volumes that wait for a claim, the smallest that does. */
  readonly take: readonly { readonly claim: ClaimFacts; readonly volume: VolumeInfo }[];
  /** Claims whose volume is to be made at this node. */
  readonly make: readonly ClaimFacts[];
}

const NO_VOLUME = refusal('node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)');
const OUT_OF_REACH = refusal("node(s) didn't match PersistentVolume's node affinity");
const NOTHING_TO_BIND = refusal("node(s) didn't find available persistent volumes to bind");
const NO_SPACE = refusal('node(s) did not have enough free storage');
const NO_PROVISIONER = 'kubernetes.io/no-provisioner';

export function planVolumes(claims: readonly ClaimFacts[], node: NodeInfo, facts: VolumeFacts): VolumePlan | Refusal {
  const take: { claim: ClaimFacts; volume: VolumeInfo }[] = [];
  const make: ClaimFacts[] = [];
  for (const claim of [...claims].sort((a, b) => a.bytes - b.bytes)) {
    if (claim.bound) {
      const volume = facts.volumes.get(claim.volumeName);
      if (volume === undefined) return NO_VOLUME;
      if (volume.reachableFrom?.(node) === false) return OUT_OF_REACH;
      continue;
    }
    // Its volume is being made elsewhere already.
    if (claim.selectedNode !== '' && claim.selectedNode !== node.name) return NOTHING_TO_BIND;
    const taken = take.map(({ volume }) => volume);
    const volume = claim.selectedNode === '' ? smallestFor(claim, node, facts, taken) : undefined;
    if (volume !== undefined) {
      take.push({ claim, volume });
      continue;
    }
    const missing = whyNotMade(claim, node, facts);
    if (missing !== undefined) return missing;
    make.push(claim);
  }
  return { take, make };
}

function smallestFor(
  claim: ClaimFacts,
  node: NodeInfo,
  facts: VolumeFacts,
  taken: readonly VolumeInfo[],
): VolumeInfo | undefined {
  let smallest: VolumeInfo | undefined;
  for (const volume of facts.volumes.values()) {
    if (smallest !== undefined && volume.bytes >= smallest.bytes) continue;
    if (!taken.includes(volume) && suits(volume, claim, facts) && volume.reachableFrom?.(node) !== false)
      smallest = volume;
  }
  return smallest;
}

function suits(volume: VolumeInfo, claim: ClaimFacts, facts: VolumeFacts): boolean {
  const taker = facts.takerOf(volume);
  if (taker !== '' && taker !== claim.key) return false;
  if (volume.claimUid !== '' && volume.claimUid !== claim.uid) return false;
  if (volume.deleting || (taker === '' && !volume.available)) return false;
  return (
    volume.className === claim.className &&
    volume.mode === claim.mode &&
    volume.bytes >= claim.bytes &&
    claim.accessModes.every((mode) => volume.accessModes.includes(mode)) &&
    claim.selects?.(volume.labels) !== false
  );
}

function whyNotMade({ className, bytes }: ClaimFacts, node: NodeInfo, facts: VolumeFacts): Refusal | undefined {
  const storageClass = facts.classes.get(className);
  const provisioner = storageClass?.provisioner ?? '';
  if (provisioner === '' || provisioner === NO_PROVISIONER) return NOTHING_TO_BIND;
  if (storageClass?.allows?.(node) === false) return NOTHING_TO_BIND;
  if (!facts.tellingCapacity.has(provisioner)) return undefined;
  const room = [...facts.capacities.values()].some(
    (capacity) => capacity.className === className && capacity.largest >= bytes && capacity.where(node.labels),
  );
  return room ? undefined : NO_SPACE;
}
