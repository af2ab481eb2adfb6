// API services: which group and version they are for, and who serves it.
import { dns1035Label, dns1123Subdomain } from '../../../api/names.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { APIService } from '../../../api/types/apiregistration/api-service.ts';
import { invalidValue, required } from './problems.ts';
import { each, named, oneOf } from './values.ts';

const GROUP_PRIORITY_MAX = 20_000;
const VERSION_PRIORITY_MAX = 1_000;

export function apiServiceProblems({ metadata, spec }: APIService): FieldProblem[] {
  const { group = '', version = '', service, caBundle = '', insecureSkipTLSVerify = false } = spec;
  const name = `${version}.${group}`;
  const problems: FieldProblem[] = [];
  if (metadata.name !== name) {
    const why = `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(name)}`;
    problems.push(invalidValue('metadata.name', metadata.name, why));
  }
  if (group !== '') problems.push(...named('spec.group', group, dns1123Subdomain));
  else if (version !== 'v1') {
    problems.push(required('spec.group', 'only v1 may have an empty group and it better be legacy kube'));
  }
  problems.push(
    ...named('spec.version', version, dns1035Label),
    ...upTo('spec.groupPriorityMinimum', spec.groupPriorityMinimum, GROUP_PRIORITY_MAX),
    ...upTo('spec.versionPriority', spec.versionPriority, VERSION_PRIORITY_MAX),
  );
  if (service) {
    if (!service.namespace) problems.push(required('spec.service.namespace'));
    if (!service.name) problems.push(required('spec.service.name'));
    if (insecureSkipTLSVerify && caBundle !== '') {
      problems.push(invalidValue('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present'));
    }
    return problems;
  }
  if (caBundle !== '') {
    const size = `${Buffer.byteLength(caBundle, 'base64')} bytes`;
    problems.push(invalidValue('spec.caBundle', size, 'local APIServices may not have a caBundle'));
  }
  if (insecureSkipTLSVerify) {
    const why = 'local APIServices may not have insecureSkipTLSVerify';
    problems.push(invalidValue('spec.insecureSkipTLSVerify', true, why));
  }
  return problems;
}

function upTo(path: string, value: number | undefined, max: number): FieldProblem[] {
  if (value !== undefined && value > 0 && value <= max) return [];
  return [invalidValue(path, value ?? 0, `must be positive and less than ${max}`)];
}

export function apiServiceStatusProblems({ status }: APIService): FieldProblem[] {
  return each(status.conditions, 'status.conditions', (condition, at) =>
    oneOf(`${at}.status`, condition.status, ['True', 'False', 'Unknown']),
  );
}
