// All tests of one pod, in order: the first that refuses a node speaks for it.
import type { NodeInfo } from './node-info.ts';
import { isRefusal, type NodeFilter, type Plugin, type Refusal } from './plugin.ts';
import type { PodInfo } from './pod-info.ts';
import type { Snapshot } from './snapshot.ts';

export interface Refused {
  readonly plugin: string;
  readonly refusal: Refusal;
}

interface Named {
  readonly plugin: string;
  readonly filter: NodeFilter;
}

export class Filters {
  readonly #pod: PodInfo;
  readonly #snapshot: Snapshot;
  readonly #filters: readonly Named[];
  readonly #changing: readonly Named[];

  private constructor(pod: PodInfo, snapshot: Snapshot, filters: readonly Named[]) {
    this.#pod = pod;
    this.#snapshot = snapshot;
    this.#filters = filters;
    this.#changing = filters.filter(({ filter }) => filter.changed !== undefined);
  }

  static prepare(pod: PodInfo, snapshot: Snapshot, plugins: readonly Plugin[]): Filters | Refused {
    const filters: Named[] = [];
    for (const { name, filter } of plugins) {
      const answer = filter?.(pod, snapshot);
      if (answer === undefined) continue;
      if (isRefusal(answer)) return { plugin: name, refusal: answer };
      filters.push({ plugin: name, filter: answer });
    }
    return new Filters(pod, snapshot, filters);
  }

  /** The names of nodes that every plugin that names some names, and who they are. */
  get only(): { names: ReadonlySet<string>; plugins: readonly string[] } | undefined {
    const naming = this.#filters.filter(({ filter }) => filter.only !== undefined);
    if (naming.length === 0) return undefined;
    const names = naming.map(({ filter }) => filter.only!).reduce((a, b) => a.intersection(b));
    return { names, plugins: naming.map(({ plugin }) => plugin).sort() };
  }

  /** Pods that are to come here and matter as much count as if they were here; and none may be needed to fit. */
  test(node: NodeInfo): Refused | undefined {
    const coming = this.#snapshot.hasNominated ? this.#comingTo(node) : [];
    if (coming.length > 0) {
      for (const pod of coming) this.add(pod, node);
      const refused = this.#testAlone(node);
      for (const pod of coming) this.remove(pod, node);
      if (refused !== undefined) return refused;
    }
    return this.#testAlone(node);
  }

  /** As if the pod were on the node. Take it back by `remove` before anybody else decides. */
  add(pod: PodInfo, node: NodeInfo): void {
    node.add(pod);
    for (const { filter } of this.#changing) filter.changed!(pod, node, 1);
  }

  remove(pod: PodInfo, node: NodeInfo): void {
    node.remove(pod.key);
    for (const { filter } of this.#changing) filter.changed!(pod, node, -1);
  }

  #testAlone(node: NodeInfo): Refused | undefined {
    for (const { plugin, filter } of this.#filters) {
      const refusal = filter.test(node);
      if (refusal !== undefined) return { plugin, refusal };
    }
    return undefined;
  }

  #comingTo(node: NodeInfo): PodInfo[] {
    return [...this.#snapshot.nominatedOn(node.name)].filter(
      ({ key, priority }) => key !== this.#pod.key && priority >= this.#pod.priority && !node.pods.has(key),
    );
  }
}
