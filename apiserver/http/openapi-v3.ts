// The parts of OpenAPI v3 documents, of which there is one per group and version.
import type { Json } from '../../api/schema/openapi.ts';
import type { Operation, Parameter, PathItem } from './openapi-operations.ts';
import { DESCRIPTIONS } from './openapi-v2.ts';

export function pathV3({ parameters, operations }: PathItem): Json {
  const item: Json = {};
  for (const [method, operation] of Object.entries(operations)) item[method] = operationV3(operation);
  if (parameters.length > 0) item['parameters'] = parameters.map(parameterV3);
  return item;
}

export const securityV3: Json = {
  BearerToken: { type: 'apiKey', in: 'header', name: 'authorization', description: 'Bearer Token authentication' },
};

function parameterV3({ name, in: where, type }: Parameter): Json {
  return { name, in: where, ...(where === 'path' && { required: true }), schema: { type, uniqueItems: true } };
}

function operationV3(operation: Operation): Json {
  const { operationId, tag, action, kind, produces, consumes, parameters, body, answers } = operation;
  const content = (types: readonly string[], schema: Json) =>
    Object.fromEntries(types.map((type) => [type, { schema }]));
  const requestBody = body && {
    ...(body.required && { required: true }),
    content: content(consumes, schemaOf(body.ref)),
  };
  const responses = Object.entries(answers).map(([code, ref]) => [
    code,
    { description: DESCRIPTIONS[code], content: content(produces, schemaOf(ref)) },
  ]);
  return {
    tags: [tag],
    operationId,
    ...(parameters.length > 0 && { parameters: parameters.map(parameterV3) }),
    ...(requestBody && { requestBody }),
    responses: { ...Object.fromEntries(responses), 401: { description: DESCRIPTIONS['401'] } },
    ...(action !== undefined && { 'x-kubernetes-action': action }),
    ...(kind !== undefined && { 'x-kubernetes-group-version-kind': kind }),
  };
}

function schemaOf(ref: string): Json {
  return ref === 'string' ? { type: 'string' } : { $ref: `#/components/schemas/${ref}` };
}
