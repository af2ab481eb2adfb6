// Strategic merge: like a merge patch, but lists with a merge key are merged item by item, and directives in the
// patch ($patch, $retainKeys, $deleteFromPrimitiveList, $setElementOrder) say what a plain document cannot.
import { isDeepStrictEqual } from 'node:util';
import { type Field, resolve, type Schema } from '../../api/schema/schema.ts';
import { ApiError, badRequest } from '../../api/status.ts';
import { goText } from './go-text.ts';
import { put } from './shape.ts';

type Document = Record<string, unknown>;

const PATCH = '$patch';
const RETAIN = '$retainKeys';
const DELETE_PREFIX = '$deleteFromPrimitiveList/';
const ORDER_PREFIX = '$setElementOrder/';

export function strategicMerge(document: unknown, patch: unknown, schema: Schema): unknown {
  return mergeMap(structuredClone(document) as Document, structuredClone(patch) as Document, schema);
}

/** How one field of a structure is merged. */
interface Rule {
  readonly schema: Schema | undefined;
  readonly items: Schema | undefined;
  readonly strategy: string;
  readonly mergeKey: string;
}

function ruleFor(schema: Schema | undefined, name: string): Rule {
  const at = schema === undefined ? undefined : resolve(schema);
  const field: Field | undefined =
    at?.kind === 'object' && Object.hasOwn(at.fields, name) ? at.fields[name] : undefined;
  const type = field?.schema ?? (at?.kind === 'map' ? at.values : undefined);
  const resolved = type === undefined ? undefined : resolve(type);
  const strategies = (field?.patchStrategy ?? '').split(',').filter((strategy) => strategy !== 'retainKeys');
  return {
    schema: type,
    items: resolved?.kind === 'list' ? resolved.items : undefined,
    strategy: strategies[0] ?? '',
    mergeKey: field?.patchMergeKey ?? '',
  };
}

function mergeMap(original: Document, patch: Document, schema: Schema | undefined): Document {
  if (Object.hasOwn(patch, PATCH)) return byDirective(patch);
  retainKeys(original, patch);
  mergeOrdered(original, patch, schema);
  for (const [key, value] of Object.entries(patch)) {
    const isDeletion = key.startsWith(DELETE_PREFIX);
    const name = isDeletion ? key.slice(DELETE_PREFIX.length) : key;
    if (isDeletion && !Array.isArray(value)) throw badRequest('invalid patch format of primitive list');
    if (value === null) {
      delete original[name];
      continue;
    }
    const current = Object.hasOwn(original, name) ? original[name] : undefined;
    const rule = ruleFor(schema, name);
    if (current === undefined || typeOf(current) !== typeOf(value)) {
      if (!isDeletion) put(original, name, plain(value));
    } else if (Array.isArray(value)) {
      put(original, name, mergeList(current as unknown[], value, rule, isDeletion));
    } else if (isDocument(value)) {
      put(original, name, rule.strategy === 'replace' ? value : mergeMap(current as Document, value, rule.schema));
    } else {
      put(original, name, value);
    }
  }
  return original;
}

function byDirective(patch: Document): Document {
  const { [PATCH]: directive, ...rest } = patch;
  if (directive === 'replace') return rest;
  if (directive === 'delete') return {};
  throw unknownDirective(directive, patch);
}

function unknownDirective(directive: unknown, patch: Document): ApiError {
  return new ApiError(500, '', `unknown patch type: ${goText(directive)} in map: ${goText(patch)}`);
}

/** $retainKeys names all keys that may remain; the patch may not set others. */
function retainKeys(original: Document, patch: Document): void {
  if (!Object.hasOwn(patch, RETAIN)) return;
  const retained = patch[RETAIN];
  delete patch[RETAIN];
  const broken = () => badRequest('invalid patch format of retainKeys');
  if (!Array.isArray(retained)) throw broken();
  const isSpecial = (key: string) => key.startsWith(DELETE_PREFIX) || key.startsWith(ORDER_PREFIX);
  for (const key of Object.keys(patch))
    if (patch[key] !== null && !isSpecial(key) && !retained.includes(key)) throw broken();
  for (const key of Object.keys(original)) if (!retained.includes(key)) delete original[key];
}

/** Lists whose order the patch names are merged here, with that order, and taken out of the patch. */
function mergeOrdered(original: Document, patch: Document, schema: Schema | undefined): void {
  for (const key of Object.keys(patch)) {
    if (!key.startsWith(ORDER_PREFIX)) continue;
    const order = patch[key];
    delete patch[key];
    const name = key.slice(ORDER_PREFIX.length);
    if (!Array.isArray(order)) throw badRequest('invalid patch format of setElementOrder list');
    const rule = ruleFor(schema, name);
    const current = Array.isArray(original[name]) ? original[name] : undefined;
    const sent = Array.isArray(patch[name]) ? patch[name] : undefined;
    if (sent !== undefined) checkOrder(sent, order, rule.mergeKey);
    if (current === undefined && sent === undefined) continue;
    const merged =
      sent === undefined
        ? current!
        : current === undefined
          ? (plain(sent) as unknown[])
          : mergeList(current, sent, rule, false);
    original[name] = inOrder(merged, order, current ?? [], rule.mergeKey);
    delete patch[name];
  }
}

function checkOrder(sent: unknown[], order: unknown[], mergeKey: string): void {
  const kept = sent.filter((item) => !(isDocument(item) && Object.hasOwn(item, PATCH)));
  let from = 0;
  for (const item of kept) {
    const at = order.findIndex((other, i) => i >= from && same(item, other, mergeKey));
    if (at < 0) {
      const message = `The order in patch list:\n${goText(sent)}\n doesn't match $setElementOrder list:\n${goText(order)}\n`;
      throw new ApiError(500, '', message);
    }
    from = at + 1;
  }
}

function mergeList(
  original: unknown[],
  patch: unknown[],
  { strategy, mergeKey, items }: Rule,
  isDeletion: boolean,
): unknown[] {
  if (strategy !== 'merge' && !isDeletion) return patch;
  if (original.length === 0 && patch.length === 0) return original;
  if (!isDocument([...original, ...patch][0])) {
    if (isDeletion) return original.filter((item) => !patch.includes(item));
    return inOrder([...new Set([...original, ...patch])], patch, original, '');
  }
  if (mergeKey === '') throw new ApiError(500, '', 'cannot merge lists without merge key for list of maps');
  const { kept, rest } = itemDirectives(original as Document[], patch as Document[], mergeKey);
  const merged = [...kept];
  for (const item of rest) {
    const at = merged.findIndex((other) => same(other, item, mergeKey));
    if (at >= 0) merged[at] = mergeMap(merged[at]!, item, items);
    else merged.push(plain(item) as Document);
  }
  return inOrder(merged, rest, kept, mergeKey);
}

/** Carries out `$patch: delete` and `$patch: replace` among the items of a list. */
function itemDirectives(
  original: Document[],
  patch: Document[],
  mergeKey: string,
): { kept: Document[]; rest: Document[] } {
  let kept = original;
  let replace = false;
  const rest: Document[] = [];
  for (const item of patch) {
    const directive = item[PATCH];
    if (directive !== undefined && directive !== 'delete' && directive !== 'replace') {
      if (directive === 'merge') throw new ApiError(500, '', 'merging lists cannot yet be specified in the patch');
      throw unknownDirective(directive, item);
    }
    if (directive === 'replace') replace = true;
    else if (item[mergeKey] === undefined) throw withoutKey(item, mergeKey);
    else if (directive === 'delete') kept = kept.filter((other) => !same(other, item, mergeKey));
    else rest.push(item);
  }
  return replace ? { kept: rest, rest: [] } : { kept, rest };
}

function withoutKey(item: Document, mergeKey: string): ApiError {
  return new ApiError(500, '', `map: ${goText(item)} does not contain declared merge key: ${mergeKey}`);
}

/**
 * The items that `order` names come in its order; the others keep their order among themselves and stand before the
 * first named item that they stood before in `before`.
 */
function inOrder(merged: unknown[], order: unknown[], before: unknown[], mergeKey: string): unknown[] {
  const indexIn = (list: unknown[], item: unknown) => list.findIndex((other) => same(other, item, mergeKey));
  const named = merged.filter((item) => indexIn(order, item) >= 0);
  named.sort((a, b) => indexIn(order, a) - indexIn(order, b));
  const others = merged.filter((item) => indexIn(order, item) < 0);
  const result: unknown[] = [];
  while (named.length > 0 && others.length > 0) {
    const [other, next] = [indexIn(before, others[0]), indexIn(before, named[0])];
    result.push(other >= 0 && next >= 0 && other < next ? others.shift() : named.shift());
  }
  return [...result, ...named, ...others];
}

function same(a: unknown, b: unknown, mergeKey: string): boolean {
  if (mergeKey === '') return isDeepStrictEqual(a, b);
  return isDocument(a) && isDocument(b) && a[mergeKey] !== undefined && isDeepStrictEqual(a[mergeKey], b[mergeKey]);
}

function isDocument(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function typeOf(value: unknown): string {
  return Array.isArray(value) ? 'list' : value === null ? 'null' : typeof value;
}

/** What a patch adds anew: without directives and without the nulls that would have removed something. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.filter((item) => !(isDocument(item) && item[PATCH] === 'delete')).map(plain);
  }
  if (!isDocument(value)) return value;
  const result: Document = {};
  for (const [key, entry] of Object.entries(value)) {
    const isDirective =
      key === PATCH || key === RETAIN || key.startsWith(DELETE_PREFIX) || key.startsWith(ORDER_PREFIX);
    if (!isDirective && entry !== null) put(result, key, plain(entry));
  }
  return result;
}
