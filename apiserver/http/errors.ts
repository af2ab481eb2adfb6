// Any failure as the Status a client is told.
import { ApiError, internalError } from '../../api/status.ts';
import { UnavailableError } from '../store/store.ts';

export function asApiError(err: unknown): ApiError {
  if (err instanceof ApiError) return err;
  if (err instanceof UnavailableError) {
    const details = { retryAfterSeconds: 1 };
    return new ApiError(503, 'ServiceUnavailable', `the store is not available: ${err.message}`, details, {
      cause: err,
    });
  }
  return internalError(err instanceof Error ? err.message : String(err), err);
}
