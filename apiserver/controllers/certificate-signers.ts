// What each signer of `kubernetes.io/` signs: which usages, which subjects, which alternative names. Pure; messages are
// those that upstream's signers leave in a Failed condition.
import type { SigningRequest } from '../../api/pki/csr.ts';

export const CLIENT = 'kubernetes.io/kube-apiserver-client';
export const KUBELET_CLIENT = 'kubernetes.io/kube-apiserver-client-kubelet';
export const KUBELET_SERVING = 'kubernetes.io/kubelet-serving';
export const LEGACY_UNKNOWN = 'kubernetes.io/legacy-unknown';

/** Returns why not; undefined for what may be signed. */
type Rule = (request: SigningRequest, usages: ReadonlySet<string>) => string | undefined;

export const SIGNERS: ReadonlyMap<string, Rule> = new Map([
  [CLIENT, client],
  [KUBELET_CLIENT, kubeletClient],
  [KUBELET_SERVING, kubeletServing],
  // Whatever was approved: what a request by the oldest version of the API means.
  [LEGACY_UNKNOWN, () => undefined],
]);

export const NODE = 'system:node:';
const NODES = 'system:nodes';

function client(_request: SigningRequest, usages: ReadonlySet<string>): string | undefined {
  const allowed = ['digital signature', 'key encipherment', 'client auth'];
  const other = [...usages].find((usage) => !allowed.includes(usage));
  if (other !== undefined) return `invalid usage for client certificate: ${other}`;
  return usages.has('client auth') ? undefined : 'missing required usage for client certificate: client auth';
}

function kubeletClient({ subject, names }: SigningRequest, usages: ReadonlySet<string>): string | undefined {
  if (!ofNodes(subject.organizations)) return 'subject organization is not system:nodes';
  if (names.dns.length > 0) return 'DNS subjectAltNames are not allowed';
  if (names.emails.length > 0) return 'Email subjectAltNames are not allowed';
  if (names.ips.length > 0) return 'IP subjectAltNames are not allowed';
  if (names.uris.length > 0) return 'URI subjectAltNames are not allowed';
  if (!subject.commonName.startsWith(NODE)) return `subject common name does not begin with ${NODE}`;
  return usagesProblem(usages, 'client auth');
}

function kubeletServing({ subject, names }: SigningRequest, usages: ReadonlySet<string>): string | undefined {
  if (!ofNodes(subject.organizations)) return 'subject organization is not system:nodes';
  if (names.dns.length === 0 && names.ips.length === 0) return 'DNS or IP subjectAltName is required';
  if (names.emails.length > 0) return 'Email subjectAltNames are not allowed';
  if (names.uris.length > 0) return 'URI subjectAltNames are not allowed';
  const problem = usagesProblem(usages, 'server auth');
  if (problem !== undefined) return problem;
  return subject.commonName.startsWith(NODE) ? undefined : `subject common name does not begin with ${NODE}`;
}

function ofNodes(organizations: readonly string[]): boolean {
  return organizations.length === 1 && organizations[0] === NODES;
}

/** Keys that only sign (EC) leave key encipherment out. */
function usagesProblem(usages: ReadonlySet<string>, purpose: string): string | undefined {
  const wanted = ['digital signature', 'key encipherment', purpose];
  const rest = wanted.filter((usage) => !usages.has(usage));
  const exact = usages.size + rest.length === wanted.length;
  if (exact && rest.every((usage) => usage === 'key encipherment')) return undefined;
  return `usages did not match [${wanted.join(' ')}]`;
}
