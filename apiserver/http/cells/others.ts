// Storage, access, scaling, networking and extension kinds, in rows.
import type { HorizontalPodAutoscaler } from '../../../api/types/autoscaling/horizontal-pod-autoscaler.ts';
import type { CertificateSigningRequest } from '../../../api/types/certificates/certificate-signing-request.ts';
import type { PersistentVolume } from '../../../api/types/core/persistent-volume.ts';
import type { PersistentVolumeClaim } from '../../../api/types/core/persistent-volume-claim.ts';
import type { Ingress } from '../../../api/types/networking/ingress.ts';
import type { IngressClass } from '../../../api/types/networking/ingress-class.ts';
import type { NetworkPolicy } from '../../../api/types/networking/network-policy.ts';
import type { IPAddress } from '../../../api/types/networking/service-cidr.ts';
import type { PodDisruptionBudget } from '../../../api/types/policy/pod-disruption-budget.ts';
import type { ClusterRoleBinding, RoleBinding } from '../../../api/types/rbac/role-binding.ts';
import type { ResourceClaim } from '../../../api/types/resource/resource-claim.ts';
import type { CSIDriver } from '../../../api/types/storage/csi.ts';
import type { StorageClass } from '../../../api/types/storage/storage-class.ts';
import { humanDuration } from '../human-duration.ts';
import { balancerAddresses } from './cluster.ts';
import { accessModes, NONE, selectorCell, since, UNKNOWN, UNSET } from './words.ts';

export function claimCells({ spec, status, metadata }: PersistentVolumeClaim, nowMs: number): unknown[] {
  const bound = Boolean(spec.volumeName);
  return [
    metadata.deletionTimestamp === undefined ? (status.phase ?? '') : 'Terminating',
    spec.volumeName ?? '',
    bound ? (status.capacity?.['storage'] ?? '0') : '',
    bound ? accessModes(status.accessModes) : '',
    classOf(metadata, spec.storageClassName),
    spec.volumeAttributesClassName ?? UNSET,
    since(metadata.creationTimestamp, nowMs),
    spec.volumeMode ?? UNSET,
  ];
}

const BETA_CLASS = 'volume.beta.kubernetes.io/storage-class';

/** The annotation is older than the field, and wins over it. */
function classOf({ annotations }: PersistentVolume['metadata'], name = ''): string {
  return annotations?.[BETA_CLASS] ?? name;
}

export function volumeCells({ spec, status, metadata }: PersistentVolume, nowMs: number): unknown[] {
  const { claimRef } = spec;
  return [
    spec.capacity?.['storage'] ?? '0',
    accessModes(spec.accessModes),
    spec.persistentVolumeReclaimPolicy ?? '',
    metadata.deletionTimestamp === undefined ? (status.phase ?? '') : 'Terminating',
    claimRef ? `${claimRef.namespace}/${claimRef.name}` : '',
    classOf(metadata, spec.storageClassName),
    spec.volumeAttributesClassName ?? UNSET,
    status.reason ?? '',
    since(metadata.creationTimestamp, nowMs),
    spec.volumeMode ?? UNSET,
  ];
}

const DEFAULT_CLASS = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];

export function storageClassCells(of: StorageClass, nowMs: number): unknown[] {
  const { reclaimPolicy = 'Delete', volumeBindingMode = 'Immediate', allowVolumeExpansion, metadata } = of;
  const age = since(metadata.creationTimestamp, nowMs);
  const isDefault = DEFAULT_CLASS.some((key) => metadata.annotations?.[key] === 'true');
  const name = isDefault ? `${metadata.name} (default)` : metadata.name;
  return [name, reclaimPolicy, volumeBindingMode, allowVolumeExpansion === true ? 'true' : 'false', age];
}

export function bindingCells(binding: RoleBinding | ClusterRoleBinding, nowMs: number): unknown[] {
  const { roleRef, subjects = [], metadata } = binding;
  const of = (kind: string) => subjects.filter((subject) => subject.kind === kind);
  const accounts = of('ServiceAccount').map(({ namespace, name }) => `${namespace}/${name}`);
  const names = (kind: string) =>
    of(kind)
      .map(({ name }) => name)
      .join(', ');
  const age = since(metadata.creationTimestamp, nowMs);
  return [`${roleRef.kind}/${roleRef.name}`, age, names('User'), names('Group'), accounts.join(', ')];
}

export function networkPolicyCells({ spec, metadata }: NetworkPolicy, nowMs: number): unknown[] {
  return [selectorCell(spec?.podSelector), since(metadata.creationTimestamp, nowMs)];
}

export function ingressCells({ spec, status, metadata }: Ingress, nowMs: number): unknown[] {
  return [
    spec.ingressClassName ?? NONE,
    hostsCell(spec.rules ?? []),
    balancerAddresses(status.loadBalancer).join(','),
    spec.tls?.length ? '80, 443' : '80',
    since(metadata.creationTimestamp, nowMs),
  ];
}

const SHOWN_HOSTS = 3;

function hostsCell(rules: readonly { readonly host?: string }[]): string {
  const named = rules.flatMap(({ host }) => host || []);
  const shown = named.slice(0, SHOWN_HOSTS).join(',') || '*';
  // What is left out is counted from all rules, as upstream counts.
  const isCut = named.length >= SHOWN_HOSTS && rules.length > SHOWN_HOSTS;
  return isCut ? `${shown} + ${rules.length - SHOWN_HOSTS} more...` : shown;
}

export function ingressClassCells({ spec }: IngressClass): unknown[] {
  const { parameters } = spec;
  if (!parameters) return [NONE];
  const { kind, apiGroup, name } = parameters;
  return [`${apiGroup === undefined ? kind : `${kind}.${apiGroup}`}/${name}`];
}

export function ipAddressCells({ spec }: IPAddress): unknown[] {
  if (!spec.parentRef) return [NONE];
  const { group, resource, namespace, name } = spec.parentRef;
  return [
    [group ? `${resource}.${group}`.toLowerCase() : resource.toLowerCase(), namespace, name].filter(Boolean).join('/'),
  ];
}

export function resourceClaimCells({ status, metadata }: ResourceClaim): unknown[] {
  const isGoing = metadata.deletionTimestamp !== undefined;
  const words = isGoing ? ['deleted'] : [];
  if (status?.allocation) words.push('allocated', ...(status.reservedFor?.length ? ['reserved'] : []));
  else if (!isGoing) words.push('pending');
  return [words.join(',')];
}

export function driverCells({ spec }: CSIDriver): unknown[] {
  const { attachRequired = true, podInfoOnMount = false, storageCapacity = false, requiresRepublish = false } = spec;
  const audiences = spec.tokenRequests?.map(({ audience }) => audience).join(',') ?? UNSET;
  const modes = spec.volumeLifecycleModes?.join(',') || NONE;
  return [attachRequired, podInfoOnMount, storageCapacity, audiences, requiresRepublish, modes];
}

export function budgetCells({ spec, metadata }: PodDisruptionBudget, nowMs: number): unknown[] {
  const cell = (value: number | string | undefined) => (value === undefined ? 'N/A' : String(value));
  return [cell(spec.minAvailable), cell(spec.maxUnavailable), since(metadata.creationTimestamp, nowMs)];
}

export function signingRequestCells({ spec, status, metadata }: CertificateSigningRequest, nowMs: number): unknown[] {
  const { expirationSeconds } = spec;
  const has = (type: string) => status.conditions?.some((condition) => condition.type === type) ?? false;
  const words = [has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending'];
  if (has('Failed')) words.push('Failed');
  if (status.certificate) words.push('Issued');
  const duration = expirationSeconds === undefined ? NONE : humanDuration(expirationSeconds * 1000);
  return [since(metadata.creationTimestamp, nowMs), duration, words.join(',')];
}

export function autoscalerCells({ spec, status, metadata }: HorizontalPodAutoscaler, nowMs: number): unknown[] {
  const { kind, name } = spec.scaleTargetRef;
  return [
    `${kind}/${name}`,
    targets(spec.metrics ?? [], status.currentMetrics ?? []),
    spec.minReplicas === undefined ? UNSET : String(spec.minReplicas),
    spec.maxReplicas,
    status.currentReplicas ?? 0,
    since(metadata.creationTimestamp, nowMs),
  ];
}

type Metric = NonNullable<HorizontalPodAutoscaler['spec']['metrics']>[number];
type Current = NonNullable<NonNullable<HorizontalPodAutoscaler['status']['currentMetrics']>[number]>;

const SHOWN_METRICS = 2;

function targets(metrics: readonly Metric[], current: readonly Current[]): string {
  if (metrics.length === 0) return NONE;
  const shown = metrics.slice(0, SHOWN_METRICS).map((metric, i) => target(metric, current[i]));
  const more = metrics.length - SHOWN_METRICS;
  return more > 0 ? `${shown.join(', ')} + ${more} more...` : shown.join(', ');
}

function target(metric: Metric, current: Current | undefined): string {
  const { resource, containerResource, pods, object, external } = metric;
  const wanted = resource ?? containerResource ?? pods ?? object ?? external;
  const is = current?.resource ?? current?.containerResource ?? current?.pods ?? current?.object ?? current?.external;
  if (wanted === undefined) return '<unknown type>';
  const { averageUtilization, averageValue, value } = wanted.target;
  const now = is?.current;
  const ofResource = resource ?? containerResource;
  if (ofResource !== undefined) {
    const label = `${ofResource.name}: `;
    if (averageValue !== undefined) return `${label}${now?.averageValue ?? UNKNOWN}/${averageValue}`;
    const used = now?.averageUtilization;
    const goal = averageUtilization === undefined ? '<auto>' : `${averageUtilization}%`;
    return `${label}${used === undefined ? UNKNOWN : `${used}%`}/${goal}`;
  }
  if (averageValue === undefined) return `${now?.value ?? UNKNOWN}/${value ?? ''}`;
  return `${now?.averageValue ?? UNKNOWN}/${averageValue}${pods ? '' : ' (avg)'}`;
}
