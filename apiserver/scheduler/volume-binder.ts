// Carries out a plan of volumes before the pod is bound: volumes are given to their claims, provisioners are told the
// node, and then the claims must show that they are bound. Until then the chosen volumes count as taken.
import type { Client } from '../../api/client/client.ts';
import type { Clock } from '../../api/clock.ts';
import { parseKey } from '../../api/resource.ts';
import { persistentVolumeClaims, persistentVolumes } from '../../api/types/core/storage-resources.ts';
import { type ClaimFacts, SELECTED_NODE, type VolumeFacts, type VolumeInfo } from './volume-facts.ts';
import type { VolumePlan } from './volume-plan.ts';

/** A provisioner may have to make a disk and attach it. */
const BOUND_WITHIN_MS = 10 * 60_000;
const BOUND_BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller';

export class VolumeBinder {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #facts: VolumeFacts;

  constructor({ client, clock, facts }: { client: Client; clock: Clock; facts: VolumeFacts }) {
    this.#client = client;
    this.#clock = clock;
    this.#facts = facts;
  }

  assume({ take }: VolumePlan): void {
    for (const { claim, volume } of take) this.#facts.choose(volume.name, claim.key);
  }

  release({ take }: VolumePlan): void {
    for (const { volume } of take) this.#facts.unchoose(volume.name);
  }

  /** Throws when the claims are not bound in time, or `isWanted` says that nobody waits any more. */
  async carryOut(plan: VolumePlan, nodeName: string, isWanted: () => boolean, signal: AbortSignal): Promise<void> {
    for (const { claim, volume } of plan.take) await this.#give(volume, claim, signal);
    for (const claim of plan.make) await this.#askFor(claim, nodeName, signal);
    const claims = [...plan.take.map(({ claim }) => claim), ...plan.make];
    const until = AbortSignal.any([signal, this.#clock.deadline(BOUND_WITHIN_MS)]);
    const asked = new Set<string>();
    while (!claims.every((claim) => this.#isBound(claim))) {
      for (const { key } of plan.make) this.#checkAsked(key, nodeName, asked);
      if (!isWanted()) throw new Error('the pod is gone or changed');
      await raced(this.#facts.claimsChanged, until);
    }
  }

  #isBound({ key, uid, volumeName }: ClaimFacts): boolean {
    const now = this.#facts.claims.get(key);
    if (now === undefined || now.uid !== uid) throw new Error(`persistentvolumeclaim ${key} is gone`);
    if (now.lost) throw new Error(`persistentvolumeclaim ${key} lost its volume ${volumeName}`);
    return now.bound;
  }

  /** A provisioner that cannot make the volume there takes the node's name away: the pod is to go elsewhere. */
  #checkAsked(key: string, nodeName: string, asked: Set<string>): void {
    const { selectedNode = '', bound } = this.#facts.claims.get(key) ?? {};
    if (selectedNode === nodeName) asked.add(key);
    else if (asked.has(key) && !bound) {
      const [is, wants] = [selectedNode, nodeName].map((name) => JSON.stringify(name));
      throw new Error(`selectedNode annotation value ${is} not set to scheduled node ${wants}`);
    }
  }

  async #give({ name }: VolumeInfo, claim: ClaimFacts, signal: AbortSignal): Promise<void> {
    const volume = await this.#client.get(persistentVolumes, { name }, {}, signal);
    const { claimRef } = volume.spec;
    const { namespace, name: claimName } = parseKey(claim.key);
    if (claimRef !== undefined) {
      if (claimRef.namespace === namespace && claimRef.name === claimName && claimRef.uid === claim.uid) return;
      if (claimRef.uid || claimRef.namespace !== namespace || claimRef.name !== claimName)
        throw new Error(`persistentvolume ${name} belongs to ${claimRef.namespace}/${claimRef.name}`);
    }
    const { annotations } = volume.metadata;
    const reference = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name: claimName, uid: claim.uid };
    // With its version: whoever writes between makes this fail, and the pod is decided on anew.
    await this.#client.update(
      persistentVolumes,
      {
        ...volume,
        metadata: { ...volume.metadata, annotations: { ...annotations, [BOUND_BY_CONTROLLER]: 'yes' } },
        spec: { ...volume.spec, claimRef: reference },
      },
      {},
      signal,
    );
  }

  async #askFor({ key, uid, selectedNode }: ClaimFacts, nodeName: string, signal: AbortSignal): Promise<void> {
    if (selectedNode === nodeName) return;
    const body = { metadata: { uid, annotations: { [SELECTED_NODE]: nodeName } } };
    await this.#client.patch(persistentVolumeClaims, parseKey(key), { type: 'merge', body }, {}, signal);
  }
}

async function raced(change: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    await Promise.race([change, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
