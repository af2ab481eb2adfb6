// POST of a new object.
import { nameSuffix } from '../../api/random.ts';
import { asStored } from '../../api/schema/empty-lists.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import { ApiError, alreadyExists } from '../../api/status.ts';
import { decodeBody } from './codec.ts';
import { trackManager } from './managed-fields.ts';
import { beginLife, forgetSystemFields, hasStatus, settleNamespace } from './metadata.ts';
import type { ApiRequest, ObjectResponse } from './request.ts';
import type { ResourceStore } from './resource-store.ts';
import { objectMetaProblems } from './validation/object-meta.ts';
import { add } from './validation/problems.ts';
import { resetStatus } from './views.ts';
import { attributesOf, contextOf, putIntoStore, refuseIf } from './write.ts';

/** A generated name that is taken is replaced by another this often. */
const NAME_ATTEMPTS = 8;
const NAME_MAX = 63;

export async function createObject(of: ResourceStore, request: ApiRequest): Promise<ObjectResponse> {
  const object = await decodeBody(of.definition, request);
  of.strategy.defaults?.(object);
  if (object.metadata.resourceVersion) {
    throw new ApiError(500, '', 'resourceVersion should not be set on objects to be created');
  }
  return createDecoded(of, request, object);
}

/** Also the end of an apply or a PUT of what is not there. */
export async function createDecoded(
  of: ResourceStore,
  request: ApiRequest,
  object: KubeObject,
  { tracked = false } = {},
): Promise<ObjectResponse> {
  const { strategy, context, definition } = of;
  settleNamespace(request, object);
  forgetSystemFields(object);
  // Before admission: what plugins add belongs to nobody.
  if (!tracked) trackManager(of, request, object, undefined);
  await context.admission.admit(attributesOf(request, 'CREATE', object, undefined), context);
  const write = contextOf(of, request);
  beginLife(object, context.random.uuid(), write.nowMs);
  if (strategy.hasGeneration) object.metadata.generation = 1;
  if (hasStatus(definition) && !strategy.statusAtCreation) resetStatus(definition, object);
  const { generateName } = object.metadata;
  const isGenerated = !object.metadata.name && Boolean(generateName);
  const newName = () => `${generateName!.slice(0, NAME_MAX - 5)}${nameSuffix(context.random)}`;
  if (isGenerated) object.metadata.name = newName();
  strategy.prepareForCreate?.(object, write);
  for (let attempt = 1; ; attempt++) {
    if (attempt > 1) {
      const before = object.metadata.name;
      object.metadata.name = newName();
      strategy.renamed?.(object, before);
    }
    if (attempt === 1) await check(of, request, object);
    asStored(definition.schema, object);
    const undo = strategy.reserve?.(object, undefined, write);
    const stored = strategy.conversion?.toStored(object) ?? object;
    if (request.options.dryRun) undo?.();
    const { namespace = '', name } = object.metadata;
    const taken = request.options.dryRun && of.cache.get(namespace, name) !== undefined;
    const created = taken ? undefined : await putIntoStore(of, request, stored, 0, undo);
    if (created !== undefined) return { type: 'object', code: 201, object: created };
    undo?.();
    if (!isGenerated || attempt === NAME_ATTEMPTS) throw alreadyExists(definition, object.metadata.name);
  }
}

async function check(of: ResourceStore, request: ApiRequest, object: KubeObject): Promise<void> {
  const { strategy, context, definition } = of;
  const { nameProblems } = strategy;
  const problems = objectMetaProblems(object, { namespaced: definition.namespaced, nameProblems });
  add(problems, strategy.validateCreate?.(object, contextOf(of, request)) ?? []);
  refuseIf(of, object.metadata.name ?? '', problems);
  add(request.warnings, strategy.warnings?.(object, undefined) ?? []);
  await context.admission.validate(attributesOf(request, 'CREATE', object, undefined), context);
}
