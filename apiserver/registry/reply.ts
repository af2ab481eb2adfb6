// Small answers that deeds give.
import type { Status } from '../../api/status.ts';
import type { ValueResponse } from './request.ts';

export function success(code: 200 | 201): ValueResponse {
  const value: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code };
  return { type: 'value', code, value };
}
