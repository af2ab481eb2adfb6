// Certificate signing requests: who asks is what the server says, the request never changes, and approval and
// certificate each have a path of their own.
import { timestamp } from '../../../../api/clock.ts';
import type { CertificateSigningRequest } from '../../../../api/types/certificates/certificate-signing-request.ts';
import type { Strategy, WriteContext } from '../../strategy.ts';
import { approvalProblems, certificateProblems, signingRequestProblems } from '../../validation/certificates.ts';

type Csr = CertificateSigningRequest;

export const signingRequestStrategy: Strategy<Csr> = {
  allowUnconditionalUpdate: true,
  ignoredFields: (subresource) => (subresource === undefined ? ['spec', 'status'] : undefined),
  prepareForCreate(csr, { user }) {
    const { name, uid, groups, extra } = user;
    csr.spec = {
      ...csr.spec,
      username: name,
      uid,
      groups: [...groups],
      extra: extra && Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]])),
    };
    if (!csr.spec.uid) delete csr.spec.uid;
    if (!csr.spec.extra || Object.keys(csr.spec.extra).length === 0) delete csr.spec.extra;
    csr.status = {};
  },
  prepareForUpdate(next, current) {
    next.spec = current.spec;
  },
  validateCreate: signingRequestProblems,
  subresources: {
    status: {
      // Conditions of approval are not the signer's to change; it may only say that it failed.
      prepareForUpdate(next, current, context) {
        const decided = (current.status.conditions ?? []).filter(isApproval);
        const others = (next.status.conditions ?? []).filter((condition) => !isApproval(condition));
        const conditions = [...decided, ...others];
        next.status = { ...next.status, conditions };
        if (conditions.length === 0) delete next.status.conditions;
        stamp(next, current, context);
      },
      validateUpdate: certificateProblems,
    },
    approval: {
      writesStatus: true,
      prepareForUpdate(next, current, context) {
        const { metadata } = next;
        const { conditions } = next.status;
        Object.assign(next, current, { metadata, status: { ...current.status, conditions } });
        if (!conditions?.length) delete next.status.conditions;
        stamp(next, current, context);
      },
      validateUpdate: approvalProblems,
    },
  },
};

const isApproval = ({ type }: { type: string }) => type === 'Approved' || type === 'Denied';

function stamp(next: Csr, current: Csr, { nowMs }: WriteContext): void {
  const now = timestamp(nowMs);
  next.status.conditions = next.status.conditions?.map((condition) => {
    const before = current.status.conditions?.find(({ type }) => type === condition.type);
    const since = before?.status === condition.status ? before.lastTransitionTime : undefined;
    return {
      ...condition,
      lastUpdateTime: condition.lastUpdateTime || now,
      lastTransitionTime: condition.lastTransitionTime || since || now,
    };
  });
  if (next.status.conditions === undefined) delete next.status.conditions;
}
