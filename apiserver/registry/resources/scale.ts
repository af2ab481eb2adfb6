// /scale: the number of replicas of whatever has one, as one and the same small object.

import { apiVersionOf } from '../../../api/resource.ts';
import { clone } from '../../../api/schema/clone.ts';
import type { KubeObject } from '../../../api/schema/kind.ts';
import type { ObjectSchema } from '../../../api/schema/schema.ts';
import { badRequest, conflict, invalid, MODIFIED } from '../../../api/status.ts';
import { Scale } from '../../../api/types/autoscaling/scale.ts';
import { applyConfiguration, applyPatch } from '../../patch/patch.ts';
import { mediaType, unsupportedMediaType } from '../bodies.ts';
import { decodeAs, settle } from '../codec.ts';
import { managerOf, trackManager } from '../managed-fields.ts';
import { checkNames } from '../metadata.ts';
import { APPLY, checkConfiguration, PATCH_TYPES, readConfiguration, readPatch } from '../patch.ts';
import { existing } from '../read.ts';
import type { ApiRequest, ApiResponse } from '../request.ts';
import { viewOf } from '../resource-store.ts';
import { parentManagers, SCALE_VERSION, scaleManagers } from '../scale-managers.ts';
import type { SubresourceStrategy } from '../strategy.ts';
import { invalidValue } from '../validation/problems.ts';
import { overwrite } from '../write.ts';

const SCALE = { group: 'autoscaling', version: 'v1', kind: 'Scale', schema: Scale as ObjectSchema };

const SPEC_REPLICAS = ['f:spec', 'f:replicas'];

/** Where a kind keeps what a Scale shows. */
export interface ScaleView<T extends KubeObject> {
  replicas(object: T): number;
  setReplicas(object: T, replicas: number): void;
  current(object: T): number;
  selector(object: T): string;
  /** May refuse to show an object that has no replicas. */
  checkRead?(object: T): void;
  /** The kind's own validation looks at the number that was set. */
  readonly checksReplicas?: boolean;
  /** Where the replicas lie, as field managers own them; spec.replicas when absent. */
  readonly path?: readonly string[];
}

export function scaleOf<T extends KubeObject>(view: ScaleView<T>): SubresourceStrategy<T> {
  const toScale = (object: T): Scale => {
    const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
    const replicas = view.replicas(object);
    const selector = view.selector(object);
    return {
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
      spec: { ...(replicas !== 0 && { replicas }) },
      status: { replicas: view.current(object), ...(selector !== '' && { selector }) },
    };
  };
  const answer = (object: T): ApiResponse => ({ type: 'value', code: 200, value: toScale(object) });
  const write = async (
    request: ApiRequest,
    of: Parameters<typeof overwrite>[0],
    wanted: (current: Scale) => Scale,
  ): Promise<ApiResponse> => {
    const done = await overwrite(of, request, (current) => {
      const scale = wanted(toScale(current as T));
      refuseStale(of, scale, current);
      if (view.checksReplicas !== true) refuseInvalid(scale);
      const next = clone(current as T);
      view.setReplicas(next, scale.spec.replicas ?? 0);
      trackManager(of, request, next, current);
      forgetTimes(next);
      return next;
    });
    return answer(done.object.decoded() as T);
  };
  const { path = SPEC_REPLICAS } = view;
  const apply = async (request: ApiRequest, of: Parameters<typeof overwrite>[0]): Promise<ApiResponse> => {
    const config = await readConfiguration(request.body!);
    checkConfiguration(SCALE, request, config);
    const done = await overwrite(
      of,
      request,
      (current) => {
        const { managedFields } = current.metadata;
        const live = toScale(current as T);
        const applied = applyConfiguration({
          ...{ schema: SCALE.schema, apiVersion: SCALE_VERSION, manager: managerOf(request), subresource: 'scale' },
          ...{ config, force: request.options.force ?? false, nowMs: of.context.clock.now() },
          live: { ...live, metadata: { ...live.metadata, managedFields: scaleManagers(managedFields, path) } },
        });
        const managers = (applied as KubeObject).metadata.managedFields;
        const scale = settled(request, applied);
        refuseStale(of, scale, current);
        if (view.checksReplicas !== true) refuseInvalid(scale);
        const next = clone(current as T);
        view.setReplicas(next, scale.spec.replicas ?? 0);
        next.metadata.managedFields = parentManagers(managedFields, managers, path, apiVersionOf(of.definition));
        forgetTimes(next);
        return next;
      },
      { again: true },
    );
    return answer(done.object.decoded() as T);
  };
  return {
    handlers: {
      async get(request, registry) {
        const of = registry.storeOf(request.resource);
        const object = viewOf(of, existing(of, request)).decoded() as T;
        view.checkRead?.(object);
        return answer(object);
      },
      async update(request, registry) {
        const scale = (await decodeAs(SCALE, request)) as Scale;
        checkNames(request, scale);
        return write(request, registry.storeOf(request.resource), () => scale);
      },
      async patch(request, registry) {
        const contentType = mediaType(request.body?.contentType ?? '');
        if (contentType === APPLY) return apply(request, registry.storeOf(request.resource));
        const type = PATCH_TYPES[contentType];
        if (type === undefined) throw unsupportedMediaType([...Object.keys(PATCH_TYPES), APPLY]);
        const patch = readPatch(type, request.body!);
        return write(request, registry.storeOf(request.resource), (current) => {
          const scale = settled(request, applyPatch({ type, schema: SCALE.schema, current, patch }));
          checkNames(request, scale);
          return scale;
        });
      },
    },
  };
}

/** Upstream hands managers back and forth between object and Scale, and the time of the latter is lost on the way. */
function forgetTimes({ metadata }: KubeObject): void {
  for (const entry of metadata.managedFields ?? []) if (entry.subresource === 'scale') delete entry.time;
}

function settled({ options, warnings }: ApiRequest, json: unknown): Scale {
  return settle(SCALE, json, { complaints: [], warnings: [] }, options.fieldValidation, warnings) as Scale;
}

function refuseStale(of: Parameters<typeof overwrite>[0], { metadata }: Scale, current: KubeObject): void {
  const { name, resourceVersion, uid } = current.metadata;
  if (metadata.resourceVersion && metadata.resourceVersion !== resourceVersion) {
    throw conflict(of.definition, name, MODIFIED);
  }
  if (metadata.uid && metadata.uid !== uid) {
    throw badRequest(`Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${uid}`);
  }
}

function refuseInvalid({ metadata, spec }: Scale): void {
  const { replicas = 0 } = spec;
  if (replicas >= 0) return;
  const why = 'must be greater than or equal to 0';
  throw invalid({ group: 'autoscaling', kind: 'Scale' }, metadata.name, [invalidValue('spec.replicas', replicas, why)]);
}
