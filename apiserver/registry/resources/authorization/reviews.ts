// May I, may they: questions to the authorizer.
import { badRequest, type FieldProblem } from '../../../../api/status.ts';
import type { SelfSubjectRulesReview } from '../../../../api/types/authorization/self-subject-rules-review.ts';
import type {
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SubjectAccessReview,
} from '../../../../api/types/authorization/subject-access-review.ts';
import type { Decision } from '../../../authz/authorizer.ts';
import type { RegistryContext } from '../../registry.ts';
import type { UserInfo } from '../../request.ts';
import { reviewStrategy } from '../../reviews.ts';
import { invalidValue } from '../../validation/problems.ts';

type Attributes = Pick<SelfSubjectAccessReview['spec'], 'resourceAttributes' | 'nonResourceAttributes'>;

function decide(spec: Attributes, user: UserInfo, { authorizer }: RegistryContext): Decision {
  const { resourceAttributes: asked, nonResourceAttributes: path } = spec;
  const nothing = { group: '', resource: '', subresource: '', namespace: '', name: '' };
  if (path !== undefined) {
    return authorizer.authorize({ user, verb: path.verb ?? '', path: path.path ?? '', ...nothing });
  }
  const { verb = '', version: _v, fieldSelector: _f, labelSelector: _l, ...rest } = asked ?? {};
  return authorizer.authorize({ user, verb, ...nothing, ...rest });
}

const statusOf = ({ answer, reason }: Decision) => ({
  allowed: answer === 'allow',
  ...(answer === 'deny' && { denied: true }),
  ...(reason && { reason }),
});

function attributeProblems({ resourceAttributes, nonResourceAttributes }: Attributes): FieldProblem[] {
  if (resourceAttributes !== undefined && nonResourceAttributes !== undefined) {
    const { path = '', verb = '' } = nonResourceAttributes;
    const why = 'cannot be specified in combination with resourceAttributes';
    return [invalidValue('spec.nonResourceAttributes', { Path: path, Verb: verb }, why)];
  }
  if (resourceAttributes !== undefined || nonResourceAttributes !== undefined) return [];
  const why = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
  return [invalidValue('spec.resourceAttributes', null, why)];
}

function subjectProblems({ user, groups }: SubjectAccessReview['spec']): FieldProblem[] {
  if (user || groups?.length) return [];
  return [invalidValue('spec.user', '', 'at least one of user or group must be specified')];
}

function subjectOf({ user = '', groups = [], uid, extra }: SubjectAccessReview['spec']): UserInfo {
  return { name: user, groups, ...(uid && { uid }), ...(extra && { extra }) };
}

export const subjectAccessReviewStrategy = reviewStrategy<SubjectAccessReview>({
  problems: ({ spec }) => [...attributeProblems(spec), ...subjectProblems(spec)],
  answer(review, _request, registry) {
    review.status = statusOf(decide(review.spec, subjectOf(review.spec), registry));
  },
});

export const localSubjectAccessReviewStrategy = reviewStrategy<LocalSubjectAccessReview>({
  problems({ spec }, { namespace }) {
    const problems = [...attributeProblems(spec), ...subjectProblems(spec)];
    const asked = spec.resourceAttributes?.namespace ?? '';
    if (spec.resourceAttributes !== undefined && asked !== namespace) {
      problems.push(invalidValue('spec.resourceAttributes.namespace', asked, 'must match metadata.namespace'));
    }
    return problems;
  },
  answer(review, _request, registry) {
    review.status = statusOf(decide(review.spec, subjectOf(review.spec), registry));
  },
});

export const selfSubjectAccessReviewStrategy = reviewStrategy<SelfSubjectAccessReview>({
  problems: ({ spec }) => attributeProblems(spec),
  answer(review, { user }, registry) {
    review.status = statusOf(decide(review.spec, user, registry));
  },
});

export const selfSubjectRulesReviewStrategy = reviewStrategy<SelfSubjectRulesReview>({
  tracked: false,
  answer(review, { user }, { authorizer }) {
    const { namespace } = review.spec;
    if (!namespace) throw badRequest('no namespace on request');
    const resourceRules: SelfSubjectRulesReview['status']['resourceRules'] = [];
    const nonResourceRules: SelfSubjectRulesReview['status']['nonResourceRules'] = [];
    for (const { verbs, nonResourceURLs, ...rest } of authorizer.rulesOf(user, namespace)) {
      if (nonResourceURLs?.length) nonResourceRules.push({ verbs: [...verbs], nonResourceURLs: [...nonResourceURLs] });
      if (rest.resources?.length) resourceRules.push({ verbs: [...verbs], ...rest } as (typeof resourceRules)[number]);
    }
    review.spec = {};
    review.status = { resourceRules, nonResourceRules, incomplete: false };
  },
});
