// Writes into the claims of a pod what was decided for them, before the pod is bound; takes it back when that fails.
import type { Client } from '../../api/client/client.ts';
import { parseKey } from '../../api/resource.ts';
import { isNotFound } from '../../api/status.ts';
import type { ResourceClaim } from '../../api/types/resource/resource-claim.ts';
import { resourceClaims } from '../../api/types/resource/resources.ts';
import type { DeviceFacts } from './device-facts.ts';
import { type Allotment, planDevices } from './device-plan.ts';
import type { NodeInfo } from './node-info.ts';
import { claimsOf, worldOf } from './plugins/dynamic-resources.ts';
import type { PodInfo } from './pod-info.ts';

/** A claim that is allocated is given back before it goes. */
const FINALIZER = 'resource.kubernetes.io/delete-protection';

export class ClaimWriter {
  readonly #client: Client;
  readonly #facts: DeviceFacts;

  constructor({ client, facts }: { client: Client; facts: DeviceFacts }) {
    this.#client = client;
    this.#facts = facts;
  }

  /** What its open claims get on the node; nobody else is given the same from now on. */
  assume(pod: PodInfo, node: NodeInfo): readonly Allotment[] {
    if (pod.deviceClaims.length === 0) return [];
    const claims = claimsOf(pod, this.#facts);
    if ('reasons' in claims) throw new Error(claims.reasons.join());
    const open = claims.filter((claim) => this.#facts.allocationOf(claim) === undefined);
    const plan = planDevices(open, worldOf(this.#facts)(node));
    if (plan === undefined) throw new Error('cannot allocate all claims');
    for (const { claim, allocation } of plan) this.#facts.assume(claim.metadata.uid, allocation);
    return plan;
  }

  /** Every claim of the pod is allocated and reserved for it. Whoever writes between makes this fail. */
  async carryOut(pod: PodInfo, plan: readonly Allotment[], signal: AbortSignal): Promise<void> {
    for (const { key } of pod.deviceClaims) {
      const now = await this.#client.get(resourceClaims, parseKey(key!), {}, signal);
      const allotted = plan.find(({ claim }) => claim.metadata.uid === now.metadata.uid)?.allocation;
      const allocation = now.status?.allocation ?? allotted;
      if (allocation === undefined) throw new Error(`resourceclaim ${key} is not allocated any more`);
      if (allotted !== undefined && now.status?.allocation !== undefined) {
        throw new Error(`resourceclaim ${key} was allocated by somebody else`);
      }
      const users = now.status?.reservedFor ?? [];
      if (users.some(({ uid }) => uid === pod.uid)) continue;
      const held = allotted === undefined ? now : await this.#hold(now, signal);
      const reservedFor = [...users, { resource: 'pods', name: pod.name, uid: pod.uid }];
      const next = { ...held, status: { ...held.status, allocation, reservedFor } };
      await this.#client.update(resourceClaims, next, { subresource: 'status' }, signal);
    }
  }

  /** The pod was not bound: it uses nothing, and what was allocated for it alone is free again. */
  async release(pod: PodInfo, plan: readonly Allotment[], signal: AbortSignal): Promise<void> {
    for (const { claim } of plan) this.#facts.forget(claim.metadata.uid);
    for (const { key } of pod.deviceClaims) {
      if (key === undefined) continue;
      const now = await this.#client.get(resourceClaims, parseKey(key), {}, signal).catch(unlessGone);
      const users = now?.status?.reservedFor ?? [];
      if (now === undefined || !users.some(({ uid }) => uid === pod.uid)) continue;
      const { reservedFor: _before, allocation, ...status } = now.status ?? {};
      const reservedFor = users.filter(({ uid }) => uid !== pod.uid);
      const ours = plan.some(({ claim }) => claim.metadata.uid === now.metadata.uid) && reservedFor.length === 0;
      const next = {
        ...now,
        status: { ...status, ...(!ours && { allocation }), ...(reservedFor.length > 0 && { reservedFor }) },
      };
      await this.#client.update(resourceClaims, next as ResourceClaim, { subresource: 'status' }, signal);
    }
  }

  #hold(claim: ResourceClaim, signal: AbortSignal): Promise<ResourceClaim> {
    const { finalizers = [] } = claim.metadata;
    if (finalizers.includes(FINALIZER)) return Promise.resolve(claim);
    const metadata = { ...claim.metadata, finalizers: [...finalizers, FINALIZER] };
    return this.#client.update(resourceClaims, { ...claim, metadata }, {}, signal);
  }
}

function unlessGone(err: unknown): undefined {
  if (!isNotFound(err)) throw err;
}
