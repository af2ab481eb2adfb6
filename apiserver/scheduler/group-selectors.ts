// Which pods belong together without saying so: those behind the same services and of the same controller. The
// default spreading keeps them apart.
import {
  type LabelMatcher,
  type LabelRequirement,
  type Labels,
  labelMatcher,
  requirementsOf,
} from '../../api/labels.ts';
import type { LabelSelector } from '../../api/types/meta/label-selector.ts';
import type { PodInfo } from './pod-info.ts';

interface ServiceFacts {
  readonly namespace: string;
  readonly selector: Labels;
}

export class GroupSelectors {
  /** By namespace, then by key. */
  readonly #services = new Map<string, Map<string, Labels>>();
  /** By the UID of the controller. */
  readonly #owners = new Map<string, LabelSelector>();

  setService(key: string, { namespace, selector }: ServiceFacts): void {
    const here = this.#services.get(namespace) ?? new Map<string, Labels>();
    this.#services.set(namespace, here.set(key, selector));
  }

  removeService(key: string, namespace: string): void {
    const here = this.#services.get(namespace);
    here?.delete(key);
    if (here?.size === 0) this.#services.delete(namespace);
  }

  setOwner(uid: string, selector: LabelSelector): void {
    this.#owners.set(uid, selector);
  }

  removeOwner(uid: string): void {
    this.#owners.delete(uid);
  }

  /** Undefined for a pod that belongs to nothing. */
  of({ namespace, labels, ownerUid }: PodInfo): LabelMatcher | undefined {
    const requirements: LabelRequirement[] = [];
    for (const selector of this.#services.get(namespace)?.values() ?? []) {
      const entries = Object.entries(selector);
      if (entries.length === 0 || entries.some(([key, value]) => labels[key] !== value)) continue;
      for (const [key, value] of entries) requirements.push({ key, operator: '=', values: [value] });
    }
    const owner = ownerUid === undefined ? undefined : this.#owners.get(ownerUid);
    if (owner !== undefined) requirements.push(...requirementsOf(owner));
    return requirements.length === 0 ? undefined : labelMatcher(requirements);
  }
}
