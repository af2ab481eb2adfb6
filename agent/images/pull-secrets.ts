// Credentials from the pull secrets of a pod.
import type { Secret } from '../../api/types/core/config-map.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { Objects } from '../pods/objects.ts';
import { entriesOf, type KeyedCredential } from './keyring.ts';

export interface PullSecrets {
  readonly known: readonly KeyedCredential[];
  /** Named by the pod and not there. */
  readonly missing: readonly string[];
}

export async function pullSecretsOf(
  { metadata, spec }: Pod,
  objects: Objects,
  signal: AbortSignal,
): Promise<PullSecrets> {
  const names = (spec.imagePullSecrets ?? []).flatMap(({ name }) => (name ? [name] : []));
  const found = await Promise.all(
    names.map((name) => objects.secret(metadata.namespace ?? '', name, { newest: true }, signal)),
  );
  return {
    known: found.flatMap((secret) => (secret === undefined ? [] : keysOf(secret))),
    missing: names.filter((_name, at) => found[at] === undefined),
  };
}

/** What is broken opens no door: the API checked the form when it was written. */
export function keysOf({ metadata, type, data }: Secret): KeyedCredential[] {
  const { uid, namespace = '', name } = metadata;
  const key = KEYS[type ?? ''];
  if (key === undefined) return [];
  try {
    const text = Buffer.from(data?.[key] ?? '', 'base64').toString('utf8');
    return entriesOf(text, { from: 'secret', uid, namespace, name });
  } catch {
    return [];
  }
}

const KEYS: Readonly<Record<string, string>> = {
  'kubernetes.io/dockerconfigjson': '.dockerconfigjson',
  'kubernetes.io/dockercfg': '.dockercfg',
};
