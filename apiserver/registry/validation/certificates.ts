// Certificate signing requests.

import { dns1123Subdomain } from '../../../api/names.ts';
import { parseSigningRequest } from '../../../api/pki/csr.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { CertificateSigningRequest } from '../../../api/types/certificates/certificate-signing-request.ts';
import { duplicate, forbidden, invalidValue, notSupported, required } from './problems.ts';

type Csr = CertificateSigningRequest;

const MIN_SECONDS = 600;

export function signingRequestProblems({ spec }: Csr): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (!spec.request) problems.push(required('spec.request'));
  else {
    const why = unreadable(Buffer.from(spec.request, 'base64').toString());
    if (why !== undefined) problems.push(invalidValue('spec.request', spec.request, why));
  }
  if (!spec.usages?.length) problems.push(required('spec.usages'));
  const seen = new Set<string>();
  for (const [i, usage] of (spec.usages ?? []).entries()) {
    if (!USAGES.includes(usage)) problems.push(notSupported(`spec.usages[${i}]`, usage, USAGES));
    if (seen.has(usage)) problems.push(duplicate(`spec.usages[${i}]`, usage));
    seen.add(usage);
  }
  problems.push(...signerProblems(spec.signerName));
  if (spec.expirationSeconds !== undefined && spec.expirationSeconds < MIN_SECONDS) {
    const why = 'may not specify a duration less than 600 seconds (10 minutes)';
    problems.push(invalidValue('spec.expirationSeconds', spec.expirationSeconds, why));
  }
  return problems;
}

const SIGNER = "must be a fully qualified domain and path of the form 'example.com/signer-name'";

/** A domain with a name of one or two segments below it. */
export function signerProblems(name: string | undefined, path = 'spec.signerName'): FieldProblem[] {
  if (!name) return [required(path)];
  const [domain = '', ...segments] = name.split('/');
  if (segments.length !== 1) return [invalidValue(path, name, SIGNER)];
  const problems = dns1123Subdomain(domain).map((why) => {
    return invalidValue(path, domain, `validating label ${JSON.stringify(domain)}: ${why}`);
  });
  if (domain.split('.').length < 2) {
    problems.push(invalidValue(path, domain, 'should be a domain with at least two segments separated by dots'));
  }
  const why = dns1123Subdomain(segments[0]!);
  return [
    ...problems,
    ...why.map((one) => invalidValue(path, segments[0], `validating label ${JSON.stringify(segments[0])}: ${one}`)),
  ];
}

const USAGES = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
];

function unreadable(pem: string): string | undefined {
  if (!pem.includes('-----BEGIN CERTIFICATE REQUEST-----')) return 'PEM block type must be CERTIFICATE REQUEST';
  try {
    parseSigningRequest(pem);
    return undefined;
  } catch (err) {
    return (err as Error).message;
  }
}

const PERMANENT = ['Approved', 'Denied', 'Failed'];

export function conditionProblems({ status }: Csr, current: Csr): FieldProblem[] {
  const path = 'status.conditions';
  const problems: FieldProblem[] = [];
  const conditions = status.conditions ?? [];
  for (const [i, condition] of conditions.entries()) {
    if (!condition.type) problems.push(required(`${path}[${i}].type`));
    const only = PERMANENT.includes(condition.type) ? ['True'] : ['True', 'False', 'Unknown'];
    if (!condition.status) problems.push(required(`${path}[${i}].status`));
    else if (!only.includes(condition.status)) {
      problems.push(notSupported(`${path}[${i}].status`, condition.status, only));
    }
  }
  const types = new Set(conditions.map(({ type }) => type));
  if (types.has('Approved') && types.has('Denied')) {
    const last = conditions.findLast(({ type }) => type === 'Approved' || type === 'Denied')!.type;
    problems.push(invalidValue(path, last, 'Approved and Denied conditions are mutually exclusive'));
  }
  for (const { type } of current.status.conditions ?? []) {
    if (PERMANENT.includes(type) && !types.has(type)) {
      problems.push(forbidden(path, `updates may not remove a condition of type ${JSON.stringify(type)}`));
    }
  }
  return problems;
}

export const approvalProblems = conditionProblems;

export function certificateProblems(next: Csr, current: Csr): FieldProblem[] {
  const problems = conditionProblems(next, current);
  const { certificate } = next.status;
  const before = current.status.certificate;
  if (certificate && certificate !== before) {
    if (before) problems.push(forbidden('status.certificate', 'updates may not modify existing certificate content'));
    const pem = Buffer.from(certificate, 'base64').toString();
    if (!pem.includes('-----BEGIN CERTIFICATE-----')) {
      const message = 'Invalid value: "<certificate data>": must contain at least one CERTIFICATE PEM block';
      problems.push({ path: 'status.certificate', reason: 'FieldValueInvalid', message });
    }
  }
  return problems;
}
