// Which names a definition gets, and what its status says of it. Of two definitions in one group the first keeps the
// names they both want. Pure: the world is given, the status comes back.
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionCondition,
  CustomResourceDefinitionNames,
} from '../../api/types/apiextensions/custom-resource-definition.ts';
import { approvalOf, isProtectedGroup } from './approval.ts';

type Crd = CustomResourceDefinition;
export type Condition = CustomResourceDefinitionCondition;
type Names = CustomResourceDefinitionNames;
/** A condition without the time at which it became so. */
export type Claim = Omit<Condition, 'lastTransitionTime'>;

export interface Naming {
  readonly accepted: Names;
  readonly condition: Claim;
}

export function conditionOf({ status }: Crd, type: string): Condition | undefined {
  return status.conditions?.find((one) => one.type === type);
}

export function isTrue(crd: Crd, type: string): boolean {
  return conditionOf(crd, type)?.status === 'True';
}

/** Names that others of the group hold: plurals, singulars and short names are one set, kinds and list kinds another. */
function taken(crd: Crd, others: Iterable<Crd>): { readonly resources: Set<string>; readonly kinds: Set<string> } {
  const resources = new Set<string>();
  const kinds = new Set<string>();
  for (const { metadata, spec, status } of others) {
    if (metadata.name === crd.metadata.name || spec.group !== crd.spec.group) continue;
    const { plural, singular = '', shortNames = [], kind, listKind = '' } = status.acceptedNames ?? NO_NAMES;
    for (const name of [plural, singular, ...shortNames]) resources.add(name);
    for (const name of [kind, listKind]) kinds.add(name);
  }
  return { resources, kinds };
}

const NO_NAMES: Names = { plural: '', kind: '' };

export function namingOf(crd: Crd, others: Iterable<Crd>): Naming {
  const { names: wanted } = crd.spec;
  const had = crd.status.acceptedNames ?? NO_NAMES;
  const { resources, kinds } = taken(crd, others);
  const accepted: Names = { ...had };
  let condition: Claim = {
    type: 'NamesAccepted',
    status: 'True',
    reason: 'NoConflicts',
    message: 'no conflicts found',
  };
  const refuse = (reason: string, names: readonly string[]) => {
    const each = names.map((name) => `${JSON.stringify(name)} is already in use`);
    const message = each.length === 1 ? each[0]! : `[${each.join(', ')}]`;
    condition = { type: 'NamesAccepted', status: 'False', reason, message };
  };
  const take = (field: 'plural' | 'singular' | 'kind' | 'listKind', held: Set<string>, reason: string) => {
    const name = wanted[field] ?? '';
    if (name !== had[field] && held.has(name)) refuse(reason, [name]);
    else accepted[field] = name;
  };
  take('plural', resources, 'PluralConflict');
  take('singular', resources, 'SingularConflict');
  const inUse = (wanted.shortNames ?? []).filter((name) => !had.shortNames?.includes(name) && resources.has(name));
  if (inUse.length > 0) refuse('ShortNamesConflict', inUse);
  else assign(accepted, 'shortNames', wanted.shortNames);
  take('kind', kinds, 'KindConflict');
  take('listKind', kinds, 'ListKindConflict');
  assign(accepted, 'categories', wanted.categories);
  return { accepted, condition };
}

function assign(names: Names, field: 'shortNames' | 'categories', value: string[] | undefined): void {
  if (value === undefined) delete names[field];
  else names[field] = value;
}

/** What the status is to say once this server serves the kind. Times stay where nothing turned. */
export function settledStatus(crd: Crd, others: Iterable<Crd>, now: string): Crd['status'] {
  const { accepted, condition } = namingOf(crd, others);
  let conditions = withCondition(crd.status.conditions, condition, now);
  if (!isTrue(crd, 'Established')) {
    const [status, reason, message] =
      condition.status === 'True'
        ? ['True', 'InitialNamesAccepted', 'the initial names have been accepted']
        : ['False', 'NotAccepted', 'not all names are accepted'];
    conditions = withCondition(conditions, { type: 'Established', status, reason, message }, now);
  }
  const approval = approvalClaim(crd);
  if (approval !== undefined) conditions = withCondition(conditions, approval, now);
  return { ...crd.status, acceptedNames: accepted, conditions };
}

const APPROVAL_WORDS = {
  approved: ['True', 'ApprovedAnnotation'],
  bypassed: ['False', 'UnapprovedAnnotation'],
  invalid: ['False', 'InvalidAnnotation'],
  missing: ['False', 'MissingAnnotation'],
} as const;

function approvalClaim({ metadata, spec }: Crd): Claim | undefined {
  if (!isProtectedGroup(spec.group)) return undefined;
  const { state, message } = approvalOf(metadata.annotations);
  const [status, reason] = APPROVAL_WORDS[state];
  return { type: 'KubernetesAPIApprovalPolicyConformant', status, reason, message };
}

export function withCondition(conditions: readonly Condition[] | undefined, claim: Claim, now: string): Condition[] {
  const all = [...(conditions ?? [])];
  const at = all.findIndex(({ type }) => type === claim.type);
  const was = all[at];
  const next = { ...claim, lastTransitionTime: was?.status === claim.status ? was.lastTransitionTime : now };
  if (at < 0) all.push(next);
  else all[at] = next;
  return all;
}
