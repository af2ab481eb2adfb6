// Continue tokens: where a list stopped and at which revision, opaque to clients.
import { badRequest } from '../../api/status.ts';
import type { CachedObject } from '../cache/contract.ts';

export interface ContinueToken {
  /** Negative: at no revision in particular, because the one the list began at is gone. */
  readonly revision: number;
  /** 'namespace/name' or 'name' of the last object that was sent. */
  readonly after: string;
  /** The token that goes on from here at whatever revision there is. */
  next(after: string): string;
}

const VERSION = 'meta.k8s.io/v1';

export function encodeContinue(revision: number, { key }: CachedObject): string {
  return pack(revision, key);
}

function pack(rv: number, after: string): string {
  return Buffer.from(JSON.stringify({ v: VERSION, rv, start: after })).toString('base64url');
}

export function decodeContinue(text: string): ContinueToken {
  let token: unknown;
  try {
    token = JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    throw badRequest('continue key is not valid: illegal base64 data at input byte 0');
  }
  const { v, rv, start } = (token ?? {}) as { v?: unknown; rv?: unknown; start?: unknown };
  if (v !== VERSION) throw badRequest('continue key is not valid: server does not recognize this encoded version');
  if (typeof rv !== 'number' || typeof start !== 'string' || start === '') {
    throw badRequest('continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  }
  return { revision: rv, after: start, next: (after) => pack(-1, after) };
}
