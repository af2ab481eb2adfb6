// The OpenAPI v3 subset in which custom resources are described.
import {
  any,
  anything,
  aString,
  boolean,
  double,
  field,
  int64,
  type LazySchema,
  lazy,
  list,
  map,
  type ObjectSchema,
  object,
  ptr,
  required,
  string,
  type TypeOf,
} from '../../schema/schema.ts';

export const ExternalDocumentation = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ExternalDocumentation',
  {
    description: string(1),
    url: string(2),
  },
);
export type ExternalDocumentation = TypeOf<typeof ExternalDocumentation>;

export const ValidationRule = object('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ValidationRule', {
  rule: string(1, { required, emitZero: '' }),
  message: string(2),
  messageExpression: string(3),
  reason: string(4, {
    ptr,
    enum: ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'],
  }),
  fieldPath: string(5),
  optionalOldSelf: boolean(6, { ptr }),
});
export type ValidationRule = TypeOf<typeof ValidationRule>;

// Written by hand: a definition that contains itself cannot be inferred.
export interface JSONSchemaProps {
  id?: string;
  $schema?: string;
  $ref?: string;
  description?: string;
  type?: string;
  format?: string;
  title?: string;
  default?: unknown;
  maximum?: number;
  exclusiveMaximum?: boolean;
  minimum?: number;
  exclusiveMinimum?: boolean;
  maxLength?: number;
  minLength?: number;
  pattern?: string;
  maxItems?: number;
  minItems?: number;
  uniqueItems?: boolean;
  multipleOf?: number;
  enum?: unknown[];
  maxProperties?: number;
  minProperties?: number;
  required?: string[];
  items?: JSONSchemaProps | JSONSchemaProps[];
  allOf?: JSONSchemaProps[];
  oneOf?: JSONSchemaProps[];
  anyOf?: JSONSchemaProps[];
  not?: JSONSchemaProps;
  properties?: Record<string, JSONSchemaProps>;
  additionalProperties?: JSONSchemaProps | boolean;
  patternProperties?: Record<string, JSONSchemaProps>;
  dependencies?: Record<string, JSONSchemaProps | string[]>;
  additionalItems?: JSONSchemaProps | boolean;
  definitions?: Record<string, JSONSchemaProps>;
  externalDocs?: ExternalDocumentation;
  example?: unknown;
  nullable?: boolean;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-embedded-resource'?: boolean;
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-list-type'?: string;
  'x-kubernetes-map-type'?: string;
  'x-kubernetes-validations'?: ValidationRule[];
}

const itself: LazySchema<JSONSchemaProps> = lazy(() => JSONSchemaProps);
const JSON_VALUE = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON';
const OR_ARRAY = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray';
const OR_BOOL = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool';
const OR_STRINGS = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray';

export const JSONSchemaProps: ObjectSchema<JSONSchemaProps> = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps',
  {
    id: string(1),
    $schema: string(2, { protoName: 'schema' }),
    $ref: string(3, { ptr, protoName: 'ref' }),
    description: string(4),
    type: string(5),
    format: string(6),
    title: string(7),
    default: any(8, JSON_VALUE, { ptr }),
    maximum: double(9, { ptr }),
    exclusiveMaximum: boolean(10),
    minimum: double(11, { ptr }),
    exclusiveMinimum: boolean(12),
    maxLength: int64(13, { ptr }),
    minLength: int64(14, { ptr }),
    pattern: string(15),
    maxItems: int64(16, { ptr }),
    minItems: int64(17, { ptr }),
    uniqueItems: boolean(18),
    multipleOf: double(19, { ptr }),
    enum: list(20, anything(JSON_VALUE), { listType: 'atomic' }),
    maxProperties: int64(21, { ptr }),
    minProperties: int64(22, { ptr }),
    required: list(23, aString, { listType: 'atomic' }),
    items: any(24, OR_ARRAY, { ptr }),
    allOf: list(25, itself, { listType: 'atomic' }),
    oneOf: list(26, itself, { listType: 'atomic' }),
    anyOf: list(27, itself, { listType: 'atomic' }),
    not: field(28, itself, { ptr }),
    properties: map(29, itself),
    additionalProperties: any(30, OR_BOOL, { ptr }),
    patternProperties: map(31, itself),
    dependencies: map(32, anything(OR_STRINGS)),
    additionalItems: any(33, OR_BOOL, { ptr }),
    definitions: map(34, itself),
    externalDocs: field(35, ExternalDocumentation, { ptr }),
    example: any(36, JSON_VALUE, { ptr }),
    nullable: boolean(37),
    'x-kubernetes-preserve-unknown-fields': boolean(38, { ptr, protoName: 'xKubernetesPreserveUnknownFields' }),
    'x-kubernetes-embedded-resource': boolean(39, { protoName: 'xKubernetesEmbeddedResource' }),
    'x-kubernetes-int-or-string': boolean(40, { protoName: 'xKubernetesIntOrString' }),
    'x-kubernetes-list-map-keys': list(41, aString, { listType: 'atomic', protoName: 'xKubernetesListMapKeys' }),
    'x-kubernetes-list-type': string(42, { ptr, protoName: 'xKubernetesListType' }),
    'x-kubernetes-map-type': string(43, { ptr, protoName: 'xKubernetesMapType' }),
    'x-kubernetes-validations': list(44, ValidationRule, {
      listType: 'map',
      keys: ['rule'],
      patchStrategy: 'merge',
      patchMergeKey: 'rule',
      protoName: 'xKubernetesValidations',
    }),
  },
) as ObjectSchema<unknown> as ObjectSchema<JSONSchemaProps>;
