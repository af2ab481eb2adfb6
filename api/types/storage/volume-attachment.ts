// VolumeAttachment: a volume is to be on a node.

import { kind } from '../../schema/kind.ts';
import {
  aString,
  boolean,
  field,
  int32,
  map,
  object,
  ptr,
  required,
  string,
  type TypeOf,
  time,
} from '../../schema/schema.ts';
import { PersistentVolumeSpec } from '../core/persistent-volume.ts';

export const VolumeAttachmentSource = object('io.k8s.api.storage.v1.VolumeAttachmentSource', {
  persistentVolumeName: string(1, { ptr }),
  inlineVolumeSpec: field(2, PersistentVolumeSpec, { ptr }),
});
export type VolumeAttachmentSource = TypeOf<typeof VolumeAttachmentSource>;

export const VolumeAttachmentSpec = object('io.k8s.api.storage.v1.VolumeAttachmentSpec', {
  attacher: string(1, { required, emitZero: '' }),
  source: field(2, VolumeAttachmentSource, { required, emitZero: {} }),
  nodeName: string(3, { required, emitZero: '' }),
});
export type VolumeAttachmentSpec = TypeOf<typeof VolumeAttachmentSpec>;

export const VolumeError = object('io.k8s.api.storage.v1.VolumeError', {
  time: time(1, { emitZero: null }),
  message: string(2),
  errorCode: int32(3, { ptr }),
});
export type VolumeError = TypeOf<typeof VolumeError>;

export const VolumeAttachmentStatus = object('io.k8s.api.storage.v1.VolumeAttachmentStatus', {
  attached: boolean(1, { required, emitZero: false }),
  attachmentMetadata: map(2, aString),
  attachError: field(3, VolumeError, { ptr }),
  detachError: field(4, VolumeError, { ptr }),
});
export type VolumeAttachmentStatus = TypeOf<typeof VolumeAttachmentStatus>;

export const VolumeAttachment = kind('io.k8s.api.storage.v1.VolumeAttachment', {
  spec: field(2, VolumeAttachmentSpec, { required, emitZero: {} }),
  status: field(3, VolumeAttachmentStatus, { emitZero: {} }),
});
export type VolumeAttachment = TypeOf<typeof VolumeAttachment>;
