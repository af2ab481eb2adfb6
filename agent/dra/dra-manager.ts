// Claims of pods on this node: their drivers prepare them before the pod's sandbox is made and take that back after
// its end. Who uses what is on disk before a driver is asked, so that nothing stays prepared that nobody remembers.
//
//   pod -> claims (API: allocated? reserved for it?) -> checkpoint -> NodePrepareResources -> CDI names -> containers
import type { Client } from '../../api/client/client.ts';
import type { Logger } from '../../api/log.ts';
import type { Container } from '../../api/types/core/container.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { ResourceClaim } from '../../api/types/resource/resource-claim.ts';
import { resourceClaims } from '../../api/types/resource/resources.ts';
import type { Grant } from '../devices/grant.ts';
import type { Provider } from '../devices/grants.ts';
import { rpcText } from '../devices/plugin.ts';
import type { DynamicResource } from '../devices/pod-resources.ts';
import { StateFile } from '../devices/state-file.ts';
import {
  claimProblem,
  containerClaims,
  devicesFor,
  driversOf,
  type PodClaim,
  type PreparedDevice,
  podClaims,
} from './claims.ts';
import type { ClaimRef, DraPlugins } from './plugins.ts';

interface ClaimState extends ClaimRef {
  readonly drivers: readonly string[];
  /** UIDs of the pods that use it here. */
  readonly pods: readonly string[];
  readonly devices: readonly PreparedDevice[];
  readonly prepared: boolean;
}

interface Saved {
  /** What drivers made for containers (files under /run) is gone after a reboot. */
  readonly bootId: string;
  readonly claims: readonly ClaimState[];
}

export interface DraManagerDeps {
  readonly client: Client;
  readonly plugins: Pick<DraPlugins, 'call'>;
  readonly checkpoint: string;
  readonly bootId: string;
  readonly log: Logger;
}

interface WireDevice {
  readonly requestNames: readonly string[];
  readonly poolName: string;
  readonly deviceName: string;
  readonly cdiDeviceIds: readonly string[];
  readonly shareId?: string;
}

export class DraManager implements Provider {
  readonly #deps: DraManagerDeps;
  readonly #file: StateFile<Saved>;
  /** By the claim's UID. */
  readonly #claims = new Map<string, ClaimState>();
  /** What is under way for a claim: preparing and reverting never overlap. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(deps: DraManagerDeps) {
    this.#deps = deps;
    this.#file = new StateFile(deps.checkpoint, deps.log);
  }

  async start(): Promise<void> {
    const saved = await this.#file.load();
    const same = saved?.bootId === this.#deps.bootId;
    for (const claim of saved?.claims ?? [])
      this.#claims.set(claim.uid, { ...claim, prepared: claim.prepared && same });
  }

  /** Before the sandbox: every claim of the pod is ready to be used, or why not. Again is fine. */
  async prepare(pod: Pod, signal: AbortSignal): Promise<void> {
    for (const claim of podClaims(pod)) {
      // What was prepared for this pod stays so, also without the API.
      if (this.#known(pod, claim)?.prepared) continue;
      await this.#prepare(pod, claim, signal);
    }
  }

  concerns(): boolean {
    return false;
  }

  hints(): ReadonlyMap<string, undefined> {
    return new Map();
  }

  /** The scheduler has allocated already. */
  async allocate(): Promise<void> {}

  holders(): string[] {
    return [];
  }

  async grant(pod: Pod, container: Container): Promise<Partial<Grant>> {
    const cdiDevices = this.#of(pod, container).flatMap(({ devices }) => devices.flatMap(({ cdiIds }) => cdiIds));
    return { cdiDevices };
  }

  /** Nothing of the pod runs any more: what nobody else uses is given back to the drivers. */
  async release(uid: string, signal: AbortSignal): Promise<void> {
    const mine = [...this.#claims.values()].filter(({ pods }) => pods.includes(uid));
    for (const { uid: claim } of mine) await this.#inTurn(claim, () => this.#unprepare(claim, uid, signal));
  }

  async keep(uids: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    const users = new Set([...this.#claims.values()].flatMap(({ pods }) => pods));
    for (const uid of users) {
      if (uids.has(uid)) continue;
      await this.release(uid, signal).catch((err) => {
        signal.throwIfAborted();
        this.#deps.log.warn({ err, uid }, 'claims of a pod that is gone not given back');
      });
    }
  }

  resources(pod: Pod, container: string): DynamicResource[] {
    const found = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find(({ name }) => name === container);
    return (found === undefined ? [] : this.#of(pod, found)).map(({ claim, devices }) => ({
      claimName: claim.name,
      claimNamespace: claim.namespace,
      claimResources: devices.map(({ driver, pool, device, cdiIds, shareId }) => ({
        cdiDevices: cdiIds.map((name) => ({ name })),
        ...{ driverName: driver, poolName: pool, deviceName: device },
        ...(shareId && { shareId }),
      })),
    }));
  }

  #of(pod: Pod, container: Container): { readonly claim: ClaimState; readonly devices: PreparedDevice[] }[] {
    const asked = containerClaims(container);
    if (asked.length === 0) return [];
    const claims = podClaims(pod);
    return asked.flatMap(({ name, request }) => {
      const named = claims.find((each) => each.name === name);
      const claim = named && this.#known(pod, named);
      return claim === undefined ? [] : [{ claim, devices: devicesFor(claim.devices, request) }];
    });
  }

  #known({ metadata }: Pod, { claim }: PodClaim): ClaimState | undefined {
    return [...this.#claims.values()].find(
      ({ name, namespace, pods }) => name === claim && namespace === metadata.namespace && pods.includes(metadata.uid),
    );
  }

  async #prepare(pod: Pod, named: PodClaim, signal: AbortSignal): Promise<void> {
    const { client } = this.#deps;
    const { namespace, name: podName, uid } = pod.metadata;
    const key = { namespace, name: named.claim };
    const claim = await client.get(resourceClaims, key, {}, signal).catch((cause) => {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`failed to fetch ResourceClaim ${named.claim} referenced by pod ${podName}: ${why}`, { cause });
    });
    const problem = claimProblem(pod, named, claim);
    if (problem !== undefined) throw new Error(problem);
    await this.#inTurn(claim.metadata.uid, async () => {
      const before = this.#claims.get(claim.metadata.uid);
      const state: ClaimState = before ?? stateOf(claim);
      const pods = state.pods.includes(uid) ? state.pods : [...state.pods, uid];
      this.#claims.set(state.uid, { ...state, pods });
      await this.#save();
      if (state.prepared) return;
      const devices = await Promise.all(state.drivers.map((driver) => this.#askPrepare(driver, state, signal)));
      this.#claims.set(state.uid, { ...this.#claims.get(state.uid)!, devices: devices.flat(), prepared: true });
      await this.#save();
    });
  }

  async #askPrepare(driver: string, claim: ClaimState, signal: AbortSignal): Promise<PreparedDevice[]> {
    type Answer = { claims: Record<string, { devices: WireDevice[]; error: string } | undefined> };
    const { claims } = await this.#ask<Answer>(driver, 'NodePrepareResources', claim, signal);
    const answer = claims[claim.uid];
    if (answer === undefined) throw new Error(`NodePrepareResources skipped claim ${claim.uid}`);
    if (answer.error !== '') throw new Error(`NodePrepareResources failed for claim ${claim.name}: ${answer.error}`);
    return answer.devices.map(({ requestNames, poolName, deviceName, cdiDeviceIds, shareId }) => ({
      ...{ driver, requests: requestNames, pool: poolName, device: deviceName, cdiIds: cdiDeviceIds },
      ...(shareId && { shareId }),
    }));
  }

  async #unprepare(uid: string, pod: string, signal: AbortSignal): Promise<void> {
    const claim = this.#claims.get(uid);
    if (claim === undefined) return;
    const pods = claim.pods.filter((each) => each !== pod);
    if (pods.length === 0) {
      for (const driver of claim.drivers) {
        type Answer = { claims: Record<string, { error: string } | undefined> };
        const { claims } = await this.#ask<Answer>(driver, 'NodeUnprepareResources', claim, signal);
        const answer = claims[uid];
        if (answer === undefined) throw new Error(`NodeUnprepareResources skipped claim ${uid}`);
        if (answer.error !== '') {
          throw new Error(`NodeUnprepareResources failed for claim ${claim.name}: ${answer.error}`);
        }
      }
      this.#claims.delete(uid);
    } else {
      this.#claims.set(uid, { ...claim, pods });
    }
    await this.#save();
  }

  async #ask<Res>(driver: string, method: string, { namespace, uid, name }: ClaimRef, signal: AbortSignal) {
    try {
      return await this.#deps.plugins.call<Res>(driver, method, { claims: [{ namespace, uid, name }] }, signal);
    } catch (cause) {
      signal.throwIfAborted();
      throw new Error(`${method} failed: ${rpcText(cause)}`, { cause });
    }
  }

  #inTurn<T>(claim: string, work: () => Promise<T>): Promise<T> {
    const done = (this.#turns.get(claim) ?? Promise.resolve()).then(work);
    const settled = done
      .catch(() => {}) // told to whoever asked
      .then(() => {
        if (this.#turns.get(claim) === settled) this.#turns.delete(claim);
      });
    this.#turns.set(claim, settled);
    return done;
  }

  #save(): Promise<void> {
    return this.#file.save({ bootId: this.#deps.bootId, claims: [...this.#claims.values()] });
  }
}

function stateOf(claim: ResourceClaim): ClaimState {
  const { namespace = '', name, uid } = claim.metadata;
  return { namespace, name, uid, drivers: driversOf(claim), pods: [], devices: [], prepared: false };
}
