// Storage, access, scaling, networking and extension kinds, in rows.
import type { HorizontalPodAutoscaler } from '../../../api/types/autoscaling/horizontal-pod-autoscaler.ts';
import type { CertificateSigningRequest } from '../../../api/types/certificates/certificate-signing-request.ts';
import type { PersistentVolume } from '../../../api/types/core/persistent-volume.ts';
import type { PersistentVolumeClaim } from '../../../api/types/core/persistent-volume-claim.ts';
import type { Ingress } from '../../../api/types/networking/ingress.ts';
import type { NetworkPolicy } from '../../../api/types/networking/network-policy.ts';
import type { PodDisruptionBudget } from '../../../api/types/policy/pod-disruption-budget.ts';
import type { ClusterRoleBinding, RoleBinding } from '../../../api/types/rbac/role-binding.ts';
import type { StorageClass } from '../../../api/types/storage/storage-class.ts';
import { humanDuration } from '../human-duration.ts';
import { accessModes, NONE, selectorCell, since } from './words.ts';

const UNSET = '<unset>';

export function claimCells({ spec, status, metadata }: PersistentVolumeClaim, nowMs: number): unknown[] {
  const bound = Boolean(spec.volumeName);
  return [
    metadata.deletionTimestamp === undefined ? (status.phase ?? '') : 'Terminating',
    spec.volumeName ?? '',
    bound ? (status.capacity?.['storage'] ?? '0') : '',
    bound ? accessModes(status.accessModes) : '',
    spec.storageClassName ?? '',
    spec.volumeAttributesClassName ?? UNSET,
    since(metadata.creationTimestamp, nowMs),
    spec.volumeMode ?? UNSET,
  ];
}

export function volumeCells({ spec, status, metadata }: PersistentVolume, nowMs: number): unknown[] {
  const { claimRef } = spec;
  return [
    spec.capacity?.['storage'] ?? '0',
    accessModes(spec.accessModes),
    spec.persistentVolumeReclaimPolicy ?? '',
    metadata.deletionTimestamp === undefined ? (status.phase ?? '') : 'Terminating',
    claimRef ? `${claimRef.namespace}/${claimRef.name}` : '',
    spec.storageClassName ?? '',
    spec.volumeAttributesClassName ?? UNSET,
    status.reason ?? '',
    since(metadata.creationTimestamp, nowMs),
    spec.volumeMode ?? UNSET,
  ];
}

export function storageClassCells(of: StorageClass, nowMs: number): unknown[] {
  const { reclaimPolicy = 'Delete', volumeBindingMode = 'Immediate', allowVolumeExpansion, metadata } = of;
  const age = since(metadata.creationTimestamp, nowMs);
  return [reclaimPolicy, volumeBindingMode, allowVolumeExpansion === true ? 'true' : 'false', age];
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
  const hosts = [...new Set((spec.rules ?? []).map(({ host }) => host || '*'))];
  const addresses = (status.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || '');
  return [
    spec.ingressClassName ?? NONE,
    hosts.join(',') || '*',
    addresses.join(','),
    spec.tls?.length ? '80, 443' : '80',
    since(metadata.creationTimestamp, nowMs),
  ];
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
  const wanted = metric.resource ?? metric.containerResource ?? metric.pods ?? metric.object ?? metric.external;
  const is = current?.resource ?? current?.containerResource ?? current?.pods ?? current?.object ?? current?.external;
  if (wanted === undefined) return '<unknown type>';
  const { averageUtilization, averageValue, value } = wanted.target;
  const now = is?.current;
  const label = 'name' in wanted && (metric.resource || metric.containerResource) ? `${wanted.name}: ` : '';
  if (averageUtilization !== undefined) {
    const used = now?.averageUtilization;
    return `${label}${used === undefined ? '<unknown>' : `${used}%`}/${averageUtilization}%`;
  }
  if (averageValue !== undefined) return `${label}${now?.averageValue ?? '<unknown>'}/${averageValue} (avg)`;
  return `${label}${now?.value ?? '<unknown>'}/${value ?? '<auto>'}`;
}
