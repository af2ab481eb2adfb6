// What the JSON schema of a custom definition may say: words that are supported, list and map types that make sense.
// Rows in upstream's wording. That it is structural is structural-rules.ts's to find.
import type { FieldProblem } from '../../api/status.ts';
import type { JSONSchemaProps } from '../../api/types/apiextensions/json-schema-props.ts';
import { forbidden, invalidValue, notSupported, required } from '../registry/validation/problems.ts';

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const META_FIELDS = ['metadata', 'kind', 'apiVersion'];

interface Place {
  readonly path: string;
  /** Inside of metadata, be it the object's own or that of an embedded one. */
  readonly inMeta?: boolean;
  /** Why nothing may have a default here. */
  readonly noDefaults?: string;
  readonly isRoot?: boolean;
}

export function schemaProblems(schema: JSONSchemaProps, path: string): FieldProblem[] {
  return problemsAt(schema, { path, isRoot: true });
}

function problemsAt(schema: JSONSchemaProps, place: Place): FieldProblem[] {
  const { path } = place;
  return [
    ...words(schema, place),
    ...(schema.uniqueItems
      ? [
          forbidden(
            `${path}.uniqueItems`,
            'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
          ),
        ]
      : []),
    ...below(schema, place),
    ...extensions(schema, path),
    ...listMap(schema, path),
    ...listKeys(schema, path),
  ];
}

function words(schema: JSONSchemaProps, { path, inMeta, noDefaults }: Place): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const { type = '' } = schema;
  if (type !== '' && !TYPES.includes(type)) problems.push(notSupported(`${path}.type`, type, TYPES));
  if (schema.default !== undefined && noDefaults !== undefined) {
    problems.push(forbidden(`${path}.default`, `must not be set ${noDefaults}`));
  }
  const unsupported: [keyof JSONSchemaProps, unknown][] = [
    ['id', schema.id],
    ['additionalItems', schema.additionalItems],
    ['patternProperties', filled(schema.patternProperties)],
    ['definitions', filled(schema.definitions)],
    ['dependencies', schema.dependencies],
    ['$ref', schema.$ref ?? undefined],
  ];
  for (const [name, value] of unsupported) {
    if (value !== undefined && value !== '') problems.push(forbidden(`${path}.${name}`, `${name} is not supported`));
  }
  if (type === 'null') {
    problems.push(forbidden(`${path}.type`, 'type cannot be set to null, use nullable as an alternative'));
  }
  if (Array.isArray(schema.items)) {
    problems.push(forbidden(`${path}.items`, 'items must be a schema object and not an array'));
  }
  if (inMeta && schema['x-kubernetes-embedded-resource']) {
    const why = 'must not be used inside of resource meta';
    problems.push(forbidden(`${path}.x-kubernetes-embedded-resource`, why));
  }
  return problems;
}

function filled(map: object | undefined): object | undefined {
  return map !== undefined && Object.keys(map).length > 0 ? map : undefined;
}

function below(schema: JSONSchemaProps, place: Place): FieldProblem[] {
  const { path, inMeta, noDefaults } = place;
  const { additionalProperties, properties = {}, items, allOf = [], oneOf = [], anyOf = [], not } = schema;
  const inner = { ...(inMeta && { inMeta }), ...(noDefaults !== undefined && { noDefaults }) };
  const problems: FieldProblem[] = [];
  if (additionalProperties !== undefined && additionalProperties !== true && Object.keys(properties).length > 0) {
    const why = 'additionalProperties and properties are mutual exclusive';
    problems.push(forbidden(`${path}.additionalProperties`, why));
  }
  if (typeof additionalProperties === 'object') {
    const meta = inMeta && { noDefaults: 'inside additionalProperties applying to object metadata' };
    problems.push(...problemsAt(additionalProperties, { ...inner, ...meta, path: `${path}.additionalProperties` }));
  }
  const isResource = place.isRoot === true || schema['x-kubernetes-embedded-resource'] === true;
  for (const [name, one] of Object.entries(properties)) {
    const isMeta = isResource && META_FIELDS.includes(name);
    const meta = isMeta && { inMeta: true, ...(place.isRoot && { noDefaults: `in top-level ${name}` }) };
    problems.push(...problemsAt(one, { ...inner, ...meta, path: `${path}.properties[${name}]` }));
  }
  if (not !== undefined) problems.push(...problemsAt(not, { ...inner, path: `${path}.not` }));
  for (const [word, list] of Object.entries({ allOf, oneOf, anyOf })) {
    problems.push(...list.flatMap((one, i) => problemsAt(one, { ...inner, path: `${path}.${word}[${i}]` })));
  }
  if (Array.isArray(items)) {
    problems.push(...items.flatMap((one, i) => problemsAt(one, { ...inner, path: `${path}.items[${i}]` })));
  } else if (items !== undefined) problems.push(...problemsAt(items, { ...inner, path: `${path}.items` }));
  return problems;
}

function mustBeOfType(type: string, want: string, word: string, path: string): FieldProblem[] {
  if (type === want) return [];
  const why = `must be ${want} if ${word} is specified`;
  return [type === '' ? required(`${path}.type`, why) : invalidValue(`${path}.type`, type, why)];
}

function extensions(schema: JSONSchemaProps, path: string): FieldProblem[] {
  const { type = '', items, 'x-kubernetes-map-type': mapType, 'x-kubernetes-list-type': listType } = schema;
  const problems: FieldProblem[] = [];
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    problems.push(invalidValue(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'));
  }
  if (mapType !== undefined) {
    problems.push(...mustBeOfType(type, 'object', 'x-kubernetes-map-type', path));
    if (mapType !== 'atomic' && mapType !== 'granular') {
      problems.push(notSupported(`${path}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']));
    }
  }
  if (listType === undefined) return problems;
  const wrongType = mustBeOfType(type, 'array', 'x-kubernetes-list-type', path);
  problems.push(...wrongType);
  if (wrongType.length === 0 && listType === 'set' && items !== undefined && !Array.isArray(items)) {
    const why = 'must be atomic as item of a list with x-kubernetes-list-type=set';
    const ofItems = items['x-kubernetes-list-type'];
    if (items.type === 'array' && ofItems !== undefined && ofItems !== 'atomic') {
      problems.push(invalidValue(`${path}.items.x-kubernetes-list-type`, ofItems, why));
    }
    if (items.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic') {
      problems.push(invalidValue(`${path}.items.x-kubernetes-map-type`, ofItems, why));
    }
  }
  if (!['atomic', 'set', 'map'].includes(listType)) {
    problems.push(notSupported(`${path}.x-kubernetes-list-type`, listType, ['atomic', 'set', 'map']));
  }
  return problems;
}

function listMap(schema: JSONSchemaProps, path: string): FieldProblem[] {
  const { items, 'x-kubernetes-list-type': listType, 'x-kubernetes-list-map-keys': keys = [] } = schema;
  const problems: FieldProblem[] = [];
  if (keys.length > 0 && listType !== 'map') {
    const [place, why] = [`${path}.x-kubernetes-list-type`, 'must be map if x-kubernetes-list-map-keys is non-empty'];
    problems.push(listType === undefined ? required(place, why) : invalidValue(place, listType, why));
  }
  if (listType !== 'map') return problems;
  const placeOfKeys = `${path}.x-kubernetes-list-map-keys`;
  if (keys.length === 0) problems.push(required(placeOfKeys, 'must not be empty if x-kubernetes-list-type is map'));
  if (items === undefined) {
    problems.push(required(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map'));
  }
  if (items === undefined || Array.isArray(items)) return problems;
  if (items.type !== 'object') {
    const why = "must be object if parent array's x-kubernetes-list-type is map";
    return [...problems, invalidValue(`${path}.items.type`, items.type ?? '', why)];
  }
  keys.forEach((name, i) => {
    const { properties = {} } = items;
    const type = Object.hasOwn(properties, name) ? (properties[name]!.type ?? '') : undefined;
    if (type === undefined) {
      problems.push(invalidValue(placeOfKeys, keys, 'entries must all be names of item properties'));
    } else if (type === 'array' || type === 'object') {
      const why = "must be a scalar type if parent array's x-kubernetes-list-type is map";
      problems.push(invalidValue(`${path}.items.properties[${name}].type`, items.type, why));
    }
    if (keys.indexOf(name) < i) problems.push(invalidValue(placeOfKeys, keys, 'must not contain duplicate entries'));
  });
  return problems;
}

/** Items of sets and keyed lists are always there, and so is what tells them apart. */
function listKeys(schema: JSONSchemaProps, path: string): FieldProblem[] {
  const { items, 'x-kubernetes-list-type': listType, 'x-kubernetes-list-map-keys': keys = [] } = schema;
  if (items === undefined || Array.isArray(items) || (listType !== 'set' && listType !== 'map')) return [];
  const problems: FieldProblem[] = [];
  if (items.nullable) {
    const why = `cannot be nullable when x-kubernetes-list-type is ${listType}`;
    problems.push(forbidden(`${path}.items.nullable`, why));
  }
  if (listType === 'set') return problems;
  const property = 'this property is in x-kubernetes-list-map-keys, so it';
  for (const name of keys) {
    const one = items.properties?.[name];
    if (one === undefined) continue;
    const place = `${path}.items.properties[${name}]`;
    if (!items.required?.includes(name) && one.default === undefined) {
      problems.push(required(`${place}.default`, `${property} must have a default or be a required property`));
    }
    if (one.nullable) problems.push(forbidden(`${place}.nullable`, `${property} cannot be nullable`));
  }
  return problems;
}
