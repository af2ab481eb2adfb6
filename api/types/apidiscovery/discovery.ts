// Everything that is served in one document.

import { kind } from '../../schema/kind.ts';
import { aString, field, list, object, ptr, required, string, type TypeOf } from '../../schema/schema.ts';
import { GroupVersionKind } from '../meta/group-version.ts';

export const APISubresourceDiscovery = object('io.k8s.api.apidiscovery.v2.APISubresourceDiscovery', {
  subresource: string(1, { required, emitZero: '' }),
  responseKind: field(2, GroupVersionKind, { ptr }),
  acceptedTypes: list(3, GroupVersionKind, { listType: 'map', keys: ['group', 'version', 'kind'] }),
  verbs: list(4, aString, { required, emitZero: null, listType: 'set' }),
});
export type APISubresourceDiscovery = TypeOf<typeof APISubresourceDiscovery>;

export const APIResourceDiscovery = object('io.k8s.api.apidiscovery.v2.APIResourceDiscovery', {
  resource: string(1, { required, emitZero: '' }),
  responseKind: field(2, GroupVersionKind, { ptr }),
  scope: string(3, { required, emitZero: '' }),
  singularResource: string(4, { required, emitZero: '' }),
  verbs: list(5, aString, { required, emitZero: null, listType: 'set' }),
  shortNames: list(6, aString, { listType: 'set' }),
  categories: list(7, aString, { listType: 'set' }),
  subresources: list(8, APISubresourceDiscovery, { listType: 'map', keys: ['subresource'] }),
});
export type APIResourceDiscovery = TypeOf<typeof APIResourceDiscovery>;

export const APIVersionDiscovery = object('io.k8s.api.apidiscovery.v2.APIVersionDiscovery', {
  version: string(1, { required, emitZero: '' }),
  resources: list(2, APIResourceDiscovery, { listType: 'map', keys: ['resource'] }),
  freshness: string(3),
});
export type APIVersionDiscovery = TypeOf<typeof APIVersionDiscovery>;

export const APIGroupDiscovery = kind('io.k8s.api.apidiscovery.v2.APIGroupDiscovery', {
  versions: list(2, APIVersionDiscovery, { listType: 'map', keys: ['version'] }),
});
export type APIGroupDiscovery = TypeOf<typeof APIGroupDiscovery>;
