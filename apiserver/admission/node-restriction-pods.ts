// What a node may do to pods and in the name of pods. It makes only mirrors of its own files, which may name nothing of
// the API: else whoever has the node would read every secret by making a pod that mentions it.
import { deepEqual } from '../../api/schema/equal.ts';
import { forbidden } from '../../api/status.ts';
import type { TokenRequest } from '../../api/types/authentication/token-request.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { nodes, pods, serviceAccounts } from '../../api/types/core/resources.ts';
import { isMirror, namedBy } from '../authz/node-references.ts';
import type { RegistryContext } from '../registry/registry.ts';
import type { Attributes } from './admission.ts';

export function restrictPod(attributes: Attributes, node: string, registry: RegistryContext): void {
  const { operation, subresource, name, namespace, object } = attributes;
  const refuse = (why: string) => forbidden(pods, name, why);
  if (operation === 'CREATE' && subresource === '') {
    const problem = mirrorProblem(object as unknown as Pod, node, registry);
    if (problem !== undefined) throw refuse(problem);
    return;
  }
  const pod = registry.objects(pods).get(namespace, name);
  if (pod !== undefined && pod.spec.nodeName !== node) {
    const what = operation === 'DELETE' ? 'delete' : subresource === 'eviction' ? 'evict' : 'update status for';
    throw refuse(`node ${JSON.stringify(node)} can only ${what} pods with spec.nodeName set to itself`);
  }
  if (subresource !== 'status') return;
  const next = object as unknown as Pod;
  if (!deepEqual(next.metadata.labels ?? {}, pod?.metadata.labels ?? {}))
    throw refuse(`node ${JSON.stringify(node)} cannot update labels through pod status`);
  // They say which claims the pod has, and so which the node may read.
  if (!deepEqual(next.status.resourceClaimStatuses ?? [], pod?.status.resourceClaimStatuses ?? []))
    throw refuse(`node ${JSON.stringify(node)} cannot update resource claim statuses`);
}

/** A token is for a pod that runs on the node, and for the account that pod runs as. */
export function restrictToken(attributes: Attributes, node: string, registry: RegistryContext): void {
  const { operation, subresource, name, namespace, object } = attributes;
  if (operation !== 'CREATE' || subresource !== 'token') return;
  const refuse = (why: string) => forbidden(serviceAccounts, name, why);
  const { boundObjectRef: bound } = (object as unknown as TokenRequest).spec;
  if (!bound) throw refuse('node requested token not bound to a pod');
  if (bound.apiVersion !== 'v1' || bound.kind !== 'Pod' || !bound.name)
    throw refuse('node requested token not bound to a pod');
  if (!bound.uid) throw refuse('node requested token with a pod binding without a uid');
  const pod = registry.objects(pods).get(namespace, bound.name);
  if (pod === undefined) throw refuse(`pod ${JSON.stringify(bound.name)} not found`);
  if (pod.metadata.uid !== bound.uid)
    throw refuse(`the UID in the bound object reference (${bound.uid}) does not match the UID in record`);
  if (pod.spec.nodeName !== node) throw refuse('node requested token bound to a pod scheduled on a different node');
  if (pod.spec.serviceAccountName !== name)
    throw refuse('node requested token of an account that the pod does not use');
}

const KINDS: readonly (readonly [resource: string, what: string])[] = [
  ['serviceaccounts', 'a service account'],
  ['secrets', 'secrets'],
  ['configmaps', 'configmaps'],
  ['persistentvolumeclaims', 'persistentvolumeclaims'],
];

function mirrorProblem(pod: Pod, node: string, registry: RegistryContext): string | undefined {
  const { metadata, spec } = pod;
  const who = `node ${JSON.stringify(node)}`;
  if (!isMirror(pod)) {
    return `pod does not have "kubernetes.io/config.mirror" annotation, ${who} can only create mirror pods`;
  }
  if (spec.nodeName !== node) return `${who} can only create pods with spec.nodeName set to itself`;
  const [owner, ...others] = metadata.ownerReferences ?? [];
  if (others.length > 0) return `${who} can only create pods with a single owner reference set to itself`;
  if (owner?.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node)
    return `${who} can only create pods with an owner reference set to itself`;
  if (owner.controller !== true) return `${who} can only create pods with a controller owner reference set to itself`;
  if (owner.blockOwnerDeletion === true) return `${who} must not set blockOwnerDeletion on an owner reference`;
  const uid = registry.objects(nodes).get('', node)?.metadata.uid;
  if (owner.uid !== uid) return `${who} UID mismatch: expected ${owner.uid} got ${uid ?? 'none'}`;
  const named = [...namedBy(pod)];
  for (const [resource, what] of KINDS) {
    if (named.some((each) => each.startsWith(`${resource} `)))
      return `${who} can not create pods that reference ${what}`;
  }
  const sources = (spec.volumes ?? []).flatMap(({ projected }) => projected?.sources ?? []);
  if (sources.some(({ clusterTrustBundle }) => clusterTrustBundle !== undefined))
    return `${who} can not create pods that reference clustertrustbundles`;
  if ((spec.resourceClaims ?? []).length > 0) return `${who} can not create pods that reference resourceclaims`;
  return undefined;
}
