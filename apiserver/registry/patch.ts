// PATCH: JSON patch, merge patch, strategic merge patch and server-side apply.
import { apiVersionOf, type ResourceDefinition } from '../../api/resource.ts';
import { DecodeProblem, decode } from '../../api/schema/decode.ts';
import { parseJson } from '../../api/schema/json.ts';
import { SyntaxProblem } from '../../api/schema/json-value.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import type { ObjectSchema } from '../../api/schema/schema.ts';
import { parseYaml } from '../../api/schema/yaml.ts';
import { ApiError, badRequest, conflict } from '../../api/status.ts';
import { builtinResources } from '../../api/types/resources.ts';
import { goText } from '../patch/go-text.ts';
import { applyConfiguration, applyPatch } from '../patch/patch.ts';
import { restoreProblem } from '../patch/restore.ts';
import { mediaType, PATCHES, unsupportedMediaType } from './bodies.ts';
import { checkVersion, settle } from './codec.ts';
import { createDecoded } from './create.ts';
import { bookkeeping, trackManager } from './managed-fields.ts';
import { checkNames, settleNamespace } from './metadata.ts';
import type { ApiRequest, ObjectResponse, RequestBody } from './request.ts';
import type { ResourceStore } from './resource-store.ts';
import { overwrite } from './write.ts';

type PatchType = 'json' | 'merge' | 'strategic';

export const PATCH_TYPES: Readonly<Record<string, PatchType>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
};
export const APPLY = 'application/apply-patch+yaml';

export async function patchObject(of: ResourceStore, request: ApiRequest): Promise<ObjectResponse> {
  const contentType = mediaType(request.body?.contentType ?? '');
  if (contentType === APPLY) return apply(of, request);
  const type = PATCH_TYPES[contentType];
  if (type === undefined || (type === 'strategic' && of.definition.schema.custom)) {
    throw unsupportedMediaType(
      of.definition.schema.custom ? PATCHES.filter((each) => !each.includes('strategic')) : PATCHES.slice(0, 4),
    );
  }
  const patch = readPatch(type, request.body!);
  return overwrite(of, request, (current) => patched(of, request, type, current, patch), { again: true });
}

/** The patch as a value; for a JSON patch a list of operations, else an object. */
export function readPatch(type: PatchType, body: RequestBody): unknown {
  if ('object' in body) return body.object;
  let patch: unknown;
  try {
    patch = parseJson(body.bytes).value;
  } catch (err) {
    if (err instanceof SyntaxProblem) throw badRequest(`error decoding patch: ${err.message}`);
    throw err;
  }
  const what =
    patch === null ? 'null' : Array.isArray(patch) ? 'array' : typeof patch === 'boolean' ? 'bool' : typeof patch;
  if (type === 'json') {
    if (what === 'array') return patch;
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${what} into Go value of type []handlers.jsonPatchOp`,
    );
  }
  if (what === 'object') return patch;
  if (what === 'null') throw badRequest('Invalid JSON Patch');
  const why = `json: cannot unmarshal ${what} into Go value of type map[string]interface {}`;
  throw badRequest(type === 'merge' ? `error decoding patch: ${why}` : why);
}

function patched(
  of: ResourceStore,
  request: ApiRequest,
  type: PatchType,
  current: KubeObject,
  patch: unknown,
): KubeObject {
  const { definition } = of;
  const result = applyPatch({ type, schema: definition.schema, current, patch });
  if (type === 'strategic') {
    const why = restoreProblem(definition.schema, result);
    if (why !== undefined) throw patchProblem(JSON.stringify(goText(patch)), why);
  }
  const next = decodePatched(of, request, result);
  of.strategy.defaults?.(next);
  checkNames({ ...request, namespace: '' }, next);
  settleNamespace(request, next);
  trackManager(of, request, next, current);
  return next;
}

/** A result that is no object of the kind is the patch's fault. */
function decodePatched({ definition }: ResourceStore, request: ApiRequest, result: unknown): KubeObject {
  const value = () => JSON.stringify(sortedJson(result));
  try {
    decode(namedSchema(definition, result as KubeObject), result);
    checkVersion(definition, result as object);
  } catch (err) {
    const why =
      err instanceof DecodeProblem ? err.message : /: (no kind .*|converting .*)$/.exec((err as Error).message)?.[1];
    throw why === undefined ? err : patchProblem(value(), why);
  }
  return settle(
    definition,
    result,
    { complaints: [], warnings: [] },
    request.options.fieldValidation,
    request.warnings,
  );
}

/** A patch may turn an object into one of another kind: as that it is read, before it is refused. */
function namedSchema(definition: ResourceDefinition, { apiVersion, kind }: KubeObject): ObjectSchema {
  if (kind === definition.kind) return definition.schema;
  const named = builtinResources.find((each) => each.kind === kind && apiVersionOf(each) === apiVersion);
  return (named ?? definition).schema;
}

function patchProblem(value: string, why: string): ApiError {
  const message = `Invalid value: ${value}: ${why}`;
  const causes = [{ reason: 'FieldValueInvalid', message, field: 'patch' }];
  return new ApiError(422, 'Invalid', ` "" is invalid: patch: ${message}`, { causes });
}

/** As Go prints a map: keys in order. */
function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

// ------------------------------------------------------------------ server-side apply

async function apply(of: ResourceStore, request: ApiRequest): Promise<ObjectResponse> {
  const config = await readConfiguration(request.body!);
  checkConfiguration(of.definition, request, config);
  const isThere = of.cache.get(request.namespace, request.name) !== undefined;
  if (isThere) {
    const { uid } = config.metadata;
    return overwrite(
      of,
      request,
      (current) => {
        const next = merged(of, request, config, current);
        if (!uid) next.metadata.uid = current.metadata.uid;
        return next;
      },
      { again: true },
    );
  }
  const { uid, resourceVersion } = config.metadata;
  if (uid) {
    const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
    throw conflict(of.definition, request.name, why);
  }
  const next = merged(of, request, config, undefined);
  if (resourceVersion) delete (next.metadata as Partial<KubeObject['metadata']>).resourceVersion;
  return createDecoded(of, request, next, { tracked: true });
}

export async function readConfiguration(body: RequestBody): Promise<KubeObject> {
  if ('object' in body) return body.object as KubeObject;
  try {
    const { value } = await parseYaml(body.bytes);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as KubeObject;
  } catch (err) {
    if (err instanceof SyntaxProblem)
      throw badRequest(`error decoding YAML: error converting YAML to JSON: ${err.message}`);
    throw err;
  }
  throw badRequest('error decoding YAML: the configuration is not an object');
}

export function checkConfiguration(
  definition: Pick<ResourceDefinition, 'group' | 'version' | 'kind'>,
  request: ApiRequest,
  config: KubeObject,
): void {
  const { apiVersion = '', kind = '' } = config;
  if (apiVersion !== apiVersionOf(definition) || kind !== definition.kind) {
    const version = apiVersion.includes('/') ? apiVersion : `/${apiVersion}`;
    throw badRequest(`invalid object type: ${version}, Kind=${kind}`);
  }
  config.metadata ??= {} as KubeObject['metadata'];
  checkNames(request, { ...config, metadata: { ...config.metadata, namespace: '' } });
  settleNamespace(request, { ...config, metadata: { ...config.metadata } });
}

function merged(
  of: ResourceStore,
  request: ApiRequest,
  config: KubeObject,
  current: KubeObject | undefined,
): KubeObject {
  const force = request.options.force ?? false;
  const result = applyConfiguration({ ...bookkeeping(of, request, current), config, force });
  const { fieldValidation } = request.options;
  return settle(of.definition, result, { complaints: [], warnings: [] }, fieldValidation, request.warnings);
}
