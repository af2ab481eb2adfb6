// Where pods may and should run: affinity, tolerations, spreading.
import { dns1123Label, dns1123Subdomain, labelValue, qualifiedName } from '../../../api/names.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type {
  Affinity,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinityTerm,
  Toleration,
  TopologySpreadConstraint,
} from '../../../api/types/core/affinity.ts';
import type { LabelSelector } from '../../../api/types/meta/label-selector.ts';
import { labelSelectorProblems } from './label-selector.ts';
import { duplicate, forbidden, invalidValue, notSupported, Printed, required } from './problems.ts';
import { each, named, oneOf } from './values.ts';

export const TAINT_EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export function affinityProblems(affinity: Affinity | undefined, path: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (affinity === undefined) return problems;
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity;
  const hard = 'requiredDuringSchedulingIgnoredDuringExecution';
  const soft = 'preferredDuringSchedulingIgnoredDuringExecution';
  if (nodeAffinity) {
    const at = `${path}.nodeAffinity`;
    if (nodeAffinity[hard]) problems.push(...nodeSelectorProblems(nodeAffinity[hard], `${at}.${hard}`));
    problems.push(
      ...each(nodeAffinity[soft], `${at}.${soft}`, ({ weight, preference }, where) => [
        ...weightProblems(weight, `${where}.weight`),
        ...nodeTermProblems(preference ?? {}, `${where}.preference`, { looseValues: true }),
      ]),
    );
  }
  for (const [name, of] of [
    ['podAffinity', podAffinity],
    ['podAntiAffinity', podAntiAffinity],
  ] as const) {
    if (of === undefined) continue;
    const at = `${path}.${name}`;
    problems.push(...each(of[hard], `${at}.${hard}`, podTermProblems));
    problems.push(
      ...each(of[soft], `${at}.${soft}`, ({ weight, podAffinityTerm }, where) => [
        ...weightProblems(weight, `${where}.weight`),
        ...podTermProblems(podAffinityTerm, `${where}.podAffinityTerm`),
      ]),
    );
  }
  return problems;
}

function weightProblems(weight: number, path: string): FieldProblem[] {
  return weight >= 1 && weight <= 100 ? [] : [invalidValue(path, weight ?? 0, 'must be in the range 1-100')];
}

export function nodeSelectorProblems({ nodeSelectorTerms }: NodeSelector, path: string): FieldProblem[] {
  const at = `${path}.nodeSelectorTerms`;
  if (!nodeSelectorTerms?.length) return [required(at, 'must have at least one node selector term')];
  return each(nodeSelectorTerms, at, (term, where) => nodeTermProblems(term, where));
}

/** `looseValues`: what is only preferred may name values that no label can have. */
function nodeTermProblems(
  { matchExpressions, matchFields }: NodeSelectorTerm,
  path: string,
  { looseValues = false } = {},
): FieldProblem[] {
  return [
    ...each(matchExpressions, `${path}.matchExpressions`, (requirement, at) =>
      nodeRequirementProblems(requirement, at, looseValues),
    ),
    ...each(matchFields, `${path}.matchFields`, nodeFieldProblems),
  ];
}

function nodeRequirementProblems(
  { key, operator, values }: NodeSelectorRequirement,
  path: string,
  looseValues: boolean,
): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const count = values?.length ?? 0;
  switch (operator as string) {
    case 'In':
    case 'NotIn':
      if (count === 0) {
        problems.push(required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
      }
      break;
    case 'Exists':
    case 'DoesNotExist':
      if (count > 0) {
        const why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
        problems.push(forbidden(`${path}.values`, why));
      }
      break;
    case 'Gt':
    case 'Lt':
      if (count !== 1) {
        problems.push(required(`${path}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
      }
      break;
    default:
      problems.push(invalidValue(`${path}.operator`, operator, 'not a valid selector operator'));
  }
  problems.push(...named(`${path}.key`, key, qualifiedName));
  if (looseValues) return problems;
  return [...problems, ...each(values, `${path}.values`, (value, at) => named(at, value, labelValue))];
}

function nodeFieldProblems({ key, operator, values }: NodeSelectorRequirement, path: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (operator === 'In' || operator === 'NotIn') {
    if (values?.length !== 1) {
      problems.push(
        required(`${path}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"),
      );
    }
  } else problems.push(invalidValue(`${path}.operator`, operator, 'not a valid selector operator'));
  if (key !== 'metadata.name') {
    return [...problems, invalidValue(`${path}.key`, key, 'not a valid field selector key')];
  }
  return [...problems, ...each(values, `${path}.values`, (value, at) => named(at, value, dns1123Subdomain))];
}

function podTermProblems(term: PodAffinityTerm, path: string): FieldProblem[] {
  const { labelSelector, namespaceSelector, namespaces, topologyKey, matchLabelKeys, mismatchLabelKeys } = term;
  const problems = [
    ...labelSelectorProblems(labelSelector, `${path}.labelSelector`),
    ...labelSelectorProblems(namespaceSelector, `${path}.namespaceSelector`),
    ...(namespaces ?? []).flatMap((name) => named(`${path}.namespace`, name, dns1123Label)),
    ...keysProblems(matchLabelKeys, labelSelector, `${path}.matchLabelKeys`),
    ...keysProblems(mismatchLabelKeys, labelSelector, `${path}.mismatchLabelKeys`),
  ];
  const both = (matchLabelKeys ?? []).filter((key) => mismatchLabelKeys?.includes(key));
  for (const key of both) {
    const i = matchLabelKeys!.indexOf(key);
    problems.push(
      invalidValue(`${path}.matchLabelKeys[${i}]`, key, 'exists in both matchLabelKeys and mismatchLabelKeys'),
    );
  }
  if (!topologyKey) problems.push(required(`${path}.topologyKey`, 'can not be empty'));
  return [...problems, ...named(`${path}.topologyKey`, topologyKey, qualifiedName)];
}

function keysProblems(
  keys: readonly string[] | undefined,
  selector: LabelSelector | undefined,
  path: string,
): FieldProblem[] {
  if (!keys?.length) return [];
  if (selector === undefined) return [forbidden(path, 'must not be specified when labelSelector is not set')];
  return each(keys, path, (key, at) => named(at, key, qualifiedName));
}

/** All that is wrong with a value in one row. */
function joined(path: string, value: string): FieldProblem[] {
  const wrong = labelValue(value);
  return wrong.length === 0 ? [] : [invalidValue(path, value, wrong.join(';'))];
}

export function tolerationsProblems(tolerations: readonly Toleration[] | undefined, path: string): FieldProblem[] {
  return each(tolerations, path, ({ key, operator, value = '', effect, tolerationSeconds }, at) => {
    const problems: FieldProblem[] = key ? named(`${at}.key`, key, qualifiedName) : [];
    if (!key && operator !== 'Exists') {
      const why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      problems.push(invalidValue(`${at}.operator`, operator ?? '', why));
    }
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
      const why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
      problems.push(invalidValue(`${at}.effect`, effect ?? '', why));
    }
    switch (operator as string | undefined) {
      case undefined:
      case '':
      case 'Equal':
        problems.push(...joined(`${at}.operator`, value));
        break;
      case 'Exists':
        if (value)
          problems.push(invalidValue(`${at}.operator`, value, "value must be empty when `operator` is 'Exists'"));
        break;
      case 'Lt':
      case 'Gt':
        // Known and not enabled.
        problems.push(notSupported(`${at}.operator`, operator, ['Equal', 'Exists', 'Lt', 'Gt']));
        break;
      default:
        problems.push(notSupported(`${at}.operator`, operator, ['Equal', 'Exists']));
    }
    if (effect) problems.push(...oneOf(`${at}.effect`, effect, TAINT_EFFECTS));
    return problems;
  });
}

export function spreadProblems(
  constraints: readonly TopologySpreadConstraint[] | undefined,
  path: string,
): FieldProblem[] {
  return each(constraints, path, (constraint, at, i) => {
    const { maxSkew, topologyKey, whenUnsatisfiable: when, minDomains, labelSelector, matchLabelKeys } = constraint;
    const problems: FieldProblem[] = [];
    if (!(maxSkew > 0)) problems.push(invalidValue(`${at}.maxSkew`, maxSkew ?? 0, 'must be greater than zero'));
    if (!topologyKey) problems.push(required(`${at}.topologyKey`, 'can not be empty'));
    const modes = ['DoNotSchedule', 'ScheduleAnyway'];
    if (!modes.includes(when)) problems.push(notSupported(`${at}.whenUnsatisfiable`, when ?? '', modes));
    const pair = `{${topologyKey}, ${when}}`;
    // Of two that are the same upstream blames the first.
    const isRepeated = constraints!
      .slice(i + 1)
      .some((one) => `{${one.topologyKey}, ${one.whenUnsatisfiable}}` === pair);
    if (isRepeated) problems.push(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, pair));
    if (minDomains !== undefined) {
      const where = `${at}.minDomains`;
      if (minDomains <= 0) problems.push(invalidValue(where, minDomains, 'must be greater than zero'));
      if (when !== 'DoNotSchedule') {
        const why = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${when}`;
        problems.push(invalidValue(where, minDomains, why));
      }
    }
    const policies = ['Honor', 'Ignore'];
    problems.push(
      ...oneOf(`${at}.nodeAffinityPolicy`, constraint.nodeAffinityPolicy, policies),
      ...oneOf(`${at}.nodeTaintsPolicy`, constraint.nodeTaintsPolicy, policies),
      ...keysProblems(matchLabelKeys, labelSelector, `${at}.matchLabelKeys`),
      ...labelSelectorProblems(labelSelector, `${at}.labelSelector`),
    );
    return problems;
  });
}

interface AnyTaint {
  key: string;
  value?: string;
  effect: string;
  timeAdded?: string;
}

export function taintsProblems(taints: readonly AnyTaint[] | undefined, path: string): FieldProblem[] {
  const seen = new Set<string>();
  return each(taints, path, ({ key, value = '', effect, timeAdded }, at) => {
    const problems = [
      ...named(`${at}.key`, key, qualifiedName),
      ...joined(`${at}.value`, value),
      ...(effect ? oneOf(`${at}.effect`, effect, TAINT_EFFECTS) : [required(`${at}.effect`)]),
    ];
    const id = `${key}\n${effect}`;
    if (seen.has(id)) {
      const shown = JSON.stringify({ Key: key, Value: value, Effect: effect, TimeAdded: timeAdded ?? null });
      const why = 'taints must be unique by key and effect pair';
      const { message, ...row } = duplicate(at, new Printed(shown));
      problems.push({ ...row, message: `${message}: ${why}` });
    }
    seen.add(id);
    return problems;
  });
}
