// Definitions as OpenAPI says them: version 2 without defaults and enumerations, version 3 with both. Pure; whole
// documents are put together in apiserver/http/openapi-*.ts.
import type { JSONSchemaProps } from '../types/apiextensions/json-schema-props.ts';
import { publishedObject } from './openapi-custom.ts';
import { type Constraints, type Field, type ObjectSchema, resolve, type ScalarSchema, type Schema } from './schema.ts';

export type OpenApiVersion = 'v2' | 'v3';
export type Json = Record<string, unknown>;
/** Finds the definitions that a schema refers to. */
export type Refer = (name: string, schema: ObjectSchema | undefined) => void;

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';
const QUANTITY = 'io.k8s.apimachinery.pkg.api.resource.Quantity';
const INT_OR_STRING = 'io.k8s.apimachinery.pkg.util.intstr.IntOrString';
const SHARED: Readonly<Partial<Record<Schema['kind'], string>>> = {
  quantity: QUANTITY,
  intOrString: INT_OR_STRING,
  time: `${META}Time`,
  microTime: `${META}MicroTime`,
  duration: `${META}Duration`,
};

export interface OpenApiContext {
  readonly version: OpenApiVersion;
  readonly refer: Refer;
  /** Texts that are kept apart from the definitions; '' for the definition itself. */
  describe?(definition: string, field: string): string | undefined;
}

/** Definitions that are no structures: texts with a form, and values of any kind. */
export function scalarDefinition(name: string, version: OpenApiVersion): Json {
  switch (name) {
    case `${META}Time`:
    case `${META}MicroTime`:
      return { type: 'string', format: 'date-time' };
    case QUANTITY:
      return version === 'v2' ? { type: 'string' } : { oneOf: [{ type: 'string' }, { type: 'number' }] };
    case INT_OR_STRING:
      return version === 'v2'
        ? { type: 'string', format: 'int-or-string' }
        : { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] };
    case `${META}Duration`:
      return { type: 'string' };
    default:
      return name.includes('.apiextensions.v1.JSON') ? {} : { type: 'object' };
  }
}

/** The body of a definition; `custom` for what users define: their constraints are published, ours are not. */
export function definitionOf(schema: ObjectSchema, context: OpenApiContext, custom = schema.custom === true): Json {
  const out: Json = { type: 'object' };
  // Custom kinds bring their own texts.
  const { name } = schema;
  const describe = (field: string) => (name === undefined || custom ? undefined : context.describe?.(name, field));
  const description = schema.description ?? describe('');
  if (description !== undefined) out['description'] = description;
  const fields = Object.entries(schema.fields);
  if (fields.length > 0) {
    const named = fields.map(
      ([key, field]) => [key, propertyOf(field, field.description ?? describe(key), context, custom)] as const,
    );
    out['properties'] = Object.fromEntries(named);
    const required = fields.filter(([, field]) => field.required).map(([key]) => key);
    if (required.length > 0) out['required'] = required;
  }
  if (schema.mapType !== undefined) out['x-kubernetes-map-type'] = schema.mapType;
  if (schema.unions !== undefined) out['x-kubernetes-unions'] = schema.unions.map(unionOf);
  if (schema.preserveUnknown) out['x-kubernetes-preserve-unknown-fields'] = true;
  if (schema.embedded) out['x-kubernetes-embedded-resource'] = true;
  if (custom) Object.assign(out, constraintsOf(schema.constraints, context.version));
  return schema.source === undefined ? out : publishedObject(schema.source as JSONSchemaProps, out, context.version);
}

/** A structure that is replaced whole everywhere else: said beside the reference, not in the definition. */
function isGranularHere(target: Schema): target is ObjectSchema {
  return target.kind === 'object' && target.name !== undefined && target.mapType === 'granular';
}

function unionOf(union: unknown): Json {
  const { discriminator, fields } = union as { discriminator?: string; fields?: Json };
  return { ...(discriminator !== undefined && { discriminator }), 'fields-to-discriminateBy': fields ?? {} };
}

function propertyOf(field: Field, description: string | undefined, context: OpenApiContext, custom: boolean): Json {
  const target = resolve(field.schema);
  const out: Json = {};
  if (description !== undefined) out['description'] = description;
  const byDefault = context.version === 'v3' ? defaultOf(field) : undefined;
  if (byDefault !== undefined) out['default'] = byDefault;
  Object.assign(out, typeOf(field.schema, context, custom));
  if (target.kind === 'list') {
    if (target.listType !== undefined) out['x-kubernetes-list-type'] = target.listType;
    if (target.keys !== undefined) out['x-kubernetes-list-map-keys'] = target.keys;
  }
  // Bytes may be published as a list that is replaced whole.
  if (target.kind === 'bytes' && 'listType' in target) out['x-kubernetes-list-type'] = target.listType;
  if (target.kind === 'map' && target.mapType !== undefined) out['x-kubernetes-map-type'] = target.mapType;
  if (isGranularHere(target)) out['x-kubernetes-map-type'] = target.mapType;
  if (field.patchStrategy !== undefined) out['x-kubernetes-patch-strategy'] = field.patchStrategy;
  if (field.patchMergeKey !== undefined) out['x-kubernetes-patch-merge-key'] = field.patchMergeKey;
  return context.version === 'v3' ? wrapped(out) : out;
}

/** In version 3 nothing may stand beside a reference. */
function wrapped(schema: Json): Json {
  if (schema['$ref'] === undefined || Object.keys(schema).length === 1) return schema;
  const { $ref, ...rest } = schema;
  return { ...rest, allOf: [{ $ref }] };
}

/** What is declared; else the zero of what is always written, and {} for structures that are no pointers. */
function defaultOf({ schema, default: declared, emitZero, ptr }: Field): unknown {
  if (declared !== undefined) return declared;
  if (ptr || emitZero === undefined || emitZero === null) return undefined;
  const { kind } = resolve(schema);
  if (kind === 'object') return {};
  return ['string', 'boolean', 'int32', 'int64', 'double'].includes(kind) ? emitZero : undefined;
}

/** The type alone, as an item of a list has it too. */
function typeOf(schema: Schema, context: OpenApiContext, custom: boolean): Json {
  const target = resolve(schema);
  const limits = custom ? constraintsOf(target.constraints, context.version) : enumOf(target.constraints, context);
  switch (target.kind) {
    case 'object':
      if (target.name === undefined) return definitionOf(target, context, custom);
      return reference(target.name, isGranularHere(target) ? { ...target, mapType: 'atomic' } : target, context);
    case 'list':
      return { type: 'array', items: elementOf(target.items, context, custom), ...limits };
    case 'map':
      return { type: 'object', additionalProperties: elementOf(target.values, context, custom), ...limits };
    default:
      return { ...scalarOf(target, context, custom), ...limits };
  }
}

const ZEROS: Readonly<Record<string, unknown>> = { string: '', boolean: false, int32: 0, int64: 0, double: 0 };

function elementOf(schema: Schema, context: OpenApiContext, custom: boolean): Json {
  const type = typeOf(schema, context, custom);
  if (context.version === 'v2' || custom) return type;
  const { kind } = resolve(schema);
  const zero = kind === 'object' ? {} : ZEROS[kind];
  return zero === undefined ? type : wrapped({ ...type, default: zero });
}

function scalarOf(schema: ScalarSchema, context: OpenApiContext, custom: boolean): Json {
  switch (schema.kind) {
    case 'string':
      return { type: 'string' };
    case 'boolean':
      return { type: 'boolean' };
    case 'int32':
    case 'int64':
      return custom ? { type: 'integer' } : { type: 'integer', format: schema.kind };
    case 'double':
      return custom ? { type: 'number' } : { type: 'number', format: 'double' };
    case 'bytes':
      return { type: 'string', format: 'byte' };
    case 'any':
      if (schema.ref !== undefined && schema.ref !== '') return reference(schema.ref, undefined, context);
      return custom ? { 'x-kubernetes-preserve-unknown-fields': true } : {};
    case 'intOrString':
      if (custom) return { 'x-kubernetes-int-or-string': true };
      return reference(INT_OR_STRING, undefined, context);
    default:
      if (custom) return { type: 'string' };
      return reference(SHARED[schema.kind] ?? '', undefined, context);
  }
}

function reference(name: string, schema: ObjectSchema | undefined, { version, refer }: OpenApiContext): Json {
  refer(name, schema);
  return { $ref: `${version === 'v2' ? '#/definitions/' : '#/components/schemas/'}${name}` };
}

function enumOf(constraints: Constraints | undefined, { version }: OpenApiContext): Json {
  return version === 'v3' && constraints?.enum !== undefined ? { enum: constraints.enum } : {};
}

const LIMITS: readonly (readonly [keyof Constraints, string])[] = [
  ['enum', 'enum'],
  ['min', 'minimum'],
  ['max', 'maximum'],
  ['exclusiveMin', 'exclusiveMinimum'],
  ['exclusiveMax', 'exclusiveMaximum'],
  ['multipleOf', 'multipleOf'],
  ['minLength', 'minLength'],
  ['maxLength', 'maxLength'],
  ['pattern', 'pattern'],
  ['format', 'format'],
  ['minItems', 'minItems'],
  ['maxItems', 'maxItems'],
  ['uniqueItems', 'uniqueItems'],
  ['minProperties', 'minProperties'],
  ['maxProperties', 'maxProperties'],
];

function constraintsOf(constraints: Constraints | undefined, version: OpenApiVersion): Json {
  if (constraints === undefined) return {};
  const given = LIMITS.filter(([name]) => constraints[name] !== undefined);
  const out = Object.fromEntries(given.map(([name, word]) => [word, constraints[name]]));
  if (version === 'v3' && constraints.nullable) out['nullable'] = true;
  return out;
}
