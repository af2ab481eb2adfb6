// agent/network: keeps one table of the kernel as it should be. Remembers what it put there, so a step costs what has
// changed; when it cannot be sure (at the start, after a refusal, after a foreign change) it asks the kernel.
import type { Logger } from '../../api/log.ts';
import { changeOps, compareElements, type Desired, rebuildOps, reconcileOps, wantedElements } from './model.ts';
import { type Nft, NftError, type NftOp, type Table } from './nft.ts';
import { type RulesetConfig, tableOf } from './ruleset.ts';

export class TableSync {
  readonly table: Table;
  readonly #nft: Nft;
  readonly #log: Logger;
  #config: RulesetConfig;
  /** What the kernel holds as far as we know; undefined: ask. */
  #have: Desired | undefined;
  /** How many rules each chain must have. From what we wrote, not from what the kernel shows afterwards: a foreign
   * change in between must not pass for ours. */
  #chains = new Map<string, number>();

  constructor(config: RulesetConfig, nft: Nft, log: Logger) {
    this.table = tableOf(config.family);
    this.#config = config;
    this.#nft = nft;
    this.#log = log.child({ table: `${config.family} ${this.table.name}` });
  }

  get have(): Desired | undefined {
    return this.#have;
  }

  /** Other ranges (the node got its pod range) mean other fixed rules. */
  configure(config: RulesetConfig): void {
    if (JSON.stringify(config) === JSON.stringify(this.#config)) return;
    this.#config = config;
    this.#have = undefined;
  }

  async sync(desired: Desired, signal: AbortSignal): Promise<void> {
    const have = this.#have;
    const known =
      have !== undefined &&
      have.complete.services === desired.complete.services &&
      have.complete.pods === desired.complete.pods;
    if (!known) return this.#reconcile(desired, signal);
    const ops = changeOps(have, desired, this.#chains, this.#config.family);
    // Until the transaction has ended well nobody knows what the kernel holds.
    this.#have = undefined;
    await this.#nft.apply(this.table, ops, signal);
    this.#have = desired;
    for (const [name, count] of ruleCounts(ops)) this.#chains.set(name, count);
  }

  /** Looks whether the kernel still holds what we put there; if not, the next `sync` mends it. True: it does. */
  async verify(signal: AbortSignal): Promise<boolean> {
    const have = this.#have;
    if (have === undefined) return false;
    const kernel = await this.#nft.read(this.table, signal);
    const { removed, added } = compareElements(kernel, wantedElements(have), have.complete);
    const rulesChanged = [...this.#chains].some(([name, count]) => kernel?.chains.get(name) !== count);
    if (removed.length === 0 && added.length === 0 && !rulesChanged) return true;
    this.#log.warn(
      { missing: added.length, unknown: removed.length, rulesChanged },
      'the table was changed by somebody else',
    );
    this.#have = undefined;
    return false;
  }

  async #reconcile(desired: Desired, signal: AbortSignal): Promise<void> {
    this.#have = undefined;
    const kernel = await this.#nft.read(this.table, signal);
    const ops = reconcileOps(kernel, desired, this.#config);
    try {
      await this.#nft.apply(this.table, ops, signal);
    } catch (err) {
      // A table of an older release can have sets of another shape, which only a new table gets rid of.
      if (!(err instanceof NftError) || kernel === undefined) throw err;
      this.#log.warn({ err }, 'the table cannot be reconciled, it is made anew');
      await this.#nft.apply(this.table, rebuildOps(desired, this.#config), signal);
    }
    const written = ruleCounts(ops);
    // Before all is known, chains from before stay beside ours.
    const whole = desired.complete.services && desired.complete.pods;
    this.#chains = new Map([...(whole ? [] : (kernel?.chains ?? [])), ...written]);
    this.#have = desired;
  }
}

function ruleCounts(ops: readonly NftOp[]): Map<string, number> {
  const counts = ops.flatMap((op): [string, number][] =>
    'add' in op && op.add === 'chain' ? [[op.name, op.rules.length]] : [],
  );
  return new Map(counts);
}
