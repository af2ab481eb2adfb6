// agent/network: what one table should hold, and how to get there. `changeOps` goes from one desired state to the
// next and costs what has changed; `reconcileOps` goes from what the kernel lists to the desired state. Pure.
import { chainsFor, type Element, elementsOf } from './frontends.ts';
import type { Family, KernelState, NftOp } from './nft.ts';
import { DYNAMIC_MAPS, fixedChains, fixedSets, type RulesetConfig, setNames } from './ruleset.ts';
import type { Frontend } from './services.ts';

export interface Desired {
  /** By `frontendKey`. Unchanged frontends are the same objects from one state to the next. */
  readonly frontends: ReadonlyMap<string, Frontend>;
  readonly clusterIps: ReadonlySet<string>;
  /** Addresses of this node's pods. */
  readonly pods: ReadonlySet<string>;
  /** Whether this is all there is. After a restart it is not until the server has answered and the pods are adopted;
   * until then what the kernel still has from before is added to, never removed. */
  readonly complete: { readonly services: boolean; readonly pods: boolean };
}

interface Has {
  has(name: string): boolean;
}

const POD_SETS: ReadonlySet<string> = new Set(['known-pods', 'hairpin']);

/** One step. `chains` are those the table has; the shared chains a step adds are put into it by the caller. */
export function changeOps(before: Desired, after: Desired, chains: Has, family: Family): NftOp[] {
  const removed: Element[] = [];
  const added: Element[] = [];
  if (before.frontends !== after.frontends) pushFrontends(before.frontends, after.frontends, removed, added);
  if (before.clusterIps !== after.clusterIps) {
    pushDifference(clusterIpElements(before), clusterIpElements(after), removed, added);
  }
  pushDifference(podElements(before), podElements(after), removed, added);
  return [...missingChains(added, chains, family), ...removals(removed), ...additions(added)];
}

function pushFrontends(
  before: Desired['frontends'],
  after: Desired['frontends'],
  removed: Element[],
  added: Element[],
): void {
  for (const [key, old] of before) {
    const next = after.get(key);
    if (next !== old) pushDifference(elementsOf(old), next === undefined ? [] : elementsOf(next), removed, added);
  }
  for (const [key, next] of after) if (!before.has(key)) added.push(...elementsOf(next));
}

/** From what the kernel has to `desired`: the fixed part anew, elements and shared chains by difference. */
export function reconcileOps(kernel: KernelState | undefined, desired: Desired, config: RulesetConfig): NftOp[] {
  const wanted = wantedElements(desired);
  const { removed, added } = compareElements(kernel, wanted, desired.complete);
  const verdicts = ['services', 'outside', 'node-ports', 'outside-node-ports'].flatMap((of) => [
    ...wanted.get(of)!.values(),
  ]);
  const shared = dedupe(verdicts).flatMap((verdict) => chainsFor(verdict, config.family));
  const fixed = fixedChains(config);
  const known = new Set([...fixed, ...shared].map(({ name }) => name));
  const inUse = desired.complete.services && desired.complete.pods ? known : undefined;
  const strangers = [...(kernel?.chains.keys() ?? [])].filter((name) => inUse !== undefined && !inUse.has(name));
  return [
    { add: 'table' },
    ...fixedSets(config.family),
    ...new Map([...fixed, ...shared].map((chain): [string, NftOp] => [chain.name, chain])).values(),
    ...removals(removed),
    ...additions(added),
    ...strangers.map((name): NftOp => ({ delete: 'chain', name })),
  ];
}

/** Throws the table away first: for when what is there cannot be changed into what should be. Still one transaction. */
export function rebuildOps(desired: Desired, config: RulesetConfig): NftOp[] {
  return [{ add: 'table' }, { delete: 'table' }, ...reconcileOps(undefined, desired, config)];
}

/** The elements in which the kernel differs; sets in `wanted` that the kernel lacks count as empty. */
export function compareElements(
  kernel: KernelState | undefined,
  wanted: ReadonlyMap<string, ReadonlyMap<string, string>>,
  complete: Desired['complete'],
): { removed: Element[]; added: Element[] } {
  const removed: Element[] = [];
  const added: Element[] = [];
  for (const [of, want] of wanted) {
    if (DYNAMIC_MAPS.has(of)) continue;
    const have = kernel?.elements.get(of) ?? new Map<string, string>();
    // Host ports stand among the services, so these maps are complete only when both are.
    const whole = POD_SETS.has(of) ? complete.pods : complete.services && complete.pods;
    for (const [key, value] of have) {
      const next = want.get(key);
      if (next !== value && (whole || next !== undefined)) removed.push({ of, key, value });
    }
    for (const [key, value] of want) if (have.get(key) !== value) added.push({ of, key, value });
  }
  return { removed, added };
}

export function wantedElements(desired: Desired): Map<string, Map<string, string>> {
  const wanted = new Map<string, Map<string, string>>(setNames.map((name) => [name, new Map()]));
  for (const element of allElements(desired)) wanted.get(element.of)!.set(element.key, element.value);
  return wanted;
}

function allElements(desired: Desired): Element[] {
  const services = [...desired.frontends.values()].flatMap(elementsOf);
  return [...services, ...clusterIpElements(desired), ...podElements(desired)];
}

function clusterIpElements({ clusterIps }: Desired): Element[] {
  return Array.from(clusterIps, (key) => ({ of: 'cluster-ips', key, value: '' }));
}

function podElements({ pods }: Desired): Element[] {
  return [...pods].flatMap((ip) => [
    { of: 'known-pods', key: ip, value: '' },
    { of: 'hairpin', key: `${ip} . ${ip}`, value: '' },
  ]);
}

function pushDifference(old: readonly Element[], next: readonly Element[], removed: Element[], added: Element[]): void {
  const id = ({ of, key }: Element) => `${of} ${key}`;
  const before = new Map(old.map((e) => [id(e), e.value]));
  const after = new Map(next.map((e) => [id(e), e.value]));
  // A map element's value cannot be changed in place: it goes and comes in the same transaction.
  removed.push(...old.filter((e) => after.get(id(e)) !== e.value));
  added.push(...next.filter((e) => before.get(id(e)) !== e.value));
}

function missingChains(added: readonly Element[], chains: Has, family: Family): NftOp[] {
  const needed = dedupe(added.map(({ value }) => value)).flatMap((verdict) => chainsFor(verdict, family));
  const byName = new Map(needed.map((chain): [string, NftOp] => [chain.name, chain]));
  return [...byName].filter(([name]) => !chains.has(name)).map(([, op]) => op);
}

function removals(elements: readonly Element[]): NftOp[] {
  return bySet(elements).map(({ of, key }): NftOp => ({ delete: 'element', of, key }));
}

function additions(elements: readonly Element[]): NftOp[] {
  return bySet(elements).map(
    ({ of, key, value }): NftOp => ({ add: 'element', of, key, ...(value === '' ? {} : { value }) }),
  );
}

/** Neighbours of one set share a command. */
function bySet(elements: readonly Element[]): Element[] {
  const groups = Map.groupBy(elements, ({ of }) => of);
  return setNames.flatMap((name) => groups.get(name) ?? []);
}

const dedupe = (texts: readonly string[]) => [...new Set(texts)];
