// A node as plugins see it: what it offers, who is on it, and the sums that are asked for all the time.
import type { Labels } from '../../api/labels.ts';
import { quantityValue } from '../../api/quantity.ts';
import type { TaintLike } from '../../api/tolerations.ts';
import type { Node } from '../../api/types/core/node.ts';
import type { HostPort, PodInfo } from './pod-info.ts';
import { type Amounts, addTo, type ResourceNames } from './resource-names.ts';

const NO_LABELS: Labels = {};
const EVERY_ADDRESS = '0.0.0.0';

export type NodeChange = 'labels' | 'taints' | 'resources' | 'images' | 'added';

export class NodeInfo {
  readonly name: string;
  /** False while only pods speak of it: nothing is placed there. */
  known = false;
  labels: Labels = NO_LABELS;
  taints: readonly TaintLike[] = [];
  unschedulable = false;
  allocatable: Amounts = [];
  podsMax = 0;
  /** Bytes by name. */
  images: ReadonlyMap<string, number> = new Map();

  readonly pods = new Map<string, PodInfo>();
  /** Those with any affinity to or from other pods, and those that keep others away. */
  readonly withTerms = new Map<string, PodInfo>();
  readonly keepingApart = new Map<string, PodInfo>();
  readonly requested: number[] = [];
  scoredCpu = 0;
  scoredMemory = 0;
  /** How many pods here use a claim, by namespace/name. */
  readonly claims = new Map<string, number>();
  readonly #ports = new Map<string, Map<string, number>>();

  constructor(name: string) {
    this.name = name;
  }

  /** What differs from before, of what decisions rest on. */
  describe(node: Node, names: ResourceNames): NodeChange[] {
    const before = { ...this };
    const { allocatable = {}, images = [] } = node.status;
    this.labels = node.metadata.labels ?? NO_LABELS;
    this.taints = (node.spec.taints ?? []).map(({ key, value, effect }) => ({ key, value, effect }));
    this.unschedulable = node.spec.unschedulable === true;
    this.allocatable = names.amountsOf(allocatable);
    this.podsMax = quantityValue(allocatable['pods'] ?? '0');
    this.images = new Map(
      images.flatMap(({ names = [], sizeBytes = 0 }) => names.map((name) => [name, Number(sizeBytes)])),
    );
    this.known = true;
    const changes: NodeChange[] = [];
    if (!before.known) changes.push('added');
    if (!same(before.labels, this.labels)) changes.push('labels');
    if (!same(before.taints, this.taints) || before.unschedulable !== this.unschedulable) changes.push('taints');
    if (!same(before.allocatable, this.allocatable) || before.podsMax !== this.podsMax) changes.push('resources');
    if (!same([...before.images], [...this.images])) changes.push('images');
    return changes;
  }

  add(pod: PodInfo): void {
    this.pods.set(pod.key, pod);
    const { near, apart, preferred } = pod.terms;
    if (near.length + apart.length + preferred.length > 0) this.withTerms.set(pod.key, pod);
    if (apart.length > 0) this.keepingApart.set(pod.key, pod);
    this.#count(pod, 1);
  }

  /** By key: what was added under it goes, even if the pod looks different by now. */
  remove(key: string): PodInfo | undefined {
    const pod = this.pods.get(key);
    if (pod === undefined) return undefined;
    this.pods.delete(key);
    this.withTerms.delete(key);
    this.keepingApart.delete(key);
    this.#count(pod, -1);
    return pod;
  }

  portTaken({ protocol, port, ip }: HostPort): boolean {
    const addresses = this.#ports.get(`${protocol}/${port}`);
    if (addresses === undefined) return false;
    return ip === EVERY_ADDRESS || addresses.has(EVERY_ADDRESS) || addresses.has(ip);
  }

  #count({ requests, hostPorts, claims }: PodInfo, by: 1 | -1): void {
    addTo(this.requested, requests.amounts, by);
    this.scoredCpu += by * requests.scoredCpu;
    this.scoredMemory += by * requests.scoredMemory;
    for (const { key } of claims) count(this.claims, key, by);
    for (const { protocol, port, ip } of hostPorts) {
      const name = `${protocol}/${port}`;
      const addresses = this.#ports.get(name) ?? new Map<string, number>();
      count(addresses, ip, by);
      if (addresses.size === 0) this.#ports.delete(name);
      else this.#ports.set(name, addresses);
    }
  }
}

export function count<K>(counts: Map<K, number>, key: K, by: number): void {
  const now = (counts.get(key) ?? 0) + by;
  if (now === 0) counts.delete(key);
  else counts.set(key, now);
}

function same(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
