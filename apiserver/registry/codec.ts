// Request bodies to objects: parsed, of the right version, without fields nobody declared, defaulted. What is wrong is
// said as clients of the original know it; what is merely odd becomes a warning.
import { apiVersionOf, type ResourceDefinition } from '../../api/resource.ts';
import { DecodeProblem, decode } from '../../api/schema/decode.ts';
import { applyDefaults } from '../../api/schema/defaults.ts';
import { SyntaxProblem } from '../../api/schema/json-value.ts';
import type { KubeObject } from '../../api/schema/kind.ts';
import type { ObjectSchema } from '../../api/schema/schema.ts';
import { badRequest, invalid } from '../../api/status.ts';
import { DeleteOptions } from '../../api/types/meta/options.ts';
import { parseBody } from './bodies.ts';
import type { DeletionOptions } from './options.ts';
import type { ApiRequest, RequestBody } from './request.ts';

/** What a body is to be: the resource itself, or what a subresource takes. */
export interface BodyKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly schema: ObjectSchema;
}

export async function decodeBody<T extends KubeObject>(
  definition: ResourceDefinition<T>,
  request: ApiRequest,
): Promise<T> {
  return (await decodeAs(definition as BodyKind, request)) as T;
}

export async function decodeAs(of: BodyKind, request: ApiRequest): Promise<KubeObject> {
  const { body, options, warnings } = request;
  const sent = await readBody(of, body ?? { bytes: Buffer.alloc(0), contentType: 'application/json' });
  if (of.schema.custom) checkKindIsSaid(of, sent.value, body);
  checkVersion(of, sent.value);
  return settle(of, sent.value, sent, options.fieldValidation, warnings);
}

/** What a body said twice, as an error and as warnings say it. */
export interface Complaints {
  readonly complaints: readonly string[];
  readonly warnings: readonly string[];
}

/** From plain JSON, which may have come from a patch, to a complete object of this kind. */
export function settle(
  of: BodyKind,
  json: unknown,
  sent: Complaints,
  validation: 'Strict' | 'Warn' | 'Ignore',
  warnings: string[],
): KubeObject {
  const { value, unknown } = decodeOrRefuse(of, json);
  const fields = unknown.map((path) => `unknown field ${JSON.stringify(path)}`);
  const complaints = [...sent.complaints, ...fields];
  if (validation === 'Strict' && complaints.length > 0) {
    throw badRequest(`${cannotBeHandled(of)}strict decoding error: ${complaints.join(', ')}`);
  }
  if (validation === 'Warn') warnings.push(...sent.warnings, ...fields);
  const object = value as KubeObject;
  object.apiVersion = apiVersionOf(of);
  object.kind = of.kind;
  object.metadata ??= {} as KubeObject['metadata'];
  applyDefaults(of.schema, object as never);
  return object;
}

function decodeOrRefuse(of: BodyKind, json: unknown): { value: unknown; unknown: readonly string[] } {
  try {
    return decode(of.schema, json);
  } catch (err) {
    if (err instanceof DecodeProblem) throw badRequest(cannotBeHandled(of) + err.message);
    throw err;
  }
}

function cannotBeHandled({ kind, version }: Pick<BodyKind, 'kind' | 'version'>, as = kind): string {
  return `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${as}: `;
}

const TYPE_META =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

async function readBody({ kind, schema }: BodyKind, body: RequestBody): Promise<Complaints & { value: object }> {
  if ('object' in body) return { value: (body.object ?? {}) as object, complaints: [], warnings: [] };
  const refuse = (why: string) =>
    badRequest(`the object provided is unrecognized (must be of type ${kind}): ${why} (${excerpt(body.bytes)})`);
  try {
    const { value, complaints, warnings } = await parseBody(body.bytes, body.contentType, schema);
    if (value === null) return { value: {}, complaints, warnings };
    if (typeof value === 'object' && !Array.isArray(value)) return { value, complaints, warnings };
    const what = Array.isArray(value) ? 'array' : typeof value;
    throw refuse(
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${what} into Go value of type ${TYPE_META}`,
    );
  } catch (err) {
    if (!(err instanceof SyntaxProblem)) throw err;
    const isJson = !/^(yaml|provided data)/.test(err.message);
    throw refuse(isJson ? `couldn't get version/kind; json parse error: ${err.message}` : err.message);
  }
}

const EXCERPT = 30;

function excerpt(bytes: Buffer): string {
  if (bytes.length === 0) return '<empty>';
  const encoding = bytes[0] === 0x7b ? 'utf8' : 'hex';
  const cut = bytes.length > EXCERPT;
  return bytes.subarray(0, EXCERPT).toString(encoding) + (cut ? ' ...' : '');
}

/** Of a custom kind nothing is assumed. */
function checkKindIsSaid({ kind }: BodyKind, json: object, body: RequestBody | undefined): void {
  if ((json as { kind?: unknown }).kind || body === undefined || 'object' in body) return;
  const why = `Object 'Kind' is missing in '${body.bytes.toString()}' (${excerpt(body.bytes)})`;
  throw badRequest(`the object provided is unrecognized (must be of type ${kind}): ${why}`);
}

function checkCustomVersion(of: Omit<BodyKind, 'schema'>, said: string, json: object): void {
  const expected = apiVersionOf(of);
  const { kind = of.kind, metadata } = json as { kind?: string; metadata?: { name?: string } };
  if (said !== expected) {
    throw badRequest(`the API version in the data (${said}) does not match the expected API version (${expected})`);
  }
  if (kind === of.kind) return;
  const message = `Invalid value: ${JSON.stringify(kind)}: must be ${of.kind}`;
  throw invalid({ group: of.group, kind }, metadata?.name ?? '', [
    { path: 'kind', reason: 'FieldValueInvalid', message },
  ]);
}

/** Versions that were served once: a body in one of them is recognized, and refused as of another version. */
const RETIRED =
  /^(extensions\/v1beta1|apps\/v1beta[12]|batch\/v1beta1|policy\/v1beta1|networking\.k8s\.io\/v1beta1|autoscaling\/v(1|2|2beta[12])|events\.k8s\.io\/v1(beta1)?|v1)$/;

export function checkVersion(of: BodyKind, json: object): void {
  const { apiVersion, kind } = json as { apiVersion?: unknown; kind?: unknown };
  if (of.schema.custom) {
    checkCustomVersion(of, typeof apiVersion === 'string' ? apiVersion : '', json);
    return;
  }
  const expected = apiVersionOf(of);
  const said = typeof apiVersion === 'string' && apiVersion !== '' ? apiVersion : expected;
  const saidKind = typeof kind === 'string' && kind !== '' ? kind : of.kind;
  if (said === expected && saidKind === of.kind) return;
  const [version, group = ''] = said.split('/').reverse() as [string, string?];
  const named = { ...of, kind: saidKind, version };
  if (said !== expected && RETIRED.test(said) && saidKind === of.kind) {
    throw badRequest(`the API version in the data (${said}) does not match the expected API version (${expected})`);
  }
  if (said === expected) {
    const conversion = `converting (${group === '' ? 'v1' : version}.${saidKind}) to (${of.group || 'core'}.${of.kind})`;
    throw badRequest(`${cannotBeHandled(named, of.kind)}${conversion}: unknown conversion`);
  }
  const where = JSON.stringify(said);
  throw badRequest(
    `${cannotBeHandled(named, of.kind)}no kind ${JSON.stringify(saidKind)} is registered for version ${where} in ` +
      'scheme "pkg/api/legacyscheme/scheme.go:30"',
  );
}

const DELETE_OPTIONS = { group: '', version: 'v1', kind: 'DeleteOptions', schema: DeleteOptions as ObjectSchema };

/** The body of a DELETE. It may say that it is of whatever group it deletes from. */
export async function decodeDeleteOptions(
  request: ApiRequest,
  body: RequestBody,
): Promise<DeletionOptions & { dryRun?: boolean }> {
  if (!('object' in body) && body.bytes.length === 0) return {};
  const { value } = await readBody(DELETE_OPTIONS, body);
  const { apiVersion: _v, kind: _k, ...json } = value as Record<string, unknown>;
  const decoded = decodeOrRefuse(DELETE_OPTIONS, json).value as DeleteOptions;
  const odd = decoded.dryRun?.filter((word) => word !== 'All') ?? [];
  if (odd.length > 0) {
    const message = `Unsupported value: ${JSON.stringify(decoded.dryRun)}: supported values: "All"`;
    throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', [
      { path: 'dryRun', reason: 'FieldValueNotSupported', message },
    ]);
  }
  const { gracePeriodSeconds, propagationPolicy, orphanDependents, preconditions } = decoded;
  const dryRun = request.options.dryRun || (decoded.dryRun?.length ?? 0) > 0;
  return { gracePeriodSeconds, propagationPolicy, orphanDependents, preconditions, dryRun };
}
