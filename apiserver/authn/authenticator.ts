// Who is asking: by client certificate, by bearer token, or nobody in particular; then perhaps in another's name.
import { forbidden, unauthorized } from '../../api/status.ts';
import type { RegistryContext } from '../registry/registry.ts';
import type { UserInfo } from '../registry/request.ts';
import { groupsOfServiceAccount, reviewToken } from './service-accounts.ts';

export interface Credentials {
  /** The verified certificate's subject: its common name is the user, its organizations the groups. */
  readonly certificate?: { readonly commonName: string; readonly organizations: readonly string[] };
  readonly bearer?: string;
  readonly impersonate?: Impersonation;
}

export interface Impersonation {
  readonly user: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

const AUTHENTICATED = 'system:authenticated';
export const ANONYMOUS: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

export function authenticate(credentials: Credentials, registry: RegistryContext): UserInfo {
  const user = whoIs(credentials, registry);
  return credentials.impersonate === undefined ? user : inTheNameOf(user, credentials.impersonate, registry);
}

function whoIs({ certificate, bearer }: Credentials, registry: RegistryContext): UserInfo {
  if (certificate !== undefined) {
    const groups = certificate.organizations.filter((group) => group !== AUTHENTICATED);
    return { name: certificate.commonName, groups: [...groups, AUTHENTICATED] };
  }
  if (bearer === undefined) return ANONYMOUS;
  const verdict = reviewToken(bearer, [registry.tokens.issuer], registry);
  if ('error' in verdict) throw unauthorized();
  return verdict.user;
}

const SERVICE_ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;

/** Every part of the other identity is asked for on its own: RBAC may allow the user but not the groups. */
function inTheNameOf(real: UserInfo, as: Impersonation, registry: RegistryContext): UserInfo {
  const may = (group: string, resource: string, subresource: string, name: string, namespace = '') => {
    const access = { user: real, verb: 'impersonate', group, resource, subresource, namespace, name };
    const decision = registry.authorizer.authorize(access);
    if (decision.answer === 'allow') return;
    const what = subresource === '' ? resource : `${resource}/${subresource}`;
    const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
    const because = decision.reason ? `: ${decision.reason}` : '';
    const why =
      `User ${JSON.stringify(real.name)} cannot impersonate resource ${JSON.stringify(what)} in API group ` +
      `${JSON.stringify(group)} ${where}${because}`;
    throw forbidden({ group, plural: resource }, name, why);
  };
  const account = SERVICE_ACCOUNT.exec(as.user);
  if (account !== null) may('', 'serviceaccounts', '', account[2]!, account[1]!);
  else may('', 'users', '', as.user);
  for (const group of as.groups) may('', 'groups', '', group);
  for (const [key, values] of Object.entries(as.extra)) {
    for (const value of values) may('authentication.k8s.io', 'userextras', key, value);
  }
  if (as.uid !== undefined) may('authentication.k8s.io', 'uids', '', as.uid);
  return {
    name: as.user,
    ...(as.uid !== undefined && { uid: as.uid }),
    groups: groupsAs(as, account?.[1]),
    extra: as.extra,
  };
}

function groupsAs({ user, groups }: Impersonation, accountNamespace: string | undefined): string[] {
  const given =
    groups.length === 0 && accountNamespace !== undefined ? groupsOfServiceAccount(accountNamespace) : groups;
  if (user === ANONYMOUS.name) return [...new Set([...given, ...ANONYMOUS.groups])];
  return [...new Set([...given, AUTHENTICATED])];
}
