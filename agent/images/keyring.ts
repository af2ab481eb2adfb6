// Which of the known credentials fit an image. Pure. A key names a registry, perhaps with patterns in its host and the
// beginning of a path; every key that fits is tried, the more specific ones first, as upstream orders them.
import { createHash } from 'node:crypto';
import type { AuthConfig } from '../cri/types.ts';

/** Where a credential comes from decides who may use what it has pulled. */
export type CredentialSource =
  | { readonly from: 'node' }
  | { readonly from: 'secret'; readonly uid: string; readonly namespace: string; readonly name: string }
  | { readonly from: 'serviceAccount'; readonly uid: string; readonly namespace: string; readonly name: string };

export interface Credential {
  readonly auth: AuthConfig;
  readonly source: CredentialSource;
}

/** By the key that was written, in the order in which they were found. */
export type KeyedCredential = readonly [key: string, credential: Credential];

export interface DockerEntry {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

const HUB = 'docker.io';
/** The hub's credentials are kept under this name since its first days. */
const HUB_KEY = 'index.docker.io';

/** `repository` as image-name.ts writes it out. */
export function credentialsFor(repository: string, known: readonly KeyedCredential[]): Credential[] {
  const byKey = new Map<string, Credential[]>();
  for (const [written, credential] of known) {
    const key = normalized(written);
    if (key !== undefined) byKey.set(key, [...(byKey.get(key) ?? []), credential]);
  }
  const fitting = [...byKey.keys()]
    .filter((key) => matchesImage(key, repository))
    .sort()
    .reverse();
  const found = fitting.flatMap((key) => byKey.get(key)!);
  if (found.length > 0 || !repository.startsWith(`${HUB}/`)) return found;
  return byKey.get(HUB_KEY) ?? [];
}

/** Whether a pattern covers an image: as many host parts, each by pattern; the same port; the beginning of the path. */
export function matchesImage(pattern: string, repository: string): boolean {
  const [host, port, path] = split(pattern);
  const [ofHost, ofPort, ofPath] = split(repository);
  if (port !== ofPort || !ofPath.startsWith(path)) return false;
  const [parts, ofParts] = [host.split('.'), ofHost.split('.')];
  return parts.length === ofParts.length && parts.every((part, at) => globMatches(part, ofParts[at]!));
}

/**
 * What the runtime is given: without the server's address, for it was matched here, and the runtime would parse a host
 * with a port as a URL. Undefined for an entry that says nothing.
 */
export function authOf({
  username,
  password,
  auth,
  identitytoken,
  registrytoken,
}: DockerEntry): AuthConfig | undefined {
  const decoded = auth ? Buffer.from(auth, 'base64').toString('utf8') : undefined;
  const colon = decoded?.indexOf(':') ?? -1;
  if (decoded !== undefined && colon < 0) return undefined;
  return {
    username: decoded?.slice(0, colon) ?? username ?? '',
    password: decoded?.slice(colon + 1) ?? password ?? '',
    ...(identitytoken !== undefined && { identityToken: identitytoken }),
    ...(registrytoken !== undefined && { registryToken: registrytoken }),
  };
}

/** The entries of a docker configuration, new form (`auths`) or old; throws on what is none. */
export function entriesOf(text: string, source: CredentialSource): KeyedCredential[] {
  const parsed = parsedSecretly(text);
  const auths = isMap(parsed) && isMap(parsed['auths']) ? parsed['auths'] : parsed;
  if (!isMap(auths)) throw new Error('not a docker configuration');
  return Object.entries(auths).flatMap(([key, entry]): KeyedCredential[] => {
    const auth = isMap(entry) ? authOf(entry as DockerEntry) : undefined;
    return auth === undefined ? [] : [[key, { auth, source }]];
  });
}

/** What is wrong is not said: the parser would quote the text, and with it credentials, in logs. */
export function parsedSecretly(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Error('not JSON');
  }
}

/** Tells two credentials apart without keeping them. */
export function credentialHash({ username, password, identityToken, registryToken }: AuthConfig): string {
  const said = JSON.stringify([username ?? '', password ?? '', identityToken ?? '', registryToken ?? '']);
  return createHash('sha256').update(said).digest('hex');
}

/** Keys may be written as URLs; a path of /v1 or /v2 is the registry's interface, not a part of names. */
function normalized(written: string): string | undefined {
  const url = /^https?:\/\//.test(written) ? written : `https://${written}`;
  const [, host, path = ''] = /^https?:\/\/([^/?#]+)([^?#]*)/.exec(url) ?? [];
  if (host === undefined) return undefined;
  const effective = path.replace(/^\/v[12]\//, '/');
  return effective === '' || effective === '/' || /^\/v[12]$/.test(effective) ? host : host + effective;
}

function split(text: string): [host: string, port: string, path: string] {
  const bare = text.replace(/^https?:\/\//, '');
  const slash = bare.indexOf('/');
  const authority = slash < 0 ? bare : bare.slice(0, slash);
  const [, host = '', port = ''] = /^(.*?)(?::(\d+))?$/.exec(authority) ?? [];
  return [host, port, slash < 0 ? '' : bare.slice(slash)];
}

/**
 * `*`, `?` and `[a-z]` within one part. Patterns and names are written by users: so it goes back to the last star only,
 * and takes no longer than the one's length times the other's. What is no pattern fits nothing.
 */
export function globMatches(pattern: string, text: string): boolean {
  const tokens = pattern.match(/\[\^?[^\]]+\]|./gs) ?? [];
  let [at, token, star, from] = [0, 0, -1, 0];
  while (at < text.length) {
    if (tokens[token] === '*') {
      star = token++;
      from = at;
    } else if (token < tokens.length && fits(tokens[token]!, text[at]!)) {
      token++;
      at++;
    } else if (star >= 0) {
      token = star + 1;
      at = ++from;
    } else return false;
  }
  while (tokens[token] === '*') token++;
  return token === tokens.length;
}

function fits(token: string, char: string): boolean {
  if (token === '?') return true;
  if (token.length === 1) return token === char;
  const excludes = token[1] === '^';
  const ranges = token.slice(excludes ? 2 : 1, -1).match(/.-.|./gs) ?? [];
  return ranges.some((range) => range[0]! <= char && char <= range.at(-1)!) !== excludes;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
