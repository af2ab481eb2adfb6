// Deployments roll replica sets from one version to the next.
//
//   deployments, replica sets, pods -> key -> claim sets -> decideDeployment -> create, scale, remove -> write status
import { itsController, itself, on, runController } from '../../api/client/controller.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import { selectorMatcher } from '../../api/labels.ts';
import { keyOf } from '../../api/resource.ts';
import { deepEqual } from '../../api/schema/equal.ts';
import { ApiError, isAlreadyExists, isNotFound } from '../../api/status.ts';
import type { Deployment } from '../../api/types/apps/deployment.ts';
import type { ReplicaSet } from '../../api/types/apps/replica-set.ts';
import { deployments, replicaSets } from '../../api/types/apps/resources.ts';
import { pods } from '../../api/types/core/resources.ts';
import { type Action, decideDeployment } from './deployment-decide.ts';
import { newSetOf, REVISION, sizeAnnotations, sizeOf } from './deployment-sets.ts';
import { deploymentStatus, type Rollout } from './deployment-status.ts';
import type { Controller } from './deps.ts';
import { claim, controllerOf } from './ownership.ts';
import { isFinished } from './pod-facts.ts';

const WORKERS = 5;

export const deploymentController: Controller = ({ client, informers, recorder, clock, log }) => {
  const deploymentInformer = informers.of(deployments);
  const setInformer = informers.of(replicaSets);
  const podInformer = informers.of(pods);

  async function reconcile(key: string, signal: AbortSignal): Promise<Next> {
    const deployment = deploymentInformer.get(key);
    if (deployment === undefined) return AT_REST;
    const selects = selectorMatcher(deployment.spec.selector);
    const sets = await claim(
      { client, owners: deployments, owner: deployment, informer: setInformer, selects },
      signal,
    );
    const newest = newSetOf(deployment, sets);
    const oldPodsRun = sets.some((set) => set !== newest && podsOf(set).some((pod) => !isFinished(pod)));
    let rollout: Done = {};
    let failure: unknown;
    for (const action of decideDeployment({ deployment, sets, oldPodsRun })) {
      try {
        rollout = { ...rollout, ...(await perform(deployment, action, signal)) };
      } catch (err) {
        if (action.do === 'create' && err instanceof ApiError) rollout = { createError: err.message };
        failure = err;
        break;
      }
    }
    const { status, againMs } = deploymentStatus(deployment, sets, rollout, clock.now());
    await writeStatus(rollout.written ?? deployment, status, signal);
    if (failure !== undefined) throw failure;
    return againMs === undefined ? AT_REST : { afterMs: againMs };
  }

  async function perform(deployment: Deployment, action: Action, signal: AbortSignal): Promise<Done> {
    switch (action.do) {
      case 'create':
        return create(deployment, action, signal);
      case 'scale':
        await scale(deployment, action, signal);
        return {};
      case 'follow': {
        const { set, annotations, minReadySeconds } = action;
        const next = { ...set, metadata: { ...set.metadata, annotations }, spec: { ...set.spec, minReadySeconds } };
        await client.update(replicaSets, next, {}, signal);
        return {};
      }
      case 'showRevision': {
        const annotations = { ...deployment.metadata.annotations, [REVISION]: String(action.revision) };
        const metadata = { ...deployment.metadata, annotations };
        return { written: await client.update(deployments, { ...deployment, metadata }, {}, signal) };
      }
      case 'remove':
        await client
          .delete(replicaSets, action.set.metadata, { preconditions: { uid: action.set.metadata.uid } }, signal)
          .catch(unlessGone);
        return {};
      default:
        return action satisfies never;
    }
  }

  async function create(
    deployment: Deployment,
    action: Extract<Action, { do: 'create' }>,
    signal: AbortSignal,
  ): Promise<Rollout> {
    const name = action.set.metadata.name!;
    try {
      await client.create(replicaSets, action.set, {}, signal);
    } catch (err) {
      if (!isAlreadyExists(err)) throw err;
      const there = await client.get(replicaSets, { namespace: deployment.metadata.namespace, name }, {}, signal);
      // Our own from a moment ago: the informer has not shown it yet.
      if (controllerOf(there)?.uid === deployment.metadata.uid && newSetOf(deployment, [there]) !== undefined)
        return {};
      const collisionCount = (deployment.status.collisionCount ?? 0) + 1;
      const status = { ...deployment.status, collisionCount };
      await client.update(deployments, { ...deployment, status }, { subresource: 'status' }, signal);
      throw err; // the next pass tries another name
    }
    if (action.replicas > 0) {
      recorder.event(
        deployment,
        'Normal',
        'ScalingReplicaSet',
        `Scaled up replica set ${name} from 0 to ${action.replicas}`,
      );
    }
    return { created: name };
  }

  async function scale(
    deployment: Deployment,
    { set, replicas }: Extract<Action, { do: 'scale' }>,
    signal: AbortSignal,
  ): Promise<void> {
    const before = sizeOf(set);
    const annotations = { ...set.metadata.annotations, ...sizeAnnotations(deployment) };
    const next = { ...set, metadata: { ...set.metadata, annotations }, spec: { ...set.spec, replicas } };
    await client.update(replicaSets, next, {}, signal);
    if (before === replicas) return;
    const direction = before < replicas ? 'up' : 'down';
    const message = `Scaled ${direction} replica set ${set.metadata.name} from ${before} to ${replicas}`;
    recorder.event(deployment, 'Normal', 'ScalingReplicaSet', message);
  }

  const podsOf = (set: ReplicaSet) => podInformer.byIndex('owner', set.metadata.uid);

  async function writeStatus(deployment: Deployment, status: Deployment['status'], signal: AbortSignal): Promise<void> {
    if (deepEqual(shown(deployment.status), shown(status))) return;
    await client.update(deployments, { ...deployment, status }, { subresource: 'status' }, signal).catch(unlessGone);
  }

  /** A set that nobody controls concerns every deployment that would select it. */
  function wouldAdopt(set: ReplicaSet | undefined): string[] {
    if (set === undefined || controllerOf(set) !== undefined) return [];
    const all = [...deploymentInformer.list(set.metadata.namespace)];
    return all.filter(({ spec }) => selectorMatcher(spec.selector)(set.metadata.labels)).map(keyOf);
  }

  /** Recreate waits for pods to go; nothing else of a pod matters here. */
  function ofPod(_key: string, now: { metadata: ReplicaSet['metadata'] } | undefined, before: typeof now): string[] {
    if (now !== undefined || before === undefined) return [];
    const reference = before.metadata.ownerReferences?.find(({ controller }) => controller === true);
    const set = reference && setInformer.get(`${before.metadata.namespace}/${reference.name}`);
    const owner = set && controllerOf(set);
    return owner === undefined ? [] : [`${before.metadata.namespace}/${owner.name}`];
  }

  return (signal) =>
    runController(
      {
        name: 'deployment',
        workers: WORKERS,
        sources: [
          on(deploymentInformer, itself),
          on(setInformer, itsController('Deployment')),
          on(setInformer, (_key, now) => wouldAdopt(now)),
          on(podInformer, ofPod),
        ],
        reconcile,
        clock,
        log,
      },
      signal,
    );
};

/** What a pass did; `written` is the deployment as the pass left it. */
interface Done extends Rollout {
  readonly written?: Deployment;
}

function unlessGone(err: unknown): void {
  if (!isNotFound(err)) throw err;
}

/** Zeros are left out when stored, so they do not differ from what is absent. */
function shown(status: Deployment['status']): unknown {
  return Object.fromEntries(Object.entries(status).filter(([, value]) => value !== 0 && value !== undefined));
}
