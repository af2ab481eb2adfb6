// Who may do what: the question, the answer, and the chain that asks one authorizer after the other.
import type { UserInfo } from '../registry/request.ts';

export interface Access {
  readonly user: UserInfo;
  readonly verb: string;
  /** A path outside of the resources; the rest is empty then. */
  readonly path?: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** What a list or a watch selects exactly, by field. */
  readonly fields?: Readonly<Record<string, string>>;
}

export interface Decision {
  /** 'abstain': this one has no opinion, the next is asked. */
  readonly answer: 'allow' | 'deny' | 'abstain';
  readonly reason?: string;
}

export interface ResourceRule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

export interface Authorizer {
  authorize(access: Access): Decision;
  /** What a user may do in a namespace, as rules; for self reviews and escalation checks. */
  rulesOf(user: UserInfo, namespace: string): Iterable<ResourceRule>;
}

const MASTERS = 'system:masters';

/** The group that may do everything, so that nobody locks themselves out. */
export const masters: Authorizer = {
  authorize: ({ user }) => ({ answer: user.groups.includes(MASTERS) ? 'allow' : 'abstain' }),
  *rulesOf(user) {
    if (!user.groups.includes(MASTERS)) return;
    yield { verbs: ['*'], apiGroups: ['*'], resources: ['*'] };
    yield { verbs: ['*'], nonResourceURLs: ['*'] };
  },
};

export function chainOf(authorizers: readonly Authorizer[]): Authorizer {
  return {
    authorize(access) {
      const reasons: string[] = [];
      for (const authorizer of authorizers) {
        const decision = authorizer.authorize(access);
        if (decision.answer !== 'abstain') return decision;
        if (decision.reason) reasons.push(decision.reason);
      }
      return { answer: 'abstain', ...(reasons.length > 0 && { reason: reasons.join('\n') }) };
    },
    *rulesOf(user, namespace) {
      for (const authorizer of authorizers) yield* authorizer.rulesOf(user, namespace);
    },
  };
}
