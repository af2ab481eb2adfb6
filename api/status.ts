// Failures as the API says them: an ApiError is a Status that can be thrown. Wording and codes are upstream's; they
// are part of the interface. Thrown where the failure is known, written out in one place at the edge.

export interface StatusCause {
  reason?: string;
  message?: string;
  field?: string;
}

export interface Status {
  apiVersion: 'v1';
  kind: 'Status';
  metadata: Record<string, unknown>;
  status: 'Failure' | 'Success';
  message?: string;
  reason?: string;
  details?: {
    name?: string;
    group?: string;
    kind?: string;
    uid?: string;
    causes?: StatusCause[];
    retryAfterSeconds?: number;
  };
  code?: number;
}

export class ApiError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: Status['details'];

  constructor(code: number, reason: string, message: string, details?: Status['details'], options?: ErrorOptions) {
    super(message, options);
    this.name = 'ApiError';
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  toStatus(): Status {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      ...(this.reason !== '' && { reason: this.reason }),
      ...(this.details !== undefined && { details: this.details }),
      code: this.code,
    };
  }

  static fromStatus(status: Partial<Status>, code: number): ApiError {
    return new ApiError(status.code ?? code, status.reason ?? '', status.message ?? `HTTP ${code}`, status.details);
  }
}

/** What a message names: the plural and the group, as in `deployments.apps "web" not found`. */
export interface Named {
  readonly group: string;
  readonly plural: string;
}
const qualified = ({ group, plural }: Named) => (group === '' ? plural : `${plural}.${group}`);
const detailsOf = ({ group, plural }: Named, name: string) => ({
  ...(name !== '' && { name }),
  ...(group !== '' && { group }),
  kind: plural,
});

export function notFound(of: Named, name: string): ApiError {
  return new ApiError(404, 'NotFound', `${qualified(of)} "${name}" not found`, detailsOf(of, name));
}
export function alreadyExists(of: Named, name: string): ApiError {
  return new ApiError(409, 'AlreadyExists', `${qualified(of)} "${name}" already exists`, detailsOf(of, name));
}
export function conflict(of: Named, name: string, why: string): ApiError {
  const message = `Operation cannot be fulfilled on ${qualified(of)} "${name}": ${why}`;
  return new ApiError(409, 'Conflict', message, detailsOf(of, name));
}
export const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again';

export function forbidden(of: Named, name: string, why: string): ApiError {
  const named = name === '' ? '' : ` "${name}"`;
  const what = of.plural === '' ? 'forbidden' : `${qualified(of)}${named} is forbidden`;
  return new ApiError(403, 'Forbidden', `${what}: ${why}`, detailsOf(of, name));
}
export function badRequest(message: string): ApiError {
  return new ApiError(400, 'BadRequest', message);
}
export function unauthorized(): ApiError {
  return new ApiError(401, 'Unauthorized', 'Unauthorized');
}
export function methodNotSupported(of: Named, action: string): ApiError {
  const message = `${action} is not supported on resources of kind "${qualified(of)}"`;
  return new ApiError(405, 'MethodNotAllowed', message, detailsOf(of, ''));
}
export function expired(message: string): ApiError {
  return new ApiError(410, 'Expired', message);
}
export function gone(message: string): ApiError {
  return new ApiError(410, 'Gone', message);
}
export function tooManyRequests(message: string, retryAfterSeconds: number): ApiError {
  return new ApiError(429, 'TooManyRequests', message, { retryAfterSeconds });
}
export function internalError(message: string, cause?: unknown): ApiError {
  const details = { causes: [{ message }] };
  return new ApiError(500, 'InternalError', `Internal error occurred: ${message}`, details, { cause });
}

/** One row of what is wrong with an object; `reason` as upstream's field errors. */
export interface FieldProblem {
  readonly path: string;
  readonly reason:
    | 'FieldValueRequired'
    | 'FieldValueInvalid'
    | 'FieldValueDuplicate'
    | 'FieldValueNotFound'
    | 'FieldValueNotSupported'
    | 'FieldValueForbidden'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'FieldValueTypeInvalid'
    | 'InternalError';
  /** As upstream writes it after the path, e.g. `Invalid value: "x": must be ...` or `Required value`. */
  readonly message: string;
}

export function invalid(
  of: { group: string; kind: string },
  name: string,
  problems: readonly FieldProblem[],
): ApiError {
  const rows = problems.map(({ path, message }) => `${path}: ${message}`);
  const unique = [...new Set(rows)];
  const list = unique.length === 1 ? unique[0] : `[${unique.join(', ')}]`;
  const qualifiedKind = of.group === '' ? of.kind : `${of.kind}.${of.group}`;
  return new ApiError(422, 'Invalid', `${qualifiedKind} "${name}" is invalid: ${list}`, {
    ...(name !== '' && { name }),
    ...(of.group !== '' && { group: of.group }),
    kind: of.kind,
    causes: problems.map(({ path, reason, message }) => ({ reason, message, field: path })),
  });
}

export function isNotFound(err: unknown): boolean {
  return err instanceof ApiError && err.code === 404;
}
export function isConflict(err: unknown): boolean {
  return err instanceof ApiError && err.code === 409 && err.reason === 'Conflict';
}
export function isAlreadyExists(err: unknown): boolean {
  return err instanceof ApiError && err.reason === 'AlreadyExists';
}
export function isGone(err: unknown): boolean {
  return err instanceof ApiError && err.code === 410;
}
