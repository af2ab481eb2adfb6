// Names of resources as small numbers, so that what pods ask for and what nodes have are arrays of numbers: CPU in
// thousandths, everything else in whole units.
import { quantityMilli, quantityValue } from '../../api/quantity.ts';

/** By the index of the resource; what is not there is 0. */
export type Amounts = readonly number[];
export type Quantities = Readonly<Record<string, string>>;

export const CPU = 0;
export const MEMORY = 1;

export class ResourceNames {
  readonly #names = ['cpu', 'memory', 'ephemeral-storage'];
  readonly #indexes = new Map(this.#names.map((name, index) => [name, index]));

  indexOf(name: string): number {
    const known = this.#indexes.get(name);
    if (known !== undefined) return known;
    this.#indexes.set(name, this.#names.length);
    return this.#names.push(name) - 1;
  }

  nameOf(index: number): string {
    return this.#names[index]!;
  }

  /** The number of pods is no amount: it is counted, not asked for. */
  amountsOf(quantities: Quantities | undefined): number[] {
    const amounts: number[] = [];
    for (const name in quantities) {
      if (name === 'pods') continue;
      const index = this.indexOf(name);
      amounts[index] = index === CPU ? quantityMilli(quantities[name]!) : quantityValue(quantities[name]!);
    }
    return dense(amounts);
  }
}

/** Arrays without holes are the fast ones. */
function dense(amounts: number[]): number[] {
  for (let i = 0; i < amounts.length; i++) amounts[i] ??= 0;
  return amounts;
}

export function addTo(sum: number[], amounts: Amounts, times = 1): void {
  for (let i = 0; i < amounts.length; i++) sum[i] = (sum[i] ?? 0) + times * amounts[i]!;
}

export function raiseTo(most: number[], amounts: Amounts): void {
  for (let i = 0; i < amounts.length; i++) most[i] = Math.max(most[i] ?? 0, amounts[i]!);
}
