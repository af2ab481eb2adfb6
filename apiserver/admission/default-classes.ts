// Claims and ingresses that name no class get the one that is marked as the default; the newest if several are.
import type { KubeObject } from '../../api/schema/kind.ts';
import type { PersistentVolumeClaim } from '../../api/types/core/persistent-volume-claim.ts';
import type { Ingress } from '../../api/types/networking/ingress.ts';
import { ingressClasses } from '../../api/types/networking/resources.ts';
import { storageClasses } from '../../api/types/storage/resources.ts';
import type { AdmissionPlugin } from './admission.ts';

const STORAGE_DEFAULTS = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];
const INGRESS_DEFAULTS = ['ingressclass.kubernetes.io/is-default-class'];
/** The older way to name an ingress class. */
const INGRESS_CLASS = 'kubernetes.io/ingress.class';

function defaultOf<T extends KubeObject>(classes: Iterable<T>, marks: readonly string[]): T | undefined {
  const marked = [...classes].filter(({ metadata }) => marks.some((mark) => metadata.annotations?.[mark] === 'true'));
  const newer = (a: T, b: T) =>
    b.metadata.creationTimestamp.localeCompare(a.metadata.creationTimestamp) ||
    a.metadata.name.localeCompare(b.metadata.name);
  return marked.sort(newer)[0];
}

export const defaultStorageClass: AdmissionPlugin = {
  name: 'DefaultStorageClass',
  resources: ['persistentvolumeclaims'],
  operations: ['CREATE'],
  admit({ object }, registry) {
    const { spec, metadata } = object as unknown as PersistentVolumeClaim;
    const older = metadata.annotations?.['volume.beta.kubernetes.io/storage-class'];
    if (spec.storageClassName !== undefined || older !== undefined) return;
    const found = defaultOf(registry.objects(storageClasses).list(), STORAGE_DEFAULTS);
    if (found !== undefined) spec.storageClassName = found.metadata.name;
  },
};

export const defaultIngressClass: AdmissionPlugin = {
  name: 'DefaultIngressClass',
  resources: ['ingresses.networking.k8s.io'],
  operations: ['CREATE'],
  admit({ object }, registry) {
    const { spec, metadata } = object as unknown as Ingress;
    if (spec.ingressClassName !== undefined || metadata.annotations?.[INGRESS_CLASS] !== undefined) return;
    const found = defaultOf(registry.objects(ingressClasses).list(), INGRESS_DEFAULTS);
    if (found !== undefined) spec.ingressClassName = found.metadata.name;
  },
};
