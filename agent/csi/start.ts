// Puts the room together: one value that ends everything it started.
import type { Client } from '../../api/client/client.ts';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import type { Node } from '../../api/types/core/node.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { CSIDriver } from '../../api/types/storage/csi.ts';
import { type Faults, NO_FAULTS } from '../faults.ts';
import type { Objects } from '../pods/objects.ts';
import type { Tokens } from '../volumes/service-account-token.ts';
import { Attachments } from './attachments.ts';
import { CsiClient } from './csi-client.ts';
import { CsiNodeObject } from './csi-node.ts';
import { CsiVolumes } from './csi-volumes.ts';
import { Drivers } from './drivers.ts';
import { Expansion } from './expansion.ts';
import { Layout } from './layout.ts';
import { Operations } from './operations.ts';
import { rulesOf } from './requests.ts';
import { Staging } from './staging.ts';
import { VolumeUsages } from './volume-usage.ts';

const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 5_000;

export interface CsiOptions {
  readonly node: string;
  readonly kubeletDir: string;
  readonly client: Client;
  readonly objects: Objects;
  readonly tokens: Tokens;
  /** As the cluster has it; undefined if it says nothing. */
  readonly driver: (name: string) => CSIDriver | undefined;
  readonly view: () => Node | undefined;
  /** The node's status is to be written. */
  readonly report: () => void;
  readonly event: (pod: Pod, type: 'Normal' | 'Warning', reason: string, message: string) => void;
  readonly wake: (uid: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
  readonly faults?: Faults;
}

export interface Csi extends AsyncDisposable {
  readonly drivers: Drivers;
  readonly volumes: CsiVolumes;
  readonly usages: VolumeUsages;
  /** For the node's status. */
  inUse(): readonly string[];
}

export async function startCsi(options: CsiOptions): Promise<Csi> {
  const { node, client, objects, tokens, event, wake, clock, log, faults = NO_FAULTS } = options;
  const layout = faults('layout', new Layout(options.kubeletDir));
  const object = new CsiNodeObject(node, client);
  const drivers = new Drivers({ object, connect: (endpoint) => faults('driver', new CsiClient(endpoint, clock)), log });
  const attachments = new Attachments({ node, client, clock, view: options.view, report: options.report });
  const staging = new Staging({ node, layout, drivers, attachments, clock, log });
  const operations = new Operations(clock);
  const expansion = new Expansion({ node, client, objects, drivers, layout, event, clock, log });
  const volumes = new CsiVolumes({
    ...{ node, layout, drivers, attachments, staging, operations, objects, tokens, wake, clock, log },
    rules: (name) => rulesOf(options.driver(name)),
    grow: (job, path, signal) => expansion.grow(job, path, signal),
  });
  await staging.start();
  drivers.onChange(() => {
    staging.again();
    for (const { use } of volumes.jobs()) wake(use.uid);
  });
  const usages = new VolumeUsages(volumes, clock);
  const stop = new AbortController();
  const running = Promise.all([expansion.run(volumes, stop.signal), announce(object, clock, log, stop.signal)]);
  return {
    drivers,
    volumes,
    usages,
    inUse: () => attachments.inUse,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await usages[Symbol.asyncDispose]();
      await running;
      await operations[Symbol.asyncDispose]();
      await staging[Symbol.asyncDispose]();
      await drivers[Symbol.asyncDispose]();
    },
  };
}

/** The node's object of drivers is there also without any, as soon as there is a node. */
async function announce(object: CsiNodeObject, clock: Clock, log: Logger, signal: AbortSignal): Promise<void> {
  for (let retryMs = FIRST_RETRY_MS; !signal.aborted; retryMs = Math.min(retryMs * 2, MAX_RETRY_MS)) {
    try {
      await object.ensure(signal);
      return;
    } catch (err) {
      if (!signal.aborted) log.debug({ err }, 'CSINode not made, trying again');
      await clock.sleep(retryMs, signal).catch(() => {}); // woken early only to end
    }
  }
}
