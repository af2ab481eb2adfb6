// What a node may write: itself, and of everything else only what is its own (pods: node-restriction-pods.ts). The node
// authorizer has already judged what it touches.
import { deepEqual } from '../../api/schema/equal.ts';
import { forbidden } from '../../api/status.ts';
import { leases } from '../../api/types/coordination/resources.ts';
import type { Node } from '../../api/types/core/node.ts';
import type { PersistentVolumeClaim } from '../../api/types/core/persistent-volume-claim.ts';
import { nodes, pods, serviceAccounts } from '../../api/types/core/resources.ts';
import { persistentVolumeClaims } from '../../api/types/core/storage-resources.ts';
import type { ResourceSlice } from '../../api/types/resource/resource-slice.ts';
import { resourceSlices } from '../../api/types/resource/resources.ts';
import { csiNodes } from '../../api/types/storage/resources.ts';
import { nodeNameOf } from '../authz/node.ts';
import type { AdmissionPlugin, Attributes } from './admission.ts';
import { restrictSigningRequest } from './certificates.ts';
import { restrictPod, restrictToken } from './node-restriction-pods.ts';

export const nodeRestriction: AdmissionPlugin = {
  name: 'NodeRestriction',
  resources: [
    ...['pods', 'nodes', 'persistentvolumeclaims', 'certificatesigningrequests.certificates.k8s.io'],
    ...['csinodes.storage.k8s.io', 'leases.coordination.k8s.io', 'serviceaccounts', 'resourceslices.resource.k8s.io'],
  ],
  operations: ['CREATE', 'UPDATE', 'DELETE'],
  subresources: ['*'],
  admit(attributes, registry) {
    const node = nodeNameOf(attributes.user);
    if (node === undefined) return;
    switch (attributes.resource.plural) {
      case nodes.plural:
        return restrictNode(attributes, node);
      case pods.plural:
        return restrictPod(attributes, node, registry);
      case persistentVolumeClaims.plural:
        return restrictClaim(attributes, node);
      case csiNodes.plural:
        return restrictOwn(attributes, node, 'can only access CSINode with the same name as the requesting node');
      case leases.plural:
        return restrictOwn(attributes, node, 'can only access node lease with the same name as the requesting node');
      case serviceAccounts.plural:
        return restrictToken(attributes, node, registry);
      case resourceSlices.plural:
        return restrictSlice(attributes, node);
      default:
        return restrictSigningRequest(attributes, node);
    }
  },
};

function restrictNode({ operation, object, old, name }: Attributes, node: string): void {
  const refuse = (why: string) => forbidden(nodes, name, why);
  if (name !== node) throw refuse(`node ${JSON.stringify(node)} is not allowed to modify node ${JSON.stringify(name)}`);
  const next = object as unknown as Node | undefined;
  const before = old as unknown as Node | undefined;
  if (next === undefined) return;
  const taintsMatter =
    operation === 'UPDATE' && JSON.stringify(next.spec.taints) !== JSON.stringify(before?.spec.taints);
  if (taintsMatter) throw refuse(`node ${JSON.stringify(node)} is not allowed to modify taints`);
  // Or it would have itself collected, and come back without its taints and labels.
  if (operation === 'UPDATE' && !deepEqual(next.metadata.ownerReferences ?? [], before?.metadata.ownerReferences ?? []))
    throw refuse(`node ${JSON.stringify(node)} is not allowed to modify ownerReferences`);
  const restricted = changedLabels(next.metadata.labels, before?.metadata.labels).filter(isRestricted);
  if (restricted.length > 0) {
    const verb = operation === 'CREATE' ? 'set' : 'modify';
    const list = restricted.sort().join(', ');
    throw refuse(`node ${JSON.stringify(node)} is not allowed to ${verb} the following labels: ${list}`);
  }
}

function restrictOwn({ resource, object, name }: Attributes, node: string, why: string): void {
  const named = name || (object?.metadata.name ?? '');
  if (named !== node) throw forbidden(resource, named, why);
}

/** Of the role nothing but removing is a node's; drivers with more rights in its name are held to it, too. */
function restrictSlice({ operation, resource, object, old, name }: Attributes, node: string): void {
  const of = (slice: unknown) => (slice as ResourceSlice).spec.nodeName;
  if (operation === 'CREATE' && of(object) !== node)
    throw forbidden(resource, name, 'can only create ResourceSlice with the same NodeName as the requesting node');
  if (operation === 'DELETE' && of(old) !== node)
    throw forbidden(resource, name, 'can only delete ResourceSlice with the same NodeName as the requesting node');
}

/** A node says how large a volume is by now, and nothing else of a claim. */
function restrictClaim({ resource, subresource, operation, object, old, name }: Attributes, node: string): void {
  if (subresource !== 'status') throw forbidden(resource, name, 'may only update PVC status');
  if (operation !== 'UPDATE') throw forbidden(resource, name, `unexpected operation ${JSON.stringify(operation)}`);
  const [next, before] = [object, old].map((claim) => withoutSizes(claim as unknown as PersistentVolumeClaim));
  if (deepEqual(next, before)) return;
  const why = `node ${JSON.stringify(node)} is not allowed to update fields other than status.quantity and status.conditions`;
  throw forbidden(resource, name, why);
}

function withoutSizes({ metadata, spec, status }: PersistentVolumeClaim): object {
  const { resourceVersion: _v, managedFields: _m, ...rest } = metadata;
  const { capacity: _c, conditions: _o, allocatedResources: _a, allocatedResourceStatuses: _s, ...more } = status;
  return { metadata: rest, spec, status: more };
}

type Labels = Readonly<Record<string, string>> | undefined;

function changedLabels(now: Labels = {}, before: Labels = {}): string[] {
  const keys = new Set([...Object.keys(now), ...Object.keys(before)]);
  return [...keys].filter((key) => now[key] !== before[key]);
}

/** A kubelet may say where and what it is, not what it is for. */
const OWN = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/arch',
  'kubernetes.io/os',
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'failure-domain.beta.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
]);

function isRestricted(key: string): boolean {
  const at = key.indexOf('/');
  const namespace = at < 0 ? '' : key.slice(0, at);
  if (within(namespace, 'node-restriction.kubernetes.io')) return true;
  if (!within(namespace, 'kubernetes.io') && !within(namespace, 'k8s.io')) return false;
  return !OWN.has(key) && !within(namespace, 'kubelet.kubernetes.io') && !within(namespace, 'node.kubernetes.io');
}

const within = (namespace: string, domain: string) => namespace === domain || namespace.endsWith(`.${domain}`);
