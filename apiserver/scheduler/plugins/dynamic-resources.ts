// A pod goes where its claims of devices can be met: those that are allocated say where themselves, for the others the
// node must have devices.
import { matchesTerms } from '../../../api/node-selector.ts';
import type { ResourceClaim } from '../../../api/types/resource/resource-claim.ts';
import type { DeviceFacts } from '../device-facts.ts';
import { type DeviceWorld, planDevices } from '../device-plan.ts';
import { poolsFor, poolsOf } from '../device-pools.ts';
import { type Plugin, type Refusal, refusal } from '../plugin.ts';
import type { PodInfo } from '../pod-info.ts';

const USERS_MAX = 256;

export const dynamicResources: Plugin = {
  name: 'DynamicResources',

  filter(pod, { devices }) {
    if (pod.deviceClaims.length === 0) return undefined;
    const claims = claimsOf(pod, devices);
    if ('reasons' in claims) return claims;
    const open = claims.filter((claim) => devices.allocationOf(claim) === undefined);
    const placed = claims.flatMap((claim) => devices.allocationOf(claim)?.nodeSelector ?? []);
    const world = worldOf(devices);
    return {
      test(node) {
        if (!placed.every(({ nodeSelectorTerms = [] }) => matchesTerms(nodeSelectorTerms, node))) {
          return refusal('resourceclaim not available on the node');
        }
        try {
          return planDevices(open, world(node)) === undefined ? refusal('cannot allocate all claims') : undefined;
        } catch (err) {
          return refusal(err instanceof Error ? err.message : String(err));
        }
      },
    };
  },

  wokenBy: (event) =>
    event.on === 'devices' ||
    (event.on === 'node' && event.changes.some((change) => change === 'added' || change === 'labels')),
};

/** What a node has to give, for one decision: claims and slices are looked through once. */
export function worldOf(
  facts: DeviceFacts,
): (node: { readonly name: string; readonly labels: PodInfo['labels'] }) => DeviceWorld {
  const pools = poolsOf(facts.slices.values());
  const taken = facts.taken();
  return (node) => ({ pools: poolsFor(pools, node), taken, classes: facts.classes, selects: noSelectors });
}

function noSelectors(): never {
  throw new Error('device selectors are CEL expressions, which are not supported yet');
}

/** All claims of a pod, or why it has to wait wherever it could go. */
export function claimsOf(pod: PodInfo, { claims, classes }: DeviceFacts): ResourceClaim[] | Refusal {
  const found: ResourceClaim[] = [];
  for (const { key, name, generated } of pod.deviceClaims) {
    if (key === undefined) return refusal(`pod "${pod.key}": ResourceClaim not created yet`);
    const claim = claims.get(key);
    if (claim === undefined) return refusal(`resourceclaim "${name}" not found`);
    const { metadata, status, spec } = claim;
    if (metadata.deletionTimestamp !== undefined) return refusal(`resourceclaim "${name}" is being deleted`);
    if (generated && metadata.ownerReferences?.some(({ uid }) => uid === pod.uid) !== true) {
      return refusal(`ResourceClaim ${key} was not created for pod ${pod.key} (pod is not owner)`);
    }
    const users = status?.reservedFor ?? [];
    if (users.length >= USERS_MAX && !users.some(({ uid }) => uid === pod.uid)) return refusal('resourceclaim in use');
    for (const request of spec.devices?.requests ?? []) {
      for (const { deviceClassName: of } of request.exactly ? [request.exactly] : (request.firstAvailable ?? [])) {
        if (!classes.has(of)) return refusal(`request ${request.name}: device class ${of} does not exist`);
      }
    }
    found.push(claim);
  }
  return found;
}
