// Resources that are asked and never stored: the answer to a POST is the object with its status filled in.
import { apiVersionOf } from '../../api/resource.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import { type FieldProblem, invalid } from '../../api/status.ts';
import { decodeBody } from './codec.ts';
import { trackManager } from './managed-fields.ts';
import type { RegistryContext } from './registry.ts';
import type { ApiRequest } from './request.ts';
import type { Handler, Strategy } from './strategy.ts';

export interface Review<T extends KubeObject> {
  /** Refuses what cannot be asked. The recorded wording leaves the kind out. */
  problems?(object: T, request: ApiRequest): FieldProblem[];
  answer(object: T, request: ApiRequest, registry: RegistryContext): void;
  /** Whether the answer says who wrote which field. */
  readonly tracked?: boolean;
}

export function reviewStrategy<T extends KubeObject>({ problems, answer, tracked = true }: Review<T>): Strategy<T> {
  const create: Handler = async (request, registry) => {
    const of = registry.storeOf(request.resource);
    const object = (await decodeBody(request.resource, request)) as T;
    if (request.namespace !== '') object.metadata.namespace = request.namespace;
    const wrong = problems?.(object, request) ?? [];
    if (wrong.length > 0) throw withoutKind(request.resource.group, wrong);
    if (tracked) trackManager(of, request, object, undefined);
    answer(object, request, registry);
    const { kind, apiVersion: _v, metadata, ...rest } = object;
    return { type: 'value', code: 201, value: { kind, apiVersion: apiVersionOf(request.resource), metadata, ...rest } };
  };
  return { handlers: { create } };
}

function withoutKind(group: string, problems: readonly FieldProblem[]) {
  const error = invalid({ group, kind: '' }, '', problems);
  if (error.details !== undefined) delete error.details.kind;
  return error;
}
