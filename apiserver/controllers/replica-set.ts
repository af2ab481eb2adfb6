// Replica sets keep their number of pods. The smallest controller of the pattern: copy this one.
// Replication controllers are the same loop over an older kind.
//
//   replica sets, pods -> key -> claim pods -> decideReplicas -> create or delete -> write status
import { itsController, itself, on, runController } from '../../api/client/controller.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import { timestamp } from '../../api/clock.ts';
import { type LabelMatcher, selectorMatcher } from '../../api/labels.ts';
import { keyOf, type ResourceDefinition } from '../../api/resource.ts';
import { deepEqual } from '../../api/schema/equal.ts';
import { ApiError, isNotFound } from '../../api/status.ts';
import type { ReplicaSet } from '../../api/types/apps/replica-set.ts';
import { replicaSets } from '../../api/types/apps/resources.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { pods } from '../../api/types/core/resources.ts';
import type { Controller, ControllerDeps } from './deps.ts';
import { Expectations } from './expectations.ts';
import { claim, controllerOf } from './ownership.ts';
import { PodControl } from './pod-control.ts';
import { decideReplicas, statusOf } from './replica-set-decide.ts';

const WORKERS = 5;

export interface ReplicaKind {
  readonly resource: ResourceDefinition<ReplicaSet>;
  readonly selectorOf: (set: ReplicaSet) => LabelMatcher;
  /** What of the status the kind has. */
  readonly shape: (status: ReplicaSet['status']) => ReplicaSet['status'];
}

export const replicaSetController: Controller = (deps) =>
  keepReplicas(
    { resource: replicaSets, selectorOf: ({ spec }) => selectorMatcher(spec.selector), shape: (status) => status },
    deps,
  );

export function keepReplicas(
  { resource, selectorOf, shape }: ReplicaKind,
  { client, informers, recorder, clock, random, log }: ControllerDeps,
): ReturnType<Controller> {
  const setInformer = informers.of(resource);
  const podInformer = informers.of(pods);
  const expectations = new Expectations(clock);
  const control = new PodControl({ client, recorder, random, expectations });

  podInformer.onChange((podKey, now, before) => {
    const owner = controllerOf((now ?? before)!);
    if (owner?.kind !== resource.kind) return;
    const ownerKey = `${(now ?? before)!.metadata.namespace}/${owner.name}`;
    if (now !== undefined) expectations.settle(ownerKey, 'creation', podKey);
    if (now?.metadata.deletionTimestamp !== undefined || now === undefined)
      expectations.settle(ownerKey, 'deletion', podKey);
  });

  async function reconcile(key: string, signal: AbortSignal): Promise<Next> {
    const set = setInformer.get(key);
    if (set === undefined) {
      expectations.forget(key);
      return AT_REST; // its pods belong to the garbage collector now
    }
    const selects = selectorOf(set);
    const owned = await claim({ client, owners: resource, owner: set, informer: podInformer, selects }, signal);
    let failure: Failure | undefined;
    if (expectations.areSettled(key)) failure = await settlePods(set, owned, signal);
    const now = clock.now();
    const { status, againMs } = statusOf(set, owned, failure && described(failure), { ms: now, text: timestamp(now) });
    await writeStatus(set, shape(status), signal);
    if (failure !== undefined) throw failure.err;
    return againMs === undefined ? AT_REST : { afterMs: againMs };
  }

  async function settlePods(set: ReplicaSet, owned: readonly Pod[], signal: AbortSignal): Promise<Failure | undefined> {
    const { create, remove } = decideReplicas(set, owned, remotelyRelated(set, owned));
    const of = resource as unknown as ResourceDefinition;
    try {
      await control.createMany(create, () => control.create(set, of, set.spec.template!, signal));
    } catch (err) {
      return { reason: 'FailedCreate', err };
    }
    const results = await Promise.allSettled(remove.map((pod) => control.delete(set, pod, signal)));
    const failed = results.find((result) => result.status === 'rejected');
    return failed && { reason: 'FailedDelete', err: failed.reason };
  }

  /** Pods of all sets that share this one's owner: a rollout takes from the node that has most of both. */
  function remotelyRelated(set: ReplicaSet, owned: readonly Pod[]): readonly Pod[] {
    const owner = controllerOf(set);
    if (owner === undefined) return owned;
    return setInformer
      .byIndex('owner', owner.uid)
      .flatMap(({ metadata }) => podInformer.byIndex('owner', metadata.uid));
  }

  async function writeStatus(set: ReplicaSet, status: ReplicaSet['status'], signal: AbortSignal): Promise<void> {
    if (deepEqual(shown(set.status), shown(status))) return;
    try {
      await client.update(resource, { ...set, status }, { subresource: 'status' }, signal);
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
  }

  /** A pod that nobody controls concerns every set that would select it. */
  function wouldAdopt(pod: Pod | undefined): string[] {
    if (pod === undefined || controllerOf(pod) !== undefined) return [];
    const sets = [...setInformer.list(pod.metadata.namespace)];
    return sets.filter((set) => selectorOf(set)(pod.metadata.labels ?? {})).map(keyOf);
  }

  return (signal) =>
    runController(
      {
        name: resource.singular,
        workers: WORKERS,
        sources: [
          on(setInformer, itself),
          on(podInformer, itsController(resource.kind)),
          on(podInformer, (_key, now) => wouldAdopt(now)),
        ],
        reconcile,
        clock,
        log,
      },
      signal,
    );
}

interface Failure {
  readonly reason: string;
  readonly err: unknown;
}

function described({ reason, err }: Failure): { reason: string; message: string } {
  return { reason, message: err instanceof ApiError ? err.message : 'the API could not be reached' };
}

/** Zeros are left out when stored, so they do not differ from what is absent. */
function shown(status: ReplicaSet['status']): unknown {
  return Object.fromEntries(Object.entries(status).filter(([, value]) => value !== 0 && value !== undefined));
}
