// Any failure as the Status a client is told.
import { ApiError, internalError } from '../../api/status.ts';
import { NoSpaceError, UnavailableError } from '../store/store.ts';

export function asApiError(err: unknown): ApiError {
  if (err instanceof ApiError) return err;
  if (err instanceof NoSpaceError) {
    // Clients told to come back in a moment would do so for long; a person has to make room first.
    return new ApiError(507, 'InsufficientStorage', `no space is left for writes: ${err.message}`, {}, { cause: err });
  }
  if (err instanceof UnavailableError) {
    const details = { retryAfterSeconds: 1 };
    return new ApiError(503, 'ServiceUnavailable', `the store is not available: ${err.message}`, details, {
      cause: err,
    });
  }
  return internalError(err instanceof Error ? err.message : String(err), err);
}
