// How many of something may be under way at once. Who comes later is told to come again.
import { Problem } from './problem.ts';

export class Slots {
  readonly #max: number;
  readonly #what: string;
  #taken = 0;

  constructor(max: number, what: string) {
    this.#max = max;
    this.#what = what;
  }

  get taken(): number {
    return this.#taken;
  }

  take(): Disposable {
    if (this.#taken >= this.#max) {
      throw new Problem(429, `too many ${this.#what} on this node: ${this.#max} at most`, { 'Retry-After': '1' });
    }
    this.#taken++;
    let given = false;
    return {
      [Symbol.dispose]: () => {
        if (!given) this.#taken--;
        given = true;
      },
    };
  }
}
