// How answers add up to a verdict: a probe changes its mind only after enough equal answers in a row.
import type { Probe } from '../../../api/types/core/probe.ts';
import type { Outcome } from './handlers.ts';

export type Kind = 'startup' | 'liveness' | 'readiness';

export interface Tally {
  readonly verdict: 'unknown' | 'success' | 'failure';
  readonly last: 'success' | 'failure' | undefined;
  readonly inARow: number;
}

/** A container lives until shown otherwise, and is neither started nor ready until it says so. */
export function initial(kind: Kind, adopted: boolean): Tally {
  const verdict = kind === 'liveness' || adopted ? 'success' : kind === 'readiness' ? 'failure' : 'unknown';
  return { verdict, last: undefined, inARow: 0 };
}

export function judge(tally: Tally, result: Outcome['result'], probe: Probe): Tally {
  // What could not be asked says nothing.
  if (result === 'error') return tally;
  const now = result === 'failure' ? 'failure' : 'success';
  const inARow = tally.last === now ? tally.inARow + 1 : 1;
  const threshold = now === 'failure' ? (probe.failureThreshold ?? 3) : (probe.successThreshold ?? 1);
  return { verdict: inARow >= threshold ? now : tally.verdict, last: now, inARow };
}
