// A namespace that is being deleted loses everything in it, says what still holds it, and goes when it is empty.
import { itself, on, runController } from '../../api/client/controller.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import { timestamp } from '../../api/clock.ts';
import { groupResource, type ResourceDefinition } from '../../api/resource.ts';
import { deepEqual } from '../../api/schema/equal.ts';
import { ApiError, isConflict, isNotFound } from '../../api/status.ts';
import { customResourceDefinitions } from '../../api/types/apiextensions/resources.ts';
import type { Namespace } from '../../api/types/core/namespace.ts';
import { namespaces } from '../../api/types/core/resources.ts';
import { builtinResources } from '../../api/types/resources.ts';
import { CustomKinds } from './custom-kinds.ts';
import type { Controller } from './deps.ts';
import { type Leftover, namespaceConditions } from './namespace-conditions.ts';

const FINALIZER = 'kubernetes';
/** How soon to look whether what was deleted has gone. Pods take their grace. */
const LOOK_AGAIN_MS = 500;

const CONTENT = builtinResources.filter(({ namespaced, verbs }) => namespaced && verbs.includes('deletecollection'));

export const namespaceController: Controller = ({ client, informers, clock, log }) => {
  const informer = informers.of(namespaces);
  const definitions = informers.of(customResourceDefinitions);
  const customKinds = new CustomKinds(definitions);

  async function reconcile(key: string, signal: AbortSignal): Promise<Next> {
    const namespace = informer.get(key);
    if (namespace?.metadata.deletionTimestamp === undefined) return AT_REST;
    if (!namespace.spec.finalizers?.includes(FINALIZER)) return AT_REST;
    const left: Leftover[] = [];
    const failures: string[] = [];
    const custom = [...customKinds.all()].filter(({ namespaced }) => namespaced);
    for (const of of [...CONTENT, ...custom]) {
      try {
        left.push(...(await empty(of, key, signal)));
      } catch (err) {
        if (!(err instanceof ApiError)) throw err;
        failures.push(err.message);
      }
    }
    if (left.length === 0 && failures.length === 0) {
      await finalize(namespace, signal);
      return AT_REST;
    }
    await writeConditions(namespace, left, failures, signal);
    return { afterMs: LOOK_AGAIN_MS };
  }

  /** Deletes everything of one kind and returns what remains of it. */
  async function empty(of: ResourceDefinition, namespace: string, signal: AbortSignal): Promise<Leftover[]> {
    const before = await client.list(of, { namespace, limit: 1 }, signal).catch(notServed);
    if (before === undefined || before.items.length === 0) return [];
    await client.deleteCollection(of, { namespace }, { propagationPolicy: 'Background' }, signal);
    const { items } = await client.list(of, { namespace }, signal);
    if (items.length === 0) return [];
    return [{ resource: groupResource(of), finalizers: items.map(({ metadata }) => metadata.finalizers ?? []) }];
  }

  async function finalize(namespace: Namespace, signal: AbortSignal): Promise<void> {
    const finalizers = namespace.spec.finalizers!.filter((each) => each !== FINALIZER);
    const next = { ...namespace, spec: { ...namespace.spec, finalizers } };
    await client.update(namespaces, next, { subresource: 'finalize' }, signal).catch(unlessGone);
  }

  async function writeConditions(
    namespace: Namespace,
    left: readonly Leftover[],
    failures: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    const known = namespace.status.conditions ?? [];
    const conditions = namespaceConditions(known, left, failures, timestamp(clock.now()));
    if (deepEqual(known, conditions)) return;
    const next = { ...namespace, status: { ...namespace.status, conditions } };
    await client.update(namespaces, next, { subresource: 'status' }, signal).catch((err) => {
      if (!isConflict(err)) unlessGone(err);
    });
  }

  const sources = [on(informer, itself), on(definitions, () => [])];
  return (signal) => runController({ name: 'namespace', workers: 4, sources, reconcile, clock, log }, signal);
};

/** A kind that this server does not serve leaves nothing behind. */
function notServed(err: unknown): undefined {
  if (!isNotFound(err)) throw err;
}

function unlessGone(err: unknown): void {
  if (!isNotFound(err)) throw err;
}
