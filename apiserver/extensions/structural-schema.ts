// From the JSON schema of a CustomResourceDefinition to the very schema values that built-in kinds are made of, so that
// one engine decodes, prunes, defaults, validates, merges and publishes both. Expects a structural schema
// (structural-rules.ts refuses others); what it cannot place it leaves open.
import {
  type Constraints,
  type Field,
  field,
  type ObjectSchema,
  type Schema,
  string,
} from '../../api/schema/schema.ts';
import type { JSONSchemaProps } from '../../api/types/apiextensions/json-schema-props.ts';
import { ObjectMeta } from '../../api/types/meta/object-meta.ts';

export interface CustomSchema {
  /** What the engine works with: metadata is that of any object. */
  readonly schema: ObjectSchema;
  /** What values are held against: metadata by what the definition asks of it, and nothing else. */
  readonly rules: ObjectSchema;
}

export function customSchema(source: JSONSchemaProps | undefined): CustomSchema {
  const root = source === undefined ? OPEN : objectOf(source);
  const { apiVersion: _v, kind: _k, metadata: _m, ...own } = root.fields;
  const common = { apiVersion: string(0), kind: string(0), metadata: field(1, ObjectMeta) };
  return {
    schema: { ...root, custom: true, fields: { ...common, ...own }, ...(source && { source }) },
    rules: { ...root, custom: true },
  };
}

/** A definition from before schemas were demanded lets everything through. */
const OPEN: ObjectSchema = { kind: 'object', fields: {}, preserveUnknown: true };

export function translate(source: JSONSchemaProps): Schema {
  if (source['x-kubernetes-int-or-string']) return scalar('intOrString', source);
  switch (source.type) {
    case 'object':
      return typeof source.additionalProperties === 'object' || isOpenMap(source) ? mapOf(source) : objectOf(source);
    case 'array':
      return listOf(source);
    case 'integer':
      return scalar('int64', source);
    case 'number':
      return scalar('double', source);
    case 'boolean':
      return scalar('boolean', source);
    case 'string':
      return scalar('string', source);
    default:
      return scalar('any', source);
  }
}

function isOpenMap({ additionalProperties, properties = {} }: JSONSchemaProps): boolean {
  return additionalProperties === true && Object.keys(properties).length === 0;
}

type Kind = 'intOrString' | 'int64' | 'double' | 'boolean' | 'string' | 'any';

function scalar(kind: Kind, source: JSONSchemaProps): Schema {
  return { kind, ...constrained(source) };
}

function listOf(source: JSONSchemaProps): Schema {
  const { items, 'x-kubernetes-list-type': listType, 'x-kubernetes-list-map-keys': keys } = source;
  return {
    kind: 'list',
    items: items === undefined || Array.isArray(items) ? { kind: 'any' } : translate(items),
    ...(isListType(listType) && { listType }),
    ...(keys !== undefined && { keys }),
    ...constrained(source),
  };
}

function mapOf(source: JSONSchemaProps): Schema {
  const { additionalProperties, 'x-kubernetes-map-type': mapType, required } = source;
  return {
    kind: 'map',
    values: typeof additionalProperties === 'object' ? translate(additionalProperties) : { kind: 'any' },
    ...(isMapType(mapType) && { mapType }),
    ...constrained(source, required),
  };
}

function objectOf(source: JSONSchemaProps): ObjectSchema {
  const { properties = {}, required = [], description, 'x-kubernetes-map-type': mapType } = source;
  const preserves = source['x-kubernetes-preserve-unknown-fields'] === true || source.additionalProperties === true;
  const undeclared = required.filter((name) => !Object.hasOwn(properties, name));
  return {
    kind: 'object',
    fields: Object.fromEntries(
      Object.entries(properties).map(([name, one]) => [name, fieldOf(one, required.includes(name))]),
    ),
    ...(description !== undefined && { description }),
    ...(isMapType(mapType) && { mapType }),
    ...(preserves && { preserveUnknown: true }),
    ...(source['x-kubernetes-embedded-resource'] && { embedded: true }),
    ...constrained(source, undeclared),
  };
}

function fieldOf(source: JSONSchemaProps, required: boolean): Field {
  const { default: byDefault, description } = source;
  return {
    proto: 0,
    schema: translate(source),
    // Null, zero and absent are three things in custom objects.
    ptr: true,
    ...(required && { required }),
    ...(byDefault !== undefined && byDefault !== null && { default: byDefault }),
    ...(description !== undefined && { description }),
  };
}

function constrained(source: JSONSchemaProps, mustHave: readonly string[] = []): { constraints?: Constraints } {
  const logic = logicOf(source);
  const all: { [K in keyof Constraints]: Constraints[K] | undefined } = {
    enum: source.enum,
    min: source.minimum,
    max: source.maximum,
    exclusiveMin: source.exclusiveMinimum || undefined,
    exclusiveMax: source.exclusiveMaximum || undefined,
    multipleOf: source.multipleOf,
    minLength: source.minLength,
    maxLength: source.maxLength,
    pattern: source.pattern || undefined,
    format: source.format || undefined,
    minItems: source.minItems,
    maxItems: source.maxItems,
    minProperties: source.minProperties,
    maxProperties: source.maxProperties,
    nullable: source.nullable || undefined,
    mustHave: mustHave.length > 0 ? mustHave : undefined,
    logic,
  };
  const given = Object.entries(all).filter(([, value]) => value !== undefined);
  return given.length === 0 ? {} : { constraints: Object.fromEntries(given) };
}

function logicOf({ allOf, anyOf, oneOf, not }: JSONSchemaProps): object | undefined {
  const given = Object.entries({ allOf, anyOf, oneOf, not }).filter(([, one]) => one !== undefined);
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

function isListType(type: string | undefined): type is 'atomic' | 'set' | 'map' {
  return type === 'atomic' || type === 'set' || type === 'map';
}

function isMapType(type: string | undefined): type is 'atomic' | 'granular' {
  return type === 'atomic' || type === 'granular';
}
