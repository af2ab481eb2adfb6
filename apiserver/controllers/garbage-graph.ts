// Who belongs to whom, over all kinds: metadata of every object, found by UID and by the UIDs of its owners.

import type { Client } from '../../api/client/client.ts';
import { Informer } from '../../api/client/informer.ts';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import { apiVersionOf, type ResourceDefinition } from '../../api/resource.ts';
import type { KubeObject } from '../../api/schema/kind.ts';

export interface GraphNode {
  readonly of: ResourceDefinition;
  readonly metadata: KubeObject['metadata'];
}

export type GraphListener = (node: GraphNode, gone: boolean) => void;

export class GarbageGraph {
  readonly #informers: Informer<KubeObject>[] = [];
  readonly #byUid = new Map<string, GraphNode>();
  readonly #dependents = new Map<string, Map<string, GraphNode>>();
  readonly #kinds = new Map<string, ResourceDefinition>();
  #listener: GraphListener = () => {};

  constructor(client: Client, kinds: readonly ResourceDefinition[], deps: { clock: Clock; log: Logger }) {
    for (const of of kinds) {
      this.#kinds.set(`${apiVersionOf(of)} ${of.kind}`, of);
      const informer = new Informer(client, of, { project: metadataOnly }, deps);
      informer.onChange((_key, now, before) => this.#change(of, now, before));
      this.#informers.push(informer);
    }
  }

  onChange(listener: GraphListener): void {
    this.#listener = listener;
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#informers.map((informer) => informer.run(signal)));
  }

  async synced(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#informers.map((informer) => informer.synced(signal)));
  }

  get(uid: string): GraphNode | undefined {
    return this.#byUid.get(uid);
  }

  /** What can matter at the start: what has owners, and what is being deleted. */
  *affected(): Generator<GraphNode> {
    for (const node of this.#byUid.values()) {
      const { ownerReferences = [], deletionTimestamp } = node.metadata;
      if (ownerReferences.length > 0 || deletionTimestamp !== undefined) yield node;
    }
  }

  dependentsOf(uid: string): GraphNode[] {
    return [...(this.#dependents.get(uid)?.values() ?? [])];
  }

  kindOf(apiVersion: string, kind: string): ResourceDefinition | undefined {
    return this.#kinds.get(`${apiVersion} ${kind}`);
  }

  #change(of: ResourceDefinition, now: KubeObject | undefined, before: KubeObject | undefined): void {
    const node: GraphNode = { of, metadata: (now ?? before)!.metadata };
    const { uid } = node.metadata;
    for (const owner of before?.metadata.ownerReferences ?? []) this.#unlink(owner.uid, before!.metadata.uid);
    if (before !== undefined) this.#byUid.delete(before.metadata.uid);
    if (now !== undefined) {
      this.#byUid.set(uid, node);
      for (const owner of now.metadata.ownerReferences ?? []) this.#link(owner.uid, node);
    }
    this.#listener(node, now === undefined);
    // The same name with another UID: the one before is gone although no deletion was seen.
    if (now !== undefined && before !== undefined && before.metadata.uid !== uid) {
      this.#listener({ of, metadata: before.metadata }, true);
    }
  }

  #link(owner: string, node: GraphNode): void {
    const dependents = this.#dependents.get(owner) ?? new Map<string, GraphNode>();
    this.#dependents.set(owner, dependents.set(node.metadata.uid, node));
  }

  #unlink(owner: string, uid: string): void {
    const dependents = this.#dependents.get(owner);
    dependents?.delete(uid);
    if (dependents?.size === 0) this.#dependents.delete(owner);
  }
}

function metadataOnly({ apiVersion, kind, metadata }: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp, finalizers, ownerReferences } =
    metadata;
  const kept = {
    name,
    namespace,
    uid,
    resourceVersion,
    creationTimestamp,
    deletionTimestamp,
    finalizers,
    ownerReferences,
  };
  return { apiVersion, kind, metadata: kept };
}
