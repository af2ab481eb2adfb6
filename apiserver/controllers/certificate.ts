// Certificate signing requests: approves what nodes ask for themselves, signs what is approved with the cluster's
// authority, says what cannot be signed, and removes what is done.
//
//   signing requests -> name -> decideRequest -> approval | status | delete
import { itself, on, runController } from '../../api/client/controller.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import { timestamp } from '../../api/clock.ts';
import type { SigningRequest } from '../../api/pki/csr.ts';
import { issueRequested } from '../../api/pki/x509.ts';
import { isNotFound } from '../../api/status.ts';
import { subjectAccessReviews } from '../../api/types/authorization/resources.ts';
import type { CertificateSigningRequest } from '../../api/types/certificates/certificate-signing-request.ts';
import { certificateSigningRequests } from '../../api/types/certificates/resources.ts';
import { decideRequest, type Permission, removalMs, validity } from './certificate-decide.ts';
import type { Controller } from './deps.ts';

type Csr = CertificateSigningRequest;

export const certificateController: Controller = ({ client, informers, settings, clock, random, log }) => {
  const informer = informers.of(certificateSigningRequests);

  async function reconcile(name: string, signal: AbortSignal): Promise<Next> {
    const csr = informer.get(name);
    if (csr === undefined) return AT_REST;
    try {
      await perform(csr, signal);
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
    const atMs = removalMs(csr);
    return atMs === undefined ? AT_REST : { afterMs: Math.max(1_000, atMs - clock.now()) };
  }

  async function perform(csr: Csr, signal: AbortSignal): Promise<void> {
    const { name, uid } = csr.metadata;
    const step = decideRequest(csr, clock.now());
    switch (step.do) {
      case 'nothing':
        return;
      case 'remove':
        await client.delete(certificateSigningRequests, { name }, { preconditions: { uid } }, signal);
        log.debug({ csr: name, because: step.because }, 'signing request removed');
        return;
      case 'ask':
        return approveIfAllowed(csr, step.permissions, signal);
      case 'sign':
        return sign(csr, step.request, signal);
      case 'fail': {
        const failed = { type: 'Failed', reason: 'SignerValidationFailure', message: step.message };
        await writeStatus(csr, { conditions: withCondition(csr, failed, clock.now()) }, signal);
        log.info({ csr: name, why: step.message }, 'signing request refused');
        return;
      }
      default:
        step satisfies never;
    }
  }

  async function approveIfAllowed(csr: Csr, permissions: readonly Permission[], signal: AbortSignal): Promise<void> {
    const { name } = csr.metadata;
    for (const { subresource, message } of permissions) {
      if (!(await allowed(csr, subresource, signal))) continue;
      const approved = { type: 'Approved', reason: 'AutoApproved', message };
      const next = { ...csr, status: { ...csr.status, conditions: withCondition(csr, approved, clock.now()) } };
      await client.update(certificateSigningRequests, next, { subresource: 'approval' }, signal);
      log.info({ csr: name, user: csr.spec.username }, 'signing request approved');
      return;
    }
    log.info({ csr: name, user: csr.spec.username }, 'signing request not approved: the requester may not ask for it');
  }

  async function allowed({ spec }: Csr, subresource: string, signal: AbortSignal): Promise<boolean> {
    const { username: user = '', uid, groups, extra } = spec;
    const group = 'certificates.k8s.io';
    const resourceAttributes = { group, resource: 'certificatesigningrequests', verb: 'create', subresource };
    const asked = { user, ...(uid && { uid }), ...(groups && { groups }), ...(extra && { extra }), resourceAttributes };
    const review = await client.create(subjectAccessReviews, { metadata: {}, spec: asked } as never, {}, signal);
    return review.status.allowed;
  }

  async function sign(csr: Csr, request: SigningRequest, signal: AbortSignal): Promise<void> {
    const ca = settings.signing?.authority();
    if (ca === undefined) return; // said once, at the start
    const { usages = [], expirationSeconds } = csr.spec;
    const terms = validity(expirationSeconds, settings.signing!.durationMs, clock.now());
    const pem = issueRequested(ca, request, { usages, ...terms }, random);
    await writeStatus(csr, { certificate: Buffer.from(pem).toString('base64') }, signal);
    const until = timestamp(terms.notAfterMs);
    log.info({ csr: csr.metadata.name, for: request.subject.commonName, until }, 'certificate signed');
  }

  async function writeStatus(csr: Csr, status: Partial<Csr['status']>, signal: AbortSignal): Promise<void> {
    const next = { ...csr, status: { ...csr.status, ...status } };
    await client.update(certificateSigningRequests, next, { subresource: 'status' }, signal);
  }

  const sources = [on(informer, itself)];
  return (signal) => {
    if (settings.signing === undefined) log.warn({}, 'no authority to sign with: requests stay approved and unsigned');
    return runController({ name: 'certificate', sources, reconcile, clock, log }, signal);
  };
};

interface Said {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
}

export function withCondition({ status }: Csr, said: Said, nowMs: number): Csr['status']['conditions'] {
  return [...(status.conditions ?? []), { ...said, status: 'True', lastUpdateTime: timestamp(nowMs) }] as never;
}
