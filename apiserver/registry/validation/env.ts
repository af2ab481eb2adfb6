// Environment variables, and the fields and resources that variables and files are made of.
import { configMapKey, dns1123Label, dns1123Subdomain, envVarName, qualifiedName } from '../../../api/names.ts';
import { canonicalQuantity } from '../../../api/quantity.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { EnvFromSource, EnvVar, EnvVarSource } from '../../../api/types/core/env.ts';
import type { PodSpec } from '../../../api/types/core/pod-spec.ts';
import type { ObjectFieldSelector, ResourceFieldSelector } from '../../../api/types/core/selectors.ts';
import type { Volume } from '../../../api/types/core/volume.ts';
import { asPrefixToo } from './object-meta.ts';
import { noBacksteps } from './paths.ts';
import { invalidValue, notFoundValue, notSupported, required } from './problems.ts';
import { each, named, requiredName } from './values.ts';

/** Fields that a pod can show to itself; the others exist but are not for this use. */
const FIELDS = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.restartPolicy',
  'spec.schedulerName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.phase',
  'status.podIP',
  'status.podIPs',
];
const FOR_ENV = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
const FOR_FILES = ['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid'];
const MAPS = ['metadata.annotations', 'metadata.labels'];

const RESOURCES = ['cpu', 'ephemeral-storage', 'memory'];
const RESOURCE_FIELDS = ['limits', 'requests'].flatMap((of) => RESOURCES.map((name) => `${of}.${name}`));

export function fieldRefProblems(
  { apiVersion, fieldPath }: ObjectFieldSelector,
  path: string,
  use: 'env' | 'files',
): FieldProblem[] {
  if (!apiVersion) return [required(`${path}.apiVersion`)];
  if (!fieldPath) return [required(`${path}.fieldPath`)];
  const at = `${path}.fieldPath`;
  const known = use === 'env' ? FOR_ENV : FOR_FILES;
  const subscript = /^(.*)\['(.*)'\]$/.exec(fieldPath);
  if (subscript) {
    const [, map = '', key = ''] = subscript;
    if (!MAPS.includes(map)) {
      return [invalidValue(at, fieldPath, `error converting fieldPath: field label does not support subscript`)];
    }
    // Upstream names the selector here, not its path.
    return named(path, map === 'metadata.annotations' ? key.toLowerCase() : key, qualifiedName);
  }
  if (!FIELDS.includes(fieldPath) && !MAPS.includes(fieldPath)) {
    return [invalidValue(at, fieldPath, `error converting fieldPath: field label not supported: ${fieldPath}`)];
  }
  return known.includes(fieldPath) ? [] : [notSupported(at, fieldPath, known)];
}

const BYTES = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'];

/** By what each resource may be divided, and how a message calls it. */
function divisorsOf(resource: string): { values: readonly string[]; of: string } | undefined {
  const name = /^(?:limits|requests)\.(.*)$/.exec(resource)?.[1];
  if (name === 'cpu') return { values: ['1m', '1'], of: '1m and 1 are supported with the cpu resource' };
  const all = `${BYTES.join(', ')} are supported with the`;
  if (name === 'memory') return { values: BYTES, of: `${all} memory resource` };
  if (name === 'ephemeral-storage') return { values: BYTES, of: `${all} local ephemeral storage resource` };
  return name?.startsWith('hugepages-') ? { values: BYTES, of: `${all} hugepages resource` } : undefined;
}

export function resourceFieldRefProblems(
  { containerName, resource, divisor }: ResourceFieldSelector,
  path: string,
  use: 'env' | 'files',
): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const isHuge = /^(limits|requests)\.hugepages-/.test(resource);
  if (use === 'files' && !containerName) problems.push(required(`${path}.containerName`));
  else if (!resource) problems.push(required(`${path}.resource`));
  else if (!RESOURCE_FIELDS.includes(resource) && !isHuge) {
    problems.push(notSupported(`${path}.resource`, resource, RESOURCE_FIELDS));
  }
  if (divisor === undefined || divisor === '0') return problems;
  const allowed = divisorsOf(resource);
  if (allowed !== undefined && !allowed.values.includes(canonicalQuantity(divisor))) {
    problems.push(invalidValue(`${path}.divisor`, resource, `only divisor's values ${allowed.of}`));
  }
  return problems;
}

function keyRefProblems({ name, key }: { name?: string; key: string }, path: string): FieldProblem[] {
  const problems = named(`${path}.name`, name ?? '', dns1123Subdomain);
  problems.push(...requiredName(`${path}.key`, key, configMapKey));
  return problems;
}

export function envProblems(env: readonly EnvVar[] | undefined, path: string): FieldProblem[] {
  return each(env, path, ({ name, value, valueFrom }, at) => {
    const problems = requiredName(`${at}.name`, name, envVarName);
    if (valueFrom) problems.push(...sourceProblems(valueFrom, value, `${at}.valueFrom`));
    return problems;
  });
}

function sourceProblems(source: EnvVarSource, value: string | undefined, path: string): FieldProblem[] {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = source;
  const problems: FieldProblem[] = [];
  if (fieldRef) problems.push(...fieldRefProblems(fieldRef, `${path}.fieldRef`, 'env'));
  if (resourceFieldRef) problems.push(...resourceFieldRefProblems(resourceFieldRef, `${path}.resourceFieldRef`, 'env'));
  if (configMapKeyRef) problems.push(...keyRefProblems(configMapKeyRef, `${path}.configMapKeyRef`));
  if (secretKeyRef) problems.push(...keyRefProblems(secretKeyRef, `${path}.secretKeyRef`));
  if (fileKeyRef) {
    const at = `${path}.fileKeyRef`;
    const { volumeName, path: file, key } = fileKeyRef;
    problems.push(...requiredName(`${at}.key`, key, envVarName));
    problems.push(...requiredName(`${at}.volumeName`, volumeName, dns1123Label));
    problems.push(...(file ? noBacksteps(`${at}.path`, file) : [required(`${at}.path`)]));
  }
  let count = 0;
  for (const one in source) if (source[one as keyof EnvVarSource] !== undefined) count++;
  const all = 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`';
  if (count === 0) problems.push(invalidValue(path, '', all));
  else if (value) problems.push(invalidValue(path, '', 'may not be specified when `value` is not empty'));
  else if (count > 1) problems.push(invalidValue(path, '', 'may not have more than one field specified at a time'));
  return problems;
}

/** Upstream says of the whole list that one of its sources is none. */
export function envFromProblems(sources: readonly EnvFromSource[] | undefined, path: string): FieldProblem[] {
  const asPrefix = (name: string) => asPrefixToo(dns1123Subdomain)(name, true);
  return (sources ?? []).flatMap(({ prefix, configMapRef, secretRef }, i) => {
    const at = `${path}[${i}]`;
    const problems = prefix ? named(`${at}.prefix`, prefix, envVarName) : [];
    if (configMapRef) problems.push(...requiredName(`${at}.configMapRef.name`, configMapRef.name, asPrefix));
    if (secretRef) problems.push(...requiredName(`${at}.secretRef.name`, secretRef.name, asPrefix));
    if (!configMapRef && !secretRef) {
      problems.push(invalidValue(path, '', 'must specify one of: `configMapRef` or `secretRef`'));
    } else if (configMapRef && secretRef) {
      problems.push(invalidValue(path, '', 'may not have more than one field specified at a time'));
    }
    return problems;
  });
}

const LISTS = ['initContainers', 'containers', 'ephemeralContainers'] as const;

/** Files that make variables lie in empty folders of the pod. */
export function fileKeyVolumesProblems(spec: PodSpec, path: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  let volumes: Map<string, Volume> | undefined;
  for (const list of LISTS) {
    spec[list]?.forEach(({ env }, i) => {
      env?.forEach(({ valueFrom }, n) => {
        if (valueFrom?.fileKeyRef === undefined) return;
        const at = `${path}.${list}[${i}].env[${n}].valueFrom.fileKeyRef.volumeName`;
        const { volumeName } = valueFrom.fileKeyRef;
        volumes ??= new Map(spec.volumes?.map((volume) => [volume.name, volume]));
        const volume = volumes.get(volumeName);
        if (volume === undefined) problems.push(notFoundValue(at, volumeName));
        else if (!volume.emptyDir) {
          problems.push(invalidValue(at, volumeName, 'referenced volume must be of type emptyDir'));
        }
      });
    });
  }
  return problems;
}
