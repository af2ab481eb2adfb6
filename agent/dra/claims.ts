// Which claims a pod uses, and what of their devices a container sees. Pure.
import type { Container } from '../../api/types/core/container.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { ResourceClaim } from '../../api/types/resource/resource-claim.ts';

export interface PodClaim {
  /** As the pod calls it; its containers refer to it so. */
  readonly name: string;
  readonly claim: string;
  /** Made for this pod alone. */
  readonly generated: boolean;
}

/** Throws while a claim that is to be made from a template is not there. */
export function podClaims(pod: Pod): PodClaim[] {
  const { namespace, name: podName } = pod.metadata;
  return (pod.spec.resourceClaims ?? []).flatMap(
    ({ name, resourceClaimName, resourceClaimTemplateName }): PodClaim[] => {
      if (resourceClaimName !== undefined) return [{ name, claim: resourceClaimName, generated: false }];
      if (resourceClaimTemplateName === undefined) return [];
      const status = pod.status.resourceClaimStatuses?.find((each) => each.name === name);
      if (status === undefined) throw new Error(`pod "${namespace}/${podName}": ResourceClaim not created yet`);
      // Without a name none is needed.
      return status.resourceClaimName ? [{ name, claim: status.resourceClaimName, generated: true }] : [];
    },
  );
}

/** Why the pod may not use the claim as it is; undefined if it may. */
export function claimProblem(pod: Pod, { generated }: PodClaim, claim: ResourceClaim): string | undefined {
  const { uid, name } = pod.metadata;
  const owned = claim.metadata.ownerReferences?.some((owner) => owner.controller === true && owner.uid === uid);
  if (generated && !owned) {
    return `ResourceClaim ${claim.metadata.namespace}/${claim.metadata.name} was not created for pod ${claim.metadata.namespace}/${name} (pod is not owner)`;
  }
  if (!(claim.status?.reservedFor ?? []).some((consumer) => consumer.uid === uid)) {
    return `pod ${name}(${uid}) is not allowed to use ResourceClaim ${claim.metadata.name}(${claim.metadata.uid})`;
  }
  if (claim.status?.allocation === undefined) return `ResourceClaim ${claim.metadata.name} is not allocated`;
  return undefined;
}

/** Drivers that have devices in the allocation. */
export function driversOf({ status }: ResourceClaim): string[] {
  return [...new Set((status?.allocation?.devices?.results ?? []).map(({ driver }) => driver))];
}

export interface PreparedDevice {
  readonly driver: string;
  readonly requests: readonly string[];
  readonly pool: string;
  readonly device: string;
  readonly cdiIds: readonly string[];
  readonly shareId?: string;
}

/** `request` as a container names it; a device of a subrequest (`gpu/large`) belongs to its request. */
export function devicesFor(devices: readonly PreparedDevice[], request: string | undefined): PreparedDevice[] {
  if (!request) return [...devices];
  const base = (name: string) => name.split('/')[0];
  return devices.filter(
    ({ requests }) => requests.length === 0 || requests.some((each) => base(each) === base(request)),
  );
}

/** The claims of a container, each with the request it is narrowed to. */
export function containerClaims(container: Container): { readonly name: string; readonly request?: string }[] {
  return container.resources?.claims ?? [];
}
