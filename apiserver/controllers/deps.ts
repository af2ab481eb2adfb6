// What every controller is handed.
import type { Client } from '../../api/client/client.ts';
import type { EventRecorder } from '../../api/client/events.ts';
import type { Informers } from '../../api/client/informers.ts';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import type { Authority } from '../../api/pki/x509.ts';
import type { Random } from '../../api/random.ts';
import type { Reserved } from './kubelet-serving.ts';

export interface ControllerSettings {
  /** PEM of what clients of this cluster trust. */
  readonly rootCa: string;
  /** One range per address family, from which each node gets a part. */
  readonly clusterCidrs: readonly string[];
  /** What no node gets a serving certificate for by itself. */
  readonly reserved: Reserved;
  /** Signs what becomes the token in a secret of a service account. */
  readonly signToken: (account: TokenHolder) => string;
  /** Absent where the authority's key is not on this machine. */
  readonly signing?: Signing;
}

export interface TokenHolder {
  readonly namespace: string;
  readonly account: { readonly name: string; readonly uid: string };
  readonly secret: string;
}

export interface Signing {
  /** Read anew for each certificate: its files may be replaced while we run. */
  readonly authority: () => Authority;
  /** How long certificates are valid at most. */
  readonly durationMs: number;
}

export interface ControllerDeps {
  readonly settings: ControllerSettings;
  /** Writes under the controller's own identity. */
  readonly client: Client;
  /** Shared by all controllers. */
  readonly informers: Informers;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Takes its informers at once, so that they run with the others; the returned function works until the signal aborts. */
export type Controller = (deps: ControllerDeps) => (signal: AbortSignal) => Promise<void>;
