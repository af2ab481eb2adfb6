// What the scheduler knows of devices: claims, classes and slices as the API shows them, and the allocations that are
// decided and not shown yet.
import type { DeviceClass } from '../../api/types/resource/device-class.ts';
import type { AllocationResult, ResourceClaim } from '../../api/types/resource/resource-claim.ts';
import type { ResourceSlice } from '../../api/types/resource/resource-slice.ts';
import { idOf } from './device-pools.ts';

export class DeviceFacts {
  /** By namespace/name. */
  readonly claims = new Map<string, ResourceClaim>();
  readonly classes = new Map<string, DeviceClass>();
  readonly slices = new Map<string, ResourceSlice>();
  /** By the claim's UID. */
  readonly #assumed = new Map<string, AllocationResult>();

  setClaim(key: string, claim: ResourceClaim | undefined): void {
    const before = this.claims.get(key);
    if (claim === undefined) this.claims.delete(key);
    else this.claims.set(key, claim);
    if (claim?.status?.allocation !== undefined) this.#assumed.delete(claim.metadata.uid);
    // Gone, or another one of that name.
    if (before !== undefined && before.metadata.uid !== claim?.metadata.uid) this.#assumed.delete(before.metadata.uid);
  }

  assume(uid: string, allocation: AllocationResult): void {
    this.#assumed.set(uid, allocation);
  }

  forget(uid: string): void {
    this.#assumed.delete(uid);
  }

  allocationOf({ metadata, status }: ResourceClaim): AllocationResult | undefined {
    return status?.allocation ?? this.#assumed.get(metadata.uid);
  }

  /** Ids of devices that somebody has for itself. */
  taken(): Set<string> {
    const shown = [...this.claims.values()].flatMap(({ status }) => status?.allocation ?? []);
    const results = [...shown, ...this.#assumed.values()].flatMap(({ devices }) => devices?.results ?? []);
    return new Set(results.filter(({ adminAccess }) => adminAccess !== true).map(idOf));
  }
}
