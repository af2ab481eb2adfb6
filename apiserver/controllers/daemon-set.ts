// Daemon sets keep one pod on every node that wants it.
//
//   daemon sets, pods, nodes -> key -> claim -> ensureRevision -> decideDaemons -> create or delete -> write status
import { itsController, itself, on, runController } from '../../api/client/controller.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import { selectorMatcher } from '../../api/labels.ts';
import { keyOf, type ResourceDefinition } from '../../api/resource.ts';
import { deepEqual } from '../../api/schema/equal.ts';
import { isNotFound } from '../../api/status.ts';
import type { DaemonSet, DaemonSetStatus } from '../../api/types/apps/daemon-set.ts';
import { controllerRevisions, daemonSets } from '../../api/types/apps/resources.ts';
import type { Node } from '../../api/types/core/node.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { nodes, pods } from '../../api/types/core/resources.ts';
import { fitOf, REVISION_HASH, shapeForNode } from './daemon-pods.ts';
import { type DaemonView, daemonStatus, decideDaemons } from './daemon-set-decide.ts';
import type { Controller } from './deps.ts';
import { Expectations } from './expectations.ts';
import { FailureBackoff } from './failure-backoff.ts';
import { claim, controllerOf } from './ownership.ts';
import { PodControl } from './pod-control.ts';
import { ensureRevision, type RevisionStyle, removeRevisions, surplusRevisions } from './revisions.ts';
import { targetNode } from './target-node.ts';
import { templateHash } from './template-hash.ts';

const OF = daemonSets as unknown as ResourceDefinition;
const STYLE: RevisionStyle<DaemonSet> = {
  of: daemonSets,
  hashLabel: REVISION_HASH,
  hash: ({ spec }, collisions) => templateHash(spec.template, collisions === 0 ? undefined : collisions),
};

export const daemonSetController: Controller = ({ client, informers, recorder, clock, random, log }) => {
  const setInformer = informers.of(daemonSets);
  const podInformer = informers.of(pods);
  const nodeInformer = informers.of(nodes);
  const revisionInformer = informers.of(controllerRevisions);
  const expectations = new Expectations(clock);
  const control = new PodControl({ client, recorder, random, expectations });
  const backoff = new FailureBackoff(clock);

  podInformer.onChange((podKey, now, before) => {
    const pod = (now ?? before)!;
    const owner = controllerOf(pod);
    if (owner?.kind !== 'DaemonSet') return;
    const ownerKey = `${pod.metadata.namespace}/${owner.name}`;
    if (now !== undefined) expectations.settle(ownerKey, 'creation', podKey);
    if (now?.metadata.deletionTimestamp !== undefined || now === undefined)
      expectations.settle(ownerKey, 'deletion', podKey);
  });

  async function reconcile(key: string, signal: AbortSignal): Promise<Next> {
    const set = setInformer.get(key);
    if (set === undefined) {
      expectations.forget(key);
      return AT_REST;
    }
    if (selectsEverything(set)) {
      const message = 'This daemon set is selecting all pods. A non-empty selector is required.';
      recorder.event(set, 'Warning', 'SelectingAll', message);
      return AT_REST;
    }
    const selects = selectorMatcher(set.spec.selector);
    const owned = await claim({ client, owners: daemonSets, owner: set, informer: podInformer, selects }, signal);
    const revisions = await claim(
      { client, owners: daemonSets, owner: set, informer: revisionInformer, selects },
      signal,
    );
    if (set.metadata.deletionTimestamp !== undefined) return AT_REST;
    const { revision, collisionCount } = await ensureRevision(client, STYLE, set, revisions, signal);
    const hash = revision.metadata.labels?.[REVISION_HASH] ?? '';
    const view: DaemonView = { set, nodes: [...nodeInformer.list()], pods: owned, hash, nowMs: clock.now() };
    let retryMs: number | undefined;
    if (expectations.areSettled(key)) retryMs = await carryOut(view, signal);
    const { status, againMs } = daemonStatus(view, collisionCount);
    await writeStatus(set, status, signal);
    const live = new Set(owned.map(({ metadata }) => `${set.metadata.name}-${metadata.labels?.[REVISION_HASH]}`));
    live.add(revision.metadata.name);
    await removeRevisions(client, surplusRevisions(revisions, live, set.spec.revisionHistoryLimit ?? 10), signal);
    const waits = [retryMs, againMs].filter((ms) => ms !== undefined);
    return waits.length > 0 ? { afterMs: Math.min(...waits) } : AT_REST;
  }

  /** Returns when a daemon that failed may be replaced. */
  async function carryOut(view: DaemonView, signal: AbortSignal): Promise<number | undefined> {
    const { set, hash } = view;
    const { create, remove, ended } = decideDaemons(view);
    const waits: number[] = [];
    const later = new Set<Pod>();
    for (const pod of ended) {
      const { namespace, name } = pod.metadata;
      const node = targetNode(pod.spec) ?? '';
      const waitMs = pod.status.phase === 'Failed' ? backoff.next(`${set.metadata.uid}/${node}`, pod.metadata.uid) : 0;
      if (waitMs > 0) {
        waits.push(waitMs);
        later.add(pod);
        continue;
      }
      const failed = pod.status.phase === 'Failed';
      const message = `Found ${failed ? 'failed' : 'succeeded'} daemon pod ${namespace}/${name} on node ${node}, will try to ${failed ? 'kill' : 'delete'} it`;
      recorder.event(set, failed ? 'Warning' : 'Normal', failed ? 'FailedDaemonPod' : 'SucceededDaemonPod', message);
    }
    const waiting = [...create];
    await control.createMany(waiting.length, () => {
      const node = waiting.shift()!;
      return control.create(set, OF, set.spec.template, signal, {
        change: (pod) => shapeForNode(pod, set, node, hash),
      });
    });
    const now = remove.filter((pod) => !later.has(pod));
    const results = await Promise.allSettled(now.map((pod) => control.delete(set, pod, signal)));
    const failure = results.find((result) => result.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
    return waits.length > 0 ? Math.min(...waits) : undefined;
  }

  async function writeStatus(set: DaemonSet, status: DaemonSetStatus, signal: AbortSignal): Promise<void> {
    if (deepEqual(shown(set.status), shown(status))) return;
    try {
      await client.update(daemonSets, { ...set, status }, { subresource: 'status' }, signal);
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
  }

  function wouldAdopt(pod: Pod | undefined): string[] {
    if (pod === undefined || controllerOf(pod) !== undefined) return [];
    const sets = [...setInformer.list(pod.metadata.namespace)];
    return sets.filter(({ spec }) => selectorMatcher(spec.selector)(pod.metadata.labels ?? {})).map(keyOf);
  }

  /** Nodes report all the time; only what changes where daemons belong matters. */
  function ofNode(_key: string, now: Node | undefined, before: Node | undefined): string[] {
    const differs = (set: DaemonSet) =>
      now === undefined || before === undefined || !deepEqual(fitOf(set, now), fitOf(set, before));
    const sets = [...setInformer.list()];
    return sets.filter(differs).map(keyOf);
  }

  const sources = [
    on(setInformer, itself),
    on(podInformer, itsController('DaemonSet')),
    on(podInformer, (_key, now) => wouldAdopt(now)),
    on(nodeInformer, ofNode),
    on(revisionInformer, itsController('DaemonSet')),
  ];
  return (signal) => runController({ name: 'daemonset', sources, reconcile, clock, log }, signal);
};

function selectsEverything({ spec: { selector } }: DaemonSet): boolean {
  return Object.keys(selector?.matchLabels ?? {}).length + (selector?.matchExpressions ?? []).length === 0;
}

/** Zeros are left out when stored, so they do not differ from what is absent. */
function shown(status: DaemonSetStatus): unknown {
  return Object.fromEntries(Object.entries(status).filter(([, value]) => value !== 0 && value !== undefined));
}
