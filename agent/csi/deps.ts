// What the rooms of storage drivers are given: start.ts puts it together.
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import type { Objects } from '../pods/objects.ts';
import type { Tokens } from '../volumes/service-account-token.ts';
import type { Attachments } from './attachments.ts';
import type { Job } from './csi-volumes.ts';
import type { Drivers } from './drivers.ts';
import type { Layout } from './layout.ts';
import type { Operations } from './operations.ts';
import type { DriverRules } from './requests.ts';
import type { Staging } from './staging.ts';

export interface CsiDeps {
  readonly node: string;
  readonly layout: Layout;
  readonly drivers: Pick<Drivers, 'get'>;
  readonly attachments: Pick<Attachments, 'attached'>;
  readonly staging: Pick<Staging, 'stage' | 'release'>;
  readonly operations: Operations;
  readonly objects: Objects;
  readonly tokens: Tokens;
  /** What the cluster says of a driver. */
  readonly rules: (driver: string) => DriverRules;
  /** Grows the volume if its claim waits for that; `path` is where it is. */
  readonly grow: (job: Job, path: string, signal: AbortSignal) => Promise<void>;
  readonly wake: (uid: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}
