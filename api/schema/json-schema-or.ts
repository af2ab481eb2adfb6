// The places in a JSON schema that hold a schema or something else: true or false, several schemas, names. Definitions
// have them as `any`; the walkers ask here what they hold.
import { JSONSchemaProps } from '../types/apiextensions/json-schema-props.ts';
import type { ScalarSchema, Schema } from './schema.ts';

export type SchemaOr = 'boolean' | 'schemas' | 'strings';

export function schemaOr(schema: ScalarSchema): SchemaOr | undefined {
  const ref = schema.ref;
  if (ref === undefined || !ref.includes('JSONSchemaPropsOr')) return undefined;
  if (ref.endsWith('OrBool')) return 'boolean';
  return ref.endsWith('OrStringArray') ? 'strings' : 'schemas';
}

/** Late: that definition holds such places itself. */
export const jsonSchema: Schema = { kind: 'lazy', get: () => JSONSchemaProps as Schema };
