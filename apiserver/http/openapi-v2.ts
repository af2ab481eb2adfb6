// The OpenAPI v2 document: every path, every definition.
import type { ResourceDefinition } from '../../api/resource.ts';
import type { Json } from '../../api/schema/openapi.ts';
import { definitions } from './openapi-definitions.ts';
import { type Operation, type Parameter, pathItems } from './openapi-operations.ts';

export interface ApiInfo {
  readonly title: string;
  readonly version: string;
}

export const DESCRIPTIONS: Readonly<Record<string, string>> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  401: 'Unauthorized',
};

export function openapiV2(resources: readonly ResourceDefinition[], info: ApiInfo): Json {
  const shared = new Map<string, Parameter>();
  const paths: Json = {};
  for (const { path, parameters, operations } of pathItems(resources)) {
    const item: Json = {};
    for (const [method, operation] of Object.entries(operations)) item[method] = operationV2(operation, shared);
    if (parameters.length > 0) item['parameters'] = parameters.map((one) => parameterV2(one, shared));
    paths[path] = item;
  }
  const byName = [...shared].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    swagger: '2.0',
    info,
    paths,
    definitions: definitions(resources, 'v2'),
    parameters: Object.fromEntries(byName.map(([name, parameter]) => [name, wholeParameter(parameter)])),
    securityDefinitions: { BearerToken: { type: 'apiKey', name: 'authorization', in: 'header' } },
    security: [{ BearerToken: [] }],
  };
}

/** kubectl looks for these two by name in the operation itself. */
const INLINE = new Set(['dryRun', 'fieldValidation']);

/** Parameters are written once and referred to: they would be half of the document. */
function parameterV2(parameter: Parameter, shared: Map<string, Parameter>): Json {
  if (INLINE.has(parameter.name)) return wholeParameter(parameter);
  const name = `${parameter.name}-${parameter.in}-${parameter.type}`;
  shared.set(name, parameter);
  return { $ref: `#/parameters/${name}` };
}

function wholeParameter({ name, in: where, type }: Parameter): Json {
  return { uniqueItems: true, type, name, in: where, ...(where === 'path' && { required: true }) };
}

function operationV2(operation: Operation, shared: Map<string, Parameter>): Json {
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

function response(code: string, ref: string | undefined): Json {
  const description = DESCRIPTIONS[code] ?? '';
  if (ref === undefined) return { description };
  return { description, schema: ref === 'string' ? { type: 'string' } : { $ref: `#/definitions/${ref}` } };
}
