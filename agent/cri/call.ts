// One call to the runtime: it has a deadline, ends when the caller gives up, and fails in our words. Callers ask for
// the code, never for the text.
import type { Clock } from '../../api/clock.ts';

/** The names gRPC gives its status codes, by number. */
const CODES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;
export type CriCode = (typeof CODES)[number];

export class CriError extends Error {
  override readonly name = 'CriError';
  readonly method: string;
  readonly code: CriCode;
  /** What the runtime said, for people: events and status messages carry it. */
  readonly detail: string;

  constructor(method: string, code: CriCode, detail: string, options?: ErrorOptions) {
    super(`${method}: ${code}: ${detail}`, options);
    this.method = method;
    this.code = code;
    this.detail = detail;
  }
}

/** A method of the runtime, bound to a channel. */
export interface Rpc<Req, Res> {
  readonly method: string;
  invoke(request: Req, signal: AbortSignal): Promise<Res>;
}

export interface CallOptions {
  readonly signal: AbortSignal;
  readonly deadlineMs: number;
  readonly clock: Clock;
}

export async function call<Req, Res>(rpc: Rpc<Req, Res>, request: Req, opts: CallOptions): Promise<Res> {
  opts.signal.throwIfAborted();
  const expired = new AbortController();
  using _timer = opts.clock.after(opts.deadlineMs, () => expired.abort());
  try {
    return await rpc.invoke(request, AbortSignal.any([opts.signal, expired.signal]));
  } catch (cause) {
    opts.signal.throwIfAborted(); // the caller gave up: not the runtime's failure
    if (expired.signal.aborted) {
      const detail = `no answer within ${opts.deadlineMs} ms`;
      throw new CriError(rpc.method, 'DEADLINE_EXCEEDED', detail, { cause });
    }
    throw criError(rpc.method, cause);
  }
}

export function criError(method: string, cause: unknown): CriError {
  if (cause instanceof CriError) return cause;
  const { code, details, message } = (cause ?? {}) as { code?: unknown; details?: string; message?: string };
  const name = typeof code === 'number' ? CODES[code] : undefined;
  return new CriError(method, name ?? 'UNKNOWN', details || message || String(cause), { cause });
}

/** Removing what is gone already is a success: CRI promises the outcome, not the deed. */
export async function ignoreNotFound(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (err) {
    if (!isCri(err, 'NOT_FOUND')) throw err;
  }
}

export function isCri(err: unknown, ...codes: CriCode[]): err is CriError {
  return err instanceof CriError && (codes.length === 0 || codes.includes(err.code));
}
