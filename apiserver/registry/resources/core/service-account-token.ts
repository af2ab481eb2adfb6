// POST serviceaccounts/<name>/token: a token for the account, good for a while and as long as what it is bound to.
import { timestamp } from '../../../../api/clock.ts';
import type { KubeObject } from '../../../../api/schema/kind.ts';
import type { ObjectSchema } from '../../../../api/schema/schema.ts';
import { badRequest, conflict, invalid, notFound } from '../../../../api/status.ts';
import { TokenRequest } from '../../../../api/types/authentication/token-request.ts';
import { nodes, pods, secrets } from '../../../../api/types/core/resources.ts';
import type { ServiceAccount } from '../../../../api/types/core/service-account.ts';
import type { TokenClaims } from '../../../authn/tokens.ts';
import { trackUpdate } from '../../../patch/patch.ts';
import { decodeAs } from '../../codec.ts';
import { managerOf } from '../../managed-fields.ts';
import { existing } from '../../read.ts';
import type { RegistryContext } from '../../registry.ts';
import type { ApiRequest } from '../../request.ts';
import type { Handler } from '../../strategy.ts';
import { invalidValue } from '../../validation/problems.ts';
import { attributesOf } from '../../write.ts';

const KIND = {
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenRequest',
  schema: TokenRequest as ObjectSchema,
};
const MIN_SECONDS = 10 * 60;
const MAX_SECONDS = 2 ** 32;
/** Asked for by kubelets of old; they are given a year so that clients which never reload do not break. */
const HOUR_AND_A_LITTLE = 3607;
const YEAR_SECONDS = 365 * 24 * 3600;

export const requestToken: Handler = async (request, registry) => {
  const wanted = (await decodeAs(KIND, request)) as TokenRequest;
  const account = existing(registry.storeOf(request.resource), request).decoded() as ServiceAccount;
  refuseInvalid(wanted);
  const attributes = attributesOf(request, 'CREATE', wanted as unknown as KubeObject, undefined);
  await registry.admission.admit(attributes, registry);
  await registry.admission.validate(attributes, registry);
  const nowMs = registry.clock.now();
  const seconds = wanted.spec.expirationSeconds!;
  const claims = claimsFor(wanted, account, request, registry, nowMs);
  const { name, namespace, uid } = account.metadata;
  const metadata = { name, namespace, uid, creationTimestamp: timestamp(nowMs) } as KubeObject['metadata'];
  const audiences = [...claims.aud];
  const next: TokenRequest = {
    ...wanted,
    metadata,
    status: { expirationTimestamp: timestamp(nowMs + seconds * 1000), token: registry.tokens.issue(claims) },
  };
  const managedFields = trackUpdate({
    ...{ schema: KIND.schema, apiVersion: 'authentication.k8s.io/v1', manager: managerOf(request), nowMs },
    ...{ subresource: 'token', live: undefined, next: wanted },
    ignored: [['f:status']],
  });
  next.spec = { ...wanted.spec, audiences };
  next.metadata = { ...metadata, ...(managedFields && { managedFields }) };
  return { type: 'value', code: 201, value: next };
};

function refuseInvalid({ spec }: TokenRequest): void {
  const seconds = spec.expirationSeconds!;
  const why =
    seconds < MIN_SECONDS
      ? 'may not specify a duration less than 10 minutes'
      : seconds > MAX_SECONDS
        ? 'may not specify a duration larger than 2^32 seconds'
        : undefined;
  if (why !== undefined) {
    throw invalid({ group: KIND.group, kind: KIND.kind }, '', [invalidValue('spec.expirationSeconds', seconds, why)]);
  }
}

function claimsFor(
  { spec }: TokenRequest,
  account: ServiceAccount,
  request: ApiRequest,
  registry: RegistryContext,
  nowMs: number,
): TokenClaims {
  const { name, namespace = '', uid } = account.metadata;
  const iat = Math.floor(nowMs / 1000);
  const seconds = spec.expirationSeconds!;
  const toIssuer = !spec.audiences?.length;
  const lasts = seconds === HOUR_AND_A_LITTLE && toIssuer ? YEAR_SECONDS : seconds;
  return {
    aud: toIssuer ? [registry.tokens.issuer] : spec.audiences!,
    exp: iat + lasts,
    iat,
    iss: registry.tokens.issuer,
    jti: registry.random.uuid(),
    'kubernetes.io': { namespace, ...boundTo(spec.boundObjectRef, request, registry), serviceaccount: { name, uid } },
    nbf: iat,
    sub: `system:serviceaccount:${namespace}:${name}`,
  };
}

type Bound = Partial<Pick<TokenClaims['kubernetes.io'], 'pod' | 'secret' | 'node'>>;

function boundTo(
  ref: TokenRequest['spec']['boundObjectRef'],
  { namespace }: ApiRequest,
  registry: RegistryContext,
): Bound {
  if (ref === undefined || ref === null) return {};
  const { kind = '', apiVersion = '', name = '', uid } = ref;
  const found = (object: KubeObject | undefined, plural: string) => {
    if (object === undefined) throw notFound({ group: '', plural }, name);
    if (uid && uid !== object.metadata.uid) {
      const why =
        `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been ` +
        'deleted and then recreated';
      throw conflict({ group: '', plural: kind }, name, why);
    }
    return { name, uid: object.metadata.uid };
  };
  switch (`${apiVersion} ${kind}`) {
    case 'v1 Pod': {
      const pod = registry.objects(pods).get(namespace, name);
      const bound = found(pod, 'pods');
      const node = pod!.spec.nodeName ? registry.objects(nodes).get('', pod!.spec.nodeName) : undefined;
      const at = pod!.spec.nodeName && { node: { name: pod!.spec.nodeName, ...(node && { uid: node.metadata.uid }) } };
      return { ...(at || {}), pod: bound };
    }
    case 'v1 Secret':
      return { secret: found(registry.objects(secrets).get(namespace, name), 'secrets') };
    case 'v1 Node':
      return { node: found(registry.objects(nodes).get('', name), 'nodes') };
    default:
      throw badRequest(`cannot bind token to object of type /${apiVersion}, Kind=${kind}`);
  }
}
