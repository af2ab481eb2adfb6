// What the scheduler knows of the cluster, kept up to date event by event: nodes with their pods, the pods it has
// placed itself and not seen there yet (assumed), and the places it keeps free for pods that pushed others out
// (nominated). Decisions are synchronous, so they need no copy of it.
import type { LabelMatcher, Labels } from '../../api/labels.ts';
import type { Node } from '../../api/types/core/node.ts';
import { DeviceFacts } from './device-facts.ts';
import { GroupSelectors } from './group-selectors.ts';
import { count, type NodeChange, NodeInfo } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';
import { ResourceNames } from './resource-names.ts';
import { VolumeFacts } from './volume-facts.ts';

/** A disruption budget. */
export interface Budget {
  readonly namespace: string;
  readonly selects: LabelMatcher;
  readonly allowed: number;
  /** Pods whose disruption is counted already. */
  readonly disrupted: ReadonlySet<string>;
}

interface Place {
  readonly node: NodeInfo;
  /** Set while the API has not shown the pod there. */
  assumed: boolean;
  expiresAtMs: number;
}

const ZONE = 'topology.kubernetes.io/zone';
const NO_LABELS: Labels = {};

export class Snapshot {
  readonly names = new ResourceNames();
  readonly volumes = new VolumeFacts();
  readonly devices = new DeviceFacts();
  readonly groups = new GroupSelectors();
  readonly budgets = new Map<string, Budget>();
  readonly namespaces = new Map<string, Labels>();
  readonly nodesWithTerms = new Set<NodeInfo>();
  readonly nodesKeepingApart = new Set<NodeInfo>();
  readonly #nodes = new Map<string, NodeInfo>();
  readonly #places = new Map<string, Place>();
  readonly #nominated = new Map<string, Map<string, PodInfo>>();
  readonly #nominations = new Map<string, string>();
  readonly #imageHolders = new Map<string, number>();
  #order: readonly NodeInfo[] | undefined;

  /** One of each zone in turn, so that a sample of the first few has all zones in it. */
  get nodes(): readonly NodeInfo[] {
    this.#order ??= interleaved([...this.#nodes.values()].filter(({ known }) => known));
    return this.#order;
  }

  node(name: string): NodeInfo | undefined {
    const node = this.#nodes.get(name);
    return node?.known ? node : undefined;
  }

  readonly namespaceLabels = (name: string): Labels => this.namespaces.get(name) ?? NO_LABELS;

  /** How many nodes have this image. */
  imageHolders(image: string): number {
    return this.#imageHolders.get(image) ?? 0;
  }

  describeNode(node: Node): { node: NodeInfo; changes: readonly NodeChange[] } {
    const info = this.#nodeOf(node.metadata.name);
    for (const image of info.images.keys()) count(this.#imageHolders, image, -1);
    const changes = info.describe(node, this.names);
    for (const image of info.images.keys()) count(this.#imageHolders, image, 1);
    if (changes.includes('added') || changes.includes('labels')) this.#order = undefined;
    return { node: info, changes };
  }

  removeNode(name: string): void {
    const info = this.#nodes.get(name);
    if (info === undefined) return;
    for (const image of info.images.keys()) count(this.#imageHolders, image, -1);
    info.images = new Map();
    info.known = false;
    this.#order = undefined;
    this.#dropIfUnused(info);
  }

  /** A pod that the API shows on a node. Returns it as it was there before, assumed or shown. */
  setPod(pod: PodInfo): PodInfo | undefined {
    const before = this.removePod(pod.key);
    this.#put(pod, pod.nodeName, false);
    return before;
  }

  removePod(key: string): PodInfo | undefined {
    const place = this.#places.get(key);
    if (place === undefined) return undefined;
    this.#places.delete(key);
    const pod = place.node.remove(key);
    this.#index(place.node);
    this.#dropIfUnused(place.node);
    return pod;
  }

  /** Placed by us: counts at once, long before the API shows it. */
  assume(pod: PodInfo, nodeName: string): void {
    this.removePod(pod.key);
    this.#put(pod, nodeName, true);
  }

  isAssumed(key: string): boolean {
    return this.#places.get(key)?.assumed === true;
  }

  nodeNameOf(key: string): string | undefined {
    return this.#places.get(key)?.node.name;
  }

  /** From here on the API should show it soon. */
  expireAssumed(key: string, atMs: number): void {
    const place = this.#places.get(key);
    if (place?.assumed) place.expiresAtMs = atMs;
  }

  /** Takes back what was assumed and never shown. */
  dropExpired(nowMs: number): PodInfo[] {
    const expired = [...this.#places].filter(([, { assumed, expiresAtMs }]) => assumed && expiresAtMs <= nowMs);
    return expired.map(([key]) => this.removePod(key)!);
  }

  nominate(pod: PodInfo, nodeName: string): void {
    this.withdraw(pod.key);
    this.#nominations.set(pod.key, nodeName);
    const here = this.#nominated.get(nodeName) ?? new Map<string, PodInfo>();
    this.#nominated.set(nodeName, here.set(pod.key, pod));
  }

  withdraw(key: string): void {
    const nodeName = this.#nominations.get(key);
    if (nodeName === undefined) return;
    this.#nominations.delete(key);
    const here = this.#nominated.get(nodeName)!;
    here.delete(key);
    if (here.size === 0) this.#nominated.delete(nodeName);
  }

  nominationOf(key: string): string {
    return this.#nominations.get(key) ?? '';
  }

  *nominatedOn(nodeName: string): Generator<PodInfo> {
    yield* this.#nominated.get(nodeName)?.values() ?? [];
  }

  get hasNominated(): boolean {
    return this.#nominated.size > 0;
  }

  #put(pod: PodInfo, nodeName: string, assumed: boolean): void {
    const node = this.#nodeOf(nodeName);
    node.add(pod);
    this.#index(node);
    this.#places.set(pod.key, { node, assumed, expiresAtMs: Number.POSITIVE_INFINITY });
  }

  #nodeOf(name: string): NodeInfo {
    const known = this.#nodes.get(name);
    if (known !== undefined) return known;
    const made = new NodeInfo(name);
    this.#nodes.set(name, made);
    return made;
  }

  #dropIfUnused(node: NodeInfo): void {
    if (!node.known && node.pods.size === 0) this.#nodes.delete(node.name);
  }

  #index(node: NodeInfo): void {
    if (node.withTerms.size > 0) this.nodesWithTerms.add(node);
    else this.nodesWithTerms.delete(node);
    if (node.keepingApart.size > 0) this.nodesKeepingApart.add(node);
    else this.nodesKeepingApart.delete(node);
  }
}

function interleaved(nodes: readonly NodeInfo[]): NodeInfo[] {
  const zones = Map.groupBy(nodes, ({ labels }) => labels[ZONE] ?? '');
  const rows = [...zones.values()];
  const longest = Math.max(0, ...rows.map(({ length }) => length));
  return Array.from({ length: longest }, (_, i) => rows.flatMap((row) => row[i] ?? [])).flat();
}
