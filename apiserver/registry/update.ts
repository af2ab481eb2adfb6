// PUT of an object or of one of its views.
import { clone } from '../../api/schema/clone.ts';
import { ApiError, isNotFound } from '../../api/status.ts';
import { decodeBody } from './codec.ts';
import { createDecoded } from './create.ts';
import { trackManager } from './managed-fields.ts';
import { checkNames } from './metadata.ts';
import type { ApiRequest, ObjectResponse } from './request.ts';
import type { ResourceStore } from './resource-store.ts';
import { overwrite } from './write.ts';

export async function updateObject(of: ResourceStore, request: ApiRequest): Promise<ObjectResponse> {
  const sent = await decodeBody(of.definition, request);
  of.strategy.defaults?.(sent);
  checkNames(request, sent);
  const { resourceVersion = '' } = sent.metadata;
  if (resourceVersion !== '' && !/^\d+$/.test(resourceVersion)) {
    throw new ApiError(500, '', `strconv.ParseUint: parsing ${JSON.stringify(resourceVersion)}: invalid syntax`);
  }
  try {
    return await overwrite(of, request, (current) => {
      // What follows changes it, so a write that may be tried again needs a copy for each attempt.
      const next = resourceVersion === '' ? clone(sent) : sent;
      trackManager(of, request, next, current);
      return next;
    });
  } catch (err) {
    const creates = of.strategy.allowCreateOnUpdate === true && request.subresource === undefined;
    if (!creates || !isNotFound(err) || of.cache.get(request.namespace, request.name) !== undefined) throw err;
    return createDecoded(of, request, sent);
  }
}
