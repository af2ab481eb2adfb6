// How full volumes of drivers are, for /stats/summary and /metrics. Drivers may be slow to tell: what was heard within
// the last minute is given at once, and a driver is waited for only a moment.
import type { Clock } from '../../api/clock.ts';
import type { VolumeStats } from './csi-types.ts';
import type { CsiVolumes, Job } from './csi-volumes.ts';

const FRESH_MS = 60_000;
const WAIT_MS = 300;

export interface VolumeUsage extends VolumeStats {
  /** The pod's name for it. */
  readonly name: string;
  readonly claim: { readonly namespace: string; readonly name: string } | undefined;
  readonly atMs: number;
}

interface Heard {
  usages: readonly VolumeUsage[];
  askedAtMs: number;
  asking: Promise<void> | undefined;
}

export class VolumeUsages implements AsyncDisposable {
  readonly #volumes: CsiVolumes;
  readonly #clock: Clock;
  readonly #heard = new Map<string, Heard>();
  readonly #stop = new AbortController();

  constructor(volumes: CsiVolumes, clock: Clock) {
    this.#volumes = volumes;
    this.#clock = clock;
  }

  async of(uid: string): Promise<readonly VolumeUsage[]> {
    const heard = this.#ask(uid, this.#jobs().get(uid) ?? []);
    if (heard?.asking !== undefined) {
      const late = Promise.withResolvers<void>();
      using _timer = this.#clock.after(WAIT_MS, late.resolve);
      await Promise.race([heard.asking, late.promise]);
    }
    return heard?.usages ?? [];
  }

  async [Symbol.asyncDispose]() {
    this.#stop.abort();
    await Promise.all(Array.from(this.#heard.values(), ({ asking }) => asking));
  }

  /** By pod; what was heard of others is forgotten. */
  #jobs(): Map<string, Job[]> {
    const byPod = Map.groupBy(this.#volumes.jobs(), ({ use }) => use.uid);
    for (const uid of this.#heard.keys()) if (!byPod.has(uid)) this.#heard.delete(uid);
    return byPod;
  }

  #ask(uid: string, jobs: readonly Job[]): Heard | undefined {
    if (jobs.length === 0) return undefined;
    const nowMs = this.#clock.monotonic();
    const heard = this.#heard.get(uid) ?? { usages: [], askedAtMs: Number.NEGATIVE_INFINITY, asking: undefined };
    this.#heard.set(uid, heard);
    if (heard.asking !== undefined || nowMs - heard.askedAtMs < FRESH_MS) return heard;
    heard.askedAtMs = nowMs;
    const { signal } = this.#stop;
    heard.asking = this.#volumes.stats(uid, signal).then(
      (stats) => {
        const atMs = this.#clock.now();
        heard.usages = Array.from(stats, ([name, each]) => {
          const claim = jobs.find(({ use }) => use.podVolume === name)?.claim?.metadata;
          return { ...each, name, atMs, claim: claim && { namespace: claim.namespace ?? '', name: claim.name } };
        });
        heard.asking = undefined;
      },
      () => {
        heard.asking = undefined; // it ends with us
      },
    );
    return heard;
  }
}
