// Hints about NUMA nodes: where a request could be met, and how the wishes of all who provide something for one
// container become one answer. Pure; rules and words are those of upstream's topology manager.

/** NUMA nodes as bits; undefined: any. */
export type Mask = number;

export interface Hint {
  readonly nodes: Mask | undefined;
  /** Met with as few nodes as the machine allows. */
  readonly preferred: boolean;
}

/** By resource: where it could come from. An absent list says that the place does not matter, an empty one: nowhere. */
export type Hints = ReadonlyMap<string, readonly Hint[] | undefined>;

export const TOPOLOGY_POLICIES = ['none', 'best-effort', 'restricted', 'single-numa-node'] as const;
export type TopologyPolicy = (typeof TOPOLOGY_POLICIES)[number];

export interface Affinity extends Hint {
  readonly admitted: boolean;
}

export const ANYWHERE: Affinity = { nodes: undefined, preferred: true, admitted: true };

export function maskOf(nodes: Iterable<number>): Mask {
  let mask = 0;
  for (const node of nodes) mask |= 1 << node;
  return mask;
}

export function nodesOf(mask: Mask): number[] {
  const nodes: number[] = [];
  for (let node = 0; mask >> node !== 0; node++) if ((mask >> node) & 1) nodes.push(node);
  return nodes;
}

/** Every set of these nodes that is not empty, the smallest first. */
export function masksOf(nodes: readonly number[]): Mask[] {
  const masks = Array.from({ length: 2 ** nodes.length - 1 }, (_each, at) =>
    maskOf(nodes.filter((_node, bit) => ((at + 1) >> bit) & 1)),
  );
  return masks.sort((a, b) => sizeOf(a) - sizeOf(b) || a - b);
}

export function sizeOf(mask: Mask): number {
  return nodesOf(mask).length;
}

/**
 * Where `wanted` of something can come from. `inNodes` counts all that the machine has in these nodes (so that a full
 * machine does not make bad places good ones), `freeInNodes` those that may be taken now.
 */
export function hintsOf(
  nodes: readonly number[],
  wanted: number,
  inNodes: (mask: Mask) => number,
  freeInNodes: (mask: Mask) => number,
): Hint[] {
  const masks = masksOf(nodes);
  const fewest = Math.min(...masks.filter((mask) => inNodes(mask) >= wanted).map(sizeOf));
  return masks
    .filter((mask) => freeInNodes(mask) >= wanted)
    .map((mask) => ({ nodes: mask, preferred: sizeOf(mask) === fewest }));
}

export function mergeHints(policy: TopologyPolicy, nodes: readonly number[], providers: readonly Hints[]): Affinity {
  if (policy === 'none') return ANYWHERE;
  const all = maskOf(nodes);
  const wishes = providers.flatMap(wishesOf).map((hints) => (policy === 'single-numa-node' ? singles(hints) : hints));
  const best = bestOf(wishes, all, policy === 'single-numa-node');
  const anywhere = policy === 'single-numa-node' && best.nodes === all;
  return {
    nodes: anywhere ? undefined : best.nodes,
    preferred: best.preferred,
    admitted: policy === 'best-effort' || best.preferred,
  };
}

function wishesOf(hints: Hints): (readonly Hint[])[] {
  if (hints.size === 0) return [[{ nodes: undefined, preferred: true }]];
  return Array.from(hints.values(), (each) => {
    if (each === undefined) return [{ nodes: undefined, preferred: true }];
    return each.length === 0 ? [{ nodes: undefined, preferred: false }] : each;
  });
}

function singles(hints: readonly Hint[]): readonly Hint[] {
  return hints.filter(({ nodes, preferred }) => preferred && (nodes === undefined || sizeOf(nodes) === 1));
}

function bestOf(wishes: readonly (readonly Hint[])[], all: Mask, strict: boolean): Hint {
  // How many nodes the most demanding one needs at least: what is not preferred comes as near to that as it can.
  const needs = wishes.map((hints) =>
    Math.min(...hints.flatMap(({ nodes }) => (nodes === undefined ? [] : [sizeOf(nodes)]))),
  );
  const enough = Math.max(1, ...needs.filter(Number.isFinite));
  let best: Hint = { nodes: strict && wishes.some((hints) => hints.length === 0) ? undefined : all, preferred: false };
  for (const hints of permutations(wishes)) {
    const merged = merge(hints, all);
    if (merged.nodes !== 0 && isBetter(merged, best, enough)) best = merged;
  }
  return best;
}

function merge(hints: readonly Hint[], all: Mask): Hint & { readonly nodes: Mask } {
  const masks = hints.flatMap(({ nodes }) => (nodes === undefined ? [] : [nodes]));
  return {
    nodes: masks.reduce((both, mask) => both & mask, all),
    preferred: hints.every(({ preferred }) => preferred) && masks.every((mask) => mask === masks[0]),
  };
}

function isBetter(one: Hint, other: Hint, enough: number): boolean {
  if (other.nodes === undefined) return true;
  if (one.preferred !== other.preferred) return one.preferred;
  const [a, b] = [sizeOf(one.nodes!), sizeOf(other.nodes)];
  const narrower = a < b || (a === b && one.nodes! < other.nodes);
  if (one.preferred) return narrower;
  if (b > enough) return narrower;
  if (a > enough) return false;
  // Not wide enough for the most demanding one: wider is nearer.
  return a > b || (a === b && one.nodes! < other.nodes);
}

function* permutations(wishes: readonly (readonly Hint[])[]): Generator<readonly Hint[]> {
  const [first, ...rest] = wishes;
  if (first === undefined) {
    yield [];
    return;
  }
  for (const hint of first) for (const others of permutations(rest)) yield [hint, ...others];
}
