// /scale: the number of replicas of whatever has one, as one and the same small object.
import type { KubeObject } from '../../../api/schema/kind.ts';
import type { ObjectSchema } from '../../../api/schema/schema.ts';
import { badRequest, conflict, invalid, MODIFIED } from '../../../api/status.ts';
import { Scale } from '../../../api/types/autoscaling/scale.ts';
import { applyPatch } from '../../patch/patch.ts';
import { mediaType, unsupportedMediaType } from '../bodies.ts';
import { decodeAs, settle } from '../codec.ts';
import { trackManager } from '../managed-fields.ts';
import { checkNames } from '../metadata.ts';
import { copyOf } from '../objects.ts';
import { PATCH_TYPES, readPatch } from '../patch.ts';
import { existing } from '../read.ts';
import type { ApiRequest, ApiResponse } from '../request.ts';
import type { SubresourceStrategy } from '../strategy.ts';
import { invalidValue } from '../validation/problems.ts';
import { overwrite } from '../write.ts';

const SCALE = { group: 'autoscaling', version: 'v1', kind: 'Scale', schema: Scale as ObjectSchema };

/** Where a kind keeps what a Scale shows. */
export interface ScaleView<T extends KubeObject> {
  replicas(object: T): number;
  setReplicas(object: T, replicas: number): void;
  current(object: T): number;
  selector(object: T): string;
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
    const done = await overwrite(of, request, (current, cached) => {
      const scale = wanted(toScale(current as T));
      refuseStale(of, scale, current);
      refuseInvalid(scale);
      const next = copyOf<T>(cached);
      view.setReplicas(next, scale.spec.replicas ?? 0);
      trackManager(of, request, next, current);
      return next;
    });
    return answer(done.object.decoded() as T);
  };
  return {
    handlers: {
      get: async (request, registry) => answer(existing(registry.storeOf(request.resource), request).decoded() as T),
      async update(request, registry) {
        const scale = (await decodeAs(SCALE, request)) as Scale;
        checkNames(request, scale);
        return write(request, registry.storeOf(request.resource), () => scale);
      },
      async patch(request, registry) {
        const type = PATCH_TYPES[mediaType(request.body?.contentType ?? '')];
        if (type === undefined) throw unsupportedMediaType(Object.keys(PATCH_TYPES));
        const patch = readPatch(type, request.body!);
        return write(request, registry.storeOf(request.resource), (current) => {
          const result = applyPatch({ type, schema: SCALE.schema, current, patch });
          const scale = settle(
            SCALE,
            result,
            { complaints: [], warnings: [] },
            request.options.fieldValidation,
            request.warnings,
          );
          checkNames(request, scale);
          return scale as Scale;
        });
      },
    },
  };
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
