// Which container has which devices, and what its plugin wanted done for it. Kept for as long as the pod, through
// restarts of containers and of this process.
import type { Pod } from '../../api/types/core/pod.ts';
import { isSidecar } from '../pods/phase.ts';
import type { DeviceResponse } from './wire.ts';

export interface Allocated {
  readonly resource: string;
  readonly ids: readonly string[];
  readonly response: DeviceResponse;
}

export type Saved = Readonly<Record<string, Readonly<Record<string, readonly Allocated[]>>>>;

export class Allocations {
  readonly #pods = new Map<string, Map<string, Allocated[]>>();

  static from(saved: Saved): Allocations {
    const all = new Allocations();
    for (const [uid, containers] of Object.entries(saved)) {
      for (const [name, each] of Object.entries(containers)) for (const one of each) all.add(uid, name, one);
    }
    return all;
  }

  get saved(): Saved {
    return Object.fromEntries(Array.from(this.#pods, ([uid, containers]) => [uid, Object.fromEntries(containers)]));
  }

  add(uid: string, container: string, allocated: Allocated): void {
    const containers = this.#pods.get(uid) ?? new Map<string, Allocated[]>();
    this.#pods.set(uid, containers);
    containers.set(container, [...(containers.get(container) ?? []), allocated]);
  }

  of(uid: string, container: string): readonly Allocated[] {
    return this.#pods.get(uid)?.get(container) ?? [];
  }

  /** Whether anything was there. */
  remove(uid: string): boolean {
    return this.#pods.delete(uid);
  }

  get pods(): string[] {
    return [...this.#pods.keys()];
  }

  taken(resource: string): Set<string> {
    return new Set(this.#all(resource).flatMap(({ ids }) => ids));
  }

  holders(resource: string): string[] {
    return this.pods.filter((uid) =>
      [...this.#pods.get(uid)!.values()].flat().some((allocated) => allocated.resource === resource),
    );
  }

  has(resource: string): boolean {
    return this.#all(resource).length > 0;
  }

  /** What init containers had and nobody who goes on running has: they ran before, one after the other. */
  reusable({ metadata: { uid }, spec }: Pod, resource: string): string[] {
    const idsOf = (name: string) =>
      this.of(uid, name).flatMap((allocated) => (allocated.resource === resource ? allocated.ids : []));
    const inits = (spec.initContainers ?? []).filter((init) => !isSidecar(init));
    const stays = [...spec.containers, ...(spec.initContainers ?? []).filter(isSidecar)];
    const kept = new Set(stays.flatMap(({ name }) => idsOf(name)));
    return [...new Set(inits.flatMap(({ name }) => idsOf(name)))].filter((id) => !kept.has(id));
  }

  #all(resource: string): Allocated[] {
    return Array.from(this.#pods.values(), (containers) => [...containers.values()].flat())
      .flat()
      .filter((allocated) => allocated.resource === resource);
  }
}
