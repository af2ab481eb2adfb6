// The cluster's certificates: one table says which there are, a pure plan says which to issue, and `ensurePki` does it.
// Whoever holds ca.key is the cluster: nothing here ever replaces an authority. Everything else is replaced when it is
// missing, damaged, close to its end, or lacks a name it should have.
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ipBytes, ipText, type Subject } from '../api/pki/names.ts';
import { type Authority, DAY_MS, issue, newAuthority, newKey, subjectOf, type Usage } from '../api/pki/x509.ts';
import type { Random } from '../api/random.ts';
import { UsageError } from './config.ts';
import { readFileIfThere, writeFileAtomically } from './files.ts';

export const CERTIFICATES = [
  'apiserver',
  'apiserver-kubelet-client',
  'kubelet-client',
  'kubelet-server',
  'admin',
] as const;
export type CertificateName = (typeof CERTIFICATES)[number];

/** What the names in certificates follow from. */
export interface PkiNames {
  readonly hostname: string;
  readonly nodeName: string;
  readonly nodeIps: readonly string[];
  readonly serviceCidrs: readonly string[];
  readonly clusterDomain: string;
  /** Further names or addresses the API is reached by. */
  readonly apiNames?: readonly string[];
}

export interface CertificateSpec {
  readonly name: CertificateName;
  readonly subject: Required<Subject>;
  readonly dns: readonly string[];
  readonly ips: readonly string[];
  readonly usages: readonly Usage[];
}

export interface FoundCertificate {
  readonly subject: Required<Subject>;
  readonly dns: readonly string[];
  readonly ips: readonly string[];
  readonly notAfterMs: number;
  /** Signed by the authority that is there, and its key lies beside it. */
  readonly sound: boolean;
}

export type Found = Partial<Record<CertificateName, FoundCertificate>>;
export interface Issue {
  readonly spec: CertificateSpec;
  readonly because: string;
}

const AUTHORITY_VALID_MS = 10 * 365 * DAY_MS;
const VALID_MS = 365 * DAY_MS;
// A machine that is started at least every quarter never serves an expired certificate.
const RENEW_BEFORE_MS = 90 * DAY_MS;
// Agents renew theirs by signing requests; these are where an agent begins, and its way back after a long time off.
const ROTATED: readonly CertificateName[] = ['kubelet-client', 'kubelet-server'];
const RENEW_ROTATED_BEFORE_MS = DAY_MS;

export function pkiFiles(dir: string) {
  return {
    cert: (name: CertificateName | 'ca') => join(dir, `${name}.crt`),
    key: (name: CertificateName | 'ca' | 'service-account') => join(dir, `${name}.key`),
  };
}

export function certificateSpecs(names: PkiNames): CertificateSpec[] {
  const { hostname, nodeName, nodeIps, serviceCidrs, clusterDomain, apiNames = [] } = names;
  const kubernetes = ['', '.default', '.default.svc', `.default.svc.${clusterDomain}`].map(
    (tail) => `kubernetes${tail}`,
  );
  const node = { commonName: `system:node:${nodeName}`, organizations: ['system:nodes'] };
  const local = { dns: ['localhost'], ips: ['127.0.0.1', '::1'] };
  const extraIps = apiNames.filter(isAddress);
  const client = { dns: [], ips: [], usages: ['client'] } as const;
  return [
    {
      name: 'apiserver',
      subject: { commonName: 'kube-apiserver', organizations: [] },
      dns: unique([...local.dns, ...kubernetes, hostname, nodeName, ...apiNames.filter((name) => !isAddress(name))]),
      ips: unique([...local.ips, ...serviceCidrs.map(firstAddress), ...nodeIps, ...extraIps].map(normal)),
      usages: ['server'],
    },
    {
      name: 'apiserver-kubelet-client',
      subject: { commonName: 'kube-apiserver-kubelet-client', organizations: ['system:masters'] },
      ...client,
    },
    { name: 'kubelet-client', subject: node, ...client },
    {
      name: 'kubelet-server',
      subject: node,
      dns: unique([nodeName, hostname, ...local.dns]),
      ips: unique([...nodeIps, ...local.ips].map(normal)),
      usages: ['server'],
    },
    { name: 'admin', subject: { commonName: 'skiff-admin', organizations: ['system:masters'] }, ...client },
  ];
}

export function planPki(specs: readonly CertificateSpec[], found: Found, nowMs: number): Issue[] {
  return specs.flatMap((spec) => {
    const because = whyIssue(spec, found[spec.name], nowMs);
    return because === undefined ? [] : [{ spec, because }];
  });
}

/** Makes the folder hold what the cluster needs, and tells what it issued and why. */
export async function ensurePki(
  dir: string,
  names: PkiNames,
  deps: { random: Random; nowMs: number },
): Promise<Issue[]> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const files = pkiFiles(dir);
  const ca = await ensureAuthority(dir, deps);
  await ensureServiceAccountKey(files.key('service-account'));
  const found: Found = {};
  for (const name of CERTIFICATES) found[name] = await lookAt(ca, files.cert(name), files.key(name));
  const issues = planPki(certificateSpecs(names), found, deps.nowMs);
  for (const { spec } of issues) {
    const keyPem = newKey();
    const certPem = issue(ca, { ...spec, publicKey: keyPem, validMs: VALID_MS }, deps);
    // Key first: after a crash between the two the pair is unsound and issued again.
    await writeFileAtomically(files.key(spec.name), keyPem, 0o600);
    await writeFileAtomically(files.cert(spec.name), certPem, 0o644);
  }
  return issues;
}

export async function readAdmin(dir: string): Promise<{ caPem: string; certPem: string; keyPem: string }> {
  const files = pkiFiles(dir);
  const [caPem, certPem, keyPem] = await Promise.all(
    [files.cert('ca'), files.cert('admin'), files.key('admin')].map((path) => readFile(path, 'utf8')),
  );
  return { caPem: caPem!, certPem: certPem!, keyPem: keyPem! };
}

function whyIssue(spec: CertificateSpec, found: FoundCertificate | undefined, nowMs: number): string | undefined {
  if (found === undefined) return 'there is none';
  if (!found.sound) return 'certificate, key and authority do not belong together';
  const beforeMs = ROTATED.includes(spec.name) ? RENEW_ROTATED_BEFORE_MS : RENEW_BEFORE_MS;
  if (found.notAfterMs - nowMs < beforeMs) return `it ends ${new Date(found.notAfterMs).toISOString().slice(0, 10)}`;
  const { commonName, organizations } = found.subject;
  if (commonName !== spec.subject.commonName || organizations.join() !== spec.subject.organizations.join()) {
    return `it is issued to ${commonName}`;
  }
  const missing = [...spec.dns, ...spec.ips].filter((name) => !found.dns.includes(name) && !found.ips.includes(name));
  return missing.length > 0 ? `it lacks ${missing.join(', ')}` : undefined;
}

async function ensureAuthority(dir: string, deps: { random: Random; nowMs: number }): Promise<Authority> {
  const files = pkiFiles(dir);
  const [certPem, keyPem] = [await readFileIfThere(files.cert('ca')), await readFileIfThere(files.key('ca'))];
  if (certPem !== undefined && keyPem !== undefined) {
    const complaint = authorityComplaint({ certPem, keyPem }, deps.nowMs);
    if (complaint !== undefined) throw new UsageError(`${dir}: ${complaint}`);
    return { certPem, keyPem };
  }
  if (certPem !== undefined) {
    throw new UsageError(
      `${files.key('ca')} is missing: restore it, or remove ${dir} to give the cluster a new identity`,
    );
  }
  // The name carries the time, so that two clusters' authorities are told apart in a client's trust store.
  const subject = { commonName: `skiff-ca@${Math.floor(deps.nowMs / 1000)}` };
  const authority = newAuthority({ subject, validMs: AUTHORITY_VALID_MS, keyPem }, deps);
  await writeFileAtomically(files.key('ca'), authority.keyPem, 0o600);
  await writeFileAtomically(files.cert('ca'), authority.certPem, 0o644);
  return authority;
}

function authorityComplaint({ certPem, keyPem }: Authority, nowMs: number): string | undefined {
  try {
    const cert = new X509Certificate(certPem);
    if (!cert.ca) return 'ca.crt is not the certificate of an authority';
    if (!cert.checkPrivateKey(createPrivateKey(keyPem))) return 'ca.key does not belong to ca.crt';
    return cert.validToDate.getTime() < nowMs
      ? `ca.crt ended on ${cert.validToDate.toISOString().slice(0, 10)}`
      : undefined;
  } catch (err) {
    return `ca.crt or ca.key cannot be read (${(err as Error).message})`;
  }
}

async function ensureServiceAccountKey(path: string): Promise<void> {
  const pem = await readFileIfThere(path);
  if (pem === undefined) return writeFileAtomically(path, newKey(), 0o600);
  try {
    createPrivateKey(pem);
  } catch {
    // A new key would make every token in the cluster invalid: the operator decides.
    throw new UsageError(
      `${path} is not a private key: restore it, or remove it to invalidate all service account tokens`,
    );
  }
}

async function lookAt(ca: Authority, certPath: string, keyPath: string): Promise<FoundCertificate | undefined> {
  const [certPem, keyPem] = [await readFileIfThere(certPath), await readFileIfThere(keyPath)];
  if (certPem === undefined || keyPem === undefined) return undefined;
  try {
    const cert = new X509Certificate(certPem);
    const names = (cert.subjectAltName ?? '').split(', ').map((entry) => entry.split(/:(.*)/s));
    const of = (kind: string) => names.filter(([k]) => k === kind).map(([, value]) => value ?? '');
    return {
      subject: subjectOf(cert.raw),
      dns: of('DNS'),
      ips: of('IP Address').map(normal),
      notAfterMs: cert.validToDate.getTime(),
      sound: cert.verify(createPublicKey(ca.certPem)) && cert.checkPrivateKey(createPrivateKey(keyPem)),
    };
  } catch {
    return undefined; // damaged files are as good as none
  }
}

function firstAddress(cidr: string): string {
  const bytes = ipBytes(cidr.split('/')[0]!);
  bytes[bytes.length - 1]! += 1;
  return ipText(bytes);
}

function isAddress(name: string): boolean {
  return /^[\d.]+$/.test(name) || name.includes(':');
}

function normal(ip: string): string {
  return ipText(ipBytes(ip));
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}
