// Certificate signing requests at admission: who may approve and who may sign for a signer is a permission of its own
// on the signer's name, and nobody becomes an administrator by a signed certificate.
import { parseSigningRequest } from '../../api/pki/csr.ts';
import { deepEqual } from '../../api/schema/equal.ts';
import { forbidden } from '../../api/status.ts';
import type { CertificateSigningRequest } from '../../api/types/certificates/certificate-signing-request.ts';
import { certificateSigningRequests } from '../../api/types/certificates/resources.ts';
import type { RegistryContext } from '../registry/registry.ts';
import type { UserInfo } from '../registry/request.ts';
import type { AdmissionPlugin, Attributes } from './admission.ts';

type Csr = CertificateSigningRequest;

const GROUP = certificateSigningRequests.group;
const RESOURCES = ['certificatesigningrequests.certificates.k8s.io'];
const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client';
const MASTERS = 'system:masters';

export const certificateApproval: AdmissionPlugin = {
  name: 'CertificateApproval',
  resources: RESOURCES,
  operations: ['UPDATE'],
  subresources: ['approval'],
  validate({ old, name, user }, registry) {
    const { signerName } = (old as unknown as Csr).spec;
    if (mayUse(user, 'approve', signerName, registry)) return;
    const why = `user not permitted to approve requests with signerName ${JSON.stringify(signerName)}`;
    throw forbidden(certificateSigningRequests, name, why);
  },
};

export const certificateSigning: AdmissionPlugin = {
  name: 'CertificateSigning',
  resources: RESOURCES,
  operations: ['UPDATE'],
  subresources: ['status'],
  validate({ object, old, name, user }, registry) {
    const [next, current] = [object, old] as unknown as [Csr, Csr];
    const same = next.status.certificate === current.status.certificate;
    if (same && deepEqual(next.status.conditions ?? [], current.status.conditions ?? [])) return;
    const { signerName } = current.spec;
    if (mayUse(user, 'sign', signerName, registry)) return;
    const why = `user not permitted to sign requests with signerName ${JSON.stringify(signerName)}`;
    throw forbidden(certificateSigningRequests, name, why);
  },
};

export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  resources: RESOURCES,
  operations: ['CREATE'],
  validate(attributes) {
    if (specOf(attributes).signerName !== CLIENT_SIGNER) return;
    if (!subjectOf(attributes).organizations.includes(MASTERS)) return;
    const why = `use of ${CLIENT_SIGNER} signer with ${MASTERS} group is not allowed`;
    throw forbidden(certificateSigningRequests, attributes.name, why);
  },
};

const OF_NODES = ['kubernetes.io/kubelet-serving', 'kubernetes.io/kube-apiserver-client-kubelet'];

/** A node asks for certificates of its own only. Called by NodeRestriction. */
export function restrictSigningRequest(attributes: Attributes, node: string): void {
  if (attributes.operation !== 'CREATE' || attributes.subresource !== '') return;
  if (!OF_NODES.includes(specOf(attributes).signerName)) return;
  const own = `system:node:${node}`;
  if (subjectOf(attributes).commonName === own) return;
  throw forbidden(certificateSigningRequests, attributes.name, `can only create a node CSR with CN=${own}`);
}

/** By the signer's name, or by all names of its domain. */
function mayUse(user: UserInfo, verb: 'approve' | 'sign', signer: string, { authorizer }: RegistryContext): boolean {
  const domain = signer.split('/')[0];
  return [signer, `${domain}/*`].some((name) => {
    const access = { user, verb, group: GROUP, resource: 'signers', subresource: '', namespace: '', name };
    return authorizer.authorize(access).answer === 'allow';
  });
}

function specOf({ object }: Attributes): Csr['spec'] {
  return (object as unknown as Csr).spec;
}

function subjectOf(attributes: Attributes) {
  try {
    return parseSigningRequest(Buffer.from(specOf(attributes).request, 'base64').toString()).subject;
  } catch (err) {
    const why = `failed to parse CSR: ${(err as Error).message}`;
    throw forbidden(certificateSigningRequests, attributes.name, why);
  }
}
