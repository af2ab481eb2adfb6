// Claims of devices: makes those of pods from templates and tells the pods their names; takes pods that are done off
// the list of users; gives back what nobody uses, and removes what was made for a pod that is gone.
import { itself, on, runController } from '../../api/client/controller.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import type { ResourceDefinition } from '../../api/resource.ts';
import { clone } from '../../api/schema/clone.ts';
import { isNotFound } from '../../api/status.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { pods } from '../../api/types/core/resources.ts';
import type { ResourceClaim } from '../../api/types/resource/resource-claim.ts';
import { resourceClaims, resourceClaimTemplates } from '../../api/types/resource/resources.ts';
import type { Controller } from './deps.ts';
import { controllerOf, ownerReference } from './ownership.ts';
import { decideClaim, FINALIZER, isPodDone, POD_CLAIM, reservation } from './resource-claim-decide.ts';

const FIELD_MANAGER = 'ResourceClaimController';

export const resourceClaimController: Controller = ({ client, informers, recorder, clock, log }) => {
  const podInformer = informers.of(pods);
  const claimInformer = informers.of(resourceClaims);
  const templateInformer = informers.of(resourceClaimTemplates);
  /** Made and not seen yet: a second pass must not make another. By the pod's UID and its own name for the claim. */
  const made = new Map<string, ResourceClaim>();

  async function reconcilePod(key: string, signal: AbortSignal): Promise<Next> {
    const pod = podInformer.get(key);
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined || isPodDone(pod)) return AT_REST;
    const statuses: { name: string; resourceClaimName?: string }[] = [];
    for (const { name, resourceClaimName, resourceClaimTemplateName: template } of pod.spec.resourceClaims ?? []) {
      const claim =
        template === undefined
          ? claimInformer.get(`${pod.metadata.namespace}/${resourceClaimName}`)
          : await ensure(pod, name, template, signal);
      if (template !== undefined) statuses.push({ name, resourceClaimName: claim!.metadata.name });
      const users = claim && reservation(pod, claim);
      if (claim === undefined || users === undefined) continue;
      const next = { ...claim, status: { ...claim.status, reservedFor: users } };
      await client.update(resourceClaims, next, { subresource: 'status' }, signal);
    }
    const known = pod.status.resourceClaimStatuses ?? [];
    const told = statuses.every((status) =>
      known.some(
        ({ name, resourceClaimName }) => name === status.name && resourceClaimName === status.resourceClaimName,
      ),
    );
    if (told) return AT_REST;
    const { namespace, name, uid } = pod.metadata;
    const body = {
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name, uid } },
      status: { resourceClaimStatuses: statuses },
    };
    const options = { subresource: 'status', fieldManager: FIELD_MANAGER };
    await client.patch(pods, { namespace, name }, { type: 'apply', body, force: true }, options, signal);
    return AT_REST;
  }

  async function ensure(pod: Pod, podClaim: string, templateName: string, signal: AbortSignal): Promise<ResourceClaim> {
    const { namespace, name, uid } = pod.metadata;
    const remembered = `${uid}/${podClaim}`;
    const isIt = (claim: ResourceClaim) =>
      controllerOf(claim)?.uid === uid && claim.metadata.annotations?.[POD_CLAIM] === podClaim;
    const seen = [...claimInformer.list(namespace)].find(isIt);
    if (seen !== undefined) made.delete(remembered);
    const known = seen ?? made.get(remembered);
    if (known !== undefined) return known;
    try {
      const template = templateInformer.get(`${namespace}/${templateName}`);
      if (template === undefined) {
        throw new Error(
          `resource claim template ${JSON.stringify(templateName)}: resourceclaimtemplate.resource.k8s.io ${JSON.stringify(templateName)} not found`,
        );
      }
      const { labels, annotations } = template.spec.metadata ?? {};
      const metadata = {
        ...{ namespace, generateName: `${name}-${podClaim}-` },
        ...(labels && { labels: { ...labels } }),
        annotations: { ...annotations, [POD_CLAIM]: podClaim },
        ownerReferences: [ownerReference(pod, pods as unknown as ResourceDefinition)],
      };
      const spec = clone(template.spec.spec) as ResourceClaim['spec'];
      const claim = await client.create(resourceClaims, { metadata, spec } as never, {}, signal);
      made.set(remembered, claim);
      return claim;
    } catch (err) {
      signal.throwIfAborted();
      const why = err instanceof Error ? err.message : String(err);
      recorder.event(pod, 'Warning', 'FailedResourceClaimCreation', `PodResourceClaim ${podClaim}: ${why}`);
      throw err;
    }
  }

  /**
   * The pods that a claim names. One that is not in the news, or another of that name, is asked for: the news of claims
   * may be ahead of those of pods, and devices must not be taken from a pod that is just being placed.
   */
  async function usersOf(claim: ResourceClaim, signal: AbortSignal): Promise<(name: string) => Pod | undefined> {
    const { namespace } = claim.metadata;
    const users = (claim.status?.reservedFor ?? []).filter(
      ({ resource, apiGroup }) => resource === 'pods' && !apiGroup,
    );
    const owner = controllerOf(claim);
    const named = [...users, ...(owner?.kind === 'Pod' ? [owner] : [])];
    const found = new Map<string, Pod | undefined>();
    for (const { name, uid } of named) {
      const known = podInformer.get(`${namespace}/${name}`);
      const isIt = known?.metadata.uid === uid;
      found.set(name, isIt ? known : await client.get(pods, { namespace, name }, {}, signal).catch(unlessGone));
    }
    return (name) => found.get(name);
  }

  async function reconcileClaim(key: string, signal: AbortSignal): Promise<Next> {
    const claim = claimInformer.get(key);
    if (claim === undefined) return AT_REST;
    const { namespace, name, uid } = claim.metadata;
    const podNamed = await usersOf(claim, signal);
    const { status, removeFinalizer, remove } = decideClaim(claim, podNamed);
    let current = claim;
    if (status !== undefined) {
      current = await client.update(resourceClaims, { ...claim, status }, { subresource: 'status' }, signal);
    }
    if (removeFinalizer) {
      const finalizers = (current.metadata.finalizers ?? []).filter((each) => each !== FINALIZER);
      const next = { ...current, metadata: { ...current.metadata, finalizers } };
      await gone(client.update(resourceClaims, next, {}, signal));
    }
    if (remove) await gone(client.delete(resourceClaims, { namespace, name }, { preconditions: { uid } }, signal));
    return AT_REST;
  }

  const hasClaims = ({ spec }: Pod) => (spec.resourceClaims ?? []).length > 0;
  const usedBy = (pod: Pod) => {
    const named = (pod.spec.resourceClaims ?? []).flatMap(({ resourceClaimName }) => resourceClaimName ?? []);
    const generated = (pod.status?.resourceClaimStatuses ?? []).flatMap(
      ({ resourceClaimName }) => resourceClaimName ?? [],
    );
    return [...named, ...generated].map((name) => `${pod.metadata.namespace}/${name}`);
  };
  const podSources = [
    on(podInformer, (key, now, before) => {
      if (now === undefined)
        for (const each of made.keys()) if (each.startsWith(`${before?.metadata.uid}/`)) made.delete(each);
      return now !== undefined && hasClaims(now) ? itself(key) : [];
    }),
    on(claimInformer, (key, now) => podsUsing(key, now)),
    on(templateInformer, (_key, now) =>
      [...podInformer.list(now?.metadata.namespace)].flatMap(({ metadata, spec }) =>
        (spec.resourceClaims ?? []).some(({ resourceClaimTemplateName: of }) => of === now?.metadata.name)
          ? [`${metadata.namespace}/${metadata.name}`]
          : [],
      ),
    ),
  ];
  /** Of a claim that is allocated now, or gone although its pod needs it. */
  const podsUsing = (key: string, now: ResourceClaim | undefined): string[] => {
    if (now !== undefined && now.status?.allocation === undefined) return [];
    const namespace = key.slice(0, key.indexOf('/'));
    return [...podInformer.list(namespace)].flatMap((pod) =>
      usedBy(pod).includes(key) ? [`${namespace}/${pod.metadata.name}`] : [],
    );
  };
  const claimSources = [
    on(claimInformer, itself),
    on(podInformer, (_key, now, before) => {
      const pod = now ?? before;
      return pod !== undefined && hasClaims(pod) && (now === undefined || isPodDone(now)) ? usedBy(pod) : [];
    }),
  ];
  return async (signal) => {
    const podsOf = { name: 'resource-claim-pods', sources: podSources, reconcile: reconcilePod, clock, log };
    const claims = { name: 'resource-claim', sources: claimSources, reconcile: reconcileClaim, clock, log };
    await Promise.all([runController(podsOf, signal), runController(claims, signal)]);
  };
};

function unlessGone(err: unknown): undefined {
  if (!isNotFound(err)) throw err;
  return undefined;
}

/** Somebody else was faster. */
async function gone(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (err) {
    if (!isNotFound(err)) throw err;
  }
}
