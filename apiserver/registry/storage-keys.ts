// Where objects lie in the store, as a real kube-apiserver lays them out, so that either can read the other's.
import type { ResourceDefinition } from '../../api/resource.ts';

/** Ends with a slash. */
export function storagePrefix({ plural, storageKey }: ResourceDefinition): string {
  return `/registry/${storageKey ?? plural}/`;
}

export function storageKey(prefix: string, namespace: string, name: string): string {
  return namespace === '' ? `${prefix}${name}` : `${prefix}${namespace}/${name}`;
}
