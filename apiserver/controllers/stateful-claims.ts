// The storage of a stateful set's members: claims are made before the pod that mounts them, and go when the policy
// of the set says so, by ownership.
import type { Client } from '../../api/client/client.ts';
import type { EventRecorder } from '../../api/client/events.ts';
import type { Informer } from '../../api/client/informer.ts';
import { ApiError, isAlreadyExists, isNotFound } from '../../api/status.ts';
import type { StatefulSet } from '../../api/types/apps/stateful-set.ts';
import type { PersistentVolumeClaim } from '../../api/types/core/persistent-volume-claim.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { persistentVolumeClaims } from '../../api/types/core/storage-resources.ts';
import { claimName, claimOwners, isStale, newClaim, ordinalOf } from './stateful-pods.ts';
import type { Member } from './stateful-set-decide.ts';

export interface StatefulClaimsDeps {
  readonly client: Client;
  readonly recorder: EventRecorder;
  readonly claimInformer: Informer<PersistentVolumeClaim>;
}

export class StatefulClaims {
  readonly #deps: StatefulClaimsDeps;

  constructor(deps: StatefulClaimsDeps) {
    this.#deps = deps;
  }

  /** Makes the claims of a member that are missing. False while one of them is still going away. */
  async ensure(set: StatefulSet, ordinal: number, pod: Pod | undefined, signal: AbortSignal): Promise<boolean> {
    const { client, recorder } = this.#deps;
    for (const template of set.spec.volumeClaimTemplates ?? []) {
      const known = this.#get(set, template.metadata.name, ordinal);
      if (known !== undefined && isStale(known, pod)) return false;
      if (known !== undefined) continue;
      const fresh = newClaim(set, template, ordinal);
      const about = `Claim ${fresh.metadata.name} Pod ${set.metadata.name}-${ordinal} in StatefulSet ${set.metadata.name}`;
      const owners = claimOwners(set, fresh as PersistentVolumeClaim, pod, false);
      try {
        const metadata = { ...fresh.metadata, ...(owners && { ownerReferences: owners }) };
        await client.create(persistentVolumeClaims, { ...fresh, metadata }, {}, signal);
        recorder.event(set, 'Normal', 'SuccessfulCreate', `create ${about} success`);
      } catch (err) {
        if (isAlreadyExists(err)) continue;
        if (err instanceof ApiError) {
          recorder.event(set, 'Warning', 'FailedCreate', `create ${about} failed error: ${err.message}`);
        }
        throw err;
      }
    }
    return true;
  }

  async settleOwners(
    set: StatefulSet,
    members: readonly Member[],
    condemned: readonly Pod[],
    signal: AbortSignal,
  ): Promise<void> {
    for (const { ordinal, pod } of members) if (pod) await this.#own(set, ordinal, pod, false, signal);
    for (const pod of condemned) await this.#own(set, ordinalOf(set, pod.metadata.name)!, pod, true, signal);
  }

  async #own(set: StatefulSet, ordinal: number, pod: Pod, isShrunk: boolean, signal: AbortSignal): Promise<void> {
    for (const { metadata } of set.spec.volumeClaimTemplates ?? []) {
      const known = this.#get(set, metadata.name, ordinal);
      if (known === undefined || known.metadata.deletionTimestamp !== undefined) continue;
      const ownerReferences = claimOwners(set, known, pod, isShrunk);
      if (ownerReferences === undefined) continue;
      const next = { ...known, metadata: { ...known.metadata, ownerReferences } };
      await this.#deps.client.update(persistentVolumeClaims, next, {}, signal).catch((err) => {
        if (!isNotFound(err)) throw err;
      });
    }
  }

  #get(set: StatefulSet, template: string, ordinal: number): PersistentVolumeClaim | undefined {
    const name = claimName(set, template, ordinal);
    return this.#deps.claimInformer.get(`${set.metadata.namespace}/${name}`);
  }
}
