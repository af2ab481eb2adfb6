// Where a pod may run: tolerations, affinity, spreading, gates.
import { dns1123Label, labelValue, qualifiedName } from '../../../api/names.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { Affinity, Toleration, TopologySpreadConstraint } from '../../../api/types/core/affinity.ts';
import { labelSelectorProblems } from './label-selector.ts';
import { duplicate, forbidden, invalidValue, notSupported, required } from './problems.ts';
import { named, oneOf } from './values.ts';

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export function tolerationProblems(tolerations: readonly Toleration[], path: string): FieldProblem[] {
  return tolerations.flatMap((toleration, i) => {
    const at = `${path}[${i}]`;
    const { key = '', operator = '', value = '', effect, tolerationSeconds } = toleration;
    const problems = key === '' ? [] : named(`${at}.key`, key, qualifiedName);
    if (key === '' && operator !== 'Exists') {
      const why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      problems.push(invalidValue(`${at}.operator`, operator, why));
    }
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
      const why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
      problems.push(invalidValue(`${at}.effect`, effect ?? '', why));
    }
    if (operator === '' || operator === 'Equal') problems.push(...named(`${at}.operator`, value, labelValue));
    else if (operator === 'Exists') {
      if (value !== '') {
        problems.push(invalidValue(`${at}.operator`, value, "value must be empty when `operator` is 'Exists'"));
      }
    } else problems.push(notSupported(`${at}.operator`, operator, ['Equal', 'Exists']));
    return [...problems, ...oneOf(`${at}.effect`, effect || undefined, EFFECTS)];
  });
}

type NodeAffinity = NonNullable<Affinity['nodeAffinity']>;
type Term = NonNullable<
  NonNullable<NodeAffinity['requiredDuringSchedulingIgnoredDuringExecution']>['nodeSelectorTerms']
>[number];
type Requirement = NonNullable<Term['matchExpressions']>[number];

export function nodeSelectorTermProblems(term: Term, path: string): FieldProblem[] {
  return [
    ...(term.matchExpressions ?? []).flatMap((each, i) => requirementProblems(each, `${path}.matchExpressions[${i}]`)),
    ...(term.matchFields ?? []).flatMap((each, i) => fieldProblems(each, `${path}.matchFields[${i}]`)),
  ];
}

function requirementProblems({ key, operator, values = [] }: Requirement, path: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  switch (operator as string) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) {
        problems.push(required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
      }
      break;
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0) {
        problems.push(
          forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
        );
      }
      break;
    case 'Gt':
    case 'Lt':
      if (values.length !== 1) {
        problems.push(required(`${path}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
      }
      break;
    default:
      problems.push(invalidValue(`${path}.operator`, operator, 'not a valid selector operator'));
  }
  problems.push(...named(`${path}.key`, key, qualifiedName));
  for (const [i, value] of values.entries()) problems.push(...named(`${path}.values[${i}]`, value, labelValue));
  return problems;
}

function fieldProblems({ key, operator, values = [] }: Requirement, path: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (operator !== 'In' && operator !== 'NotIn') {
    problems.push(invalidValue(`${path}.operator`, operator, 'not a valid selector operator'));
  } else if (values.length !== 1) {
    const why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
    problems.push(required(`${path}.values`, why));
  }
  if (key !== 'metadata.name') problems.push(invalidValue(`${path}.key`, key, 'not a valid field selector key'));
  return problems;
}

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution';

export function affinityProblems(affinity: Affinity | undefined, path: string): FieldProblem[] {
  if (affinity === undefined) return [];
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity;
  return [
    ...(nodeAffinity ? nodeAffinityProblems(nodeAffinity, `${path}.nodeAffinity`) : []),
    ...(podAffinity ? podAffinityProblems(podAffinity, `${path}.podAffinity`) : []),
    ...(podAntiAffinity ? podAffinityProblems(podAntiAffinity, `${path}.podAntiAffinity`) : []),
  ];
}

function nodeAffinityProblems(affinity: NodeAffinity, path: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const needed = affinity[REQUIRED];
  if (needed) {
    const at = `${path}.${REQUIRED}.nodeSelectorTerms`;
    const terms = needed.nodeSelectorTerms ?? [];
    if (terms.length === 0) problems.push(required(at, 'must have at least one node selector term'));
    for (const [i, term] of terms.entries()) problems.push(...nodeSelectorTermProblems(term, `${at}[${i}]`));
  }
  for (const [i, { weight, preference }] of (affinity[PREFERRED] ?? []).entries()) {
    const at = `${path}.${PREFERRED}[${i}]`;
    problems.push(...weightProblems(weight, at), ...nodeSelectorTermProblems(preference, `${at}.preference`));
  }
  return problems;
}

function weightProblems(weight: number, path: string): FieldProblem[] {
  return weight >= 1 && weight <= 100 ? [] : [invalidValue(`${path}.weight`, weight, 'must be in the range 1-100')];
}

type PodAffinity = NonNullable<Affinity['podAffinity']>;
type PodTerm = NonNullable<PodAffinity['requiredDuringSchedulingIgnoredDuringExecution']>[number];

function podAffinityProblems(affinity: PodAffinity, path: string): FieldProblem[] {
  return [
    ...(affinity[REQUIRED] ?? []).flatMap((term, i) => podTermProblems(term, `${path}.${REQUIRED}[${i}]`)),
    ...(affinity[PREFERRED] ?? []).flatMap(({ weight, podAffinityTerm }, i) => {
      const at = `${path}.${PREFERRED}[${i}]`;
      return [...weightProblems(weight, at), ...podTermProblems(podAffinityTerm, `${at}.podAffinityTerm`)];
    }),
  ];
}

function podTermProblems(term: PodTerm, path: string): FieldProblem[] {
  const { topologyKey = '' } = term;
  return [
    ...labelSelectorProblems(term.labelSelector, `${path}.labelSelector`),
    ...labelSelectorProblems(term.namespaceSelector, `${path}.namespaceSelector`),
    ...(term.namespaces ?? []).flatMap((name) => named(`${path}.namespace`, name, dns1123Label)),
    ...(topologyKey === '' ? [required(`${path}.topologyKey`, 'can not be empty')] : []),
    ...named(`${path}.topologyKey`, topologyKey, qualifiedName),
  ];
}

const WHEN = ['DoNotSchedule', 'ScheduleAnyway'];

export function spreadProblems(constraints: readonly TopologySpreadConstraint[], path: string): FieldProblem[] {
  const seen = new Set<string>();
  return constraints.flatMap((constraint, i) => {
    const at = `${path}[${i}]`;
    const { maxSkew, topologyKey, whenUnsatisfiable: when, minDomains } = constraint;
    const problems: FieldProblem[] = [];
    if (maxSkew <= 0) problems.push(invalidValue(`${at}.maxSkew`, maxSkew, 'must be greater than zero'));
    if (!topologyKey) problems.push(required(`${at}.topologyKey`, 'can not be empty'));
    problems.push(...oneOf(`${at}.whenUnsatisfiable`, when, WHEN));
    const pair = `{${topologyKey}, ${when}}`;
    if (seen.has(pair)) problems.push(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, pair));
    seen.add(pair);
    if (minDomains !== undefined) {
      if (minDomains <= 0) problems.push(invalidValue(`${at}.minDomains`, minDomains, 'must be greater than zero'));
      if (when !== 'DoNotSchedule') {
        const why = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${when}`;
        problems.push(invalidValue(`${at}.minDomains`, minDomains, why));
      }
    }
    const policies = ['Ignore', 'Honor'];
    return [
      ...problems,
      ...oneOf(`${at}.nodeAffinityPolicy`, constraint.nodeAffinityPolicy, policies),
      ...oneOf(`${at}.nodeTaintsPolicy`, constraint.nodeTaintsPolicy, policies),
      ...labelSelectorProblems(constraint.labelSelector, `${at}.labelSelector`),
    ];
  });
}
