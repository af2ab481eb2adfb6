// Service account tokens: JSON web tokens signed with the cluster's key (ES256, or RS256 with an RSA key), and the
// public half as others verify them. Whether the account still exists is asked by service-accounts.ts.
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

export interface BoundObject {
  readonly name: string;
  readonly uid: string;
}

export interface TokenClaims {
  readonly aud: readonly string[];
  readonly exp: number;
  readonly iat: number;
  readonly nbf: number;
  readonly iss: string;
  readonly jti: string;
  readonly sub: string;
  readonly 'kubernetes.io': {
    readonly namespace: string;
    readonly serviceaccount: BoundObject;
    readonly pod?: BoundObject;
    readonly secret?: BoundObject;
    readonly node?: { readonly name: string; readonly uid?: string };
  };
}

/** Of tokens that lie in secrets: they end with their secret or account, and are for whoever asks the API. */
export interface LegacyClaims {
  readonly iss: typeof LEGACY_ISSUER;
  readonly sub: string;
  readonly 'kubernetes.io/serviceaccount/namespace': string;
  readonly 'kubernetes.io/serviceaccount/secret.name': string;
  readonly 'kubernetes.io/serviceaccount/service-account.name': string;
  readonly 'kubernetes.io/serviceaccount/service-account.uid': string;
}

export const LEGACY_ISSUER = 'kubernetes/serviceaccount';
const VERIFIED_MAX = 1_000;

export class TokenIssuer {
  readonly issuer: string;
  readonly #key: KeyObject;
  readonly #public: KeyObject;
  readonly #algorithm: 'ES256' | 'RS256';
  readonly #kid: string;
  /** Tokens whose signature was found good, oldest first: a client sends the same one for an hour. */
  readonly #verified = new Map<string, TokenClaims | LegacyClaims>();

  constructor(keyPem: string, issuer: string) {
    this.issuer = issuer;
    this.#key = createPrivateKey(keyPem);
    this.#public = createPublicKey(this.#key);
    this.#algorithm = this.#key.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256';
    const der = this.#public.export({ type: 'spki', format: 'der' });
    this.#kid = createHash('sha256').update(der).digest('base64url');
  }

  issue(claims: TokenClaims | LegacyClaims): string {
    const head = part({ alg: this.#algorithm, kid: this.#kid });
    const body = `${head}.${part(claims)}`;
    const signature = sign('sha256', Buffer.from(body), { key: this.#key, dsaEncoding: 'ieee-p1363' });
    return `${body}.${signature.toString('base64url')}`;
  }

  /** The claims of a token that this cluster signed; undefined for any other. Times and audiences are not looked at. */
  read(token: string): TokenClaims | LegacyClaims | undefined {
    const known = this.#verified.get(token);
    if (known !== undefined) return known;
    const claims = this.#verify(token);
    if (claims === undefined) return undefined;
    this.#verified.set(token, claims);
    if (this.#verified.size > VERIFIED_MAX) this.#verified.delete(this.#verified.keys().next().value!);
    return claims;
  }

  #verify(token: string): TokenClaims | LegacyClaims | undefined {
    const [head, body, signature, ...more] = token.split('.');
    if (!head || !body || !signature || more.length > 0) return undefined;
    const header = unpart(head) as { alg?: unknown; kid?: unknown } | undefined;
    if (header?.alg !== this.#algorithm || header.kid !== this.#kid) return undefined;
    const key = { key: this.#public, dsaEncoding: 'ieee-p1363' as const };
    const signed = Buffer.from(`${head}.${body}`);
    if (!verify('sha256', signed, key, Buffer.from(signature, 'base64url'))) return undefined;
    const claims = unpart(body) as TokenClaims | LegacyClaims | undefined;
    return claims?.iss === this.issuer || claims?.iss === LEGACY_ISSUER ? claims : undefined;
  }

  /** What /openid/v1/jwks answers. */
  keySet(): object {
    return { keys: [{ use: 'sig', kid: this.#kid, alg: this.#algorithm, ...this.#public.export({ format: 'jwk' }) }] };
  }

  /** What /.well-known/openid-configuration answers. */
  configuration(jwksUri: string): object {
    return {
      issuer: this.issuer,
      jwks_uri: jwksUri,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: [this.#algorithm],
    };
  }
}

export function isLegacy(claims: TokenClaims | LegacyClaims): claims is LegacyClaims {
  return claims.iss === LEGACY_ISSUER;
}

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function unpart(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    return undefined;
  }
}
