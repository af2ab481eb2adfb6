// The resources of certificates.k8s.io/v1.
import type { ResourceDefinition } from '../../resource.ts';
import { AGE, ALL_VERBS, NAME, PART, text } from '../resource-parts.ts';
import { CertificateSigningRequest } from './certificate-signing-request.ts';

export const certificateSigningRequests: ResourceDefinition<CertificateSigningRequest> = {
  group: 'certificates.k8s.io',
  version: 'v1',
  kind: 'CertificateSigningRequest',
  listKind: 'CertificateSigningRequestList',
  plural: 'certificatesigningrequests',
  singular: 'certificatesigningrequest',
  shortNames: ['csr'],
  namespaced: false,
  verbs: ALL_VERBS,
  schema: CertificateSigningRequest,
  subresources: {
    approval: PART,
    status: PART,
  },
  selectableFields: ['spec.signerName'],
  columns: [
    NAME,
    AGE,
    text('SignerName', 'spec.signerName'),
    text('Requestor', 'spec.username'),
    text('RequestedDuration'),
    text('Condition'),
  ],
};

export const certificatesResources: readonly ResourceDefinition[] = [certificateSigningRequests];
