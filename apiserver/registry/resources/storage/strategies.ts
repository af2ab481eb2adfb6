// Classes of storage, attachments of volumes, drivers and what they have left.
import type { CSIDriver, CSINode, CSIStorageCapacity } from '../../../../api/types/storage/csi.ts';
import type { StorageClass, VolumeAttributesClass } from '../../../../api/types/storage/storage-class.ts';
import type { VolumeAttachment } from '../../../../api/types/storage/volume-attachment.ts';
import type { Strategy } from '../../strategy.ts';
import {
  capacityProblems,
  capacityUpdateProblems,
  driverProblems,
  driverUpdateProblems,
  nodeDriversProblems,
  nodeDriversUpdateProblems,
} from '../../validation/csi.ts';
import {
  attachmentProblems,
  attachmentUpdateProblems,
  attributesClassProblems,
  attributesClassUpdateProblems,
  storageClassProblems,
  storageClassUpdateProblems,
} from '../../validation/storage.ts';
import { capacityWarnings, storageClassWarnings } from '../../validation/storage-warnings.ts';

export const storageClassStrategy: Strategy<StorageClass> = {
  validateCreate: storageClassProblems,
  validateUpdate: storageClassUpdateProblems,
  warnings: storageClassWarnings,
};

export const volumeAttributesClassStrategy: Strategy<VolumeAttributesClass> = {
  validateCreate: attributesClassProblems,
  validateUpdate: attributesClassUpdateProblems,
};

export const volumeAttachmentStrategy: Strategy<VolumeAttachment> = {
  validateCreate: attachmentProblems,
  validateUpdate: attachmentUpdateProblems,
};

export const csiDriverStrategy: Strategy<CSIDriver> = {
  allowUnconditionalUpdate: false,
  validateCreate: driverProblems,
  validateUpdate: driverUpdateProblems,
};

export const csiNodeStrategy: Strategy<CSINode> = {
  validateCreate: nodeDriversProblems,
  validateUpdate: nodeDriversUpdateProblems,
};

export const csiStorageCapacityStrategy: Strategy<CSIStorageCapacity> = {
  validateCreate: capacityProblems,
  validateUpdate: capacityUpdateProblems,
  warnings: capacityWarnings,
};
