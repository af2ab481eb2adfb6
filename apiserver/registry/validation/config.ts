// Config maps and secrets: their keys, their size, and what never changes again.
import { configMapKey } from '../../../api/names.ts';
import { deepEqual } from '../../../api/schema/equal.ts';
import { parseJson } from '../../../api/schema/json.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { ConfigMap, Secret } from '../../../api/types/core/config-map.ts';
import { forbidden, invalidValue, required, tooLong } from './problems.ts';
import { named, unchanged } from './values.ts';

type Data = Readonly<Record<string, string>>;

const MAX_BYTES = 1024 * 1024;
const FROZEN = 'field is immutable when `immutable` is set';

const sorted = (data: Data) => Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1));

export function configMapProblems({ data = {}, binaryData = {} }: ConfigMap): FieldProblem[] {
  const problems: FieldProblem[] = [];
  let total = 0;
  for (const [key, value] of sorted(data)) {
    problems.push(...named(`data[${key}]`, key, configMapKey));
    if (Object.hasOwn(binaryData, key)) {
      problems.push(invalidValue(`data[${key}]`, key, 'duplicate of key present in binaryData'));
    }
    total += Buffer.byteLength(value);
  }
  for (const [key, value] of sorted(binaryData)) {
    problems.push(...named(`binaryData[${key}]`, key, configMapKey));
    total += decodedLength(value);
  }
  // Upstream names no field here.
  if (total > MAX_BYTES) problems.push(tooLong('[]', MAX_BYTES));
  return problems;
}

function decodedLength(base64: string): number {
  return Buffer.byteLength(base64, 'base64');
}

export function configMapUpdateProblems(next: ConfigMap, current: ConfigMap): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (current.immutable === true) {
    if (next.immutable !== true) problems.push(forbidden('immutable', FROZEN));
    if (!deepEqual(next.data ?? {}, current.data ?? {})) problems.push(forbidden('data', FROZEN));
    if (!deepEqual(next.binaryData ?? {}, current.binaryData ?? {})) problems.push(forbidden('binaryData', FROZEN));
  }
  return [...problems, ...configMapProblems(next)];
}

const ACCOUNT = 'kubernetes.io/service-account.name';
const REDACTED = '<secret contents redacted>';

export function secretProblems({ data = {}, type, metadata }: Secret): FieldProblem[] {
  const problems: FieldProblem[] = [];
  let total = 0;
  for (const [key, value] of sorted(data)) {
    problems.push(...named(`data[${key}]`, key, configMapKey));
    total += decodedLength(value);
  }
  if (total > MAX_BYTES) problems.push(tooLong('data', MAX_BYTES));
  const mustHave = (...keys: string[]) => {
    for (const key of keys) if (!Object.hasOwn(data, key)) problems.push(required(`data[${key}]`));
  };
  switch (type) {
    case 'kubernetes.io/service-account-token':
      if (!metadata.annotations?.[ACCOUNT]) problems.push(required(`metadata.annotations[${ACCOUNT}]`));
      break;
    case 'kubernetes.io/dockercfg':
      problems.push(...jsonProblems(data, '.dockercfg'));
      break;
    case 'kubernetes.io/dockerconfigjson':
      problems.push(...jsonProblems(data, '.dockerconfigjson'));
      break;
    case 'kubernetes.io/basic-auth':
      // Either is enough.
      if (!Object.hasOwn(data, 'username') && !Object.hasOwn(data, 'password')) mustHave('username', 'password');
      break;
    case 'kubernetes.io/ssh-auth':
      if (!data['ssh-privatekey']) problems.push(required('data[ssh-privatekey]'));
      break;
    case 'kubernetes.io/tls':
      mustHave('tls.crt', 'tls.key');
      break;
  }
  return problems;
}

function jsonProblems(data: Data, key: string): FieldProblem[] {
  const value = data[key];
  if (value === undefined) return [required(`data[${key}]`)];
  try {
    parseJson(Buffer.from(value, 'base64'));
    return [];
  } catch (err) {
    return [invalidValue(`data[${key}]`, REDACTED, (err as Error).message)];
  }
}

export function secretUpdateProblems(next: Secret, current: Secret): FieldProblem[] {
  const problems = unchanged('type', next.type, current.type);
  if (current.immutable === true) {
    if (next.immutable !== true) problems.push(forbidden('immutable', FROZEN));
    if (!deepEqual(next.data ?? {}, current.data ?? {})) problems.push(forbidden('data', FROZEN));
  }
  return [...problems, ...secretProblems(next)];
}
