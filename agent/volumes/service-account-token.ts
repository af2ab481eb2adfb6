// Tokens by which pods prove who they are, bound to the pod and renewed well before they run out.
import type { Client } from '../../api/client/client.ts';
import type { Clock } from '../../api/clock.ts';
import type { TokenRequest } from '../../api/types/authentication/token-request.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { serviceAccounts } from '../../api/types/core/resources.ts';

/** Renewed after this part of the lifetime, or after a day, whichever is first. */
const RENEW_AT = 0.8;
const RENEW_MAX_MS = 24 * 3_600_000;

interface Held {
  readonly token: string;
  readonly expirationTimestamp: string;
  /** By the wall, which sees a machine that slept, and by what nobody can set back. */
  readonly renewAtMs: number;
  readonly renewAtMonotonicMs: number;
}

export interface IssuedToken {
  readonly token: string;
  readonly expirationTimestamp: string;
}

export class Tokens {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #byPod = new Map<string, Map<string, Held>>();

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  async token(pod: Pod, audience: string | undefined, seconds: number, signal: AbortSignal): Promise<string> {
    return (await this.issue(pod, audience, seconds, signal)).token;
  }

  async issue(pod: Pod, audience: string | undefined, seconds: number, signal: AbortSignal): Promise<IssuedToken> {
    const { uid, name, namespace } = pod.metadata;
    const held = this.#byPod.get(uid) ?? new Map<string, Held>();
    const key = `${audience ?? ''} ${seconds}`;
    const before = held.get(key);
    const nowMs = this.#clock.now();
    const monotonicMs = this.#clock.monotonic();
    if (before !== undefined && nowMs < before.renewAtMs && monotonicMs < before.renewAtMonotonicMs)
      return issued(before);
    const account = { namespace, name: pod.spec.serviceAccountName || 'default' };
    const answer = await this.#client.post<TokenRequest>(
      serviceAccounts,
      account,
      'token',
      {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        metadata: {},
        spec: {
          audiences: audience ? [audience] : [],
          expirationSeconds: seconds,
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
        },
      },
      signal,
    );
    const { token = '', expirationTimestamp = '' } = answer.status;
    const inMs = Math.min(lifeMs(expirationTimestamp, seconds, nowMs) * RENEW_AT, RENEW_MAX_MS);
    const [renewAtMs, renewAtMonotonicMs] = [nowMs + inMs, monotonicMs + inMs];
    held.set(key, { token, expirationTimestamp, renewAtMs, renewAtMonotonicMs });
    this.#byPod.set(uid, held);
    return { token, expirationTimestamp };
  }

  forget(uid: string): void {
    this.#byPod.delete(uid);
  }
}

function issued({ token, expirationTimestamp }: Held): IssuedToken {
  return { token, expirationTimestamp };
}

/** Servers may give less than was asked for. What seems to be over already was stamped by another clock than ours. */
function lifeMs(expirationTimestamp: string, seconds: number, nowMs: number): number {
  const byStampMs = Date.parse(expirationTimestamp) - nowMs;
  const askedMs = seconds * 1_000;
  return byStampMs > 0 ? Math.min(byStampMs, askedMs) : askedMs;
}
