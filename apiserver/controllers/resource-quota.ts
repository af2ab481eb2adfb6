// Resource quotas: how much of each is used. Admission counts up as objects come; this loop counts anew, and so
// gives back what is gone. Only what some quota speaks of is watched.
//
//   quotas, what they speak of -> quota key -> totalUsage -> write status
import { itself, on, runController, type Source } from '../../api/client/controller.ts';
import { Informer } from '../../api/client/informer.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import { isInScope, resourceNamed, totalUsage, type Usage, usageOf } from '../../api/quota-usage.ts';
import { groupResource, keyOf, type ResourceDefinition } from '../../api/resource.ts';
import { deepEqual } from '../../api/schema/equal.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import { isNotFound } from '../../api/status.ts';
import type { ResourceQuota } from '../../api/types/core/limit-range.ts';
import { pods, resourceQuotas } from '../../api/types/core/resources.ts';
import { builtinResources } from '../../api/types/resources.ts';
import type { Controller } from './deps.ts';

/** A namespace that changes all the time is counted this often. */
const PAUSE_MS = 500;
/** Pods that ought to be gone stop counting without any event. */
const RECOUNT_MS = 300_000;
/** Of these more than their number is counted, so they are kept whole. */
const KEPT_WHOLE = new Set(['pods', 'services', 'persistentvolumeclaims']);

export const resourceQuotaController: Controller = ({ client, informers, clock, log }) => {
  const quotaInformer = informers.of(resourceQuotas);
  const shared = new Map<string, Informer<KubeObject>>();
  shared.set('pods', informers.of(pods) as unknown as Informer<KubeObject>);
  const running = new Set<Promise<void>>();
  const countedAtMs = new Map<string, number>();
  /** Objects do not change, they are replaced: what one takes is worked out once. */
  const known = new WeakMap<KubeObject, Usage>();
  let enqueue: (key: string) => void = () => {};

  async function reconcile(key: string, signal: AbortSignal): Promise<Next> {
    const quota = quotaInformer.get(key);
    if (quota === undefined) {
      countedAtMs.delete(key);
      return AT_REST;
    }
    const sinceMs = clock.monotonic() - (countedAtMs.get(key) ?? -PAUSE_MS);
    const isObserved = deepEqual(quota.status.hard ?? {}, quota.spec.hard ?? {});
    if (isObserved && sinceMs < PAUSE_MS) return { afterMs: PAUSE_MS - sinceMs };
    const hard = quota.spec.hard ?? {};
    const names = Object.keys(hard);
    const resources = resourcesOf(names);
    const usages: Usage[] = [];
    for (const resource of resources) usages.push(...(await usagesOf(quota, resource, signal)));
    countedAtMs.set(key, clock.monotonic());
    // What nobody can count is not claimed to be unused.
    const countable = names.filter((name) => resources.some((resource) => speaksOf(name, resource)));
    const status = { hard, used: totalUsage(usages, countable) };
    if (!deepEqual(quota.status, status)) await write({ ...quota, status }, signal);
    return { afterMs: RECOUNT_MS };
  }

  async function usagesOf(quota: ResourceQuota, resource: ResourceDefinition, signal: AbortSignal): Promise<Usage[]> {
    const informer = watched(resource, signal);
    await informer.synced(signal);
    const nowMs = clock.now();
    const objects = [...informer.list(quota.metadata.namespace)].filter((object) => isInScope(quota, resource, object));
    return objects.map((object) => {
      // One on its way out stops counting as time goes by.
      if (object.metadata.deletionTimestamp !== undefined) return usageOf(resource, object, nowMs);
      const usage = known.get(object) ?? usageOf(resource, object, nowMs);
      known.set(object, usage);
      return usage;
    });
  }

  function watched(resource: ResourceDefinition, signal: AbortSignal): Informer<KubeObject> {
    const name = groupResource(resource);
    const there = shared.get(name);
    if (there !== undefined) return there;
    const project = KEPT_WHOLE.has(name) ? undefined : bare;
    const informer = new Informer<KubeObject>(client, resource, project ? { project } : {}, { clock, log });
    shared.set(name, informer);
    informer.onChange((_key, now, before) => ofNamespace((now ?? before)!.metadata.namespace));
    const run = informer.run(signal).finally(() => running.delete(run));
    running.add(run);
    return informer;
  }

  async function write(quota: ResourceQuota, signal: AbortSignal): Promise<void> {
    try {
      await client.update(resourceQuotas, quota, { subresource: 'status' }, signal);
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
  }

  function ofNamespace(namespace: string | undefined): void {
    for (const quota of quotaInformer.list(namespace)) enqueue(keyOf(quota));
  }

  const others: Source = {
    attach: (add) => {
      enqueue = add;
    },
    synced: () => Promise.resolve(),
  };
  const ofPod = (_key: string, now: KubeObject | undefined, before: KubeObject | undefined) =>
    [...quotaInformer.list((now ?? before)!.metadata.namespace)].map(keyOf);
  const sources = [on(quotaInformer, itself), on(informers.of(pods), ofPod), others];
  return async (signal) => {
    await runController({ name: 'resourcequota', sources, reconcile, clock, log }, signal);
    await Promise.all(running);
  };
};

const bare = ({ apiVersion, kind, metadata }: KubeObject): KubeObject => {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  return {
    apiVersion,
    kind,
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp } as typeof metadata,
  };
};

function speaksOf(name: string, { group, plural }: ResourceDefinition): boolean {
  const named = resourceNamed(name);
  return named.group === group && named.plural === plural;
}

/** The built-in resources that these names speak of, each in its preferred version. */
function resourcesOf(names: readonly string[]): ResourceDefinition[] {
  const found = new Map<string, ResourceDefinition>();
  for (const name of names) {
    const resource = builtinResources.find((each) => each.namespaced && speaksOf(name, each));
    if (resource !== undefined) found.set(groupResource(resource), resource);
  }
  return [...found.values()];
}
