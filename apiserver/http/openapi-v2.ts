// The parts of the OpenAPI v2 document: paths one by one, and what stands around them.
import type { Json } from '../../api/schema/openapi.ts';
import type { Operation, Parameter, PathItem } from './openapi-operations.ts';

export const DESCRIPTIONS: Readonly<Record<string, string>> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  401: 'Unauthorized',
};

/** Parameters that paths refer to, by name. */
export type Parameters = Map<string, Json>;

export function pathV2({ parameters, operations }: PathItem, shared: Parameters): Json {
  const item: Json = {};
  for (const [method, operation] of Object.entries(operations)) item[method] = operationV2(operation, shared);
  if (parameters.length > 0) item['parameters'] = parameters.map((one) => parameterV2(one, shared));
  return item;
}

export const securityV2: Json = {
  securityDefinitions: { BearerToken: { type: 'apiKey', name: 'authorization', in: 'header' } },
  security: [{ BearerToken: [] }],
};

/** kubectl looks for these two by name in the operation itself. */
const INLINE = new Set(['dryRun', 'fieldValidation']);

/** Parameters are written once and referred to: they would be half of the document. */
function parameterV2(parameter: Parameter, shared: Parameters): Json {
  const { name, in: where, type } = parameter;
  const whole = { uniqueItems: true, type, name, in: where, ...(where === 'path' && { required: true }) };
  if (INLINE.has(name)) return whole;
  const key = `${name}-${where}-${type}`;
  shared.set(key, whole);
  return { $ref: `#/parameters/${key}` };
}

function operationV2(operation: Operation, shared: Parameters): Json {
  const { operationId, tag, action, kind, produces, consumes, parameters, body, answers } = operation;
  const inBody = body && {
    name: 'body',
    in: 'body',
    ...(body.required && { required: true }),
    schema: { $ref: `#/definitions/${body.ref}` },
  };
  const responses = Object.entries(answers).map(([code, ref]) => [code, response(code, ref)]);
  const all = [...(inBody ? [inBody] : []), ...parameters.map((one) => parameterV2(one, shared))];
  return {
    consumes,
    produces,
    schemes: ['https'],
    tags: [tag],
    operationId,
    ...(all.length > 0 && { parameters: all }),
    responses: { ...Object.fromEntries(responses), 401: { description: DESCRIPTIONS['401'] } },
    ...(action !== undefined && { 'x-kubernetes-action': action }),
    ...(kind !== undefined && { 'x-kubernetes-group-version-kind': kind }),
  };
}

function response(code: string, ref: string): Json {
  const description = DESCRIPTIONS[code] ?? '';
  return { description, schema: ref === 'string' ? { type: 'string' } : { $ref: `#/definitions/${ref}` } };
}
