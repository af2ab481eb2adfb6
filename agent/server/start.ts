// What the agent's main starts of this room: port 10250 and the rotation of container logs.
import type { AgentConfig } from '../config.ts';
import type { ImageClient } from '../cri/images.ts';
import type { PodStorage } from '../volumes/usage.ts';
import type { Reviews } from './access.ts';
import type { ServerDeps } from './deps.ts';
import { DEFAULT_LOG_LIMITS, type LogLimits, LogRotation } from './log-rotation.ts';
import type { ProbeCount } from './metrics.ts';
import { Pages } from './pages.ts';
import type { Family } from './prometheus.ts';
import { KubeletServer } from './server.ts';
import { Slots } from './slots.ts';
import { Stats } from './stats.ts';
import type { CertificateSource } from './tls-files.ts';

const STREAMS_MAX = 500;

export interface StartOptions extends ServerDeps {
  readonly config: Pick<AgentConfig, 'nodeName' | 'kubelet' | 'kubeletDir'>;
  readonly images: ImageClient;
  /** `reviewsOf(client)` */
  readonly reviews: Reviews;
  /** What the port presents; the files of `config` when absent. */
  readonly certificate?: CertificateSource;
  readonly logs?: LogLimits;
  /** For /configz. */
  readonly configuration: object;
  /** What probes have said so far, for /metrics/probes. */
  readonly probeCounts: () => Iterable<ProbeCount>;
  /** Image pulls under way: a page of our own, for `skiff status`. */
  readonly imagePulls?: () => readonly object[];
  /** How full the volumes and logs of each pod are, by its UID. */
  readonly storage: (signal: AbortSignal) => Promise<ReadonlyMap<string, PodStorage>>;
  /** What other rooms of the agent count, for /metrics. */
  readonly moreMetrics?: () => readonly Family[];
}

export interface AgentServer extends AsyncDisposable {
  readonly port: number;
}

/** Returns when connections are accepted; what is returned ends them. */
export async function startServer(options: StartOptions, signal: AbortSignal): Promise<AgentServer> {
  signal.throwIfAborted();
  await using opened = new AsyncDisposableStack();
  const streams = new Slots(STREAMS_MAX, 'streams');
  const pages = new Pages({ ...options, streams, stats: new Stats(options) });
  const server = opened.use(await KubeletServer.start({ ...options, streams, pages }, signal));
  opened.use(new LogRotation(options.logs ?? DEFAULT_LOG_LIMITS, options));
  const all = opened.move();
  return { port: server.port, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
