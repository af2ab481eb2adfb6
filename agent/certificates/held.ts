// A certificate with its key: as found in files, as answered by a signer, and what there is to say against it.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ipBytes, ipText } from '../../api/pki/names.ts';
import { subjectOf } from '../../api/pki/x509.ts';

export interface Held {
  readonly certPem: string;
  readonly keyPem: string;
  readonly commonName: string;
  readonly dns: readonly string[];
  readonly ips: readonly string[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** A signer answered a request of this node; otherwise it was issued on this machine. */
  readonly requested: boolean;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Throws for what is no certificate, or not that of the key. */
export function held(certPem: string, keyPem: string, requested: boolean): Held {
  const cert = new X509Certificate(certPem);
  if (!cert.checkPrivateKey(createPrivateKey(keyPem))) throw new Error('the certificate is not that of the key');
  const names = (cert.subjectAltName ?? '').split(', ').map((entry) => entry.split(/:(.*)/s));
  const of = (kind: string) => names.filter(([k]) => k === kind).map(([, value]) => value ?? '');
  return {
    certPem: `${certPem.trim()}\n`,
    keyPem: `${keyPem.trim()}\n`,
    requested,
    commonName: subjectOf(cert.raw).commonName,
    dns: of('DNS'),
    ips: of('IP Address').map((ip) => ipText(ipBytes(ip))),
    notBeforeMs: cert.validFromDate.getTime(),
    notAfterMs: cert.validToDate.getTime(),
  };
}

/** Whether one of the authorities in a bundle signed it. */
export function isSignedByOneOf(caBundle: string, certPem: string): boolean {
  const cert = new X509Certificate(certPem);
  return (caBundle.match(CERTIFICATE) ?? []).some((pem) => cert.verify(new X509Certificate(pem).publicKey));
}

/** Certificate and key, of one file or of two. Undefined where there is none that can be used by this name. */
export async function readHeld(
  files: readonly string[],
  { commonName, caBundle, requested }: { commonName: string; caBundle: string; requested: boolean },
): Promise<Held | undefined> {
  try {
    const text = (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join('\n');
    const at = text.indexOf('-----BEGIN PRIVATE KEY-----');
    const certPem = text.match(CERTIFICATE)?.join('\n') ?? '';
    const found = held(certPem, text.slice(at), requested);
    return found.commonName === commonName && isSignedByOneOf(caBundle, certPem) ? found : undefined;
  } catch {
    return undefined; // not there, half of it, or of an authority that is gone: as good as none, a new one is asked for
  }
}

/** Both in one file, so that a crash leaves the old pair or the new one. */
export async function writeHeld(path: string, { certPem, keyPem }: Held): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(`${path}.tmp`, 'w', 0o600);
  try {
    await file.chmod(0o600);
    await file.writeFile(certPem + keyPem);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.tmp`, path);
}
