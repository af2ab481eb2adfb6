// The files that volumes made of API objects hold: config maps, secrets, the downward API, tokens, and any mixture.
import type { Pod } from '../../api/types/core/pod.ts';
import type {
  ConfigMapVolumeSource,
  DownwardAPIVolumeSource,
  ProjectedVolumeSource,
  SecretVolumeSource,
} from '../../api/types/core/projected-volume.ts';
import type { KeyToPath } from '../../api/types/core/selectors.ts';
import { fieldValue, resourceValue } from '../pods/field-ref.ts';
import type { Payload, ProjectedFile } from './atomic-writer.ts';
import { fsGroupOf, type VolumeContext } from './context.ts';
import { VolumeError } from './types.ts';

const DEFAULT_MODE = 0o644;
const TOKEN_SECONDS = 3_600;
/**
 * The recorded upstream adds this source to every pod's token volume, not marked optional, and leaves it to an operator
 * to publish the map. Where nobody does, pods have to start all the same.
 */
const LEFT_TO_AN_OPERATOR = 'openshift-service-ca.crt';

type Files = Map<string, ProjectedFile>;

export async function configMapPayload(
  { name = '', items, defaultMode, optional }: ConfigMapVolumeSource,
  { pod, objects, newest, signal }: VolumeContext,
): Promise<Payload> {
  const found = await objects.configMap(pod.metadata.namespace ?? '', name, { newest }, signal);
  if (found === undefined && !optional) throw new VolumeError(`configmap "${name}" not found`);
  const data = new Map<string, Buffer>([
    ...Object.entries(found?.data ?? {}).map(([key, text]) => [key, Buffer.from(text)] as const),
    ...Object.entries(found?.binaryData ?? {}).map(([key, base64]) => [key, Buffer.from(base64, 'base64')] as const),
  ]);
  return select(data, items, defaultMode, optional, 'config');
}

export async function secretPayload(
  { secretName = '', items, defaultMode, optional }: SecretVolumeSource,
  { pod, objects, newest, signal }: VolumeContext,
): Promise<Payload> {
  const found = await objects.secret(pod.metadata.namespace ?? '', secretName, { newest }, signal);
  if (found === undefined && !optional) throw new VolumeError(`secret "${secretName}" not found`);
  const data = new Map(
    Object.entries(found?.data ?? {}).map(([key, base64]) => [key, Buffer.from(base64, 'base64')] as const),
  );
  return select(data, items, defaultMode, optional, 'secret');
}

export function downwardPayload(
  { items = [], defaultMode }: DownwardAPIVolumeSource,
  { pod, facts }: VolumeContext,
): Payload {
  const files: Files = new Map();
  for (const { path, fieldRef, resourceFieldRef, mode } of items) {
    const text =
      fieldRef !== undefined
        ? fieldValue(pod, fieldRef.fieldPath, facts())
        : resourceValue(pod, resourceFieldRef!, undefined, facts());
    files.set(path, { data: Buffer.from(text), mode: mode ?? defaultMode ?? DEFAULT_MODE });
  }
  return files;
}

export async function projectedPayload(
  { sources = [], defaultMode }: ProjectedVolumeSource,
  context: VolumeContext,
): Promise<Payload> {
  const files: Files = new Map();
  const mode = { defaultMode };
  // In their order: a later source wins where two name the same path.
  for (const { configMap, secret, downwardAPI, serviceAccountToken } of sources) {
    const parts: Payload[] = [];
    if (configMap !== undefined) {
      const optional = configMap.optional || configMap.name === LEFT_TO_AN_OPERATOR;
      parts.push(await configMapPayload({ ...configMap, ...mode, optional }, context));
    }
    if (secret !== undefined) parts.push(await secretPayload({ ...secret, secretName: secret.name, ...mode }, context));
    if (downwardAPI !== undefined) parts.push(downwardPayload({ ...downwardAPI, ...mode }, context));
    if (serviceAccountToken !== undefined) {
      const { audience, expirationSeconds = TOKEN_SECONDS, path } = serviceAccountToken;
      const { pod, tokens, signal } = context;
      const token = await tokens.token(pod, audience, expirationSeconds, signal);
      parts.push(new Map([[path, tokenFile(pod, token, defaultMode ?? DEFAULT_MODE)]]));
    }
    for (const part of parts) for (const [path, file] of part) files.set(path, file);
  }
  return files;
}

/** A token is for the pod's own user where that is one user; the group may read it where there is a group. */
function tokenFile(pod: Pod, token: string, mode: number): ProjectedFile {
  const data = Buffer.from(token);
  if (fsGroupOf(pod) !== undefined) return { data, mode: 0o600 };
  const shared = pod.spec.securityContext?.runAsUser;
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const users = new Set(all.map(({ securityContext }) => securityContext?.runAsUser ?? shared));
  const [user] = users;
  return users.size === 1 && user !== undefined ? { data, mode: 0o600, uid: user } : { data, mode };
}

function select(
  data: ReadonlyMap<string, Buffer>,
  items: readonly KeyToPath[] | undefined,
  defaultMode: number | undefined,
  optional: boolean | undefined,
  what: string,
): Payload {
  const mode = defaultMode ?? DEFAULT_MODE;
  if (items === undefined || items.length === 0) {
    return new Map(Array.from(data, ([key, bytes]) => [key, { data: bytes, mode }]));
  }
  const files: Files = new Map();
  for (const { key, path, mode: own } of items) {
    const bytes = data.get(key);
    if (bytes !== undefined) files.set(path, { data: bytes, mode: own ?? mode });
    else if (!optional) throw new VolumeError(`references non-existent ${what} key: ${key}`);
  }
  return files;
}
