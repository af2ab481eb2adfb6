// What a pod should be; the same in pods and in templates.

import { roundResources } from '../../quantity.ts';
import {
  aQuantity,
  aString,
  boolean,
  field,
  int32,
  int64,
  list,
  map,
  object,
  ptr,
  required,
  string,
  type TypeOf,
} from '../../schema/schema.ts';
import { Affinity, Toleration, TopologySpreadConstraint } from './affinity.ts';
import { Container, EphemeralContainer } from './container.ts';
import { LocalObjectReference } from './references.ts';
import { ResourceRequirements } from './resource-requirements.ts';
import { PodSecurityContext } from './security-context.ts';
import { Volume } from './volume.ts';

export const HostAlias = object('io.k8s.api.core.v1.HostAlias', {
  ip: string(1, { required, emitZero: '' }),
  hostnames: list(2, aString, { listType: 'atomic' }),
});
export type HostAlias = TypeOf<typeof HostAlias>;

export const PodDNSConfigOption = object('io.k8s.api.core.v1.PodDNSConfigOption', {
  name: string(1),
  value: string(2, { ptr }),
});
export type PodDNSConfigOption = TypeOf<typeof PodDNSConfigOption>;

export const PodDNSConfig = object('io.k8s.api.core.v1.PodDNSConfig', {
  nameservers: list(1, aString, { listType: 'atomic' }),
  searches: list(2, aString, { listType: 'atomic' }),
  options: list(3, PodDNSConfigOption, { listType: 'atomic' }),
});
export type PodDNSConfig = TypeOf<typeof PodDNSConfig>;

export const PodReadinessGate = object('io.k8s.api.core.v1.PodReadinessGate', {
  conditionType: string(1, { required, emitZero: '' }),
});
export type PodReadinessGate = TypeOf<typeof PodReadinessGate>;

export const PodOS = object('io.k8s.api.core.v1.PodOS', {
  name: string(1, { required, emitZero: '' }),
});
export type PodOS = TypeOf<typeof PodOS>;

export const PodSchedulingGate = object('io.k8s.api.core.v1.PodSchedulingGate', {
  name: string(1, { required, emitZero: '' }),
});
export type PodSchedulingGate = TypeOf<typeof PodSchedulingGate>;

export const PodResourceClaim = object('io.k8s.api.core.v1.PodResourceClaim', {
  name: string(1, { required, emitZero: '' }),
  resourceClaimName: string(3, { ptr }),
  resourceClaimTemplateName: string(4, { ptr }),
});
export type PodResourceClaim = TypeOf<typeof PodResourceClaim>;

export const PodSchedulingGroup = object(
  'io.k8s.api.core.v1.PodSchedulingGroup',
  {
    podGroupName: string(1, { ptr }),
  },
  { unions: [{ fields: { podGroupName: 'PodGroupName' } }] },
);
export type PodSchedulingGroup = TypeOf<typeof PodSchedulingGroup>;

export const PodSpec = object(
  'io.k8s.api.core.v1.PodSpec',
  {
    volumes: list(1, Volume, {
      listType: 'map',
      keys: ['name'],
      patchStrategy: 'merge,retainKeys',
      patchMergeKey: 'name',
    }),
    containers: list(2, Container, {
      required,
      emitZero: null,
      listType: 'map',
      keys: ['name'],
      patchStrategy: 'merge',
      patchMergeKey: 'name',
    }),
    restartPolicy: string(3, { enum: ['Always', 'Never', 'OnFailure'] }),
    terminationGracePeriodSeconds: int64(4, { ptr }),
    activeDeadlineSeconds: int64(5, { ptr }),
    dnsPolicy: string(6, { enum: ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'] }),
    nodeSelector: map(7, aString, { mapType: 'atomic' }),
    serviceAccountName: string(8),
    serviceAccount: string(9),
    nodeName: string(10),
    hostNetwork: boolean(11),
    hostPID: boolean(12),
    hostIPC: boolean(13),
    securityContext: field(14, PodSecurityContext, { ptr }),
    imagePullSecrets: list(15, LocalObjectReference, {
      listType: 'map',
      keys: ['name'],
      patchStrategy: 'merge',
      patchMergeKey: 'name',
    }),
    hostname: string(16),
    subdomain: string(17),
    affinity: field(18, Affinity, { ptr }),
    schedulerName: string(19),
    initContainers: list(20, Container, {
      listType: 'map',
      keys: ['name'],
      patchStrategy: 'merge',
      patchMergeKey: 'name',
    }),
    automountServiceAccountToken: boolean(21, { ptr }),
    tolerations: list(22, Toleration, { listType: 'atomic' }),
    hostAliases: list(23, HostAlias, { listType: 'map', keys: ['ip'], patchStrategy: 'merge', patchMergeKey: 'ip' }),
    priorityClassName: string(24),
    priority: int32(25, { ptr }),
    dnsConfig: field(26, PodDNSConfig, { ptr }),
    shareProcessNamespace: boolean(27, { ptr }),
    readinessGates: list(28, PodReadinessGate, { listType: 'atomic' }),
    runtimeClassName: string(29, { ptr }),
    enableServiceLinks: boolean(30, { ptr }),
    preemptionPolicy: string(31, { ptr, enum: ['Never', 'PreemptLowerPriority'] }),
    overhead: map(32, aQuantity),
    topologySpreadConstraints: list(33, TopologySpreadConstraint, {
      listType: 'map',
      keys: ['topologyKey', 'whenUnsatisfiable'],
      patchStrategy: 'merge',
      patchMergeKey: 'topologyKey',
    }),
    ephemeralContainers: list(34, EphemeralContainer, {
      listType: 'map',
      keys: ['name'],
      patchStrategy: 'merge',
      patchMergeKey: 'name',
      keepsEmpty: true,
    }),
    setHostnameAsFQDN: boolean(35, { ptr }),
    os: field(36, PodOS, { ptr }),
    hostUsers: boolean(37, { ptr }),
    schedulingGates: list(38, PodSchedulingGate, {
      listType: 'map',
      keys: ['name'],
      patchStrategy: 'merge',
      patchMergeKey: 'name',
    }),
    resourceClaims: list(39, PodResourceClaim, {
      listType: 'map',
      keys: ['name'],
      patchStrategy: 'merge,retainKeys',
      patchMergeKey: 'name',
    }),
    resources: field(40, ResourceRequirements, { ptr }),
    hostnameOverride: string(41, { ptr }),
    schedulingGroup: field(43, PodSchedulingGroup, { ptr }),
  },
  {
    defaults(value) {
      value.dnsPolicy ||= 'ClusterFirst';
      value.restartPolicy ||= 'Always';
      value.securityContext ??= {};
      value.terminationGracePeriodSeconds ??= 30;
      value.schedulerName ||= 'default-scheduler';
      // Two names of one field: the older one follows, and leads only where the newer is absent.
      value.serviceAccountName ||= value.serviceAccount;
      value.serviceAccount = value.serviceAccountName;
      if (value.serviceAccountName === undefined) {
        delete value.serviceAccountName;
        delete value.serviceAccount;
      }
      roundResources(value.overhead);
    },
  },
);
export type PodSpec = TypeOf<typeof PodSpec>;
