// Service accounts: who runs as one asks here for its token.
import type { ServiceAccount } from '../../../../api/types/core/service-account.ts';
import type { Strategy } from '../../strategy.ts';
import { requestToken } from './service-account-token.ts';

const MOUNTABLE = 'kubernetes.io/enforce-mountable-secrets';

export const serviceAccountStrategy: Strategy<ServiceAccount> = {
  warnings({ metadata }) {
    if (metadata.annotations?.[MOUNTABLE] === undefined) return [];
    const why = 'deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets';
    return [`metadata.annotations[${MOUNTABLE}]: ${why}`];
  },
  subresources: { token: { handlers: { create: requestToken } } },
};
