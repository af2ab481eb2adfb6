// The node's nftables against what services and pods want of them: every set, element and chain in which they differ,
// each with the transaction that mends it. The desired state is the very one that the agent keeps. Pure.
import { desiredState, hostPortFrontends, type LocalPod } from '../agent/network/desired.ts';
import { chainsFor, type Element } from '../agent/network/frontends.ts';
import { compareElements, type Desired, rebuildOps, wantedElements } from '../agent/network/model.ts';
import type { Family, KernelState, NftOp } from '../agent/network/nft.ts';
import { nodeView, placeOf } from '../agent/network/project.ts';
import { fixedChains, fixedSets, type RulesetConfig, TABLE } from '../agent/network/ruleset.ts';
import { ViewIndex } from '../agent/network/view-index.ts';
import type { Node } from '../api/types/core/node.ts';
import type { Service } from '../api/types/core/service.ts';
import type { EndpointSlice } from '../api/types/discovery/endpoint-slice.ts';

export interface ServicesWorld {
  readonly services: readonly Service[];
  readonly slices: readonly EndpointSlice[];
  readonly nodes: readonly Node[];
}

export interface TableDifference {
  readonly says: string;
  readonly family: Family;
  readonly ops: readonly NftOp[];
}

/** What the table should hold with these pods running here. */
export function desiredTable(
  { services, slices, nodes }: ServicesWorld,
  pods: readonly LocalPod[],
  nodeName: string,
  { family, dnsIp }: RulesetConfig,
): Desired {
  const index = new ViewIndex();
  index.update(services, slices, placeOf(nodeName, nodes.map(nodeView)));
  return desiredState(index, pods, { family, dnsIp, podsComplete: true, hostPortsOf: hostPortFrontends });
}

/** In the order in which they can be mended: sets and chains before the elements that need them. */
export function compareTable(
  kernel: KernelState | undefined,
  desired: Desired,
  config: RulesetConfig,
): TableDifference[] {
  const { family } = config;
  const at = `table ${family} ${TABLE}`;
  const differs = (says: string, ops: readonly NftOp[]): TableDifference => ({ says: `${at} ${says}`, family, ops });
  if (kernel === undefined) return [differs('is not there', rebuildOps(desired, config))];
  const wanted = wantedElements(desired);
  const verdicts = ['services', 'outside', 'node-ports', 'outside-node-ports'].flatMap((of) => [
    ...wanted.get(of)!.values(),
  ]);
  const all = [...fixedChains(config), ...[...new Set(verdicts)].flatMap((verdict) => chainsFor(verdict, family))];
  const chains = new Map(all.map((chain) => [chain.name, chain]));
  return [
    ...fixedSets(family).flatMap((op) =>
      'name' in op && !kernel.elements.has(op.name) ? [differs(`lacks ${op.name}`, [op])] : [],
    ),
    ...[...chains.values()].flatMap((chain) => {
      const has = kernel.chains.get(chain.name);
      if (has === chain.rules.length) return [];
      // The rules of the other chains may jump to it: what it holds is replaced, it is never removed.
      const counts = `${has} instead of ${chain.rules.length}`;
      const says =
        has === undefined ? `lacks chain ${chain.name}` : `has chain ${chain.name} with other rules (${counts})`;
      return [differs(says, [chain])];
    }),
    ...elementDifferences(kernel, wanted, desired).map(({ says, ops }) => differs(says, ops)),
    ...[...kernel.chains.keys()]
      .filter((name) => !chains.has(name) && !isShared(name))
      .map((name) => differs(`has chain ${name}, which nothing needs`, [{ delete: 'chain', name }])),
  ];
}

/** Chains for so many endpoints stay when no service has as many any more: they are few, and another will. */
function isShared(name: string): boolean {
  return /^(node-)?(keep-)?(pick-\d+|stick-\d+-\d+|stuck-\d+)$/.test(name);
}

function elementDifferences(
  kernel: KernelState,
  wanted: ReadonlyMap<string, ReadonlyMap<string, string>>,
  { complete }: Desired,
): { says: string; ops: NftOp[] }[] {
  const { removed, added } = compareElements(kernel, wanted, complete);
  const id = ({ of, key }: Element) => `${of} ${key}`;
  const news = new Map(added.map((element) => [id(element), element]));
  const gone = removed.map((old) => {
    const next = news.get(id(old));
    news.delete(id(old));
    const away: NftOp = { delete: 'element', of: old.of, key: old.key };
    if (next === undefined) return { says: `has ${inWords(old)}, which nothing wants`, ops: [away] };
    return { says: `has ${inWords(old)} and should have ${next.value}`, ops: [away, adding(next)] };
  });
  return [...gone, ...[...news.values()].map((next) => ({ says: `lacks ${inWords(next)}`, ops: [adding(next)] }))];
}

function adding({ of, key, value }: Element): NftOp {
  return { add: 'element', of, key, ...(value === '' ? {} : { value }) };
}

function inWords({ of, key, value }: Element): string {
  return `${of} { ${key}${value === '' ? '' : ` : ${value}`} }`;
}
