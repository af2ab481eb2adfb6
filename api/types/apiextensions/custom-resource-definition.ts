// CustomResourceDefinition: a new kind at run time.

import { kind } from '../../schema/kind.ts';
import {
  any,
  aString,
  boolean,
  bytes,
  field,
  int32,
  int64,
  list,
  object,
  ptr,
  required,
  string,
  type TypeOf,
  time,
} from '../../schema/schema.ts';
import { JSONSchemaProps } from './json-schema-props.ts';

export const CustomResourceDefinitionNames = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionNames',
  {
    plural: string(1, { required, emitZero: '' }),
    singular: string(2),
    shortNames: list(3, aString, { listType: 'atomic' }),
    kind: string(4, { required, emitZero: '' }),
    listKind: string(5),
    categories: list(6, aString, { listType: 'atomic' }),
  },
);
export type CustomResourceDefinitionNames = TypeOf<typeof CustomResourceDefinitionNames>;

export const CustomResourceValidation = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceValidation',
  {
    openAPIV3Schema: field(1, JSONSchemaProps, { ptr }),
  },
);
export type CustomResourceValidation = TypeOf<typeof CustomResourceValidation>;

export const CustomResourceSubresourceScale = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresourceScale',
  {
    specReplicasPath: string(1, { required, emitZero: '' }),
    statusReplicasPath: string(2, { required, emitZero: '' }),
    labelSelectorPath: string(3, { ptr }),
  },
);
export type CustomResourceSubresourceScale = TypeOf<typeof CustomResourceSubresourceScale>;

export const CustomResourceSubresources = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresources',
  {
    status: any(1, 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresourceStatus', { ptr }),
    scale: field(2, CustomResourceSubresourceScale, { ptr }),
  },
);
export type CustomResourceSubresources = TypeOf<typeof CustomResourceSubresources>;

export const CustomResourceColumnDefinition = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceColumnDefinition',
  {
    name: string(1, { required, emitZero: '' }),
    type: string(2, { required, emitZero: '' }),
    format: string(3),
    description: string(4),
    priority: int32(5),
    jsonPath: string(6, { required, emitZero: '' }),
  },
);
export type CustomResourceColumnDefinition = TypeOf<typeof CustomResourceColumnDefinition>;

export const SelectableField = object('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.SelectableField', {
  jsonPath: string(1, { required, emitZero: '' }),
});
export type SelectableField = TypeOf<typeof SelectableField>;

export const CustomResourceDefinitionVersion = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionVersion',
  {
    name: string(1, { required, emitZero: '' }),
    served: boolean(2, { required, emitZero: false }),
    storage: boolean(3, { required, emitZero: false }),
    schema: field(4, CustomResourceValidation, { ptr }),
    subresources: field(5, CustomResourceSubresources, { ptr }),
    additionalPrinterColumns: list(6, CustomResourceColumnDefinition, { listType: 'atomic' }),
    deprecated: boolean(7),
    deprecationWarning: string(8, { ptr }),
    selectableFields: list(9, SelectableField, { listType: 'atomic' }),
  },
);
export type CustomResourceDefinitionVersion = TypeOf<typeof CustomResourceDefinitionVersion>;

export const ServiceReference = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ServiceReference',
  {
    namespace: string(1, { required, emitZero: '' }),
    name: string(2, { required, emitZero: '' }),
    path: string(3, { ptr }),
    port: int32(4, { ptr }),
  },
  {
    defaults(value) {
      value.port ??= 443;
    },
  },
);
export type ServiceReference = TypeOf<typeof ServiceReference>;

export const WebhookClientConfig = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.WebhookClientConfig',
  {
    service: field(1, ServiceReference, { ptr }),
    caBundle: bytes(2),
    url: string(3, { ptr }),
  },
);
export type WebhookClientConfig = TypeOf<typeof WebhookClientConfig>;

export const WebhookConversion = object('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.WebhookConversion', {
  clientConfig: field(2, WebhookClientConfig, { ptr }),
  conversionReviewVersions: list(3, aString, { required, emitZero: null, listType: 'atomic' }),
});
export type WebhookConversion = TypeOf<typeof WebhookConversion>;

export const CustomResourceConversion = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceConversion',
  {
    strategy: string(1, { required, emitZero: '' }),
    webhook: field(2, WebhookConversion, { ptr }),
  },
);
export type CustomResourceConversion = TypeOf<typeof CustomResourceConversion>;

export const CustomResourceDefinitionSpec = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionSpec',
  {
    group: string(1, { required, emitZero: '' }),
    names: field(3, CustomResourceDefinitionNames, { required, emitZero: {} }),
    scope: string(4, { required, emitZero: '' }),
    versions: list(7, CustomResourceDefinitionVersion, { required, emitZero: null, listType: 'atomic' }),
    conversion: field(9, CustomResourceConversion, { ptr }),
    preserveUnknownFields: boolean(10),
  },
);
export type CustomResourceDefinitionSpec = TypeOf<typeof CustomResourceDefinitionSpec>;

export const CustomResourceDefinitionCondition = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionCondition',
  {
    type: string(1, { required, emitZero: '' }),
    status: string(2, { required, emitZero: '' }),
    lastTransitionTime: time(3, { emitZero: null }),
    reason: string(4),
    message: string(5),
    observedGeneration: int64(6),
  },
);
export type CustomResourceDefinitionCondition = TypeOf<typeof CustomResourceDefinitionCondition>;

export const CustomResourceDefinitionStatus = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionStatus',
  {
    conditions: list(1, CustomResourceDefinitionCondition, { emitZero: null, listType: 'map', keys: ['type'] }),
    acceptedNames: field(2, CustomResourceDefinitionNames, { emitZero: {} }),
    storedVersions: list(3, aString, { emitZero: null, listType: 'atomic' }),
    observedGeneration: int64(4),
  },
);
export type CustomResourceDefinitionStatus = TypeOf<typeof CustomResourceDefinitionStatus>;

export const CustomResourceDefinition = kind(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition',
  {
    spec: field(2, CustomResourceDefinitionSpec, { required, emitZero: {} }),
    status: field(3, CustomResourceDefinitionStatus, { emitZero: {} }),
  },
  {
    defaults(value) {
      const { spec, status } = value;
      const { names } = spec;
      if (names.kind) {
        names.singular ||= names.kind.toLowerCase();
        names.listKind ||= `${names.kind}List`;
      }
      spec.conversion ??= { strategy: 'None' };
      const stored = spec.versions?.find(({ storage }) => storage);
      if (!status.storedVersions?.length && stored) status.storedVersions = [stored.name];
    },
  },
);
export type CustomResourceDefinition = TypeOf<typeof CustomResourceDefinition>;
