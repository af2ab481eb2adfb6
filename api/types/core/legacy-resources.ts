// The resources of the core group that newer ones have replaced.
import type { ResourceDefinition } from '../../resource.ts';
import { Scale } from '../autoscaling/scale.ts';
import { AGE, ALL_VERBS, CREATE_ONLY, CREATED_AT, integer, NAME, PART, text, wide } from '../resource-parts.ts';
import { Binding } from './binding.ts';
import { ComponentStatus } from './component-status.ts';
import { PodTemplate } from './pod.ts';
import { ReplicationController } from './replication-controller.ts';

export const bindings: ResourceDefinition<Binding> = {
  group: '',
  version: 'v1',
  kind: 'Binding',
  listKind: 'BindingList',
  plural: 'bindings',
  singular: 'binding',
  namespaced: true,
  verbs: CREATE_ONLY,
  schema: Binding,
  subresources: {},
  columns: [NAME, CREATED_AT],
};

export const componentStatuses: ResourceDefinition<ComponentStatus> = {
  group: '',
  version: 'v1',
  kind: 'ComponentStatus',
  listKind: 'ComponentStatusList',
  plural: 'componentstatuses',
  singular: 'componentstatus',
  shortNames: ['cs'],
  namespaced: false,
  verbs: ['get', 'list'],
  schema: ComponentStatus,
  subresources: {},
  columns: [NAME, text('Status'), text('Message'), text('Error')],
};

export const podTemplates: ResourceDefinition<PodTemplate> = {
  group: '',
  version: 'v1',
  kind: 'PodTemplate',
  listKind: 'PodTemplateList',
  plural: 'podtemplates',
  singular: 'podtemplate',
  namespaced: true,
  verbs: ALL_VERBS,
  returnsDeleted: true,
  schema: PodTemplate,
  subresources: {},
  columns: [NAME, text('Containers'), text('Images'), text('Pod Labels')],
};

export const replicationControllers: ResourceDefinition<ReplicationController> = {
  group: '',
  version: 'v1',
  kind: 'ReplicationController',
  listKind: 'ReplicationControllerList',
  plural: 'replicationcontrollers',
  singular: 'replicationcontroller',
  shortNames: ['rc'],
  categories: ['all'],
  namespaced: true,
  verbs: ALL_VERBS,
  schema: ReplicationController,
  subresources: {
    scale: { verbs: ['get', 'patch', 'update'], kind: 'Scale', group: 'autoscaling', version: 'v1', schema: Scale },
    status: PART,
  },
  selectableFields: ['status.replicas'],
  columns: [
    NAME,
    integer('Desired', 'spec.replicas'),
    integer('Current', 'status.replicas'),
    integer('Ready', 'status.readyReplicas'),
    AGE,
    ...wide(text('Containers'), text('Images'), text('Selector')),
  ],
  storageKey: 'controllers',
};
