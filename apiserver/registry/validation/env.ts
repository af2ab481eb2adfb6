// Environment variables, and the fields and resources that variables and files are made of.
import { configMapKey, envVarName, qualifiedName } from '../../../api/names.ts';
import { canonicalQuantity } from '../../../api/quantity.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { EnvFromSource, EnvVar, EnvVarSource } from '../../../api/types/core/env.ts';
import type { ObjectFieldSelector, ResourceFieldSelector } from '../../../api/types/core/selectors.ts';
import { localPlainPath } from './paths.ts';
import { invalidValue, notFoundValue, notSupported, required } from './problems.ts';
import { named } from './values.ts';

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
    return named(at, map === 'metadata.annotations' ? key.toLowerCase() : key, qualifiedName);
  }
  if (!FIELDS.includes(fieldPath) && !MAPS.includes(fieldPath)) {
    return [invalidValue(at, fieldPath, `error converting fieldPath: field label not supported: ${fieldPath}`)];
  }
  return known.includes(fieldPath) ? [] : [notSupported(at, fieldPath, known)];
}

const ONE_OR = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'];
const DIVISORS: Readonly<Record<string, { values: readonly string[]; of: string }>> = {
  cpu: { values: ['1m', '1'], of: "only divisor's values 1m and 1 are supported with the cpu resource" },
  memory: { values: ONE_OR, of: `only divisor's values ${ONE_OR.join(', ')} are supported with the memory resource` },
  'ephemeral-storage': {
    values: ONE_OR,
    of: `only divisor's values ${ONE_OR.join(', ')} are supported with the local ephemeral storage resource`,
  },
};

export function resourceFieldRefProblems(
  { containerName, resource, divisor }: ResourceFieldSelector,
  path: string,
  use: 'env' | 'files',
): FieldProblem[] {
  if (use === 'files' && !containerName) return [required(`${path}.containerName`)];
  if (!resource) return [required(`${path}.resource`)];
  const isHuge = /^(limits|requests)\.hugepages-/.test(resource);
  if (!RESOURCE_FIELDS.includes(resource) && !isHuge) {
    return [notSupported(`${path}.resource`, resource, RESOURCE_FIELDS)];
  }
  if (divisor === undefined || divisor === '0') return [];
  const allowed = DIVISORS[resource.slice(resource.indexOf('.') + 1)];
  const value = canonicalQuantity(divisor);
  return allowed === undefined || allowed.values.includes(value)
    ? []
    : [invalidValue(`${path}.divisor`, value, allowed.of)];
}

export function keyRefProblems({ name, key }: { name?: string; key: string }, path: string): FieldProblem[] {
  const problems = name ? [] : [required(`${path}.name`)];
  return [...problems, ...(key ? named(`${path}.key`, key, configMapKey) : [required(`${path}.key`)])];
}

export function envProblems(env: readonly EnvVar[] | undefined, path: string, volumes: ReadonlySet<string>) {
  return (env ?? []).flatMap(({ name, value, valueFrom }, i) => {
    const at = `${path}[${i}]`;
    const problems = name ? named(`${at}.name`, name, envVarName) : [required(`${at}.name`)];
    if (valueFrom) problems.push(...sourceProblems(valueFrom, value, `${at}.valueFrom`, volumes));
    return problems;
  });
}

function sourceProblems(
  source: EnvVarSource,
  value: string | undefined,
  path: string,
  volumes: ReadonlySet<string>,
): FieldProblem[] {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = source;
  const problems: FieldProblem[] = [];
  if (fieldRef) problems.push(...fieldRefProblems(fieldRef, `${path}.fieldRef`, 'env'));
  if (resourceFieldRef) problems.push(...resourceFieldRefProblems(resourceFieldRef, `${path}.resourceFieldRef`, 'env'));
  if (configMapKeyRef) problems.push(...keyRefProblems(configMapKeyRef, `${path}.configMapKeyRef`));
  if (secretKeyRef) problems.push(...keyRefProblems(secretKeyRef, `${path}.secretKeyRef`));
  if (fileKeyRef) {
    const at = `${path}.fileKeyRef`;
    const { volumeName, path: file, key } = fileKeyRef;
    if (!volumeName) problems.push(required(`${at}.volumeName`));
    else if (!volumes.has(volumeName)) problems.push(notFoundValue(`${at}.volumeName`, volumeName));
    problems.push(...(file ? localPlainPath(`${at}.path`, file) : [required(`${at}.path`)]));
    problems.push(...(key ? named(`${at}.key`, key, envVarName) : [required(`${at}.key`)]));
  }
  const count = Object.values(source).filter((one) => one !== undefined).length;
  const all = 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`';
  if (count === 0) problems.push(invalidValue(path, '', all));
  else if (value) problems.push(invalidValue(path, '', 'may not be specified when `value` is not empty'));
  else if (count > 1) problems.push(invalidValue(path, '', 'may not have more than one field specified at a time'));
  return problems;
}

export function envFromProblems(sources: readonly EnvFromSource[] | undefined, path: string): FieldProblem[] {
  return (sources ?? []).flatMap(({ prefix, configMapRef, secretRef }, i) => {
    const at = `${path}[${i}]`;
    const problems = prefix ? named(`${at}.prefix`, prefix, envVarName) : [];
    if (configMapRef && !configMapRef.name) problems.push(required(`${at}.configMapRef.name`));
    if (secretRef && !secretRef.name) problems.push(required(`${at}.secretRef.name`));
    if (!configMapRef && !secretRef) {
      problems.push(invalidValue(at, '', 'must specify one of: `configMapRef` or `secretRef`'));
    } else if (configMapRef && secretRef) {
      problems.push(invalidValue(at, '', 'may not have more than one field specified at a time'));
    }
    return problems;
  });
}
