// Who is behind this token, and who am I.
import { timestamp } from '../../../../api/clock.ts';
import { badRequest } from '../../../../api/status.ts';
import type { SelfSubjectReview, TokenReview } from '../../../../api/types/authentication/token-review.ts';
import { reviewToken } from '../../../authn/service-accounts.ts';
import type { UserInfo } from '../../request.ts';
import { reviewStrategy } from '../../reviews.ts';

function shown({ name, uid, groups, extra }: UserInfo): NonNullable<TokenReview['status']['user']> {
  const copied = Object.entries(extra ?? {}).map(([key, values]): [string, string[]] => [key, [...values]]);
  return {
    username: name,
    ...(uid && { uid }),
    groups: [...groups],
    ...(copied.length > 0 && { extra: Object.fromEntries(copied) }),
  };
}

export const tokenReviewStrategy = reviewStrategy<TokenReview>({
  answer(review, _request, registry) {
    const { token, audiences } = review.spec;
    if (!token) throw badRequest('token is required for TokenReview in authentication');
    const verdict = reviewToken(token, audiences?.length ? audiences : [registry.tokens.issuer], registry);
    if ('error' in verdict) review.status = { user: {}, error: verdict.error };
    else review.status = { authenticated: true, user: shown(verdict.user), audiences: [...verdict.audiences] };
  },
});

export const selfSubjectReviewStrategy = reviewStrategy<SelfSubjectReview>({
  tracked: false,
  answer(review, { user }, { clock }) {
    review.metadata.creationTimestamp = timestamp(clock.now());
    review.status = { userInfo: shown(user) };
  },
});
