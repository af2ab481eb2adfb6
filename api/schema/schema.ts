// What a kind is made of, as data. One definition gives the TypeScript type, decoding, pruning, defaults,
// validation, merge and apply semantics, OpenAPI and protobuf. A CustomResourceDefinition is translated to the very
// same values at run time. Builders here; the walkers that read definitions are the files beside this one.
//
//   export const ContainerPort = object('io.k8s.api.core.v1.ContainerPort', {
//     containerPort: int32(3, { required, min: 1, max: 65535 }),
//     protocol: string(4, { default: 'TCP', enum: ['TCP', 'UDP', 'SCTP'] }),
//   });
//   export type ContainerPort = TypeOf<typeof ContainerPort>;

/** Carries the TypeScript type of a schema; never present at run time. */
declare const TYPE: unique symbol;
interface Typed<T> {
  readonly [TYPE]?: T;
}

export interface Constraints {
  readonly enum?: readonly unknown[];
  readonly min?: number;
  readonly max?: number;
  readonly exclusiveMin?: boolean;
  readonly exclusiveMax?: boolean;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly nullable?: boolean;
  /** Names that must be there though no field declares them. */
  readonly mustHave?: readonly string[];
  /** What custom definitions say beside the structure: allOf, anyOf, oneOf, not. */
  readonly logic?: unknown;
}

export type ScalarKind =
  | 'string'
  | 'boolean'
  | 'int32'
  | 'int64'
  | 'double'
  /** base64 text in JSON, raw in protobuf. */
  | 'bytes'
  | 'quantity'
  | 'intOrString'
  | 'time'
  | 'microTime'
  | 'duration'
  /** Any JSON: RawExtension, JSON, FieldsV1, and x-kubernetes-preserve-unknown-fields without a type. */
  | 'any';

export interface ScalarSchema<T = unknown> extends Typed<T> {
  readonly kind: ScalarKind;
  readonly constraints?: Constraints;
  /** For 'any': which message carries it in protobuf and how OpenAPI names it. */
  readonly ref?: string;
  /** Bytes are a list to OpenAPI; one field (APIService's caBundle) carries the mark. */
  readonly listType?: 'atomic';
}

export interface ListSchema<T = unknown> extends Typed<T> {
  readonly kind: 'list';
  readonly items: Schema;
  readonly listType?: 'atomic' | 'set' | 'map';
  readonly keys?: readonly string[];
  readonly constraints?: Constraints;
}

export interface MapSchema<T = unknown> extends Typed<T> {
  readonly kind: 'map';
  readonly values: Schema;
  readonly mapType?: 'atomic' | 'granular';
  readonly constraints?: Constraints;
}

export interface ObjectSchema<T = unknown> extends Typed<T> {
  readonly kind: 'object';
  /** The OpenAPI definition's name; absent in the middle of custom resources. */
  readonly name?: string;
  readonly fields: Readonly<Record<string, Field>>;
  readonly description?: string;
  readonly mapType?: 'atomic' | 'granular';
  /** Groups of fields of which at most one may be set, for merging and OpenAPI (x-kubernetes-unions). */
  readonly unions?: readonly unknown[];
  /**
   * From a CustomResourceDefinition (set on the root only): wrong types are found by validation instead of decoding,
   * and zeros stay as they were sent.
   */
  readonly custom?: boolean;
  /** Keeps fields that are not declared. */
  readonly preserveUnknown?: boolean;
  /** x-kubernetes-embedded-resource: apiVersion, kind and metadata are kept and checked. */
  readonly embedded?: boolean;
  /** Defaults that one literal cannot say. Runs after the fields' own defaults, parents before children. */
  defaults?(value: T): void;
  readonly constraints?: Constraints;
  /** What a custom definition was made of, which is what OpenAPI publishes. On the root only. */
  readonly source?: unknown;
}

export interface LazySchema<T = unknown> extends Typed<T> {
  readonly kind: 'lazy';
  readonly get: () => Schema<T>;
}

export type Schema<T = unknown> = ScalarSchema<T> | ListSchema<T> | MapSchema<T> | ObjectSchema<T> | LazySchema<T>;

export interface Field<T = unknown, Always extends boolean = boolean> {
  /** Field number; 0 for what does not travel in the message (apiVersion, kind) or has no protobuf at all. */
  readonly proto: number;
  /** The protobuf name where it differs from the JSON name. */
  readonly protoName?: string;
  /** JSON shows the field flat, protobuf has it inside these nested messages: [[2, 'volumeSource']]. */
  readonly via?: readonly (readonly [number, string])[];
  readonly schema: Schema<T>;
  readonly required?: Always;
  /** Null and zero differ: a zero that was sent stays. Without it zero values are left out. */
  readonly ptr?: boolean;
  /** An empty list differs from none until the object is stored: validation and defaults tell them apart. */
  readonly keepsEmpty?: boolean;
  /** What is written when the field is unset ({}, null, 0, ""). */
  readonly emitZero?: unknown;
  readonly default?: unknown;
  readonly patchStrategy?: string;
  readonly patchMergeKey?: string;
  readonly description?: string;
}

export type TypeOf<S> = S extends Typed<infer T> ? Exclude<T, undefined> : never;

type FieldMap = Readonly<Record<string, Field>>;
type FieldType<F> = F extends Field<infer T, boolean> ? T : never;
type AlwaysKeys<F extends FieldMap> = { [K in keyof F]: F[K] extends Field<unknown, true> ? K : never }[keyof F];
export type TypeOfFields<F extends FieldMap> = { [K in AlwaysKeys<F>]: FieldType<F[K]> } & {
  [K in Exclude<keyof F, AlwaysKeys<F>>]?: FieldType<F[K]>;
} extends infer O
  ? { [K in keyof O]: O[K] }
  : never;

export interface FieldOptions {
  readonly required?: boolean;
  readonly ptr?: boolean;
  readonly keepsEmpty?: boolean;
  readonly emitZero?: unknown;
  readonly default?: unknown;
  readonly protoName?: string;
  readonly via?: readonly (readonly [number, string])[];
  readonly patchStrategy?: string;
  readonly patchMergeKey?: string;
  readonly description?: string;
}
type ScalarOptions = FieldOptions & Constraints;
type AlwaysOf<O> = O extends { readonly required: true } ? true : false;
type StringOf<O> = O extends { readonly enum: readonly (infer E extends string)[] } ? E : string;

/** `{ required }` reads better than `{ required: true }`. */
export const required = true;
export const ptr = true;

function fieldOf<T, A extends boolean>(proto: number, schema: Schema, options: ScalarOptions = {}): Field<T, A> {
  const {
    required,
    ptr,
    keepsEmpty,
    emitZero,
    default: byDefault,
    protoName,
    via,
    patchStrategy,
    patchMergeKey,
    description,
  } = options;
  const field: Record<string, unknown> = { proto, schema };
  const given = {
    required,
    ptr,
    keepsEmpty,
    emitZero,
    default: byDefault,
    protoName,
    via,
    patchStrategy,
    patchMergeKey,
    description,
  };
  for (const [key, value] of Object.entries(given)) if (value !== undefined) field[key] = value;
  return field as unknown as Field<T, A>;
}

const CONSTRAINTS: readonly (keyof Constraints)[] = [
  'enum',
  'min',
  'max',
  'exclusiveMin',
  'exclusiveMax',
  'multipleOf',
  'minLength',
  'maxLength',
  'pattern',
  'format',
  'minItems',
  'maxItems',
  'uniqueItems',
  'minProperties',
  'maxProperties',
  'nullable',
];

export function constraintsOf(options: Constraints): Constraints | undefined {
  const given = CONSTRAINTS.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]);
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

function scalarField<T, A extends boolean>(kind: ScalarKind, proto: number, options: ScalarOptions = {}): Field<T, A> {
  const constraints = constraintsOf(options);
  return fieldOf(proto, constraints ? { kind, constraints } : { kind }, options);
}

export function string<const O extends ScalarOptions>(proto: number, options?: O): Field<StringOf<O>, AlwaysOf<O>> {
  return scalarField('string', proto, options);
}
export function boolean<const O extends ScalarOptions>(proto: number, options?: O): Field<boolean, AlwaysOf<O>> {
  return scalarField('boolean', proto, options);
}
export function int32<const O extends ScalarOptions>(proto: number, options?: O): Field<number, AlwaysOf<O>> {
  return scalarField('int32', proto, options);
}
export function int64<const O extends ScalarOptions>(proto: number, options?: O): Field<number, AlwaysOf<O>> {
  return scalarField('int64', proto, options);
}
export function double<const O extends ScalarOptions>(proto: number, options?: O): Field<number, AlwaysOf<O>> {
  return scalarField('double', proto, options);
}
export function bytes<const O extends ScalarOptions>(proto: number, options?: O): Field<string, AlwaysOf<O>> {
  return scalarField('bytes', proto, options);
}
export function quantity<const O extends ScalarOptions>(proto: number, options?: O): Field<string, AlwaysOf<O>> {
  return scalarField('quantity', proto, options);
}
export function intOrString<const O extends ScalarOptions>(
  proto: number,
  options?: O,
): Field<number | string, AlwaysOf<O>> {
  return scalarField('intOrString', proto, options);
}
export function time<const O extends ScalarOptions>(proto: number, options?: O): Field<string, AlwaysOf<O>> {
  return scalarField('time', proto, options);
}
export function microTime<const O extends ScalarOptions>(proto: number, options?: O): Field<string, AlwaysOf<O>> {
  return scalarField('microTime', proto, options);
}
export function duration<const O extends ScalarOptions>(proto: number, options?: O): Field<string, AlwaysOf<O>> {
  return scalarField('duration', proto, options);
}
/** Any JSON value; `ref` is the definition's name, e.g. io.k8s.apimachinery.pkg.runtime.RawExtension. */
export function any<const O extends FieldOptions>(
  proto: number,
  ref: string,
  options?: O,
): Field<unknown, AlwaysOf<O>> {
  return fieldOf(proto, { kind: 'any', ref }, options);
}

/** A field that holds another definition. */
export function field<T, const O extends FieldOptions>(
  proto: number,
  schema: Schema<T>,
  options?: O,
): Field<T, AlwaysOf<O>> {
  return fieldOf(proto, schema, options);
}

export interface ListOptions extends FieldOptions, Constraints {
  readonly listType?: 'atomic' | 'set' | 'map';
  readonly keys?: readonly string[];
}
export function list<T, const O extends ListOptions>(
  proto: number,
  items: Schema<T>,
  options?: O,
): Field<T[], AlwaysOf<O>> {
  const { listType, keys } = options ?? {};
  const constraints = constraintsOf(options ?? {});
  const schema: ListSchema<T[]> = {
    kind: 'list',
    items,
    ...(listType && { listType }),
    ...(keys && { keys }),
    ...(constraints && { constraints }),
  };
  return fieldOf(proto, schema, options);
}

export interface MapOptions extends FieldOptions {
  readonly mapType?: 'atomic' | 'granular';
}
export function map<T, const O extends MapOptions>(
  proto: number,
  values: Schema<T>,
  options?: O,
): Field<Record<string, T>, AlwaysOf<O>> {
  const schema: MapSchema = { kind: 'map', values, ...(options?.mapType && { mapType: options.mapType }) };
  return fieldOf(proto, schema, options);
}

/** Scalars as items of lists and values of maps. */
export const aString: ScalarSchema<string> = { kind: 'string' };
export const aBoolean: ScalarSchema<boolean> = { kind: 'boolean' };
export const anInt32: ScalarSchema<number> = { kind: 'int32' };
export const anInt64: ScalarSchema<number> = { kind: 'int64' };
export const aDouble: ScalarSchema<number> = { kind: 'double' };
export const aQuantity: ScalarSchema<string> = { kind: 'quantity' };
export const someBytes: ScalarSchema<string> = { kind: 'bytes' };
export const aTime: ScalarSchema<string> = { kind: 'time' };
export function anything(ref: string): ScalarSchema<unknown> {
  return { kind: 'any', ref };
}
export function aList<T>(items: Schema<T>): ListSchema<T[]> {
  return { kind: 'list', items };
}

export function object<const F extends FieldMap>(
  name: string,
  fields: F,
  options: Omit<ObjectSchema<TypeOfFields<F>>, 'kind' | 'name' | 'fields' | keyof Typed<unknown>> = {},
): ObjectSchema<TypeOfFields<F>> {
  return { kind: 'object', name, fields, ...options };
}

/** For the few definitions that contain themselves. */
export function lazy<T>(get: () => Schema<T>): LazySchema<T> {
  return { kind: 'lazy', get };
}

export function resolve<T>(schema: Schema<T>): Exclude<Schema<T>, LazySchema<T>> {
  let at: Schema<T> = schema;
  while (at.kind === 'lazy') at = at.get();
  return at;
}
