// Who works inside the server: identities as RBAC knows them, and the field managers of what they write.
import type { UserInfo } from './request.ts';

export interface Identity {
  readonly user: UserInfo;
  /** The field manager of its writes. */
  readonly agent: string;
}

const AUTHENTICATED = 'system:authenticated';
const SERVICE_ACCOUNT = /^system:serviceaccount:([^:]+):[^:]+$/;

/** The server's own writes at its start. */
export const SERVER_ITSELF: Identity = {
  user: { name: 'system:apiserver', groups: ['system:masters', AUTHENTICATED] },
  agent: 'kube-apiserver',
};

/** 'system:kube-scheduler', 'system:serviceaccount:kube-system:deployment-controller' ... */
export function identityOf(name: string): Identity {
  const namespace = SERVICE_ACCOUNT.exec(name)?.[1];
  const groups = namespace
    ? ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, AUTHENTICATED]
    : [AUTHENTICATED];
  const agent = name === 'system:kube-scheduler' ? 'kube-scheduler' : 'kube-controller-manager';
  return { user: { name, groups }, agent };
}
