// Whether to ask for a new certificate. Pure. The time of the machine may jump: it is looked at again every minute.
import type { Held } from './held.ts';

export interface Names {
  readonly dns: readonly string[];
  readonly ips: readonly string[];
}

export type Plan = { readonly ask: string } | { readonly waitMs: number };

const LOOK_AGAIN_MS = 60_000;
/** Signers begin a certificate's life a little before its birth. */
const BACKDATED_MS = 5 * 60_000;

/** `share` of its life is when it is renewed: drawn once per certificate, so that nodes do not come all at once. */
export function planRenewal(held: Held | undefined, wanted: Names, share: number, nowMs: number): Plan {
  if (held === undefined) return { ask: 'there is none' };
  if (!held.requested) return { ask: 'it was issued on this machine' };
  const missing = [...wanted.dns, ...wanted.ips].find((name) => !held.dns.includes(name) && !held.ips.includes(name));
  if (missing !== undefined) return { ask: `it lacks ${missing}` };
  const waitMs = renewalMs(held, share) - nowMs;
  if (waitMs > 0) return { waitMs: Math.min(waitMs, LOOK_AGAIN_MS) };
  return { ask: nowMs < held.notAfterMs ? 'its life is nearly over' : 'it has expired' };
}

export function renewalMs({ notBeforeMs, notAfterMs }: Held, share: number): number {
  const lifeMs = notAfterMs - notBeforeMs;
  const bornMs = lifeMs > BACKDATED_MS ? notBeforeMs + BACKDATED_MS : notBeforeMs;
  return bornMs + (notAfterMs - bornMs) * share;
}

/** From a random number in [0, 1): between 70 and 90 %. */
export function shareOf(random: number): number {
  return 0.7 + 0.2 * random;
}

const RETRY_MS = 1_000;
const RETRY_MAX_MS = 60_000;

export function retryMs(failures: number, random: number): number {
  return Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** Math.min(failures - 1, 10)) * (0.75 + 0.5 * random);
}
