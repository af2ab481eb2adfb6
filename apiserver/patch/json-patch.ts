// RFC 6902 on plain JSON. Operations that cannot be carried out all answer with one fixed text, as upstream's do.
import { isDeepStrictEqual } from 'node:util';
import { ApiError, badRequest } from '../../api/status.ts';
import { put } from './shape.ts';

const OPERATIONS_MAX = 10_000;
/** Bytes of JSON that all copies of a patch may make: a copy of what holds copies doubles it each time. */
const COPIED_MAX = 3 << 20;

interface Operation {
  readonly op?: unknown;
  readonly path?: unknown;
  readonly from?: unknown;
  readonly value?: unknown;
}

export function jsonPatch(document: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) {
    const type = patch === null || typeof patch !== 'object' ? typeof patch : 'object';
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${type} into Go value of type []handlers.jsonPatchOp`,
    );
  }
  if (patch.length > OPERATIONS_MAX) {
    const message = `The allowed maximum operations in a JSON patch is ${OPERATIONS_MAX}, got ${patch.length}`;
    throw new ApiError(413, 'RequestEntityTooLarge', message);
  }
  let result = structuredClone(document);
  let copied = 0;
  const copyOf = (value: unknown) => {
    copied += JSON.stringify(value).length;
    if (copied > COPIED_MAX) throw refused();
    return structuredClone(value);
  };
  for (const operation of patch as Operation[]) result = apply(result, operation, copyOf);
  return result;
}

function refused(): ApiError {
  return new ApiError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});
}

function apply(document: unknown, operation: Operation, copyOf: (value: unknown) => unknown): unknown {
  if (typeof operation !== 'object' || operation === null) throw refused();
  const path = pointer(operation.path);
  const { op } = operation;
  // A value that is left out is null.
  const value = structuredClone(operation.value ?? null);
  switch (op) {
    case 'add':
      return add(document, path, value);
    case 'remove':
      return remove(document, path);
    case 'replace':
      return replace(document, path, value);
    case 'move': {
      const from = pointer(operation.from);
      const moved = found(document, from);
      return add(remove(document, from), path, moved);
    }
    case 'copy':
      return add(document, path, copyOf(found(document, pointer(operation.from))));
    case 'test': {
      // What is not there equals null.
      if (isDeepStrictEqual(find(document, path) ?? null, value)) return document;
      throw refused();
    }
    default:
      throw refused();
  }
}

function pointer(path: unknown): string[] {
  if (typeof path !== 'string' || (path !== '' && !path.startsWith('/'))) throw refused();
  return path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function child(parent: unknown, key: string): unknown {
  if (Array.isArray(parent)) {
    const index = indexIn(parent, key);
    return index === undefined ? undefined : parent[index];
  }
  if (typeof parent !== 'object' || parent === null || !Object.hasOwn(parent, key)) return undefined;
  return (parent as Record<string, unknown>)[key];
}

/** Negative indices count from the end. */
function indexIn(list: unknown[], key: string): number | undefined {
  if (!/^-?\d+$/.test(key)) return undefined;
  const index = Number(key) < 0 ? list.length + Number(key) : Number(key);
  return index >= 0 && index < list.length ? index : undefined;
}

function find(document: unknown, path: string[]): unknown {
  return path.reduce<unknown>(child, document);
}

function found(document: unknown, path: string[]): unknown {
  const value = find(document, path);
  if (value === undefined) throw refused();
  return value;
}

function parentOf(document: unknown, path: string[]): Record<string, unknown> | unknown[] {
  const parent = find(document, path.slice(0, -1));
  if (typeof parent !== 'object' || parent === null) throw refused();
  return parent as Record<string, unknown> | unknown[];
}

function add(document: unknown, path: string[], value: unknown): unknown {
  if (path.length === 0) return value;
  const parent = parentOf(document, path);
  const key = path.at(-1)!;
  if (!Array.isArray(parent)) {
    put(parent, key, value);
    return document;
  }
  const index = key === '-' ? parent.length : /^-?\d+$/.test(key) ? Number(key) : Number.NaN;
  const at = index < 0 ? parent.length + index + 1 : index;
  if (!(at >= 0 && at <= parent.length)) throw refused();
  parent.splice(at, 0, value);
  return document;
}

function remove(document: unknown, path: string[]): unknown {
  if (path.length === 0) throw refused();
  const parent = parentOf(document, path);
  const key = path.at(-1)!;
  if (Array.isArray(parent)) {
    const index = indexIn(parent, key);
    if (index === undefined) throw refused();
    parent.splice(index, 1);
    return document;
  }
  if (!Object.hasOwn(parent, key)) throw refused();
  delete parent[key];
  return document;
}

/** A key that an object does not have is set all the same; a list has to have the index. */
function replace(document: unknown, path: string[], value: unknown): unknown {
  if (path.length === 0) return value;
  const parent = parentOf(document, path);
  const key = path.at(-1)!;
  if (!Array.isArray(parent)) put(parent, key, value);
  else {
    const index = indexIn(parent, key);
    if (index === undefined) throw refused();
    parent[index] = value;
  }
  return document;
}
