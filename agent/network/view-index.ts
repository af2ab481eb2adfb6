// agent/network: views and frontends of all Services, kept between passes. Informers keep an unchanged object the same
// object, so a pass over ten thousand Services computes only those that changed, and a frontend that came out equal
// stays the same object: that is how model.ts sees what changed.
import { isDeepStrictEqual } from 'node:util';
import type { Service } from '../../api/types/core/service.ts';
import type { EndpointSlice } from '../../api/types/discovery/endpoint-slice.ts';
import { canonical, familyOf } from './addresses.ts';
import type { Family } from './nft.ts';
import { serviceView, sliceView } from './project.ts';
import type { NodePlace, ServiceView, SliceView } from './service-view.ts';
import { type Frontend, frontendKey, frontendsOf } from './services.ts';

export interface ServiceEntry {
  readonly service: ServiceView;
  readonly slices: readonly SliceView[];
}

interface Cached extends ServiceEntry {
  readonly from: Service;
  readonly fromSlices: readonly EndpointSlice[];
  readonly frontends: Map<Family, readonly Frontend[]>;
}

export class ViewIndex {
  #entries = new Map<string, Cached>();
  #place: NodePlace | undefined;
  /** Put together when asked for, until something changes. */
  readonly #frontends = new Map<Family, Map<string, Frontend>>();
  readonly #clusterIps = new Map<Family, Set<string>>();

  /** Takes the world as it is now; says which Services (`namespace/name`) differ from the last time. */
  update(services: Iterable<Service>, slices: Iterable<EndpointSlice>, place: NodePlace): ReadonlySet<string> {
    const placeMoved = this.#place?.zone !== place.zone || this.#place?.nodeName !== place.nodeName;
    this.#place = place;
    const slicesOf = new Map<string, EndpointSlice[]>();
    for (const slice of slices) {
      const service = slice.metadata.labels?.['kubernetes.io/service-name'];
      if (!service) continue;
      const key = `${slice.metadata.namespace}/${service}`;
      const list = slicesOf.get(key);
      if (list === undefined) slicesOf.set(key, [slice]);
      else list.push(slice);
    }
    const changed = new Set<string>();
    const next = new Map<string, Cached>();
    for (const from of services) {
      const key = `${from.metadata.namespace}/${from.metadata.name}`;
      const fromSlices = slicesOf.get(key) ?? [];
      const old = this.#entries.get(key);
      if (old !== undefined && !placeMoved && old.from === from && sameMembers(old.fromSlices, fromSlices)) {
        next.set(key, old);
        continue;
      }
      changed.add(key);
      const service = serviceView(from);
      const views = fromSlices.flatMap((slice) => sliceView(slice) ?? []);
      const frontends = (['ip', 'ip6'] as const).map((family): [Family, readonly Frontend[]] => [
        family,
        reuse(old?.frontends.get(family) ?? [], frontendsOf(service, views, family, place)),
      ]);
      next.set(key, { from, fromSlices, service, slices: views, frontends: new Map(frontends) });
    }
    for (const key of this.#entries.keys()) if (!next.has(key)) changed.add(key);
    this.#entries = next;
    if (changed.size > 0) {
      this.#frontends.clear();
      this.#clusterIps.clear();
    }
    return changed;
  }

  entries(): Iterable<ServiceEntry> {
    return this.#entries.values();
  }

  get(key: string): ServiceEntry | undefined {
    return this.#entries.get(key);
  }

  /** All frontends of a family but these. Where two Services want one address and port, the first by name has it. */
  frontends(family: Family, without: readonly string[]): Map<string, Frontend> {
    const known = this.#frontends.get(family);
    if (known !== undefined) return known;
    const all = new Map<string, Frontend>();
    const owners = new Map<string, string>();
    for (const [service, { frontends }] of this.#entries) {
      for (const frontend of frontends.get(family)!) {
        const key = frontendKey(frontend);
        const owner = owners.get(key);
        if (owner !== undefined && owner <= service) continue;
        owners.set(key, service);
        all.set(key, frontend);
      }
    }
    for (const key of without) all.delete(key);
    this.#frontends.set(family, all);
    return all;
  }

  clusterIps(family: Family): Set<string> {
    const known = this.#clusterIps.get(family);
    if (known !== undefined) return known;
    const ips = new Set<string>();
    this.#clusterIps.set(family, ips);
    for (const { service } of this.#entries.values()) {
      if (!service.proxied) continue;
      for (const ip of service.clusterIps) if (familyOf(ip) === family) ips.add(canonical(ip)!);
    }
    return ips;
  }
}

function sameMembers<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}

function reuse(old: readonly Frontend[], next: readonly Frontend[]): readonly Frontend[] {
  const byKey = new Map(old.map((frontend) => [frontendKey(frontend), frontend]));
  return next.map((frontend) => {
    const same = byKey.get(frontendKey(frontend));
    return same !== undefined && isDeepStrictEqual(same, frontend) ? same : frontend;
  });
}
