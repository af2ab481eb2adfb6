// From counters of processor time to its rate: between the two newest readings that are far enough apart.
import type { Cpu } from './stats.ts';

const APART_MS = 1_000;

interface Reading {
  readonly usageNs: bigint;
  readonly atMs: number;
  readonly nanoCores: number | undefined;
}

export class Rates {
  readonly #last = new Map<string, Reading>();

  cpu(id: string, usageNs: bigint, atMs: number): Cpu {
    const before = this.#last.get(id);
    const elapsedMs = before === undefined ? 0 : atMs - before.atMs;
    if (before !== undefined && usageNs >= before.usageNs && elapsedMs >= 0 && elapsedMs < APART_MS) {
      return { atMs, usageNs, nanoCores: before.nanoCores };
    }
    // A counter or a clock that went back began anew.
    const nanoCores =
      before === undefined || usageNs < before.usageNs || elapsedMs < 0
        ? undefined
        : Math.round((Number(usageNs - before.usageNs) / elapsedMs) * 1_000);
    this.#last.set(id, { usageNs, atMs, nanoCores });
    return { atMs, usageNs, nanoCores };
  }

  /** Forgets all others. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of [...this.#last.keys()]) if (!ids.has(id)) this.#last.delete(id);
  }
}
