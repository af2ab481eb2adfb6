// Server-side apply, and the bookkeeping of every other write: whose fields these are.
//
//   apply   live + config -> merged, less what this manager no longer applies and nobody else owns
//   update  live -> next: what changed now belongs to whoever changed it
//
// Pure: values in, values out. Objects are canonical JSON as stored; they are never changed in place.
import { isDeepStrictEqual } from 'node:util';
import { timestamp } from '../../api/clock.ts';
import { type ObjectSchema, resolve, type Schema } from '../../api/schema/schema.ts';
import { ApiError, badRequest } from '../../api/status.ts';
import type { ManagedFieldsEntry } from '../../api/types/meta/object-meta.ts';
import { misfits } from './check.ts';
import { applyConflict, type Conflict, withoutConflictsIn } from './conflicts.ts';
import { FieldSet, type PathElement } from './field-set.ts';
import { firstFields } from './first-fields.ts';
import {
  capUpdaters,
  decodeManagers,
  encodeManagers,
  entryOf,
  identityOf,
  type Manager,
  type Managers,
  SYSTEM_FIELDS,
} from './managed-fields.ts';
import { type Comparison, compare, fieldsOf, merge, withNamedFields, without } from './typed.ts';

export interface Stored {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name?: string;
    readonly namespace?: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly managedFields?: readonly ManagedFieldsEntry[];
  };
}

/** An object in another version that some manager wrote in. Undefined when that version is no more. */
export type InVersion = (object: Stored, apiVersion: string) => { object: Stored; schema: ObjectSchema } | undefined;

export interface Write {
  readonly schema: ObjectSchema;
  readonly apiVersion: string;
  readonly manager: string;
  readonly subresource?: string;
  /** Paths that this endpoint does not write, e.g. [['f:status']]. */
  readonly ignored?: readonly (readonly PathElement[])[];
  /** Undefined when this write creates the object. */
  readonly live: Stored | undefined;
  readonly nowMs: number;
  /** Needed only where a kind is served in several versions. */
  readonly inVersion?: InVersion;
}

export interface ApplyRequest extends Write {
  readonly config: unknown;
  readonly force: boolean;
}

export interface UpdateRequest extends Write {
  /** As sent, after defaults; its own managedFields may rewrite or reset the stored ones. */
  readonly next: Stored;
}

const KUBECTL = 'kubectl';
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const LAST_APPLIED_MAX_BYTES = 256 << 10;

/** The merged object with its managedFields, not yet defaulted or validated. */
export function applyConfiguration(request: ApplyRequest): Stored {
  const config = checkedConfig(request);
  const live = bare(request.live ?? emptyOf(request.schema, config));
  const managers = decodeManagers(request.live?.metadata.managedFields) ?? new Map<string, Manager>();
  if (managers.size === 0 && request.live !== undefined) claimForWhoeverWasFirst(managers, live, request);
  const merged = applied(request, live, config, managers);
  const changed = !isDeepStrictEqual(merged, live);
  const id = identityOf({ ...writer(request), operation: 'Apply' });
  const mine = managers.get(id);
  // A manager that merely agrees with what is there has no time: it changed nothing.
  if (mine !== undefined && changed) managers.set(id, { ...mine, time: timestamp(request.nowMs) });
  return withManagers(keepLastApplied(merged, config, request.manager), managers);
}

/** The managedFields that `next` should carry after this write. */
export function trackUpdate(request: UpdateRequest): ManagedFieldsEntry[] | undefined {
  const { live, next, schema, ignored = [], nowMs } = request;
  const managers = startingManagers(request);
  if (live === undefined && managers.size === 0 && ignored.every(({ length }) => length === 1)) {
    return firstManager(request, new Set(ignored.flat()));
  }
  // What was never tracked stays untracked until somebody applies.
  if (managers.size === 0 && live !== undefined) return undefined;
  const changes = settle(request, bare(live ?? nothingOf(schema, next)), bare(next), managers).changes;
  const taken = changes.modified
    .union(changes.added)
    .without(FieldSet.of(...ignored))
    .difference(SYSTEM_FIELDS);
  if (!taken.isEmpty) {
    const self = { ...writer(request), operation: 'Update' } as const;
    const id = identityOf(self);
    const set = managers.get(id)?.set.union(taken) ?? taken;
    managers.set(id, { ...self, set, time: timestamp(nowMs) });
  }
  capUpdaters(managers);
  return managers.size === 0 ? undefined : encodeManagers(managers);
}

function firstManager(request: UpdateRequest, ignored: ReadonlySet<string>): ManagedFieldsEntry[] | undefined {
  const { next, schema, nowMs } = request;
  const fields = firstFields(nothingOf(schema, next), bare(next), schema, ignored);
  if (Object.keys(fields).length === 0) return undefined;
  return [entryOf({ ...writer(request), operation: 'Update', time: timestamp(nowMs) }, fields)];
}

/** A write may rewrite managedFields, except through a subresource; `[{}]` resets them, nonsense is not heard. */
function startingManagers({ live, next, subresource = '' }: UpdateRequest): Managers {
  const sent = next.metadata.managedFields ?? [];
  const stored = () => decodeManagers(live?.metadata.managedFields) ?? new Map<string, Manager>();
  if (subresource !== '') return stored();
  if (sent.length === 1 && Object.keys(sent[0]!).length === 0) return new Map();
  const decoded = decodeManagers(sent);
  return decoded === undefined || decoded.size === 0 ? stored() : decoded;
}

function writer({ manager, apiVersion, subresource = '' }: Write) {
  return { name: manager, apiVersion, subresource };
}

function checkedConfig({ config, schema }: ApplyRequest): Stored {
  const object = config as Stored;
  if ((object.metadata?.managedFields ?? []).length > 0) throw badRequest('metadata.managedFields must be nil');
  const problems = misfits(object, schema);
  if (problems.length === 0) return bare(object);
  const { apiVersion, kind, metadata } = object;
  const version = apiVersion.includes('/') ? apiVersion : `/${apiVersion}`;
  const text = problems.length === 1 ? problems[0] : `errors:\n${problems.map((problem) => `  ${problem}`).join('\n')}`;
  const who = `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}; ${version}, Kind=${kind}`;
  throw new ApiError(500, '', `failed to create typed patch object (${who}): ${text}`);
}

/** Everything that was there before anybody's fields were tracked belongs to a manager of that name. */
function claimForWhoeverWasFirst(managers: Managers, live: Stored, { schema, apiVersion, nowMs }: ApplyRequest): void {
  const { added, modified } = compare(emptyOf(schema, live), live, schema);
  const set = added.union(modified).difference(SYSTEM_FIELDS);
  const first = { name: 'before-first-apply', operation: 'Update', apiVersion, subresource: '' } as const;
  if (!set.isEmpty) managers.set(identityOf(first), { ...first, set, time: timestamp(nowMs) });
}

/** Applies, and takes over without force what kubectl had applied from the client's side before. */
function applied(request: ApplyRequest, live: Stored, config: Stored, managers: Managers): Stored {
  const before = new Map(managers);
  const first = attempt(request, live, config, managers);
  if (first.conflicts.length === 0 || request.force) return first.merged;
  if (request.manager !== KUBECTL) throw applyConflict(first.conflicts);
  const rest = withoutConflictsIn(first.conflicts, lastAppliedFields(live, request.schema));
  if (rest.length > 0) throw applyConflict(rest);
  managers.clear();
  for (const [id, manager] of before) managers.set(id, manager);
  return attempt({ ...request, force: true }, live, config, managers).merged;
}

function lastAppliedFields(live: Stored, schema: Schema): FieldSet {
  const text = live.metadata.annotations?.[LAST_APPLIED];
  if (text === undefined) return new FieldSet();
  try {
    return fieldsOf(JSON.parse(text), schema);
  } catch {
    return new FieldSet(); // anybody may write the annotation; nonsense permits nothing
  }
}

function attempt(request: ApplyRequest, live: Stored, config: Stored, managers: Managers) {
  const { schema, ignored = [], apiVersion } = request;
  const self = { ...writer(request), operation: 'Apply' } as const;
  const id = identityOf(self);
  const last = managers.get(id);
  const set = fieldsOf(config, schema).without(FieldSet.of(...ignored));
  managers.set(id, { ...self, set, apiVersion, time: last?.time });
  const merged = prune(request, merge(live, config, schema) as Stored, managers, last);
  const { conflicts } = settle(request, live, merged, managers, id);
  for (const [other, manager] of managers) {
    const rest = manager.set.difference(SYSTEM_FIELDS);
    if (rest.isEmpty) managers.delete(other);
    else managers.set(other, { ...manager, set: rest });
  }
  return { merged, conflicts };
}

/** Takes out what this manager applied last time, does not apply now, and nobody else owns. */
function prune(request: ApplyRequest, merged: Stored, managers: Managers, last: Manager | undefined): Stored {
  if (last === undefined || last.set.isEmpty) return merged;
  const versioned = (object: Stored, apiVersion: string) =>
    object.apiVersion === apiVersion && apiVersion === request.apiVersion
      ? { object, schema: request.schema }
      : request.inVersion?.(object, apiVersion);
  const at = versioned(merged, last.apiVersion);
  if (at === undefined) return merged; // that version is no more, and with it what was applied in it
  let pruned = without(at.object, withNamedFields(last.set, at.schema), at.schema) as Stored;
  // Back comes what somebody owns: first as of this version, for what others convert may need it, then as of theirs.
  const owned = new Map([[last.apiVersion, new FieldSet()]]);
  for (const { apiVersion, set } of managers.values()) owned.set(apiVersion, set.union(owned.get(apiVersion) ?? set));
  for (const [apiVersion, set] of owned) {
    const all = versioned(at.object, apiVersion);
    const left = versioned(pruned, apiVersion);
    if (all === undefined || left === undefined) continue;
    const [have, kept] = [namedFieldsOf(all.object, all.schema), namedFieldsOf(left.object, all.schema)];
    const gone = have.difference(kept.union(withNamedFields(set, all.schema)));
    pruned = without(all.object, gone, all.schema) as Stored;
  }
  // And what merely lay below a removed field without being owned by this manager.
  const left = versioned(pruned, last.apiVersion)!;
  const gone = namedFieldsOf(at.object, at.schema)
    .difference(namedFieldsOf(left.object, at.schema))
    .intersection(withNamedFields(last.set, at.schema));
  const result = without(at.object, gone, at.schema) as Stored;
  return versioned(result, request.apiVersion)?.object ?? merged;
}

function namedFieldsOf(object: Stored, schema: ObjectSchema): FieldSet {
  return withNamedFields(fieldsOf(object, schema), schema);
}

/**
 * From live to next: what `managers` lose by it. An applier (`self`) meets conflicts where it changes what others own;
 * other writes simply take.
 */
function settle(request: Write, live: Stored, next: Stored, managers: Managers, self?: string) {
  const ignored = FieldSet.of(...(request.ignored ?? []));
  const inVersions = new Map<string, Comparison | undefined>();
  const changesIn = (apiVersion: string): Comparison | undefined => {
    if (!inVersions.has(apiVersion)) inVersions.set(apiVersion, comparison(request, live, next, apiVersion, ignored));
    return inVersions.get(apiVersion);
  };
  const changes = changesIn(request.apiVersion)!;
  const conflicts: Conflict[] = [];
  for (const [id, manager] of [...managers]) {
    if (id === self) continue;
    const inVersion = changesIn(manager.apiVersion);
    if (inVersion === undefined) {
      managers.delete(id);
      continue;
    }
    const taken = manager.set.intersection(inVersion.modified.union(inVersion.added));
    if (!taken.isEmpty) conflicts.push({ manager, set: taken });
    const set = manager.set.difference(taken).difference(inVersion.removed);
    if (set.isEmpty) managers.delete(id);
    else managers.set(id, { ...manager, set });
  }
  return { changes, conflicts };
}

function comparison(
  request: Write,
  live: Stored,
  next: Stored,
  apiVersion: string,
  ignored: FieldSet,
): Comparison | undefined {
  let [before, after, schema] = [live, next, request.schema];
  if (apiVersion !== request.apiVersion) {
    const old = request.inVersion?.(live, apiVersion);
    const now = request.inVersion?.(next, apiVersion);
    if (old === undefined || now === undefined) return undefined;
    [before, after, schema] = [old.object, now.object, now.schema];
  }
  const { added, modified, removed } = compare(before, after, schema);
  if (ignored.isEmpty) return { added, modified, removed };
  return { added: added.without(ignored), modified: modified.without(ignored), removed: removed.without(ignored) };
}

/** What a new object of the kind looks like before anything is set: fields that are always written are there. */
function emptyOf(schema: ObjectSchema, { apiVersion, kind }: Stored): Stored {
  return { metadata: {}, ...zeroOf(schema), apiVersion, kind };
}

const zeros = new WeakMap<ObjectSchema, Record<string, unknown>>();

/** The same, to compare with only: its parts are shared. */
function nothingOf(schema: ObjectSchema, { apiVersion, kind }: Stored): Stored {
  const zero = zeros.get(schema) ?? zeroOf(schema);
  zeros.set(schema, zero);
  return { metadata: {}, ...zero, apiVersion, kind };
}

function zeroOf(schema: ObjectSchema): Record<string, unknown> {
  const zero: Record<string, unknown> = {};
  for (const [name, { emitZero, schema: type }] of Object.entries(schema.fields)) {
    if (emitZero === undefined) continue;
    const at = resolve(type);
    zero[name] = at.kind === 'object' && emitZero !== null ? zeroOf(at) : emitZero;
  }
  return zero;
}

/** Without managedFields, which nobody owns. */
function bare(object: Stored): Stored {
  const { managedFields: _, ...metadata } = object.metadata ?? {};
  return { ...object, metadata };
}

function withManagers(object: Stored, managers: Managers): Stored {
  const managedFields = encodeManagers(managers);
  return { ...object, metadata: { ...object.metadata, ...(managedFields.length > 0 && { managedFields }) } };
}

/** kubectl's own annotation follows what kubectl applies, so that both of its ways to apply can be mixed. */
function keepLastApplied(object: Stored, config: Stored, manager: string): Stored {
  if (manager !== KUBECTL || !object.metadata.annotations?.[LAST_APPLIED]) return object;
  const { annotations } = config.metadata;
  const { [LAST_APPLIED]: _, ...others } = annotations ?? {};
  const metadata = { ...config.metadata, ...(annotations !== undefined && { annotations: others }) };
  const text = `${JSON.stringify(sorted({ ...config, metadata }))}\n`;
  const kept = { ...object.metadata.annotations, [LAST_APPLIED]: text };
  const total = Object.entries(kept).reduce(
    (bytes, [key, value]) => bytes + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  );
  const { [LAST_APPLIED]: __, ...rest } = kept;
  return { ...object, metadata: { ...object.metadata, annotations: total > LAST_APPLIED_MAX_BYTES ? rest : kept } };
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, entry]) => [key, sorted(entry)]));
}
