// The resources of storage.k8s.io/v1.
import type { ResourceDefinition } from '../../resource.ts';
import { AGE, ALL_VERBS, CREATED_AT, flag, integer, NAME, PART, text } from '../resource-parts.ts';
import { CSIDriver, CSINode, CSIStorageCapacity } from './csi.ts';
import { StorageClass, VolumeAttributesClass } from './storage-class.ts';
import { VolumeAttachment } from './volume-attachment.ts';

export const csiDrivers: ResourceDefinition<CSIDriver> = {
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIDriver',
  listKind: 'CSIDriverList',
  plural: 'csidrivers',
  singular: 'csidriver',
  namespaced: false,
  verbs: ALL_VERBS,
  returnsDeleted: true,
  schema: CSIDriver,
  subresources: {},
  columns: [
    NAME,
    flag('AttachRequired'),
    flag('PodInfoOnMount'),
    flag('StorageCapacity'),
    text('TokenRequests'),
    flag('RequiresRepublish'),
    text('Modes'),
    AGE,
  ],
};

export const csiNodes: ResourceDefinition<CSINode> = {
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSINode',
  listKind: 'CSINodeList',
  plural: 'csinodes',
  singular: 'csinode',
  namespaced: false,
  verbs: ALL_VERBS,
  returnsDeleted: true,
  schema: CSINode,
  subresources: {},
  columns: [NAME, integer('Drivers'), AGE],
};

export const csiStorageCapacities: ResourceDefinition<CSIStorageCapacity> = {
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIStorageCapacity',
  listKind: 'CSIStorageCapacityList',
  plural: 'csistoragecapacities',
  singular: 'csistoragecapacity',
  namespaced: true,
  verbs: ALL_VERBS,
  schema: CSIStorageCapacity,
  subresources: {},
  columns: [NAME, CREATED_AT],
};

export const storageClasses: ResourceDefinition<StorageClass> = {
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  listKind: 'StorageClassList',
  plural: 'storageclasses',
  singular: 'storageclass',
  shortNames: ['sc'],
  namespaced: false,
  verbs: ALL_VERBS,
  returnsDeleted: true,
  schema: StorageClass,
  subresources: {},
  columns: [
    // The default class says so beside its name.
    { name: 'Name', type: 'string', format: 'name' },
    text('Provisioner', 'provisioner'),
    text('ReclaimPolicy'),
    text('VolumeBindingMode'),
    text('AllowVolumeExpansion'),
    AGE,
  ],
};

export const volumeAttachments: ResourceDefinition<VolumeAttachment> = {
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttachment',
  listKind: 'VolumeAttachmentList',
  plural: 'volumeattachments',
  singular: 'volumeattachment',
  namespaced: false,
  verbs: ALL_VERBS,
  returnsDeleted: true,
  schema: VolumeAttachment,
  subresources: {
    status: PART,
  },
  columns: [
    NAME,
    { name: 'Attacher', type: 'string', format: 'name', path: 'spec.attacher' },
    text('PV'),
    text('Node', 'spec.nodeName'),
    flag('Attached', 'status.attached'),
    AGE,
  ],
};

export const volumeAttributesClasses: ResourceDefinition<VolumeAttributesClass> = {
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttributesClass',
  listKind: 'VolumeAttributesClassList',
  plural: 'volumeattributesclasses',
  singular: 'volumeattributesclass',
  shortNames: ['vac'],
  namespaced: false,
  verbs: ALL_VERBS,
  returnsDeleted: true,
  schema: VolumeAttributesClass,
  subresources: {},
  columns: [NAME, text('DriverName', 'driverName'), AGE],
};

export const storageResources: readonly ResourceDefinition[] = [
  csiDrivers,
  csiNodes,
  csiStorageCapacities,
  storageClasses,
  volumeAttachments,
  volumeAttributesClasses,
];
