// Deletes what has lost its owners, and carries out foreground and orphaning deletion.
//
//   metadata of all kinds -> graph -> uid -> state of its owners -> decideGarbage -> delete or patch
import { runController, type Source } from '../../api/client/controller.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import { isNotFound } from '../../api/status.ts';
import { customResourceDefinitions } from '../../api/types/apiextensions/resources.ts';
import { events } from '../../api/types/core/resources.ts';
import { events as eventsV1 } from '../../api/types/events/resources.ts';
import type { OwnerReference } from '../../api/types/meta/object-meta.ts';
import { builtinResources } from '../../api/types/resources.ts';
import { CustomKinds } from './custom-kinds.ts';
import type { Controller } from './deps.ts';
import { type Deed, decideGarbage, FOREGROUND, isWaiting, type OwnerState } from './garbage-decide.ts';
import { GarbageGraph, type GraphNode } from './garbage-graph.ts';

const WORKERS = 8;
const ABSENT_MAX = 500;

/** Nothing owns or is owned by events, and there are many of them. */
const KINDS = builtinResources.filter(
  (of) =>
    of.verbs.includes('delete') &&
    of.verbs.includes('watch') &&
    of !== (events as unknown) &&
    of !== (eventsV1 as unknown),
);

export const garbageCollector: Controller = ({ client, informers, clock, log }) => {
  const graph = new GarbageGraph(client, KINDS, { clock, log });
  const definitions = informers.of(customResourceDefinitions);
  const customKinds = new CustomKinds(definitions);
  /** UIDs that the API said are not there, so that a thousand dependents ask once. */
  const absent = new Set<string>();

  async function reconcile(uid: string, signal: AbortSignal): Promise<Next> {
    const node = graph.get(uid);
    if (node === undefined) return AT_REST;
    const references = node.metadata.ownerReferences ?? [];
    const owners: [OwnerReference, OwnerState][] = [];
    for (const reference of references) owners.push([reference, await stateOf(reference, node, signal)]);
    await perform(node, decideGarbage(node, owners, graph.dependentsOf(uid)), signal);
    return AT_REST;
  }

  async function stateOf(owner: OwnerReference, { metadata }: GraphNode, signal: AbortSignal): Promise<OwnerState> {
    const known = graph.get(owner.uid);
    const isElsewhere = known?.of.namespaced && known.metadata.namespace !== metadata.namespace;
    if (known !== undefined && !isElsewhere) return isWaiting(known) ? 'waiting' : 'solid';
    if (absent.has(owner.uid)) return 'absent';
    const of = graph.kindOf(owner.apiVersion, owner.kind);
    if (of === undefined) return 'solid'; // a kind we know nothing of: leave alone what it owns
    const key = { name: owner.name, ...(of.namespaced && { namespace: metadata.namespace }) };
    try {
      const live = await client.get(of, key, {}, signal);
      if (live.metadata.uid === owner.uid) return isWaiting({ of, metadata: live.metadata }) ? 'waiting' : 'solid';
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
    noteAbsent(owner.uid);
    return 'absent';
  }

  function noteAbsent(uid: string): void {
    absent.add(uid);
    if (absent.size > ABSENT_MAX) absent.delete(absent.values().next().value!);
  }

  async function perform(node: GraphNode, deed: Deed, signal: AbortSignal): Promise<void> {
    const { of, metadata } = node;
    try {
      switch (deed.do) {
        case 'nothing':
          return;
        case 'delete': {
          const { uid, resourceVersion } = metadata;
          const options = { propagationPolicy: deed.policy, preconditions: { uid, resourceVersion } };
          log.debug({ kind: of.kind, name: metadata.name, namespace: metadata.namespace }, 'owners gone, deleting');
          return await client.delete(of, metadata, options, signal);
        }
        case 'dropReferences':
          return await dropReferences(node, deed.uids, signal);
        case 'letGoDependents':
          for (const dependent of graph.dependentsOf(metadata.uid))
            await dropReferences(dependent, [metadata.uid], signal);
          return;
        case 'visitDependents':
          for (const dependent of graph.dependentsOf(metadata.uid)) enqueue(dependent.metadata.uid);
          return;
        case 'removeFinalizer': {
          const finalizers = (metadata.finalizers ?? []).filter((each) => each !== deed.finalizer);
          const body = { metadata: { uid: metadata.uid, resourceVersion: metadata.resourceVersion, finalizers } };
          await client.patch(of, metadata, { type: 'merge', body }, {}, signal);
          return;
        }
        default:
          deed satisfies never;
      }
    } catch (err) {
      if (!isNotFound(err)) throw err; // gone is what was wanted
    }
  }

  async function dropReferences(
    { of, metadata }: GraphNode,
    uids: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    const ownerReferences = (metadata.ownerReferences ?? []).filter(({ uid }) => !uids.includes(uid));
    const body = { metadata: { uid: metadata.uid, resourceVersion: metadata.resourceVersion, ownerReferences } };
    try {
      await client.patch(of, metadata, { type: 'merge', body }, {}, signal);
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
  }

  let enqueue: (uid: string) => void = () => {};
  const source: Source = {
    attach(into) {
      enqueue = into;
      graph.onChange((node, gone) => {
        const { uid, ownerReferences = [] } = node.metadata;
        // Its kind may go right behind it, and then nobody could be asked.
        if (gone) noteAbsent(uid);
        // Its dependents have one owner less, and owners that waited for it may have nothing left to wait for.
        if (gone || node.metadata.finalizers?.includes(FOREGROUND))
          for (const { metadata } of graph.dependentsOf(uid)) into(metadata.uid);
        for (const owner of ownerReferences)
          if (graph.get(owner.uid)?.metadata.deletionTimestamp !== undefined) into(owner.uid);
        if (!gone && (ownerReferences.length > 0 || node.metadata.deletionTimestamp !== undefined)) into(uid);
      });
      for (const { metadata } of graph.affected()) into(metadata.uid);
    },
    async synced(signal) {
      await definitions.synced(signal);
      await graph.synced(signal);
    },
  };

  return async (signal) => {
    customKinds.onChange((now, before) => graph.follow(now, before));
    const following = graph.run(signal);
    await runController(
      { name: 'garbage-collector', workers: WORKERS, sources: [source], reconcile, clock, log },
      signal,
    );
    await following;
  };
};
