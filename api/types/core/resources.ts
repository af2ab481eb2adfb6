// The resources of the core group, and the list of all of them.
import type { ResourceDefinition } from '../../resource.ts';
import { TokenRequest } from '../authentication/token-request.ts';
import { Eviction } from '../policy/pod-disruption-budget.ts';
import { AGE, ALL_VERBS, CREATED_AT, NAME, PART, text, wide } from '../resource-parts.ts';
import { Binding } from './binding.ts';
import { ConfigMap, Secret } from './config-map.ts';
import { Endpoints } from './endpoints.ts';
import { Event } from './event.ts';
import { bindings, componentStatuses, podTemplates, replicationControllers } from './legacy-resources.ts';
import { LimitRange, ResourceQuota } from './limit-range.ts';
import { Namespace } from './namespace.ts';
import { Node } from './node.ts';
import { Pod } from './pod.ts';
import {
  NodeProxyOptions,
  PodAttachOptions,
  PodExecOptions,
  PodPortForwardOptions,
  PodProxyOptions,
  ServiceProxyOptions,
} from './pod-options.ts';
import { Service } from './service.ts';
import { ServiceAccount } from './service-account.ts';
import { persistentVolumeClaims, persistentVolumes } from './storage-resources.ts';

export const configMaps: ResourceDefinition<ConfigMap> = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  listKind: 'ConfigMapList',
  plural: 'configmaps',
  singular: 'configmap',
  shortNames: ['cm'],
  namespaced: true,
  verbs: ALL_VERBS,
  schema: ConfigMap,
  subresources: {},
  columns: [NAME, text('Data'), AGE],
};

export const endpoints: ResourceDefinition<Endpoints> = {
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  listKind: 'EndpointsList',
  plural: 'endpoints',
  singular: 'endpoints',
  shortNames: ['ep'],
  namespaced: true,
  verbs: ALL_VERBS,
  schema: Endpoints,
  subresources: {},
  columns: [NAME, text('Endpoints'), AGE],
  storageKey: 'services/endpoints',
};

export const events: ResourceDefinition<Event> = {
  group: '',
  version: 'v1',
  kind: 'Event',
  listKind: 'EventList',
  plural: 'events',
  singular: 'event',
  shortNames: ['ev'],
  namespaced: true,
  verbs: ALL_VERBS,
  schema: Event,
  subresources: {},
  selectableFields: [
    'involvedObject.apiVersion',
    'involvedObject.fieldPath',
    'involvedObject.kind',
    'involvedObject.name',
    'involvedObject.namespace',
    'involvedObject.resourceVersion',
    'involvedObject.uid',
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
  columns: [
    text('Last Seen'),
    text('Type'),
    text('Reason'),
    text('Object'),
    ...wide(text('Subobject'), text('Source')),
    text('Message'),
    ...wide(text('First Seen'), text('Count'), NAME),
  ],
};

export const limitRanges: ResourceDefinition<LimitRange> = {
  group: '',
  version: 'v1',
  kind: 'LimitRange',
  listKind: 'LimitRangeList',
  plural: 'limitranges',
  singular: 'limitrange',
  shortNames: ['limits'],
  namespaced: true,
  verbs: ALL_VERBS,
  schema: LimitRange,
  subresources: {},
  columns: [NAME, CREATED_AT],
};

export const namespaces: ResourceDefinition<Namespace> = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  listKind: 'NamespaceList',
  plural: 'namespaces',
  singular: 'namespace',
  shortNames: ['ns'],
  namespaced: false,
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  schema: Namespace,
  subresources: {
    finalize: { verbs: ['update'] },
    status: PART,
  },
  selectableFields: ['status.phase'],
  columns: [NAME, text('Status', 'status.phase'), AGE],
};

export const nodes: ResourceDefinition<Node> = {
  group: '',
  version: 'v1',
  kind: 'Node',
  listKind: 'NodeList',
  plural: 'nodes',
  singular: 'node',
  shortNames: ['no'],
  namespaced: false,
  verbs: ALL_VERBS,
  schema: Node,
  subresources: {
    proxy: {
      verbs: ['create', 'delete', 'get', 'patch', 'update'],
      kind: 'NodeProxyOptions',
      schema: NodeProxyOptions,
    },
    status: PART,
  },
  selectableFields: ['spec.unschedulable'],
  columns: [
    NAME,
    text('Status'),
    text('Roles'),
    AGE,
    text('Version'),
    ...wide(
      text('Internal-IP'),
      text('External-IP'),
      text('OS-Image'),
      text('Kernel-Version'),
      text('Container-Runtime'),
    ),
  ],
  storageKey: 'minions',
};

export const pods: ResourceDefinition<Pod> = {
  group: '',
  version: 'v1',
  kind: 'Pod',
  listKind: 'PodList',
  plural: 'pods',
  singular: 'pod',
  shortNames: ['po'],
  categories: ['all'],
  namespaced: true,
  verbs: ALL_VERBS,
  returnsDeleted: true,
  schema: Pod,
  subresources: {
    attach: { verbs: ['create', 'get'], kind: 'PodAttachOptions', schema: PodAttachOptions },
    binding: { verbs: ['create'], kind: 'Binding', schema: Binding },
    ephemeralcontainers: PART,
    eviction: { verbs: ['create'], kind: 'Eviction', group: 'policy', version: 'v1', schema: Eviction },
    exec: { verbs: ['create', 'get'], kind: 'PodExecOptions', schema: PodExecOptions },
    log: { verbs: ['get'] },
    portforward: { verbs: ['create', 'get'], kind: 'PodPortForwardOptions', schema: PodPortForwardOptions },
    proxy: { verbs: ['create', 'delete', 'get', 'patch', 'update'], kind: 'PodProxyOptions', schema: PodProxyOptions },
    resize: PART,
    status: PART,
  },
  selectableFields: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.podIPs',
    'status.nominatedNodeName',
  ],
  columns: [
    NAME,
    text('Ready'),
    text('Status'),
    text('Restarts'),
    AGE,
    ...wide(text('IP'), text('Node'), text('Nominated Node'), text('Readiness Gates')),
  ],
};

export const resourceQuotas: ResourceDefinition<ResourceQuota> = {
  group: '',
  version: 'v1',
  kind: 'ResourceQuota',
  listKind: 'ResourceQuotaList',
  plural: 'resourcequotas',
  singular: 'resourcequota',
  shortNames: ['quota'],
  namespaced: true,
  verbs: ALL_VERBS,
  returnsDeleted: true,
  schema: ResourceQuota,
  subresources: {
    status: PART,
  },
  columns: [NAME, text('Request'), text('Limit'), AGE],
};

export const secrets: ResourceDefinition<Secret> = {
  group: '',
  version: 'v1',
  kind: 'Secret',
  listKind: 'SecretList',
  plural: 'secrets',
  singular: 'secret',
  namespaced: true,
  verbs: ALL_VERBS,
  schema: Secret,
  subresources: {},
  selectableFields: ['type'],
  columns: [NAME, text('Type', 'type'), text('Data'), AGE],
};

export const serviceAccounts: ResourceDefinition<ServiceAccount> = {
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  listKind: 'ServiceAccountList',
  plural: 'serviceaccounts',
  singular: 'serviceaccount',
  shortNames: ['sa'],
  namespaced: true,
  verbs: ALL_VERBS,
  returnsDeleted: true,
  schema: ServiceAccount,
  subresources: {
    token: {
      verbs: ['create'],
      kind: 'TokenRequest',
      group: 'authentication.k8s.io',
      version: 'v1',
      schema: TokenRequest,
    },
  },
  columns: [NAME, AGE],
};

export const services: ResourceDefinition<Service> = {
  group: '',
  version: 'v1',
  kind: 'Service',
  listKind: 'ServiceList',
  plural: 'services',
  singular: 'service',
  shortNames: ['svc'],
  categories: ['all'],
  namespaced: true,
  verbs: ALL_VERBS,
  returnsDeleted: true,
  schema: Service,
  subresources: {
    proxy: {
      verbs: ['create', 'delete', 'get', 'patch', 'update'],
      kind: 'ServiceProxyOptions',
      schema: ServiceProxyOptions,
    },
    status: PART,
  },
  selectableFields: ['spec.clusterIP', 'spec.type'],
  columns: [
    NAME,
    text('Type', 'spec.type'),
    text('Cluster-IP'),
    text('External-IP'),
    text('Port(s)'),
    AGE,
    ...wide(text('Selector')),
  ],
  storageKey: 'services/specs',
};

export const coreResources: readonly ResourceDefinition[] = [
  bindings,
  componentStatuses,
  configMaps,
  endpoints,
  events,
  limitRanges,
  namespaces,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  podTemplates,
  replicationControllers,
  resourceQuotas,
  secrets,
  serviceAccounts,
  services,
];
