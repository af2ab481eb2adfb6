// Every definition against the facts about the interface, where they are at hand: fields, types, numbers, list types,
// merge keys. And what must hold without them.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { ResourceDefinition } from '../../../api/resource.ts';
import { type Field, type ObjectSchema, resolve, type Schema } from '../../../api/schema/schema.ts';
import { builtinGroups, builtinResources } from '../../../api/types/resources.ts';

interface TypeFact {
  type: string;
  format?: string;
  ref?: string;
  enum?: string[];
  items?: TypeFact;
  values?: TypeFact;
}
interface FieldFact extends TypeFact {
  proto?: number;
  protoName?: string;
  protoVia?: [number, string | null][];
  required?: boolean;
  default?: unknown;
  listType?: string;
  listMapKeys?: string[];
  mapType?: string;
  patchStrategy?: string;
  patchMergeKey?: string;
  ptr?: boolean;
  emitZero?: unknown;
}
interface DefinitionFact {
  fields?: Record<string, FieldFact>;
  mapType?: string;
  unions?: unknown;
}
interface ResourceFact {
  group: string;
  version: string;
  resource: string;
  kind: string;
  singular: string;
  namespaced: boolean;
  verbs: string[];
  shortNames?: string[];
  categories?: string[];
  servedByDefault?: boolean;
  definition: string;
  subresources?: Record<string, { kind: string; group?: string; version?: string; verbs: string[] }>;
}

const folder = new URL('../../../../shared/reference/', import.meta.url);
const here = existsSync(folder);
const read = (name: string) => JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
const facts: Record<string, DefinitionFact> = here ? read('definitions.json').definitions : {};
const skip = !here && 'the facts are not here';

const definitions = await everyDefinition();

/** Everything that a file of api/types exports and that has a name. */
async function everyDefinition(): Promise<Map<string, ObjectSchema>> {
  const found = new Map<string, ObjectSchema>();
  const types = new URL('../../../api/types/', import.meta.url);
  const files = readdirSync(types, { recursive: true, encoding: 'utf8' }).filter((name) => /\/.*\.ts$/.test(name));
  for (const file of files) {
    const exported: Record<string, unknown> = await import(new URL(file, types).href);
    for (const one of Object.values(exported)) {
      if (isSchema(one) && one.kind === 'object' && one.name) found.set(one.name, one);
    }
  }
  return found;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && 'kind' in value && 'fields' in value;
}

/** A definition in the words of the facts. */
function factsOf(schema: ObjectSchema): DefinitionFact {
  const { mapType, unions } = schema;
  const fields = Object.fromEntries(Object.entries(schema.fields).map(([name, field]) => [name, fieldFact(field)]));
  return { fields, ...(mapType && { mapType }), ...(unions && { unions }) };
}

function fieldFact(field: Field): FieldFact {
  const { proto, protoName, via, required, default: byDefault, patchStrategy, patchMergeKey, ptr } = field;
  const schema = resolve(field.schema);
  return {
    ...typeFact(field.schema),
    ...(proto > 0 && { proto }),
    ...(protoName && { protoName }),
    ...(via && { protoVia: via.map(([number]): [number, null] => [number, null]) }),
    ...(required && { required }),
    ...(byDefault !== undefined && { default: byDefault }),
    ...('listType' in schema && schema.listType && { listType: schema.listType }),
    ...(schema.kind === 'list' && schema.keys && { listMapKeys: [...schema.keys] }),
    ...(schema.kind === 'map' && schema.mapType && { mapType: schema.mapType }),
    // One reference is merged by its parts although its definition is merged whole.
    ...(schema.kind === 'object' && schema.mapType === 'granular' && { mapType: schema.mapType }),
    ...(patchStrategy && { patchStrategy }),
    ...(patchMergeKey && { patchMergeKey }),
    ...(ptr && { ptr }),
    ...('emitZero' in field && { emitZero: field.emitZero }),
  };
}

const ANY_TYPES: Readonly<Record<string, string>> = {
  'io.k8s.apimachinery.pkg.runtime.RawExtension': 'rawextension',
  'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1': 'fieldsv1',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON': 'json',
  '': 'any',
};
const TYPES: Readonly<Record<string, TypeFact>> = {
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  double: { type: 'number', format: 'double' },
  microTime: { type: 'microtime' },
  intOrString: { type: 'intorstring' },
};

function typeFact(given: Schema): TypeFact {
  const schema = resolve(given);
  switch (schema.kind) {
    case 'object':
      return { type: 'ref', ref: schema.name ?? '' };
    case 'list':
      return { type: 'array', items: typeFact(schema.items) };
    case 'map':
      return { type: 'map', values: typeFact(schema.values) };
    case 'any': {
      const ref = schema.ref ?? '';
      const type = ANY_TYPES[ref];
      return type ? { type } : { type: 'ref', ref };
    }
    default: {
      const words = schema.constraints?.enum as string[] | undefined;
      return { ...(TYPES[schema.kind] ?? { type: schema.kind }), ...(words && { enum: words }) };
    }
  }
}

/** The facts without what a schema does not repeat. */
function comparable(fact: DefinitionFact): DefinitionFact {
  const fields = Object.entries(fact.fields ?? {}).map(([name, field]) => {
    const { protoType: _, ...rest } = field as FieldFact & { protoType?: string };
    const via = rest.protoVia?.map(([number]): [number, null] => [number, null]);
    return [name, { ...withoutFormats(rest), ...(via && { protoVia: via }) }];
  });
  const { mapType, unions } = fact;
  return { fields: Object.fromEntries(fields), ...(mapType && { mapType }), ...(unions ? { unions } : {}) };
}

function withoutFormats<T extends TypeFact>(fact: T): T {
  const { format, ...rest } = fact;
  const kept = fact.type === 'integer' || fact.type === 'number' ? { format: format ?? 'int32' } : {};
  const items = fact.items && { items: withoutFormats(fact.items) };
  const values = fact.values && { values: withoutFormats(fact.values) };
  return { ...rest, ...kept, ...items, ...values } as T;
}

// Where the facts were read from too little: two of the three words are constants of another type.
const addressType = facts['io.k8s.api.discovery.v1.EndpointSlice']?.fields?.['addressType'];
if (addressType) addressType.enum = ['FQDN', 'IPv4', 'IPv6'];

test('every definition is as the facts say', { skip }, () => {
  const differ = [...definitions].flatMap(([name, schema]) => {
    const fact = facts[name];
    if (fact === undefined) return [`${name} is no definition`];
    const wants = comparable(fact).fields ?? {};
    const got = factsOf(schema).fields ?? {};
    const keys = [...new Set([...Object.keys(wants), ...Object.keys(got)])];
    const rows = keys
      .filter((key) => !same(wants[key], got[key]))
      .map((key) => `${name}.${key}: ${text(wants[key])} / ${text(got[key])}`);
    const whole = { mapType: fact.mapType, unions: fact.unions };
    return same(whole, { mapType: schema.mapType, unions: schema.unions })
      ? rows
      : [...rows, `${name}: ${text(whole)}`];
  });
  assert.deepEqual(differ, []);
});

const text = (value: unknown) => JSON.stringify(value);
function same(a: unknown, b: unknown): boolean {
  try {
    assert.deepEqual(a, b);
    return true;
  } catch {
    return false;
  }
}

test('every definition that a served resource needs is there', { skip }, () => {
  const missing = new Set<string>();
  const seen = new Set<string>();
  const visit = (name: string) => {
    if (seen.has(name) || facts[name]?.fields === undefined) return;
    seen.add(name);
    if (!definitions.has(name)) missing.add(name);
    for (const field of Object.values(facts[name].fields)) {
      const ref = field.ref ?? field.items?.ref ?? field.values?.ref;
      if (ref) visit(ref);
    }
  };
  for (const { definition, servedByDefault } of here ? (read('resources.json').resources as ResourceFact[]) : []) {
    if (servedByDefault) visit(definition);
  }
  assert.deepEqual([...missing], []);
});

test('the table of resources is as the facts say', { skip }, () => {
  const wants = (here ? (read('resources.json').resources as ResourceFact[]) : []).filter((one) => one.servedByDefault);
  const fromFact = (one: ResourceFact) => ({
    ...{ group: one.group, version: one.version, plural: one.resource, kind: one.kind, singular: one.singular },
    ...{ namespaced: one.namespaced, verbs: one.verbs, definition: one.definition },
    ...{ shortNames: one.shortNames ?? [], categories: one.categories ?? [] },
    subresources: Object.fromEntries(
      Object.entries(one.subresources ?? {}).map(([name, sub]) => [name, { kind: sub.kind, verbs: sub.verbs }]),
    ),
  });
  const fromOurs = (one: ResourceDefinition) => ({
    ...{ group: one.group, version: one.version, plural: one.plural, kind: one.kind, singular: one.singular },
    ...{ namespaced: one.namespaced, verbs: one.verbs, definition: one.schema.name },
    ...{ shortNames: one.shortNames ?? [], categories: one.categories ?? [] },
    subresources: Object.fromEntries(
      Object.entries(one.subresources).map(([name, sub]) => [name, { kind: sub.kind ?? one.kind, verbs: sub.verbs }]),
    ),
  });
  const sorted = <T extends { group: string; version: string; plural: string }>(rows: T[]) =>
    rows.sort((a, b) => (`${a.group}/${a.version}/${a.plural}` < `${b.group}/${b.version}/${b.plural}` ? -1 : 1));
  assert.deepEqual(sorted(builtinResources.map(fromOurs)), sorted(wants.map(fromFact)));
});

test('columns are as the facts say', { skip }, () => {
  const columns: Record<string, { name: string; type: string; format: string; priority: number }[]> = here
    ? read('printer-columns.json')
    : {};
  const plain = [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Created At', type: 'date', format: '', priority: 0 },
  ];
  // Upstream's recorded table has the plain columns; a recording outweighs what was read in sources.
  delete columns['storage.k8s.io/CSIStorageCapacity'];
  for (const one of builtinResources) {
    const wants = columns[one.group === '' ? one.kind : `${one.group}/${one.kind}`] ?? plain;
    const got = one.columns.map(({ name, type, format = '', priority = 0 }) => ({ name, type, format, priority }));
    assert.deepEqual(got, wants, `${one.group}/${one.kind}`);
  }
});

test('no two resources share a name or a place in the store, except events and versions of one kind', () => {
  const names = builtinResources.map(({ group, version, plural }) => `${group}/${version}/${plural}`);
  assert.equal(new Set(names).size, names.length);
  const groups = new Set(builtinGroups.map(({ group }) => group));
  assert.deepEqual(
    builtinResources.filter(({ group }) => !groups.has(group)),
    [],
  );
  const served = new Set(builtinResources.map(({ group, version, kind }) => `${group}/${version}/${kind}`));
  const places = builtinResources
    .filter(({ storedAs }) => storedAs === undefined || !served.has(storedAs))
    .map(({ storageKey, plural }) => storageKey ?? plural);
  assert.equal(new Set(places).size, places.length);
});

test('paths of columns and selectable fields lead to fields that exist', () => {
  const lost = builtinResources.flatMap((one) =>
    [...one.columns.flatMap(({ path }) => (path ? [path] : [])), ...(one.selectableFields ?? [])]
      .filter((path) => !leadsSomewhere(one.schema, path))
      .map((path) => `${one.kind}: ${path}`),
  );
  // Upstream's name for status.succeeded.
  assert.deepEqual(lost, ['Job: status.successful']);
});

function leadsSomewhere(schema: Schema, path: string): boolean {
  let at: Schema | undefined = schema;
  for (const step of path.split('.')) {
    const whole: Schema | undefined = at && resolve(at);
    at = whole?.kind === 'object' ? whole.fields[step]?.schema : undefined;
  }
  return at !== undefined;
}
