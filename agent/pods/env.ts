// A container's environment: the services of its namespace, then envFrom, then env, each over the one before. Pure:
// what the variables refer to has been read before (env-sources.ts).
import type { Container } from '../../api/types/core/container.ts';
import type { EnvVar } from '../../api/types/core/env.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { valueIn } from './env-file.ts';
import { expand } from './expand.ts';
import { fieldValue, type PodFacts, resourceValue } from './field-ref.ts';

export interface EnvSources {
  /** By name, in the pod's namespace; undefined where the object does not exist. */
  readonly configMaps: ReadonlyMap<string, Readonly<Record<string, string>> | undefined>;
  readonly secrets: ReadonlyMap<string, Readonly<Record<string, string>> | undefined>;
  readonly services: Readonly<Record<string, string>>;
  /** Text of files in the pod's volumes, by `fileOf`; undefined where there is none. */
  readonly files?: ReadonlyMap<string, string | undefined>;
}

export function fileOf({ volumeName, path }: { volumeName: string; path: string }): string {
  return `${volumeName}/${path}`;
}

/** Something the container's specification refers to is not there: CreateContainerConfigError. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

export function buildEnv(pod: Pod, container: Container, sources: EnvSources, facts: PodFacts): Map<string, string> {
  const env = new Map<string, string>();
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    const ref = configMapRef ?? secretRef;
    if (ref === undefined) continue;
    const what = configMapRef !== undefined ? 'configmap' : 'secret';
    const data = (configMapRef !== undefined ? sources.configMaps : sources.secrets).get(ref.name ?? '');
    if (data === undefined) {
      if (ref.optional) continue;
      throw new ConfigError(`${what} "${ref.name}" not found`);
    }
    for (const key of Object.keys(data).sort()) env.set(prefix + key, data[key]!);
  }
  const lookUp = (name: string) => env.get(name) ?? sources.services[name];
  for (const variable of container.env ?? []) {
    const value =
      variable.valueFrom === undefined
        ? expand(variable.value ?? '', lookUp)
        : valueFrom(pod, container, variable, sources, facts);
    if (value !== undefined) env.set(variable.name, value);
  }
  for (const [name, value] of Object.entries(sources.services)) if (!env.has(name)) env.set(name, value);
  return env;
}

function valueFrom(
  pod: Pod,
  container: Container,
  { valueFrom: from = {} }: EnvVar,
  sources: EnvSources,
  facts: PodFacts,
): string | undefined {
  const { namespace } = pod.metadata;
  if (from.fieldRef !== undefined) return fieldValue(pod, from.fieldRef.fieldPath, facts);
  if (from.resourceFieldRef !== undefined) return resourceValue(pod, from.resourceFieldRef, container, facts);
  if (from.configMapKeyRef !== undefined) {
    const { name = '', key, optional } = from.configMapKeyRef;
    return keyOf(sources.configMaps.get(name), key, optional, 'configmap', name, `ConfigMap ${namespace}/${name}`);
  }
  if (from.secretKeyRef !== undefined) {
    const { name = '', key, optional } = from.secretKeyRef;
    return keyOf(sources.secrets.get(name), key, optional, 'secret', name, `Secret ${namespace}/${name}`);
  }
  if (from.fileKeyRef !== undefined) {
    const { path, key, optional } = from.fileKeyRef;
    const text = sources.files?.get(fileOf(from.fileKeyRef));
    const value = text === undefined ? undefined : valueIn(text, key);
    if (value !== undefined || optional) return value;
    if (text === undefined) throw new ConfigError(`couldn't read env file: file "${path}" not found`);
    throw new ConfigError(`environment variable key "${key}" not found in file "${path}"`);
  }
  return undefined;
}

function keyOf(
  data: Readonly<Record<string, string>> | undefined,
  key: string,
  optional: boolean | undefined,
  what: string,
  name: string,
  where: string,
): string | undefined {
  const value = data !== undefined && Object.hasOwn(data, key) ? data[key] : undefined;
  if (value !== undefined || optional) return value;
  if (data === undefined) throw new ConfigError(`${what} "${name}" not found`);
  throw new ConfigError(`couldn't find key ${key} in ${where}`);
}
