// What the server says it serves, in the older documents of discovery.
import { aString, boolean, field, list, object, required, string, type TypeOf } from '../../schema/schema.ts';

export const GroupVersionForDiscovery = object('io.k8s.apimachinery.pkg.apis.meta.v1.GroupVersionForDiscovery', {
  groupVersion: string(1, { required, emitZero: '' }),
  version: string(2, { required, emitZero: '' }),
});
export type GroupVersionForDiscovery = TypeOf<typeof GroupVersionForDiscovery>;

export const ServerAddressByClientCIDR = object('io.k8s.apimachinery.pkg.apis.meta.v1.ServerAddressByClientCIDR', {
  clientCIDR: string(1, { required, emitZero: '' }),
  serverAddress: string(2, { required, emitZero: '' }),
});
export type ServerAddressByClientCIDR = TypeOf<typeof ServerAddressByClientCIDR>;

export const APIGroup = object('io.k8s.apimachinery.pkg.apis.meta.v1.APIGroup', {
  apiVersion: string(0),
  kind: string(0),
  name: string(1, { required, emitZero: '' }),
  versions: list(2, GroupVersionForDiscovery, { required, emitZero: null, listType: 'atomic' }),
  preferredVersion: field(3, GroupVersionForDiscovery, { emitZero: {} }),
  serverAddressByClientCIDRs: list(4, ServerAddressByClientCIDR, { listType: 'atomic' }),
});
export type APIGroup = TypeOf<typeof APIGroup>;

export const APIGroupList = object('io.k8s.apimachinery.pkg.apis.meta.v1.APIGroupList', {
  apiVersion: string(0),
  kind: string(0),
  groups: list(1, APIGroup, { required, emitZero: null, listType: 'atomic' }),
});
export type APIGroupList = TypeOf<typeof APIGroupList>;

export const APIResource = object('io.k8s.apimachinery.pkg.apis.meta.v1.APIResource', {
  name: string(1, { required, emitZero: '' }),
  namespaced: boolean(2, { required, emitZero: false }),
  kind: string(3, { required, emitZero: '' }),
  verbs: list(4, aString, { required, emitZero: null }),
  shortNames: list(5, aString, { listType: 'atomic' }),
  singularName: string(6, { required, emitZero: '' }),
  categories: list(7, aString, { listType: 'atomic' }),
  group: string(8),
  version: string(9),
  storageVersionHash: string(10),
});
export type APIResource = TypeOf<typeof APIResource>;

export const APIResourceList = object('io.k8s.apimachinery.pkg.apis.meta.v1.APIResourceList', {
  apiVersion: string(0),
  kind: string(0),
  groupVersion: string(1, { required, emitZero: '' }),
  resources: list(2, APIResource, { required, emitZero: null, listType: 'atomic' }),
});
export type APIResourceList = TypeOf<typeof APIResourceList>;

export const APIVersions = object('io.k8s.apimachinery.pkg.apis.meta.v1.APIVersions', {
  apiVersion: string(0),
  kind: string(0),
  versions: list(1, aString, { required, emitZero: null, listType: 'atomic' }),
  serverAddressByClientCIDRs: list(2, ServerAddressByClientCIDR, { required, emitZero: null, listType: 'atomic' }),
});
export type APIVersions = TypeOf<typeof APIVersions>;

export const RootPaths = object('io.k8s.apimachinery.pkg.apis.meta.v1.RootPaths', {
  paths: list(1, aString, { required, emitZero: null, listType: 'atomic' }),
});
export type RootPaths = TypeOf<typeof RootPaths>;
