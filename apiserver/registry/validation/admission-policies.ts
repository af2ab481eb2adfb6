// Admission policies and their bindings. Whether their expressions compile is for whoever evaluates them to say.
import { dns1035Label, dns1123Subdomain, qualifiedName } from '../../../api/names.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  Mutation,
} from '../../../api/types/admissionregistration/mutating-admission-policy.ts';
import type {
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../../../api/types/admissionregistration/validating-admission-policy.ts';
import { labelSelectorProblems } from './label-selector.ts';
import { pathSegmentName } from './path-segment.ts';
import { duplicate, forbidden, invalidValue, notSupported, required } from './problems.ts';
import { duplicates, each, named, oneOf, requiredName, requiredOneOf } from './values.ts';
import { conditionsProblems, ruleProblems } from './webhooks.ts';

type Spec = ValidatingAdmissionPolicy['spec'];
/** What both kinds of policies have. */
type Common = Pick<Spec, 'failurePolicy' | 'paramKind' | 'matchConstraints' | 'matchConditions' | 'variables'>;

const FAILURE_POLICIES = ['Fail', 'Ignore'];
const REASONS = ['Forbidden', 'Invalid', 'RequestEntityTooLarge', 'Unauthorized'];
const UNSET = 'expression is not specified';

export function admissionPolicyProblems({ metadata, spec }: ValidatingAdmissionPolicy): FieldProblem[] {
  const { validations, auditAnnotations } = spec;
  const problems = commonProblems(spec);
  if (!validations?.length && !auditAnnotations?.length) {
    const why = 'validations or auditAnnotations must contain at least one item';
    return [...problems, required('spec.validations', why), required('spec.auditAnnotations', why)];
  }
  return [
    ...problems,
    ...each(validations, 'spec.validations', validationProblems),
    ...auditProblems(auditAnnotations ?? [], metadata.name, 'spec.auditAnnotations'),
  ];
}

const MUTATING = ['*', 'CONNECT', 'CREATE', 'UPDATE'];

export function mutatingPolicyProblems({ spec }: MutatingAdmissionPolicy): FieldProblem[] {
  const { matchConstraints, mutations, reinvocationPolicy } = spec;
  const problems = commonProblems(spec, mutableProblems(matchConstraints, 'spec.matchConstraints'));
  if (!mutations?.length) problems.push(required('spec.mutations', 'mutations must contain at least one item'));
  return [
    ...problems,
    ...each(mutations, 'spec.mutations', mutationProblems),
    ...requiredOneOf('spec.reinvocationPolicy', reinvocationPolicy, ['Never', 'IfNeeded']),
  ];
}

/** `ofMatching`: what else is wrong with what a policy is for. */
function commonProblems(spec: Common, ofMatching: FieldProblem[] = []): FieldProblem[] {
  const { failurePolicy, paramKind, matchConstraints, matchConditions, variables } = spec;
  const problems = requiredOneOf('spec.failurePolicy', failurePolicy, FAILURE_POLICIES);
  if (paramKind) problems.push(...paramKindProblems(paramKind, 'spec.paramKind'));
  const at = 'spec.matchConstraints';
  if (!matchConstraints) problems.push(required(at));
  else {
    problems.push(...matchProblems(matchConstraints, at));
    if (!matchConstraints.resourceRules?.length) problems.push(required(`${at}.resourceRules`));
  }
  return [
    ...problems,
    ...ofMatching,
    ...conditionsProblems(matchConditions, 'spec.matchConditions'),
    ...each(variables, 'spec.variables', variableProblems),
  ];
}

function paramKindProblems({ apiVersion, kind }: NonNullable<Common['paramKind']>, path: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const at = `${path}.apiVersion`;
  const [version = '', group = '', ...more] = (apiVersion ?? '').split('/').reverse();
  if (!apiVersion) problems.push(required(at));
  else if (more.length > 0) {
    problems.push(invalidValue(at, apiVersion, `unexpected GroupVersion string: ${apiVersion}`));
  } else {
    if (group !== '') problems.push(...joined(at, group, dns1123Subdomain(group)));
    if (version === '') problems.push(invalidValue(at, apiVersion, 'version must be specified'));
    else problems.push(...joined(at, version, dns1035Label(version)));
  }
  if (!kind) return [...problems, required(`${path}.kind`)];
  const mixed = 'may have mixed case, but should otherwise match: ';
  return [...problems, ...joined(`${path}.kind`, kind, dns1035Label(kind.toLowerCase()), mixed)];
}

/** Whatever is wrong with a name, in one row. */
function joined(path: string, value: string, whys: readonly string[], before = ''): FieldProblem[] {
  return whys.length === 0 ? [] : [invalidValue(path, value, `${before}${whys.join(',')}`)];
}

type Constraints = NonNullable<Common['matchConstraints']>;
type NamedRule = NonNullable<Constraints['resourceRules']>[number];

function matchProblems(match: Constraints, path: string): FieldProblem[] {
  return [
    ...requiredOneOf(`${path}.matchPolicy`, match.matchPolicy, ['Equivalent', 'Exact']),
    ...labelSelectorProblems(match.namespaceSelector, `${path}.namespaceSelector`),
    ...labelSelectorProblems(match.objectSelector, `${path}.objectSelector`),
    ...each(match.resourceRules, `${path}.resourceRules`, namedRuleProblems),
    ...each(match.excludeResourceRules, `${path}.excludeResourceRules`, namedRuleProblems),
  ];
}

function namedRuleProblems(rule: NamedRule, path: string): FieldProblem[] {
  const names = rule.resourceNames ?? [];
  const at = `${path}.resourceNames`;
  return [
    ...each(names, at, (name, place) => named(place, name, pathSegmentName)),
    ...duplicates((i) => `${at}[${i}]`, names),
    ...ruleProblems(rule, path),
  ];
}

/** What goes cannot be changed. */
function mutableProblems(match: Constraints | undefined, path: string): FieldProblem[] {
  const operations = (match?.resourceRules ?? []).flatMap((rule) => rule.operations ?? []);
  return operations.flatMap((operation) => oneOf(`${path}.resourceRules.operations`, operation, MUTATING));
}

const IDENTIFIER = /^[_a-zA-Z][_a-zA-Z0-9]*$/;
const RESERVED = new Set([
  ...['true', 'false', 'null', 'in', 'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import'],
  ...['let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while'],
]);

function variableProblems(
  { name = '', expression = '' }: NonNullable<Common['variables']>[number],
  path: string,
): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (name.trim() === '') problems.push(required(`${path}.name`, 'name is not specified'));
  else if (!IDENTIFIER.test(name) || RESERVED.has(name)) {
    problems.push(invalidValue(`${path}.name`, name, 'name is not a valid CEL identifier'));
  }
  if (expression.trim() === '') problems.push(required(`${path}.expression`, UNSET));
  return problems;
}

type Validation = NonNullable<Spec['validations']>[number];

function validationProblems(validation: Validation, path: string): FieldProblem[] {
  const { expression = '', message = '', messageExpression = '', reason } = validation;
  const problems = expression.trim() === '' ? [required(`${path}.expression`, UNSET)] : [];
  if (messageExpression !== '' && messageExpression.trim() === '') {
    const why = 'must be non-empty if specified';
    problems.push(invalidValue(`${path}.messageExpression`, messageExpression, why));
  }
  if (message !== '' && message.trim() === '') {
    problems.push(invalidValue(`${path}.message`, message, 'message must be non-empty if specified'));
  } else if (/[\n\r]/.test(message.trim())) {
    problems.push(invalidValue(`${path}.message`, message, 'message must not contain line breaks'));
  }
  return [...problems, ...oneOf(`${path}.reason`, reason, REASONS)];
}

type AuditAnnotation = NonNullable<Spec['auditAnnotations']>[number];

const AUDIT_MAX = 20;
const AUDIT_BYTES_MAX = 5 * 1024;

function auditProblems(annotations: readonly AuditAnnotation[], policy: string, path: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (annotations.length > AUDIT_MAX) {
    problems.push(invalidValue(path, annotations, `must not have more than ${AUDIT_MAX} auditAnnotations`));
  }
  const keys = new Set<string>();
  const rows = each(annotations, path, ({ key, valueExpression }, at) => {
    const found = named(`${at}.key`, `${policy}/${key}`, qualifiedName);
    const length = Buffer.byteLength(valueExpression.trim());
    if (length === 0) found.push(required(`${at}.valueExpression`, 'valueExpression is not specified'));
    else if (length > AUDIT_BYTES_MAX) {
      found.push(required(`${at}.valueExpression`, `must not exceed ${AUDIT_BYTES_MAX} bytes in length`));
    }
    if (keys.has(key)) found.push(duplicate(`${at}.key`, key));
    keys.add(key);
    return found;
  });
  return [...problems, ...rows];
}

const PATCHES = { ApplyConfiguration: 'applyConfiguration', JSONPatch: 'jsonPatch' } as const;

function mutationProblems(mutation: Mutation, path: string): FieldProblem[] {
  const { patchType } = mutation;
  if (!patchType) return [required(`${path}.patchType`)];
  if (!Object.hasOwn(PATCHES, patchType)) return oneOf(`${path}.patchType`, patchType, Object.keys(PATCHES));
  const problems: FieldProblem[] = [];
  const wanted = PATCHES[patchType as keyof typeof PATCHES];
  const other = wanted === 'jsonPatch' ? 'applyConfiguration' : 'jsonPatch';
  const patch = mutation[wanted];
  if (!patch) problems.push(required(`${path}.${wanted}`, `must be specified when patchType is ${patchType}`));
  else if (!patch.expression?.trim()) problems.push(required(`${path}.${wanted}.expression`));
  if (mutation[other]) {
    const why = `must not be specified when patchType is ${patchType}`;
    problems.push(invalidValue(`${path}.${other}`, `{${other}}`, why));
  }
  return problems;
}

const ACTIONS = ['Audit', 'Deny', 'Warn'];

export function policyBindingProblems({ spec }: ValidatingAdmissionPolicyBinding): FieldProblem[] {
  const { policyName, paramRef, matchResources, validationActions } = spec;
  return [
    ...requiredName('spec.policyName', policyName, dns1123Subdomain),
    ...paramRefProblems(paramRef, 'spec.paramRef'),
    // Upstream spells this path so.
    ...(matchResources ? matchProblems(matchResources, 'spec.matchResouces') : []),
    ...actionsProblems(validationActions ?? [], 'spec.validationActions'),
  ];
}

export function mutatingPolicyBindingProblems({ spec }: MutatingAdmissionPolicyBinding): FieldProblem[] {
  const { policyName, paramRef, matchResources } = spec;
  const at = 'spec.matchResources';
  return [
    ...requiredName('spec.policyName', policyName, dns1123Subdomain),
    ...paramRefProblems(paramRef, 'spec.paramRef'),
    ...(matchResources ? matchProblems(matchResources, at) : []),
    ...mutableProblems(matchResources, at),
  ];
}

type ParamRef = NonNullable<ValidatingAdmissionPolicyBinding['spec']['paramRef']>;

function paramRefProblems(ref: ParamRef | undefined, path: string): FieldProblem[] {
  if (!ref) return [];
  const { name, selector, parameterNotFoundAction } = ref;
  const problems: FieldProblem[] = [];
  const exclusive = 'name and selector are mutually exclusive';
  if (name) {
    problems.push(...named(`${path}.name`, name, pathSegmentName));
    if (selector) problems.push(forbidden(`${path}.name`, exclusive));
  }
  if (selector) {
    problems.push(...labelSelectorProblems(selector, `${path}.selector`));
    if (name) problems.push(forbidden(`${path}.selector`, exclusive));
  }
  if (!name && !selector) problems.push(required(path, 'one of name or selector must be specified'));
  const actions = requiredOneOf(`${path}.parameterNotFoundAction`, parameterNotFoundAction, ['Deny', 'Allow']);
  return [...problems, ...actions];
}

function actionsProblems(actions: readonly string[], path: string): FieldProblem[] {
  const seen = new Set<string>();
  const problems = each(actions, path, (action, at) => {
    const rows = ACTIONS.includes(action) ? [] : [notSupported(at, action, ACTIONS)];
    if (seen.has(action)) rows.push(duplicate(at, action));
    seen.add(action);
    return rows;
  });
  if (seen.has('Deny') && seen.has('Warn')) {
    const why =
      'must not contain both Deny and Warn (repeating the same validation failure information in the API response ' +
      'and headers serves no purpose)';
    problems.push(invalidValue(path, actions, why));
  }
  if (seen.size === 0) problems.push(required(path, 'at least one validation action is required'));
  return problems;
}
