// The loop of one certificate: asks for a new one when the plan says so, keeps it in its file, and tells who uses it.
// Whatever fails is tried again with growing pauses, and what there is goes on being used.
import type { Client } from '../../api/client/client.ts';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import type { Random } from '../../api/random.ts';
import type { Held } from './held.ts';
import { planRenewal, retryMs, shareOf } from './plan.ts';
import { requestCertificate, type Wanted } from './request.ts';

export interface RotationOptions {
  readonly wanted: Wanted;
  /** Writes down what was signed. */
  readonly keep: (held: Held) => Promise<void>;
  /** What there is at the beginning. */
  readonly first: Held | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export class Rotation {
  readonly #options: RotationOptions;
  readonly #log: Logger;
  #held: Held | undefined;
  #share: number;
  #changed = Promise.withResolvers<void>();

  constructor(options: RotationOptions) {
    this.#options = options;
    this.#log = options.log.child({ signer: options.wanted.signerName });
    this.#held = options.first;
    this.#share = shareOf(options.random.float());
  }

  get held(): Held | undefined {
    return this.#held;
  }

  /** Resolves at the next change. */
  changed(): Promise<void> {
    return this.#changed.promise;
  }

  /** Until the signal aborts. */
  async run(client: Client, signal: AbortSignal): Promise<void> {
    const { wanted, clock, random } = this.#options;
    for (let failures = 0; !signal.aborted; ) {
      const plan = planRenewal(this.#held, wanted.names, this.#share, clock.now());
      let waitMs = 0;
      if ('waitMs' in plan) waitMs = plan.waitMs;
      else {
        try {
          await this.ask(client, plan.ask, signal);
          failures = 0;
        } catch (err) {
          if (signal.aborted) return;
          waitMs = retryMs(++failures, random.float());
          this.#log.warn({ err, why: plan.ask, waitMs }, 'certificate not renewed, the old one stays');
        }
      }
      await clock.sleep(waitMs, signal).catch(() => {}); // woken early only to end
    }
  }

  /** One request; what is answered is used from now on. */
  async ask(client: Client, why: string, signal: AbortSignal): Promise<void> {
    const { wanted, keep, clock, random } = this.#options;
    const next = await requestCertificate(client, wanted, clock, signal);
    // Used also where it cannot be kept: a full disk is no reason to become a stranger.
    await keep(next).catch((err) => this.#log.error({ err }, 'certificate not kept'));
    this.#held = next;
    this.#share = shareOf(random.float());
    this.#log.info({ why, until: new Date(next.notAfterMs).toISOString() }, 'certificate renewed');
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
