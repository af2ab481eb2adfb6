// Custom definitions as OpenAPI publishes them: what their authors wrote, and what all objects have. Version 2 knows no
// alternatives, no null and no defaults, and kubectl would refuse what a definition lets through unseen.
import type { JSONSchemaProps } from '../types/apiextensions/json-schema-props.ts';

type Json = Record<string, unknown>;
const COMMON = ['apiVersion', 'kind', 'metadata'];

/** `whole` is the definition as our own schema tells it, with the fields that all objects have. */
export function publishedObject(source: JSONSchemaProps, whole: Json, version: 'v2' | 'v3'): Json {
  const body = (version === 'v3' ? source : forVersion2(source)) as Json;
  const known = Object.entries((whole['properties'] ?? {}) as Json).filter(([name]) => COMMON.includes(name));
  const common: Json = Object.fromEntries(known);
  const own = body['properties'] as Json | undefined;
  return { ...body, properties: { ...common, ...own, metadata: common['metadata'] } };
}

function forVersion2(schema: JSONSchemaProps): JSONSchemaProps {
  const { allOf: _a, anyOf: _b, oneOf: _o, not: _n, nullable, default: _d, ...rest } = schema;
  delete rest['x-kubernetes-validations'];
  if (nullable || rest['x-kubernetes-preserve-unknown-fields']) {
    const { items: _i, properties: _p, additionalProperties: _ap, required: _r, ...open } = rest;
    if (nullable) delete open.type;
    return open;
  }
  const { properties, items, additionalProperties } = rest;
  if (properties !== undefined) {
    const entries = Object.entries(properties);
    rest.properties = Object.fromEntries(entries.map(([name, one]) => [name, forVersion2(one)]));
    rest.required = rest.required?.filter((name) => !(Object.hasOwn(properties, name) && properties[name]!.nullable));
    if (!rest.required?.length) delete rest.required;
  }
  if (items !== undefined && !Array.isArray(items)) {
    if (items.nullable) delete rest.items;
    else rest.items = forVersion2(items);
  }
  if (typeof additionalProperties === 'object') rest.additionalProperties = forVersion2(additionalProperties);
  return rest;
}
