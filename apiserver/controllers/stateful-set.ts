// Stateful sets keep pods with names and storage that last, and change them one after another.
//
//   stateful sets, pods, claims -> key -> claim -> ensureRevision -> decideMembers -> storage, create or delete -> status
import { itsController, itself, on, runController } from '../../api/client/controller.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import { selectorMatcher } from '../../api/labels.ts';
import { keyOf } from '../../api/resource.ts';
import { deepEqual } from '../../api/schema/equal.ts';
import { ApiError, isAlreadyExists, isNotFound } from '../../api/status.ts';
import type { ControllerRevision } from '../../api/types/apps/controller-revision.ts';
import { controllerRevisions, statefulSets } from '../../api/types/apps/resources.ts';
import type { StatefulSet, StatefulSetStatus } from '../../api/types/apps/stateful-set.ts';
import type { Pod, PodTemplateSpec } from '../../api/types/core/pod.ts';
import { pods } from '../../api/types/core/resources.ts';
import { persistentVolumeClaims } from '../../api/types/core/storage-resources.ts';
import type { Controller } from './deps.ts';
import { claim, controllerOf } from './ownership.ts';
import { revisionHash } from './revision-hash.ts';
import { ensureRevision, type RevisionStyle, removeRevisions, surplusRevisions, templateOf } from './revisions.ts';
import { StatefulClaims } from './stateful-claims.ts';
import { missingLabels, newMember, ordinalOf, REVISION } from './stateful-pods.ts';
import { condemnedOf, decideMembers, membersOf, type StatefulView, statefulStatus } from './stateful-set-decide.ts';

const STYLE: RevisionStyle<StatefulSet> = {
  of: statefulSets,
  hashLabel: 'controller.kubernetes.io/hash',
  hash: ({ spec }, collisions) => revisionHash(spec.template, collisions),
};

export const statefulSetController: Controller = ({ client, informers, recorder, clock, log }) => {
  const setInformer = informers.of(statefulSets);
  const podInformer = informers.of(pods);
  const claimInformer = informers.of(persistentVolumeClaims);
  const revisionInformer = informers.of(controllerRevisions);
  const claims = new StatefulClaims({ client, recorder, claimInformer });

  async function reconcile(key: string, signal: AbortSignal): Promise<Next> {
    const set = setInformer.get(key);
    if (set === undefined) return AT_REST;
    const selects = selectorMatcher(set.spec.selector);
    const owners = { client, owners: statefulSets, owner: set, selects };
    const among = ({ metadata }: Pod) => ordinalOf(set, metadata.name) !== undefined;
    const members = await claim({ ...owners, informer: podInformer, among }, signal);
    const revisions = await claim({ ...owners, informer: revisionInformer }, signal);
    const { revision, collisionCount } = await ensureRevision(client, STYLE, set, revisions, signal);
    const current = revisions.find(({ metadata }) => metadata.name === set.status.currentRevision) ?? revision;
    const view: StatefulView = {
      set,
      pods: members,
      currentRevision: current.metadata.name,
      updateRevision: revision.metadata.name,
      nowMs: clock.now(),
    };
    const { status, againMs } = statefulStatus(view, collisionCount);
    const deleting = set.metadata.deletionTimestamp !== undefined;
    try {
      await claims.settleOwners(set, membersOf(set, members), condemnedOf(set, members), signal);
      if (!deleting) await carryOut(view, current, revision, signal);
    } finally {
      await writeStatus(set, status, signal);
    }
    const live = new Set([current.metadata.name, revision.metadata.name]);
    for (const { metadata } of members) live.add(metadata.labels?.[REVISION] ?? '');
    if (!deleting) {
      await removeRevisions(client, surplusRevisions(revisions, live, set.spec.revisionHistoryLimit ?? 10), signal);
    }
    return againMs === undefined ? AT_REST : { afterMs: againMs };
  }

  async function carryOut(
    view: StatefulView,
    current: ControllerRevision,
    update: ControllerRevision,
    signal: AbortSignal,
  ): Promise<void> {
    const { set } = view;
    const { create, remove, ended } = decideMembers(view);
    for (const { metadata, status } of ended) {
      const what = status.phase === 'Failed' ? 'failed' : 'terminated';
      const reason = status.phase === 'Failed' ? 'RecreatingFailedPod' : 'RecreatingTerminatedPod';
      const message = `StatefulSet ${keyOf(set)} is recreating ${what} Pod ${metadata.name}`;
      recorder.event(set, 'Warning', reason, message);
    }
    for (const pod of remove) await removePod(set, pod, signal);
    for (const { ordinal, revision } of create) {
      const from = revision === 'current' ? current : update;
      const template = from === update ? set.spec.template : templateOf(from);
      if (!(await createPod(set, ordinal, template, from.metadata.name, signal))) return;
    }
    for (const { ordinal, pod } of membersOf(set, view.pods)) {
      const labels = pod && missingLabels(pod, ordinal);
      if (labels !== undefined) {
        await client.patch(pods, pod!.metadata, { type: 'merge', body: { metadata: { labels } } }, {}, signal);
      }
      // A claim that was deleted under a waiting pod has to come back.
      if (pod?.status.phase === 'Pending') await claims.ensure(set, ordinal, pod, signal);
    }
  }

  /** False when it has to wait for its storage. */
  async function createPod(
    set: StatefulSet,
    ordinal: number,
    template: PodTemplateSpec,
    revision: string,
    signal: AbortSignal,
  ): Promise<boolean> {
    const pod = newMember(set, template, revision, ordinal);
    const { name } = pod.metadata;
    if (!(await claims.ensure(set, ordinal, undefined, signal))) return false;
    try {
      await client.create(pods, pod, {}, signal);
      said(set, 'Normal', 'create', name!, 'successful');
    } catch (err) {
      // The cache is behind; unless the name is somebody else's, the pod is ours.
      const there = podInformer.get(`${set.metadata.namespace}/${name}`);
      if (isAlreadyExists(err) && (there === undefined || controllerOf(there)?.uid === set.metadata.uid)) return true;
      if (err instanceof ApiError) said(set, 'Warning', 'create', name!, `failed error: ${err.message}`);
      throw err;
    }
    return true;
  }

  async function removePod(set: StatefulSet, { metadata }: Pod, signal: AbortSignal): Promise<void> {
    try {
      await client.delete(pods, metadata, { preconditions: { uid: metadata.uid } }, signal);
      said(set, 'Normal', 'delete', metadata.name, 'successful');
    } catch (err) {
      if (isNotFound(err)) return;
      if (err instanceof ApiError) said(set, 'Warning', 'delete', metadata.name, `failed error: ${err.message}`);
      throw err;
    }
  }

  function said(
    set: StatefulSet,
    type: 'Normal' | 'Warning',
    verb: 'create' | 'delete',
    pod: string,
    how: string,
  ): void {
    const reason = `${type === 'Normal' ? 'Successful' : 'Failed'}${verb === 'create' ? 'Create' : 'Delete'}`;
    recorder.event(set, type, reason, `${verb} Pod ${pod} in StatefulSet ${set.metadata.name} ${how}`);
  }

  async function writeStatus(set: StatefulSet, status: StatefulSetStatus, signal: AbortSignal): Promise<void> {
    if (deepEqual(shown(set.status), shown(status))) return;
    try {
      await client.update(statefulSets, { ...set, status }, { subresource: 'status' }, signal);
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
  }

  function wouldAdopt(pod: Pod | undefined): string[] {
    if (pod === undefined || controllerOf(pod) !== undefined) return [];
    const sets = [...setInformer.list(pod.metadata.namespace)].filter(
      (set) =>
        ordinalOf(set, pod.metadata.name) !== undefined &&
        selectorMatcher(set.spec.selector)(pod.metadata.labels ?? {}),
    );
    return sets.map(keyOf);
  }

  /** A claim that is gone may be what a member waits for. */
  function waitingFor(_key: string, now: unknown, before: { metadata: Pod['metadata'] } | undefined): string[] {
    if (now !== undefined || before === undefined) return [];
    const sets = [...setInformer.list(before.metadata.namespace)];
    return sets.filter(({ metadata }) => before.metadata.name.includes(`-${metadata.name}-`)).map(keyOf);
  }

  const sources = [
    on(setInformer, itself),
    on(podInformer, itsController('StatefulSet')),
    on(podInformer, (_key, now) => wouldAdopt(now)),
    on(claimInformer, waitingFor),
    on(revisionInformer, itsController('StatefulSet')),
  ];
  return (signal) => runController({ name: 'statefulset', sources, reconcile, clock, log }, signal);
};

/** Zeros that are left out when stored do not differ from what is absent. */
function shown({ collisionCount, ...status }: StatefulSetStatus): unknown {
  const rest = Object.fromEntries(Object.entries(status).filter(([, value]) => value !== 0 && value !== undefined));
  return { ...rest, ...(collisionCount !== undefined && { collisionCount }) };
}
