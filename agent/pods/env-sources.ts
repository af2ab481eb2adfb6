// Reads what a container's environment refers to, so that building it can be pure.
import type { Container } from '../../api/types/core/container.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { type EnvSources, fileOf } from './env.ts';
import type { Objects } from './objects.ts';

export async function readEnvSources(
  pod: Pod,
  { env = [], envFrom = [] }: Container,
  objects: Objects,
  services: Readonly<Record<string, string>>,
  readFile: (volume: string, path: string) => Promise<string | undefined>,
  signal: AbortSignal,
): Promise<EnvSources> {
  const namespace = pod.metadata.namespace ?? '';
  const mapNames = new Set<string>();
  const secretNames = new Set<string>();
  for (const { configMapRef, secretRef } of envFrom) {
    if (configMapRef?.name) mapNames.add(configMapRef.name);
    if (secretRef?.name) secretNames.add(secretRef.name);
  }
  for (const { valueFrom } of env) {
    if (valueFrom?.configMapKeyRef?.name) mapNames.add(valueFrom.configMapKeyRef.name);
    if (valueFrom?.secretKeyRef?.name) secretNames.add(valueFrom.secretKeyRef.name);
  }
  const newest = { newest: true };
  const [maps, secrets] = await Promise.all([
    each(mapNames, async (name) => textOf(await objects.configMap(namespace, name, newest, signal))),
    each(secretNames, async (name) => decoded(await objects.secret(namespace, name, newest, signal))),
  ]);
  const files = new Map<string, string | undefined>();
  for (const { valueFrom } of env) {
    const ref = valueFrom?.fileKeyRef;
    if (ref !== undefined) files.set(fileOf(ref), await readFile(ref.volumeName, ref.path));
  }
  return { configMaps: maps, secrets, services, files };
}

type Data = Readonly<Record<string, string>>;

async function each(names: Set<string>, read: (name: string) => Promise<Data | undefined>) {
  return new Map(await Promise.all([...names].map(async (name) => [name, await read(name)] as const)));
}

function decoded(secret: { data?: Data } | undefined): Data | undefined {
  if (secret === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(secret.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
  );
}

function textOf(configMap: { data?: Data } | undefined): Data | undefined {
  return configMap === undefined ? undefined : (configMap.data ?? {});
}
