// What the handlers of port 10250 are given. main.ts puts it together, tests put in their own.
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import type { RuntimeClient } from '../cri/runtime.ts';
import type { PodLookup } from './pod-lookup.ts';

export interface ServerDeps {
  readonly runtime: RuntimeClient;
  readonly pods: PodLookup;
  readonly clock: Clock;
  readonly log: Logger;
}
