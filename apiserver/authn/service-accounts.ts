// From a token to the service account it stands for: in time, for the right audience, and only as long as the account
// and what the token is bound to are there.
import { nodes, pods, secrets, serviceAccounts } from '../../api/types/core/resources.ts';
import type { RegistryContext } from '../registry/registry.ts';
import type { UserInfo } from '../registry/request.ts';
import { bootstrapUser } from './bootstrap-tokens.ts';
import { type BoundObject, isLegacy, type LegacyClaims, type TokenClaims } from './tokens.ts';

export type TokenVerdict =
  | { readonly user: UserInfo; readonly audiences: readonly string[] }
  /** Why not, for a TokenReview; a request is only told that it is unauthorized. */
  | { readonly error: string };

const LEEWAY_SECONDS = 10;

export function reviewToken(token: string, audiences: readonly string[], registry: RegistryContext): TokenVerdict {
  const joining = bootstrapUser(token, registry);
  if (joining !== undefined) return { user: joining, audiences };
  const claims = registry.tokens.read(token);
  if (claims === undefined) return { error: 'invalid bearer token' };
  if (isLegacy(claims)) return reviewLegacy(token, claims, audiences, registry);
  const now = registry.clock.now() / 1000;
  if (now > claims.exp + LEEWAY_SECONDS) return { error: '[invalid bearer token, service account token has expired]' };
  if (now + LEEWAY_SECONDS < claims.nbf)
    return { error: '[invalid bearer token, service account token is not valid yet]' };
  const meant = audiences.filter((audience) => claims.aud.includes(audience));
  if (meant.length === 0) {
    const [of, to] = [claims.aud, audiences].map((list) => list.map((each) => JSON.stringify(each)).join(' '));
    return { error: `[invalid bearer token, token audiences [${of}] is invalid for the target audiences [${to}]]` };
  }
  const gone = missingReference(claims, registry);
  if (gone !== undefined) return { error: `[invalid bearer token, ${gone}]` };
  return { user: userOf(claims), audiences: meant };
}

function missingReference(claims: TokenClaims, registry: RegistryContext): string | undefined {
  const { namespace, serviceaccount, pod, secret, node } = claims['kubernetes.io'];
  const isThere = (found: { metadata: { uid: string } } | undefined, bound: BoundObject) =>
    found !== undefined && found.metadata.uid === bound.uid;
  if (!isThere(registry.objects(serviceAccounts).get(namespace, serviceaccount.name), serviceaccount)) {
    return 'service account token has been invalidated';
  }
  if (pod && !isThere(registry.objects(pods).get(namespace, pod.name), pod))
    return 'service account token has been invalidated';
  if (secret && !isThere(registry.objects(secrets).get(namespace, secret.name), secret)) {
    return 'service account token has been invalidated';
  }
  // A node beside a pod only says where it ran.
  if (node?.uid !== undefined && pod === undefined) {
    const found = registry.objects(nodes).get('', node.name);
    if (found?.metadata.uid !== node.uid) return 'service account token has been invalidated';
  }
  return undefined;
}

const INVALID_SINCE = 'kubernetes.io/legacy-token-invalid-since';

/** Good as long as the secret that holds it and the account are there. */
function reviewLegacy(
  token: string,
  claims: LegacyClaims,
  audiences: readonly string[],
  registry: RegistryContext,
): TokenVerdict {
  const refused = { error: '[invalid bearer token, service account token has been invalidated]' };
  const namespace = claims['kubernetes.io/serviceaccount/namespace'];
  const name = claims['kubernetes.io/serviceaccount/service-account.name'];
  const uid = claims['kubernetes.io/serviceaccount/service-account.uid'];
  const secret = registry.objects(secrets).get(namespace, claims['kubernetes.io/serviceaccount/secret.name']);
  const kept = Buffer.from(secret?.data?.['token'] ?? '', 'base64').toString();
  if (secret === undefined || secret.metadata.deletionTimestamp !== undefined || kept !== token) return refused;
  if (secret.metadata.labels?.[INVALID_SINCE] !== undefined) return refused;
  const account = registry.objects(serviceAccounts).get(namespace, name);
  if (account?.metadata.uid !== uid || account.metadata.deletionTimestamp !== undefined) return refused;
  const { issuer } = registry.tokens;
  if (!audiences.includes(issuer)) {
    const to = audiences.map((audience) => JSON.stringify(audience)).join(' ');
    const why = `token audiences [${JSON.stringify(issuer)}] is invalid for the target audiences [${to}]`;
    return { error: `[invalid bearer token, ${why}]` };
  }
  const groups = [...groupsOfServiceAccount(namespace), 'system:authenticated'];
  return { user: { name: `system:serviceaccount:${namespace}:${name}`, uid, groups }, audiences: [issuer] };
}

export function groupsOfServiceAccount(namespace: string): string[] {
  return ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
}

function userOf(claims: TokenClaims): UserInfo {
  const { namespace, serviceaccount, pod, node } = claims['kubernetes.io'];
  const extra: Record<string, string[]> = { 'authentication.kubernetes.io/credential-id': [`JTI=${claims.jti}`] };
  if (pod !== undefined) {
    extra['authentication.kubernetes.io/pod-name'] = [pod.name];
    extra['authentication.kubernetes.io/pod-uid'] = [pod.uid];
  }
  if (node !== undefined) {
    extra['authentication.kubernetes.io/node-name'] = [node.name];
    if (node.uid !== undefined) extra['authentication.kubernetes.io/node-uid'] = [node.uid];
  }
  return {
    name: `system:serviceaccount:${namespace}:${serviceaccount.name}`,
    uid: serviceaccount.uid,
    groups: [...groupsOfServiceAccount(namespace), 'system:authenticated'],
    extra,
  };
}
