// What becomes of a certificate signing request: asked for, signed, refused, or removed when nobody needs it any more.
// Pure; certificate.ts carries it out.
//
//   created --approved--> signed --1 h or expired--> removed
//      |  \--denied or failed--> 1 h --> removed
//      \--nobody decides: 24 h--> removed
import { X509Certificate } from 'node:crypto';
import { parseSigningRequest, type SigningRequest } from '../../api/pki/csr.ts';
import type { CertificateSigningRequest } from '../../api/types/certificates/certificate-signing-request.ts';
import { KUBELET_CLIENT, SIGNERS } from './certificate-signers.ts';
import { parseTime } from './times.ts';

type Csr = CertificateSigningRequest;

/** Approved when the requester may create this subresource. */
export interface Permission {
  readonly subresource: 'selfnodeclient' | 'nodeclient';
  readonly message: string;
}

export type Step =
  | { readonly do: 'remove'; readonly because: string }
  | { readonly do: 'ask'; readonly permissions: readonly Permission[] }
  | { readonly do: 'sign'; readonly request: SigningRequest }
  | { readonly do: 'fail'; readonly message: string }
  | { readonly do: 'nothing' };

const HOUR_MS = 3_600_000;
const DECIDED_MS = HOUR_MS;
const PENDING_MS = 24 * HOUR_MS;

export function decideRequest(csr: Csr, nowMs: number): Step {
  const because = whyRemove(csr, nowMs);
  if (because !== undefined) return { do: 'remove', because };
  if (csr.metadata.deletionTimestamp !== undefined || csr.status.certificate) return { do: 'nothing' };
  if (has(csr, 'Denied') || has(csr, 'Failed')) return { do: 'nothing' };
  const rule = SIGNERS.get(csr.spec.signerName);
  const request = rule && readable(csr);
  if (rule === undefined || request === undefined) return { do: 'nothing' };
  const problem = rule(request, new Set(csr.spec.usages));
  if (has(csr, 'Approved')) return problem === undefined ? { do: 'sign', request } : { do: 'fail', message: problem };
  if (csr.spec.signerName !== KUBELET_CLIENT || problem !== undefined) return { do: 'nothing' };
  const own = csr.spec.username === request.subject.commonName;
  return { do: 'ask', permissions: own ? [SELF, NODE_CLIENT] : [NODE_CLIENT] };
}

const SELF: Permission = {
  subresource: 'selfnodeclient',
  message: 'Auto approving self kubelet client certificate after SubjectAccessReview.',
};
const NODE_CLIENT: Permission = {
  subresource: 'nodeclient',
  message: 'Auto approving kubelet client certificate after SubjectAccessReview.',
};

export function has({ status }: Csr, condition: string): boolean {
  return status.conditions?.some(({ type }) => type === condition) ?? false;
}

export function readable({ spec }: Csr): SigningRequest | undefined {
  try {
    return parseSigningRequest(Buffer.from(spec.request, 'base64').toString());
  } catch {
    return undefined; // validated at creation; what an older server let in is nobody's to sign
  }
}

function whyRemove(csr: Csr, nowMs: number): string | undefined {
  const atMs = removalMs(csr);
  if (atMs === undefined || nowMs < atMs) return undefined;
  if (csr.status.certificate) return 'its certificate was issued a while ago or has expired';
  return has(csr, 'Denied') ? 'it was denied a while ago' : 'nobody decided on it';
}

/** When the request is to be removed, as things stand; undefined for one that stays. */
export function removalMs(csr: Csr): number | undefined {
  const { conditions = [], certificate } = csr.status;
  const sinceMs = (type: string) => parseTime(conditions.find((each) => each.type === type)?.lastUpdateTime);
  const after = (startMs: number | undefined, ms: number) => (startMs === undefined ? [] : [startMs + ms]);
  const ends = [
    ...(conditions.length === 0 ? after(parseTime(csr.metadata.creationTimestamp), PENDING_MS) : []),
    ...after(sinceMs('Denied'), DECIDED_MS),
    ...after(sinceMs('Failed'), DECIDED_MS),
    ...(certificate ? [...after(sinceMs('Approved'), DECIDED_MS), ...expiryOf(certificate)] : []),
  ];
  return ends.length === 0 ? undefined : Math.min(...ends);
}

function expiryOf(certificate: string): number[] {
  try {
    return [new X509Certificate(Buffer.from(certificate, 'base64')).validToDate.getTime()];
  } catch {
    return []; // a foreign signer may write what it likes
  }
}

const BACKDATE_MS = 5 * 60_000;
const SHORTEST_MS = 10 * 60_000;
/** Backdating is part of a long life and comes on top of a short one. */
const SHORT_MS = 8 * HOUR_MS;

/** From when until when, of what is asked for and what the cluster gives at most. */
export function validity(
  expirationSeconds: number | undefined,
  mostMs: number,
  nowMs: number,
): { notBeforeMs: number; notAfterMs: number } {
  const asked = expirationSeconds === undefined ? mostMs : Math.max(SHORTEST_MS, expirationSeconds * 1000);
  const ttlMs = Math.min(asked, mostMs);
  const notBeforeMs = nowMs - BACKDATE_MS;
  return { notBeforeMs, notAfterMs: ttlMs < SHORT_MS ? nowMs + ttlMs : notBeforeMs + ttlMs };
}
