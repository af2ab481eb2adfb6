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

interface Following {
  readonly informer: Informer<KubeObject>;
  readonly stop: AbortController;
  run?: Promise<void>;
}

export class GarbageGraph {
  readonly #client: Client;
  readonly #deps: { clock: Clock; log: Logger };
  readonly #following = new Map<ResourceDefinition, Following>();
  readonly #byUid = new Map<string, GraphNode>();
  readonly #dependents = new Map<string, Map<string, GraphNode>>();
  readonly #kinds = new Map<string, ResourceDefinition>();
  #listener: GraphListener = () => {};
  #signal: AbortSignal | undefined;

  constructor(client: Client, kinds: readonly ResourceDefinition[], deps: { clock: Clock; log: Logger }) {
    this.#client = client;
    this.#deps = deps;
    for (const of of kinds) {
      this.#kinds.set(nameOf(of), of);
      this.#begin(of);
    }
  }

  onChange(listener: GraphListener): void {
    this.#listener = listener;
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    for (const following of this.#following.values()) this.#start(following, signal);
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.all(Array.from(this.#following.values(), ({ run }) => run));
  }

  async synced(signal: AbortSignal): Promise<void> {
    await Promise.all(Array.from(this.#following.values(), ({ informer }) => informer.synced(signal)));
  }

  /** A kind came, went, or is served in other versions; the first version of each is followed. */
  follow([now, ...more]: readonly ResourceDefinition[], before: readonly ResourceDefinition[]): void {
    for (const of of before) this.#kinds.delete(nameOf(of));
    const [old] = before;
    if (now === undefined) {
      if (old !== undefined) this.#end(old);
      return;
    }
    for (const of of [now, ...more]) this.#kinds.set(nameOf(of), of);
    const { informer } = this.#begin(now);
    const signal = this.#signal;
    // What is gone is known when the new version is, and so is whose owners are of a kind that was not known before.
    const known = () => {
      if (old !== undefined) this.#end(old);
      for (const node of this.#byUid.values()) {
        if (node.metadata.ownerReferences?.some((owner) => isOf(owner, [now, ...more]))) this.#listener(node, false);
      }
    };
    if (signal !== undefined) void informer.synced(signal).then(known, () => undefined);
  }

  #begin(of: ResourceDefinition): Following {
    const informer = new Informer(this.#client, of, { project: metadataOnly }, this.#deps);
    informer.onChange((_key, now, before) => this.#change(of, now, before));
    const following: Following = { informer, stop: new AbortController() };
    this.#following.set(of, following);
    if (this.#signal !== undefined) this.#start(following, this.#signal);
    return following;
  }

  #start(following: Following, signal: AbortSignal): void {
    following.run ??= following.informer.run(AbortSignal.any([signal, following.stop.signal]));
  }

  /** What was known of it and did not turn up elsewhere is gone. */
  #end(of: ResourceDefinition): void {
    this.#following.get(of)?.stop.abort();
    this.#following.delete(of);
    for (const node of [...this.#byUid.values()]) {
      if (node.of === of) this.#change(of, undefined, { metadata: node.metadata } as KubeObject);
    }
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

function nameOf(of: ResourceDefinition): string {
  return `${apiVersionOf(of)} ${of.kind}`;
}

function isOf({ apiVersion, kind }: { apiVersion: string; kind: string }, kinds: readonly ResourceDefinition[]) {
  return kinds.some((of) => of.kind === kind && apiVersionOf(of) === apiVersion);
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
