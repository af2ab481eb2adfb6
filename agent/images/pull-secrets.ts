// Credentials for registries, from the pod's pull secrets: which of them fit an image, the most specific first.
import type { Secret } from '../../api/types/core/config-map.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { AuthConfig } from '../cri/types.ts';
import type { Objects } from '../pods/objects.ts';

interface DockerEntry {
  username?: string;
  password?: string;
  auth?: string;
  identitytoken?: string;
  registrytoken?: string;
}

/** Reads the pod's pull secrets; one that does not exist is simply no help. */
export function pullCredentials(objects: Objects) {
  return async ({ metadata, spec }: Pod, image: string, signal: AbortSignal): Promise<AuthConfig[]> => {
    const names = (spec.imagePullSecrets ?? []).flatMap(({ name }) => (name ? [name] : []));
    const found = await Promise.all(
      names.map((name) => objects.secret(metadata.namespace ?? '', name, { newest: true }, signal)),
    );
    return credentialsFor(
      image,
      found.filter((secret) => secret !== undefined),
    );
  };
}

export function credentialsFor(image: string, secrets: readonly Secret[]): AuthConfig[] {
  const target = locationOf(image);
  const fits = secrets
    .flatMap((secret) => Object.entries(entriesOf(secret)))
    .map(([pattern, entry]) => ({ pattern: normalize(pattern), entry }))
    .filter(({ pattern }) => matches(pattern, target));
  // The longer pattern is the more specific one.
  return fits.sort((a, b) => b.pattern.length - a.pattern.length).map(({ entry }) => authOf(entry));
}

function entriesOf(secret: Secret): Record<string, DockerEntry> {
  try {
    if (secret.type === 'kubernetes.io/dockerconfigjson') {
      const config = JSON.parse(decode(secret.data?.['.dockerconfigjson'])) as { auths?: Record<string, DockerEntry> };
      return config.auths ?? {};
    }
    if (secret.type === 'kubernetes.io/dockercfg') {
      return JSON.parse(decode(secret.data?.['.dockercfg'])) as Record<string, DockerEntry>;
    }
  } catch {
    // The API server checked the form when it was written; what is broken all the same opens no door.
  }
  return {};
}

function decode(base64 = ''): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}

/** Without the server's address: it was matched here, and the runtime would parse a host with a port as a URL. */
function authOf({ username, password, auth, identitytoken, registrytoken }: DockerEntry) {
  const [user, ...rest] = auth === undefined ? [] : decode(auth).split(':');
  return {
    username: username ?? user ?? '',
    password: password ?? rest.join(':'),
    ...(identitytoken !== undefined && { identityToken: identitytoken }),
    ...(registrytoken !== undefined && { registryToken: registrytoken }),
  };
}

/** registry/path of an image: the hub's names are written without it. */
function locationOf(image: string): string {
  const bare = image.replace(/@.*$/, '').replace(/:[^:/]*$/, '');
  const [first = '', ...rest] = bare.split('/');
  const hasRegistry = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  if (hasRegistry) return bare;
  return rest.length === 0 ? `docker.io/library/${bare}` : `docker.io/${bare}`;
}

/** Keys may be written as URLs, and the hub's has a name of its own. */
function normalize(pattern: string): string {
  const bare = pattern.replace(/^https?:\/\//, '').replace(/\/(v1|v2)?\/?$/, '');
  return bare === 'index.docker.io' ? 'docker.io' : bare;
}

/** The host's parts may be `*`; the path is a prefix. */
function matches(pattern: string, target: string): boolean {
  const [host = '', ...path] = pattern.split('/');
  const [targetHost = '', ...targetPath] = target.split('/');
  const [name = '', port] = host.split(':');
  const [targetName = '', targetPort] = targetHost.split(':');
  if (port !== undefined && port !== targetPort) return false;
  const parts = name.split('.');
  const targetParts = targetName.split('.');
  if (parts.length !== targetParts.length) return false;
  const hostFits = parts.every((part, at) => glob(part, targetParts[at]!));
  return hostFits && targetPath.join('/').startsWith(path.join('/'));
}

function glob(part: string, text: string): boolean {
  const pieces = part.split('*').map((piece) => piece.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${pieces.join('.*')}$`).test(text);
}
