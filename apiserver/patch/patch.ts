// The public face of the room: one document changed by one patch. Apply has its own entry (apply.ts), for it needs to
// know who applies.
import type { ObjectSchema } from '../../api/schema/schema.ts';
import { badRequest } from '../../api/status.ts';
import { jsonPatch } from './json-patch.ts';
import { mergePatch } from './merge-patch.ts';
import { strategicMerge } from './strategic-merge.ts';

export { type ApplyRequest, applyConfiguration, type Stored, trackUpdate, type UpdateRequest } from './apply.ts';

export interface PatchRequest {
  readonly type: 'json' | 'merge' | 'strategic';
  readonly schema: ObjectSchema;
  readonly current: unknown;
  readonly patch: unknown;
}

/** The changed document, not yet decoded, defaulted or validated. `current` stays as it is. */
export function applyPatch({ type, schema, current, patch }: PatchRequest): unknown {
  if (type === 'json') return jsonPatch(current, patch);
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) {
    throw badRequest(`error decoding patch: expected an object, got ${Array.isArray(patch) ? 'a list' : typeof patch}`);
  }
  return type === 'merge' ? mergePatch(current, patch) : strategicMerge(current, patch, schema);
}
