// Flow schemas and priority levels.
import { dns1123Label, dns1123Subdomain } from '../../../api/names.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { FlowSchema } from '../../../api/types/flowcontrol/flow-schema.ts';
import type { PriorityLevelConfiguration } from '../../../api/types/flowcontrol/priority-level-configuration.ts';
import { forbidden, invalidValue, notSupported, required } from './problems.ts';
import { each, named, oneOf } from './values.ts';

type Rules = NonNullable<FlowSchema['spec']['rules']>[number];
type Subject = Rules['subjects'][number];

const PRECEDENCE_MAX = 10_000;
const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch'];

export function flowSchemaProblems({ metadata, spec }: FlowSchema): FieldProblem[] {
  const { matchingPrecedence: precedence = 0, distinguisherMethod, rules } = spec;
  const at = 'spec.matchingPrecedence';
  const problems: FieldProblem[] = [];
  if (precedence <= 0) problems.push(invalidValue(at, precedence, 'must be a positive value'));
  if (precedence > PRECEDENCE_MAX) {
    problems.push(invalidValue(at, precedence, `must not be greater than ${PRECEDENCE_MAX}`));
  }
  if (precedence === 1 && metadata.name !== 'exempt') {
    problems.push(invalidValue(at, precedence, "only the schema named 'exempt' may have matchingPrecedence 1"));
  }
  problems.push(...oneOf('spec.distinguisherMethod.type', distinguisherMethod?.type, ['ByNamespace', 'ByUser']));
  const level = spec.priorityLevelConfiguration?.name;
  const where = 'spec.priorityLevelConfiguration.name';
  if (!level) problems.push(required(where, 'must reference a priority level'));
  else problems.push(...named(where, level, dns1123Subdomain));
  return [...problems, ...each(rules, 'spec.rules', rulesProblems)];
}

function rulesProblems({ subjects, resourceRules, nonResourceRules }: Rules, path: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (!subjects?.length) problems.push(required(`${path}.subjects`, 'subjects must contain at least one value'));
  problems.push(...each(subjects ?? [], `${path}.subjects`, subjectProblems));
  if (!resourceRules?.length && !nonResourceRules?.length) {
    problems.push(required(path, 'at least one of resourceRules and nonResourceRules has to be non-empty'));
  }
  problems.push(
    ...each(resourceRules, `${path}.resourceRules`, ({ verbs, apiGroups, resources, namespaces, clusterScope }, at) => {
      const rows = [
        ...verbsProblems(verbs ?? [], `${at}.verbs`),
        ...listProblems(apiGroups ?? [], `${at}.apiGroups`, 'resource rules must supply at least one api group'),
        ...listProblems(resources ?? [], `${at}.resources`, 'resource rules must supply at least one resource'),
      ];
      if (!namespaces?.length && !clusterScope) {
        const why = 'resource rules that are not cluster scoped must supply at least one namespace';
        rows.push(required(`${at}.namespaces`, why));
      } else if (namespaces && namespaces.length > 1 && namespaces.includes('*')) {
        rows.push(invalidValue(`${at}.namespaces`, namespaces, "if '*' is present, must not specify other namespaces"));
      } else {
        for (const [i, name] of (namespaces ?? []).entries()) {
          if (name !== '*') rows.push(...named(`${at}.namespaces[${i}]`, name, dns1123Label));
        }
      }
      return rows;
    }),
    ...each(nonResourceRules, `${path}.nonResourceRules`, ({ verbs, nonResourceURLs }, at) => [
      ...verbsProblems(verbs ?? [], `${at}.verbs`),
      ...listProblems(
        nonResourceURLs ?? [],
        `${at}.nonResourceURLs`,
        'nonResourceURLs must contain at least one value',
      ),
    ]),
  );
  return problems;
}

function verbsProblems(verbs: readonly string[], path: string): FieldProblem[] {
  const problems = listProblems(verbs, path, 'verbs must contain at least one value');
  if (problems.length > 0) return problems;
  return verbs.every((verb) => verb === '*' || VERBS.includes(verb))
    ? []
    : [notSupported(path, verbs, [...VERBS, '*'].sort())];
}

function listProblems(values: readonly string[], path: string, none: string): FieldProblem[] {
  if (values.length === 0) return [required(path, none)];
  if (values.length === 1 || !values.includes('*')) return [];
  const what = path.slice(path.lastIndexOf('.') + 1);
  return [invalidValue(path, values, `if '*' is present, must not specify other ${what}`)];
}

const PARTS = { Group: 'group', ServiceAccount: 'serviceAccount', User: 'user' } as const;

function subjectProblems(subject: Subject, path: string): FieldProblem[] {
  const { kind } = subject;
  const own = PARTS[kind as keyof typeof PARTS];
  if (own === undefined) return [notSupported(`${path}.kind`, kind ?? '', Object.keys(PARTS))];
  const problems: FieldProblem[] = [];
  for (const part of Object.values(PARTS)) {
    if (part === own || subject[part] === undefined) continue;
    const of = Object.keys(PARTS).find((name) => PARTS[name as keyof typeof PARTS] === part);
    problems.push(forbidden(`${path}.${part}`, `${part} is forbidden when subject kind is not '${of}'`));
  }
  if (subject[own] === undefined) {
    return [...problems, required(`${path}.${own}`, `${own} is required when subject kind is '${kind}'`)];
  }
  if (!subject[own].name) problems.push(required(`${path}.${own}.name`));
  if (own !== 'serviceAccount') return problems;
  const { name, namespace } = subject.serviceAccount!;
  if (name && name !== '*') problems.push(...named(`${path}.serviceAccount.name`, name, dns1123Subdomain));
  if (!namespace)
    problems.push(required(`${path}.serviceAccount.namespace`, 'must specify namespace for service account'));
  else problems.push(...named(`${path}.serviceAccount.namespace`, namespace, dns1123Label));
  return problems;
}

export function priorityLevelProblems({ metadata, spec }: PriorityLevelConfiguration): FieldProblem[] {
  const { type, limited, exempt } = spec;
  const problems: FieldProblem[] = [];
  const isExempt = metadata.name === 'exempt';
  if (isExempt !== (type === 'Exempt') && (type === 'Exempt' || type === 'Limited')) {
    const why = `type must be 'Exempt' if and only if \`name\` is 'exempt'`;
    problems.push(invalidValue('spec.type', type, why));
  }
  switch (type) {
    case 'Exempt':
      if (limited) problems.push(forbidden('spec.limited', 'must be nil if the type is not Limited'));
      if (exempt) problems.push(...sharesProblems(exempt, 'spec.exempt'));
      return problems;
    case 'Limited':
      if (exempt) problems.push(forbidden('spec.exempt', 'must be nil if the type is Limited'));
      if (!limited) problems.push(required('spec.limited', 'must not be empty when type is Limited'));
      else problems.push(...limitedProblems(limited, 'spec.limited'));
      return problems;
    default:
      return [...problems, notSupported('spec.type', type ?? '', ['Exempt', 'Limited'])];
  }
}

type Limited = NonNullable<PriorityLevelConfiguration['spec']['limited']>;

function sharesProblems(
  {
    nominalConcurrencyShares: shares,
    lendablePercent: lent,
  }: Pick<Limited, 'nominalConcurrencyShares' | 'lendablePercent'>,
  path: string,
): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (shares !== undefined && shares < 0) {
    problems.push(invalidValue(`${path}.nominalConcurrencyShares`, shares, 'must be a non-negative integer'));
  }
  if (lent !== undefined && (lent < 0 || lent > 100)) {
    problems.push(invalidValue(`${path}.lendablePercent`, lent, 'must be between 0 and 100, inclusive'));
  }
  return problems;
}

const QUEUES_MAX = 10_000_000;

function limitedProblems(limited: Limited, path: string): FieldProblem[] {
  const { limitResponse: { type, queuing } = { type: '' }, borrowingLimitPercent: borrowed } = limited;
  const at = `${path}.limitResponse`;
  const problems = sharesProblems(limited, path);
  if (borrowed !== undefined && borrowed < 0) {
    const why = 'if specified, must be a non-negative integer';
    problems.push(invalidValue(`${path}.borrowingLimitPercent`, borrowed, why));
  }
  if (type === 'Reject') {
    if (queuing) problems.push(forbidden(`${at}.queuing`, 'must be nil if limited.limitResponse.type is not Limited'));
    return problems;
  }
  if (type !== 'Queue') return [...problems, notSupported(`${at}.type`, type ?? '', ['Queue', 'Reject'])];
  if (!queuing) {
    return [...problems, required(`${at}.queuing`, 'must not be empty if limited.limitResponse.type is Limited')];
  }
  const { queues = 0, handSize = 0, queueLengthLimit = 0 } = queuing;
  if (queueLengthLimit <= 0) {
    problems.push(invalidValue(`${at}.queuing.queueLengthLimit`, queueLengthLimit, 'must be positive'));
  }
  if (queues <= 0) problems.push(invalidValue(`${at}.queuing.queues`, queues, 'must be positive'));
  else if (queues > QUEUES_MAX) {
    problems.push(invalidValue(`${at}.queuing.queues`, queues, `must not be greater than ${QUEUES_MAX}`));
  }
  if (handSize <= 0) problems.push(invalidValue(`${at}.queuing.handSize`, handSize, 'must be positive'));
  else if (handSize > queues) {
    const why = `should not be greater than queues (${queues})`;
    problems.push(invalidValue(`${at}.queuing.handSize`, handSize, why));
  } else if (entropyBits(queues, handSize) > ENTROPY_BITS_MAX) {
    const why = `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${ENTROPY_BITS_MAX}`;
    problems.push(invalidValue(`${at}.queuing.handSize`, handSize, why));
  }
  return problems;
}

const ENTROPY_BITS_MAX = 60;

/** How many bits of a hash it takes to deal a hand of queues. */
function entropyBits(deck: number, hand: number): number {
  let bits = 0;
  for (let left = deck; left > deck - hand; left--) bits += Math.log2(left);
  return Math.ceil(bits);
}
