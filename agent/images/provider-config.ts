// The CredentialProviderConfig file, by which the administrator names programs that know credentials of registries:
// read, checked, and refused at the start in upstream's words when it is wrong.
import { access, constants, readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { parseYaml } from '../../api/schema/yaml.ts';
import { durationMs } from '../pods/duration.ts';

export interface CredentialProvider {
  readonly name: string;
  readonly matchImages: readonly string[];
  readonly defaultCacheMs: number;
  readonly apiVersion: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly token?: TokenAttributes;
}

export interface TokenAttributes {
  readonly audience: string;
  /** What credentials are remembered by: the account, or the very token. */
  readonly cacheType: 'ServiceAccount' | 'Token';
  readonly requireServiceAccount: boolean;
  readonly requiredAnnotations: readonly string[];
  readonly optionalAnnotations: readonly string[];
}

export class ProviderConfigError extends Error {
  override readonly name = 'ProviderConfigError';
}

const CONFIG_VERSIONS = ['v1', 'v1beta1', 'v1alpha1'].map((version) => `kubelet.config.k8s.io/${version}`);
const PLUGIN_VERSIONS = ['v1', 'v1beta1', 'v1alpha1'].map((version) => `credentialprovider.kubelet.k8s.io/${version}`);
const EXTENSIONS = ['.json', '.yaml', '.yml'];

/** `path` is a file, or a folder whose files are taken in the order of their names. */
export async function readProviders(path: string, binDir: string): Promise<CredentialProvider[]> {
  const files = (await stat(path).catch(() => undefined))?.isDirectory()
    ? (await readdir(path))
        .filter((name) => EXTENSIONS.includes(extname(name)))
        .sort()
        .map((name) => join(path, name))
    : [path];
  const all: CredentialProvider[] = [];
  for (const file of files) all.push(...(await parseProviders(await textOf(file), file)));
  const names = all.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) < at);
  if (twice !== undefined) throw new ProviderConfigError(`${path}: duplicate provider name ${twice}`);
  for (const name of names) {
    const program = join(binDir, name);
    await access(program, constants.X_OK).catch(() => {
      throw new ProviderConfigError(`plugin binary executable ${program} did not exist`);
    });
  }
  return all;
}

async function textOf(file: string): Promise<Buffer> {
  return readFile(file).catch((cause) => {
    throw new ProviderConfigError(`${file}: cannot be read (${(cause as NodeJS.ErrnoException).code})`, { cause });
  });
}

export async function parseProviders(text: Buffer, file: string): Promise<CredentialProvider[]> {
  const fail = (why: string): never => {
    throw new ProviderConfigError(`${file}: ${why}`);
  };
  let parsed: Map;
  try {
    parsed = mapOf((await parseYaml(text)).value);
  } catch (err) {
    return fail(err instanceof Error ? err.message : String(err));
  }
  if (parsed['kind'] !== 'CredentialProviderConfig') {
    fail(`unexpected kind ${JSON.stringify(parsed['kind'] ?? '')}, expected CredentialProviderConfig`);
  }
  if (!CONFIG_VERSIONS.includes(String(parsed['apiVersion']))) {
    fail(`unsupported apiVersion ${JSON.stringify(parsed['apiVersion'] ?? '')}`);
  }
  const { providers } = parsed;
  if (!Array.isArray(providers) || providers.length === 0) return fail('providers: Required value: at least 1 item');
  return providers.map((each, at) => provider(mapOf(each), `providers[${at}]`, fail));
}

type Map = Readonly<Record<string, unknown>>;
type Fail = (why: string) => never;

function provider(from: Map, path: string, fail: Fail): CredentialProvider {
  const name = textIn(from, 'name');
  if (name === '') fail(`${path}.name: Required value: name is required`);
  if (/[/\s]/.test(name) || name === '.' || name === '..') fail(`${path}.name: Invalid value: ${JSON.stringify(name)}`);
  const apiVersion = textIn(from, 'apiVersion');
  if (apiVersion === '') fail(`${path}.apiVersion: Required value: apiVersion is required`);
  if (!PLUGIN_VERSIONS.includes(apiVersion)) {
    fail(`${path}.apiVersion: Unsupported value: ${JSON.stringify(apiVersion)}: supported values: ${PLUGIN_VERSIONS}`);
  }
  const matchImages = textsIn(from, 'matchImages');
  if (matchImages.length === 0) fail(`${path}.matchImages: Required value: at least 1 item in matchImages is required`);
  for (const pattern of matchImages) {
    if (!URL.canParse(`https://${pattern.replaceAll(/[*?[\]]/g, 'x')}`)) {
      fail(`${path}.matchImages: Invalid value: ${JSON.stringify(pattern)}: match image is invalid`);
    }
  }
  const duration = textIn(from, 'defaultCacheDuration');
  if (duration === '') fail(`${path}.defaultCacheDuration: Required value: defaultCacheDuration is required`);
  const defaultCacheMs = durationMs(duration);
  if (defaultCacheMs === undefined) fail(`${path}.defaultCacheDuration: Invalid value: ${JSON.stringify(duration)}`);
  const env = Array.isArray(from['env']) ? from['env'].map(mapOf) : [];
  const token = from['tokenAttributes'] === undefined ? undefined : mapOf(from['tokenAttributes']);
  return {
    name,
    apiVersion,
    matchImages,
    defaultCacheMs: defaultCacheMs!,
    args: textsIn(from, 'args'),
    env: Object.fromEntries(env.map((each) => [textIn(each, 'name'), textIn(each, 'value')])),
    ...(token !== undefined && { token: tokenAttributes(token, apiVersion, `${path}.tokenAttributes`, fail) }),
  };
}

function tokenAttributes(from: Map, apiVersion: string, path: string, fail: Fail): TokenAttributes {
  const audience = textIn(from, 'serviceAccountTokenAudience');
  if (audience === '') fail(`${path}.serviceAccountTokenAudience: Required value`);
  if (apiVersion !== PLUGIN_VERSIONS[0]) {
    fail(`${path}: Forbidden: tokenAttributes is only supported for ${PLUGIN_VERSIONS[0]} API version`);
  }
  const { requireServiceAccount: needs } = from;
  if (typeof needs !== 'boolean') return fail(`${path}.requireServiceAccount: Required value`);
  const required = textsIn(from, 'requiredServiceAccountAnnotationKeys');
  const optional = textsIn(from, 'optionalServiceAccountAnnotationKeys');
  if (required.length > 0 && !needs) {
    fail(
      `${path}.requiredServiceAccountAnnotationKeys: Forbidden: requireServiceAccount cannot be false when requiredServiceAccountAnnotationKeys is set`,
    );
  }
  const both = required.filter((key) => optional.includes(key));
  if (both.length > 0)
    fail(`${path}: Invalid value: [${both.join(' ')}]: annotation keys cannot be both required and optional`);
  const cacheType = textIn(from, 'cacheType');
  if (cacheType !== 'ServiceAccount' && cacheType !== 'Token') {
    return fail(
      `${path}.cacheType: ${cacheType === '' ? 'Required value' : `Unsupported value: ${JSON.stringify(cacheType)}`}: supported values: "ServiceAccount", "Token"`,
    );
  }
  return {
    audience,
    cacheType,
    requireServiceAccount: needs,
    requiredAnnotations: required,
    optionalAnnotations: optional,
  };
}

function mapOf(value: unknown): Map {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Map;
  throw new ProviderConfigError('not a map');
}

const textIn = (from: Map, key: string) => {
  const value = from[key];
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
};
const textsIn = (from: Map, key: string) =>
  Array.isArray(from[key]) ? from[key].filter((each): each is string => typeof each === 'string') : [];
