// Webhooks. Whether their expressions compile is for whoever evaluates them to say. What policies share with them (rules
// and conditions) is used by admission-policies.ts.
import { dns1035Label, dns1123Subdomain, fullyQualifiedName, qualifiedName } from '../../../api/names.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
  ServiceReference,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
  WebhookClientConfig,
} from '../../../api/types/admissionregistration/webhook-configuration.ts';
import { labelSelectorProblems } from './label-selector.ts';
import { duplicate, invalidValue, required, tooMany } from './problems.ts';
import { each, named, oneOf, portProblems } from './values.ts';

type Hook = ValidatingWebhook | MutatingWebhook;
type Rule = NonNullable<Hook['rules']>[number];

const REVIEW_VERSIONS = ['v1', 'v1beta1'];
const SIDE_EFFECTS = ['None', 'NoneOnDryRun'];
const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const SCOPES = ['*', 'Cluster', 'Namespaced'];
const CONDITIONS_MAX = 64;
const TIMEOUT_MAX_SECONDS = 30;

export function webhooksProblems({
  webhooks,
}: ValidatingWebhookConfiguration | MutatingWebhookConfiguration): FieldProblem[] {
  const names = new Set<string>();
  return each(webhooks as Hook[] | undefined, 'webhooks', (hook, at) => {
    const problems = [...hookProblems(hook, at), ...reviewVersionProblems(hook, at)];
    if (hook.name && names.has(hook.name)) problems.push(duplicate(`${at}.name`, hook.name));
    names.add(hook.name);
    return problems;
  });
}

function hookProblems(hook: Hook, path: string): FieldProblem[] {
  const { name, sideEffects, timeoutSeconds: seconds } = hook;
  const problems = name ? named(`${path}.name`, name, fullyQualifiedName) : [required(`${path}.name`)];
  problems.push(...each(hook.rules, `${path}.rules`, ruleProblems));
  problems.push(...oneOf(`${path}.failurePolicy`, hook.failurePolicy, ['Fail', 'Ignore']));
  problems.push(...oneOf(`${path}.matchPolicy`, hook.matchPolicy, ['Equivalent', 'Exact']));
  if (!sideEffects) problems.push(required(`${path}.sideEffects`, `must specify one of ${SIDE_EFFECTS.join(', ')}`));
  else problems.push(...oneOf(`${path}.sideEffects`, sideEffects, SIDE_EFFECTS));
  if (seconds !== undefined && (seconds < 1 || seconds > TIMEOUT_MAX_SECONDS)) {
    const why = `the timeout value must be between 1 and ${TIMEOUT_MAX_SECONDS} seconds`;
    problems.push(invalidValue(`${path}.timeoutSeconds`, seconds, why));
  }
  problems.push(
    ...labelSelectorProblems(hook.namespaceSelector, `${path}.namespaceSelector`),
    ...labelSelectorProblems(hook.objectSelector, `${path}.objectSelector`),
    ...clientProblems(hook.clientConfig ?? {}, `${path}.clientConfig`),
    ...conditionsProblems(hook.matchConditions, `${path}.matchConditions`),
  );
  if ('reinvocationPolicy' in hook) {
    problems.push(...oneOf(`${path}.reinvocationPolicy`, hook.reinvocationPolicy, ['IfNeeded', 'Never']));
  }
  return problems;
}

function reviewVersionProblems({ admissionReviewVersions }: Hook, path: string): FieldProblem[] {
  const at = `${path}.admissionReviewVersions`;
  const list = REVIEW_VERSIONS.join(', ');
  const versions = admissionReviewVersions ?? [];
  if (versions.length === 0) return [required(at, `must specify one of ${list}`)];
  const seen = new Set<string>();
  const problems = each(versions, at, (version, where) => {
    const rows = seen.has(version) ? [invalidValue(where, version, 'duplicate version')] : [];
    seen.add(version);
    return [...rows, ...named(where, version, dns1035Label)];
  });
  if (problems.length > 0 || versions.some((version) => REVIEW_VERSIONS.includes(version))) return problems;
  return [invalidValue(at, versions, `must include at least one of ${list}`)];
}

export function clientProblems({ url, service }: WebhookClientConfig, path: string): FieldProblem[] {
  if ((url === undefined) === (service === undefined)) {
    return [required(path, 'exactly one of url or service is required')];
  }
  return service ? serviceRefProblems(service, `${path}.service`) : urlProblems(url ?? '', `${path}.url`);
}

const FORM = '; desired format: https://host[/path]';

function urlProblems(text: string, path: string): FieldProblem[] {
  const parts = /^([a-zA-Z][a-zA-Z0-9+.-]*):(?:\/\/([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?$/.exec(text);
  const [, scheme = '', authority = '', , query = '', fragment = ''] = parts ?? [];
  const problems: FieldProblem[] = [];
  if (scheme.toLowerCase() !== 'https') {
    problems.push(invalidValue(path, scheme, `'https' is the only allowed URL scheme${FORM}`));
  }
  const [host = '', user] = authority.split('@').reverse();
  if (host === '') problems.push(invalidValue(path, host, `host must be specified${FORM}`));
  if (user !== undefined)
    problems.push(invalidValue(path, user, `user information is not permitted in the URL${FORM}`));
  if (fragment !== '') {
    problems.push(invalidValue(path, fragment.slice(1), `fragments are not permitted in the URL${FORM}`));
  }
  if (query !== '') {
    problems.push(invalidValue(path, query.slice(1), `query parameters are not permitted in the URL${FORM}`));
  }
  return problems;
}

export function serviceRefProblems({ name, namespace, path: url, port = 443 }: ServiceReference, path: string) {
  const problems: FieldProblem[] = [];
  if (!name) problems.push(required(`${path}.name`, 'service name is required'));
  if (!namespace) problems.push(required(`${path}.namespace`, 'service namespace is required'));
  for (const { message } of portProblems(path, port)) {
    const why = message.slice(message.indexOf(': ', message.indexOf(': ') + 2) + 2);
    problems.push(invalidValue(`${path}.port`, port, `port is not valid: ${why}`));
  }
  if (url === undefined) return problems;
  const at = `${path}.path`;
  if (!url.startsWith('/')) return [...problems, invalidValue(at, url, "must start with a '/'")];
  if (url === '/') return problems;
  const steps = (url.endsWith('/') ? url.slice(1, -1) : url.slice(1)).split('/');
  for (const [i, step] of steps.entries()) {
    if (step === '') problems.push(invalidValue(at, url, `segment[${i}] may not be empty`));
    else for (const why of dns1123Subdomain(step)) problems.push(invalidValue(at, url, `segment[${i}]: ${why}`));
  }
  return problems;
}

const STAR_ALONE = (what: string) => `if '*' is present, must not specify other ${what}`;

export function ruleProblems(
  { operations, apiGroups, apiVersions, resources, scope }: Rule,
  path: string,
): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const list = operations ?? [];
  if (list.length === 0) problems.push(required(`${path}.operations`));
  if (list.length > 1 && list.includes('*')) {
    problems.push(invalidValue(`${path}.operations`, list, STAR_ALONE('operations')));
  }
  problems.push(...each(list, `${path}.operations`, (operation, at) => oneOf(at, operation, OPERATIONS)));
  for (const [field, values, what] of [
    ['apiGroups', apiGroups, 'API groups'],
    ['apiVersions', apiVersions, 'API versions'],
  ] as const) {
    if (!values?.length) problems.push(required(`${path}.${field}`));
    if ((values?.length ?? 0) > 1 && values!.includes('*')) {
      problems.push(invalidValue(`${path}.${field}`, values, STAR_ALONE(what)));
    }
  }
  problems.push(
    ...each(apiVersions, `${path}.apiVersions`, (version, at) => (version === '' ? [required(at)] : [])),
    ...resourcesProblems(resources ?? [], `${path}.resources`),
    ...oneOf(`${path}.scope`, scope, SCOPES),
  );
  return problems;
}

function resourcesProblems(resources: readonly string[], path: string): FieldProblem[] {
  if (resources.length === 0) return [required(path)];
  // A wildcard speaks of what comes after it.
  const wholes = new Set<string>();
  const everywhere = new Set<string>();
  const problems = each(resources, path, (resource, at) => {
    if (resource === '') return [required(at)];
    const slash = resource.indexOf('/');
    if (slash < 0) return [];
    const [name, sub] = [resource.slice(0, slash), resource.slice(slash + 1)];
    const clash = (wildcard: string) =>
      invalidValue(at, resource, `if '${wildcard}' is present, must not specify ${resource}`);
    const rows = [
      ...(wholes.has(name) ? [clash(`${name}/*`)] : []),
      ...(everywhere.has(sub) ? [clash(`*/${sub}`)] : []),
    ];
    if (sub === '*') wholes.add(name);
    if (name === '*') everywhere.add(sub);
    return rows;
  });
  const has = (resource: string) => resources.includes(resource);
  if (has('*/*') && resources.length > 1) {
    problems.push(invalidValue(path, resources, "if '*/*' is present, must not specify other resources"));
  }
  if (has('*') && resources.some((resource) => resource !== '*' && !resource.includes('/'))) {
    const why = "if '*' is present, must not specify other resources without subresources";
    problems.push(invalidValue(path, resources, why));
  }
  return problems;
}

export function conditionsProblems(
  conditions: readonly { name: string; expression: string }[] | undefined,
  path: string,
): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if ((conditions?.length ?? 0) > CONDITIONS_MAX) {
    problems.push(tooMany(path, conditions!.length, CONDITIONS_MAX));
  }
  const names = new Set<string>();
  return [
    ...problems,
    ...each(conditions, path, ({ name, expression }, at) => {
      const rows = expression.trim() === '' ? [required(`${at}.expression`)] : [];
      if (!name) rows.push(required(`${at}.name`));
      else {
        rows.push(...named(`${at}.name`, name, qualifiedName));
        if (names.has(name)) rows.push(duplicate(`${at}.name`, name));
      }
      names.add(name);
      return rows;
    }),
  ];
}
