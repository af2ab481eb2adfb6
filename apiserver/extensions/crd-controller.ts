// Settles definitions: which names they get, when they are established, and that their objects go before they do.
// Runs in every server; whoever is first writes, the others find it done.
import type { Client } from '../../api/client/client.ts';
import { itself, on, runController } from '../../api/client/controller.ts';
import { Informer } from '../../api/client/informer.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import { type Clock, timestamp } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import { deepEqual } from '../../api/schema/equal.ts';
import { ApiError, isNotFound } from '../../api/status.ts';
import type { CustomResourceDefinition } from '../../api/types/apiextensions/custom-resource-definition.ts';
import { customResourceDefinitions } from '../../api/types/apiextensions/resources.ts';
import { runApiRegistration } from './api-registration.ts';
import { type Claim, isTrue, settledStatus, withCondition } from './crd-naming.ts';
import { CLEANUP } from './crd-strategy.ts';
import type { CustomResources } from './custom-resources.ts';

type Crd = CustomResourceDefinition;

export interface CrdControllerDeps {
  readonly client: Client;
  readonly customResources: CustomResources;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How soon to look again whether objects that were deleted have gone. */
const LOOK_AGAIN_MS = 250;

export async function runCrdController(deps: CrdControllerDeps, signal: AbortSignal): Promise<void> {
  const { client, clock, log, customResources } = deps;
  const informer = new Informer(client, customResourceDefinitions, {}, { clock, log });

  async function reconcile(name: string): Promise<Next> {
    const crd = informer.get(name);
    if (crd === undefined) return AT_REST;
    if (crd.metadata.deletionTimestamp !== undefined) return cleanUp(crd);
    const status = settledStatus(crd, informer.list(), timestamp(clock.now()));
    if (deepEqual(status, crd.status)) return AT_REST;
    const settled = { ...crd, status };
    // Whoever reads that it is established finds it served.
    customResources.look(settled);
    await customResources.ready(name, signal);
    await writeStatus(settled);
    return AT_REST;
  }

  async function writeStatus(crd: Crd): Promise<void> {
    try {
      await client.update(customResourceDefinitions, crd, { subresource: 'status' }, signal);
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
  }

  async function cleanUp(crd: Crd): Promise<Next> {
    if (!crd.metadata.finalizers?.includes(CLEANUP)) return AT_REST;
    const left = isTrue(crd, 'Established') ? await deleteObjects(crd) : NEVER_THERE;
    const conditions = withCondition(crd.status.conditions, left.claim, timestamp(clock.now()));
    const status = { ...crd.status, conditions };
    if (left.isEmpty) {
      const finalizers = crd.metadata.finalizers.filter((each) => each !== CLEANUP);
      await writeStatus({ ...crd, metadata: { ...crd.metadata, finalizers }, status });
      return AT_REST;
    }
    if (!deepEqual(status, crd.status)) await writeStatus({ ...crd, status });
    return { afterMs: LOOK_AGAIN_MS };
  }

  async function deleteObjects({ metadata }: Crd): Promise<Cleaning> {
    const of = customResources.definitionOf(metadata.name);
    // The table is not there yet: it follows the same definition.
    if (of === undefined) return GOING;
    try {
      const { items } = await client.list(of, {}, signal);
      if (items.length === 0) return DONE;
      await client.deleteCollection(of, {}, {}, signal);
      const { items: remaining } = await client.list(of, {}, signal);
      return remaining.length === 0 ? DONE : GOING;
    } catch (err) {
      if (!(err instanceof ApiError)) throw err;
      if (isNotFound(err)) return DONE;
      return { isEmpty: false, claim: terminating('True', 'InstanceDeletionFailed', err.message) };
    }
  }

  const sources = [
    on(informer, function* (name, now, before) {
      yield* itself(name);
      // Names that were given up or refused may be free now.
      if (now !== undefined && before === undefined) return;
      const { group } = (now ?? before)!.spec;
      for (const { metadata, spec } of informer.list()) if (spec.group === group) yield metadata.name;
    }),
  ];
  await Promise.all([
    informer.run(signal),
    runApiRegistration({ client, definitions: informer, clock, log }, signal),
    runController({ name: 'custom-resource-definitions', workers: 2, sources, reconcile, clock, log }, signal),
  ]);
}

interface Cleaning {
  readonly isEmpty: boolean;
  readonly claim: Claim;
}

function terminating(status: string, reason: string, message: string): Claim {
  return { type: 'Terminating', status, reason, message };
}

const GOING: Cleaning = {
  isEmpty: false,
  claim: terminating('True', 'InstanceDeletionInProgress', 'CustomResource deletion is in progress'),
};
const DONE: Cleaning = {
  isEmpty: true,
  claim: terminating('False', 'InstanceDeletionCompleted', 'removed all instances'),
};
const NEVER_THERE: Cleaning = {
  isEmpty: true,
  claim: terminating('False', 'NeverEstablished', 'resource was never established'),
};
