// What is set apart for containers when their pod is let in: CPUs and devices, near one another if the topology policy
// wants it. One pod after the other, so that no two are promised the same.
import type { Container } from '../../api/types/core/container.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { Refusal } from '../pods/admission-decide.ts';
import { editsOf, readCdiSpecs } from './cdi.ts';
import { NoDevices } from './choose.ts';
import { type Grant, joined } from './grant.ts';
import { ANYWHERE, type Hints, type Mask, mergeHints, type TopologyPolicy } from './numa.ts';
import { rpcText } from './plugin.ts';

export interface Provider {
  /** Whether the container asks for anything this one sets apart. */
  concerns(container: Container, pod: Pod): boolean;
  hints(pod: Pod, container: Container): Hints;
  /** Throws what the pod is refused with. Again for a container that has its share: nothing happens. */
  allocate(pod: Pod, container: Container, affinity: Mask | undefined, signal: AbortSignal): Promise<void>;
  /** UIDs of pods that have what this container asks for. */
  holders(container: Container): string[];
  grant(pod: Pod, container: Container, signal: AbortSignal): Promise<Partial<Grant>>;
  release(uid: string, signal: AbortSignal): Promise<void>;
  /** Of all other pods nothing is known any more. */
  keep(uids: ReadonlySet<string>, signal: AbortSignal): Promise<void>;
}

/** Refused with a reason of its own instead of UnexpectedAdmissionError. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

export type GrantAnswer = 'granted' | 'waiting' | Refusal;

export interface GrantsDeps {
  readonly providers: readonly Provider[];
  readonly policy: TopologyPolicy;
  readonly numaNodes: readonly number[];
  /** Where devices are described for containers, if the runtime does not read that itself. */
  readonly cdiDirs?: readonly string[] | undefined;
  /** The pod has ended or is gone: what it holds comes free in a moment. */
  readonly leaving: (uid: string) => boolean;
}

export class Grants {
  readonly #deps: GrantsDeps;
  #last: Promise<unknown> = Promise.resolve();

  constructor(deps: GrantsDeps) {
    this.#deps = deps;
  }

  /** Everything its containers are to have, or nothing and why. */
  admit(pod: Pod, signal: AbortSignal): Promise<GrantAnswer> {
    const { providers } = this.#deps;
    const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
    if (!containers.some((container) => providers.some((each) => each.concerns(container, pod)))) {
      return Promise.resolve('granted');
    }
    return this.#inTurn(() => this.#admit(pod, containers, signal));
  }

  async of(pod: Pod, container: Container, signal: AbortSignal): Promise<Grant> {
    const { providers } = this.#deps;
    const grant = joined(await Promise.all(providers.map((each) => each.grant(pod, container, signal))));
    const { cdiDirs } = this.#deps;
    if (cdiDirs === undefined || grant.cdiDevices.length === 0) return grant;
    const edits = editsOf(grant.cdiDevices, await readCdiSpecs(cdiDirs));
    return joined([{ ...grant, cdiDevices: [] }, edits]);
  }

  async release(uid: string, signal: AbortSignal): Promise<void> {
    await Promise.all(this.#deps.providers.map((each) => each.release(uid, signal)));
  }

  async keep(uids: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    await this.#inTurn(() => Promise.all(this.#deps.providers.map((each) => each.keep(uids, signal))));
  }

  async #admit(pod: Pod, containers: readonly Container[], signal: AbortSignal): Promise<GrantAnswer> {
    const { providers, leaving } = this.#deps;
    for (const container of containers) {
      const { nodes, admitted } = this.#affinity(pod, container);
      try {
        if (!admitted) {
          throw new Refused('TopologyAffinityError', 'Resources cannot be allocated with Topology locality');
        }
        for (const provider of providers) await provider.allocate(pod, container, nodes, signal);
      } catch (err) {
        await this.release(pod.metadata.uid, signal);
        signal.throwIfAborted();
        const short = err instanceof NoDevices || err instanceof Refused;
        if (short && providers.some((each) => each.holders(container).some(leaving))) return 'waiting';
        if (err instanceof Refused) return { reason: err.reason, message: err.message };
        const message = `Allocate failed due to ${rpcText(err)}, which is unexpected`;
        return { reason: 'UnexpectedAdmissionError', message };
      }
    }
    return 'granted';
  }

  #affinity(pod: Pod, container: Container) {
    const { providers, policy, numaNodes } = this.#deps;
    if (policy === 'none') return ANYWHERE;
    return mergeHints(
      policy,
      numaNodes,
      providers.map((each) => each.hints(pod, container)),
    );
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {}); // told to whoever asked
    return done;
  }
}
