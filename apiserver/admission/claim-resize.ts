// Claims grow only where somebody can make their volume grow: they are bound, and their class says that it allows it.
import { compareQuantities } from '../../api/quantity.ts';
import { forbidden } from '../../api/status.ts';
import type { PersistentVolumeClaim } from '../../api/types/core/persistent-volume-claim.ts';
import { persistentVolumeClaims } from '../../api/types/core/storage-resources.ts';
import { storageClasses } from '../../api/types/storage/resources.ts';
import type { AdmissionPlugin } from './admission.ts';

const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';

export const persistentVolumeClaimResize: AdmissionPlugin = {
  name: 'PersistentVolumeClaimResize',
  resources: ['persistentvolumeclaims'],
  operations: ['UPDATE'],
  validate({ object, old, name }, registry) {
    const next = object as unknown as PersistentVolumeClaim;
    const before = old as unknown as PersistentVolumeClaim;
    if (compareQuantities(sizeOf(next), sizeOf(before)) <= 0) return;
    if (before.status.phase !== 'Bound') {
      throw forbidden(persistentVolumeClaims, name, 'only bound persistent volume claims can be expanded');
    }
    const className = classOf(next);
    const sort =
      className === '' || className !== classOf(before)
        ? undefined
        : registry.objects(storageClasses).get('', className);
    if (sort?.allowVolumeExpansion === true) return;
    const why =
      'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize';
    throw forbidden(persistentVolumeClaims, name, why);
  },
};

const sizeOf = ({ spec }: PersistentVolumeClaim) => spec.resources?.requests?.['storage'] ?? '0';

function classOf({ metadata, spec }: PersistentVolumeClaim): string {
  return metadata.annotations?.[CLASS_ANNOTATION] ?? spec.storageClassName ?? '';
}
