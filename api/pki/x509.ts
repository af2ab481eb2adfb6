// Certificates (X.509 v3, RFC 5280): Node reads them but issues none, so they are written here. Pure but for the
// signature: time and serial numbers are handed in. EC P-256 for our own keys; any authority that Node can sign with
// works (EC, RSA, Ed25519), so that an operator may bring one.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  X509Certificate,
} from 'node:crypto';
import type { Random } from '../random.ts';
import type { SigningRequest } from './csr.ts';
import * as der from './der.ts';
import { type AlternativeNames, decodeSubject, encodeAlternativeNames, encodeSubject, type Subject } from './names.ts';
import { fromPem, toPem } from './pem.ts';
import { signatureAlgorithmFor } from './signature.ts';
import { partsOfUsages } from './usages.ts';

export interface Authority {
  readonly certPem: string;
  readonly keyPem: string;
}

export type Usage = 'server' | 'client';

export interface IssueDeps {
  readonly random: Random;
  readonly nowMs: number;
}

export interface CertificateRequest extends AlternativeNames {
  readonly subject: Subject;
  /** The public key to certify, as PEM or KeyObject. */
  readonly publicKey: KeyObject | string;
  readonly usages: readonly Usage[];
  readonly validMs: number;
}

export const DAY_MS = 86_400_000;

// Clocks of joining nodes are a little behind: a fresh certificate must be valid there too.
const BACKDATE_MS = 5 * 60_000;

/** An EC P-256 private key as PKCS#8 PEM. */
export function newKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}

/** A self-signed authority, with a fresh key unless one is given. */
export function newAuthority(
  { subject, validMs, keyPem = newKey() }: { subject: Subject; validMs: number; keyPem?: string },
  { random, nowMs }: IssueDeps,
): Authority {
  const key = createPrivateKey(keyPem);
  const spki = publicKeyInfo(createPublicKey(key));
  const name = encodeSubject(subject);
  const certPem = signed(key, {
    issuer: name,
    subject: name,
    spki,
    serial: serial(random),
    notBeforeMs: nowMs - BACKDATE_MS,
    notAfterMs: nowMs + validMs,
    extensions: [
      keyUsage(KEY_USAGE.digitalSignature, KEY_USAGE.keyEncipherment, KEY_USAGE.certSign),
      extension('2.5.29.19', true, der.sequence(der.boolean(true))),
      subjectKeyId(spki),
    ],
  });
  return { certPem, keyPem };
}

/** A certificate of a server or a client, signed by the authority. It never outlives the authority. */
export function issue(ca: Authority, request: CertificateRequest, { random, nowMs }: IssueDeps): string {
  const publicKey = typeof request.publicKey === 'string' ? createPublicKey(request.publicKey) : request.publicKey;
  const bits = [
    KEY_USAGE.digitalSignature,
    ...(publicKey.asymmetricKeyType === 'rsa' ? [KEY_USAGE.keyEncipherment] : []),
  ];
  const terms = { notBeforeMs: nowMs - BACKDATE_MS, notAfterMs: nowMs + request.validMs };
  const purposes = request.usages.map((usage) => EXTENDED[usage]);
  return certify(ca, { ...request, publicKey, subject: encodeSubject(request.subject), bits, purposes, terms }, random);
}

export interface Terms {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** The certificate that a request asks for: its name as it stands there, its alternative names, and these usages. */
export function issueRequested(
  ca: Authority,
  { subjectBytes: subject, publicKey, names }: SigningRequest,
  { usages, ...terms }: Terms & { readonly usages: readonly string[] },
  random: Random,
): string {
  return certify(ca, { ...names, ...partsOfUsages(usages), subject, publicKey, terms }, random);
}

interface Certified extends AlternativeNames {
  readonly subject: Buffer;
  readonly publicKey: KeyObject;
  readonly bits: readonly number[];
  readonly purposes: readonly string[];
  readonly terms: Terms;
}

function certify(ca: Authority, { subject, publicKey, bits, purposes, terms, ...names }: Certified, random: Random) {
  const caCert = new X509Certificate(ca.certPem);
  const caKey = createPrivateKey(ca.keyPem);
  if (!caCert.checkPrivateKey(caKey)) throw new TypeError('the key does not belong to the certificate authority');
  return signed(caKey, {
    issuer: subjectBytes(caCert.raw),
    subject,
    spki: publicKeyInfo(publicKey),
    serial: serial(random),
    notBeforeMs: Math.max(terms.notBeforeMs, caCert.validFromDate.getTime()),
    notAfterMs: Math.min(terms.notAfterMs, caCert.validToDate.getTime()),
    extensions: [
      ...(bits.length > 0 ? [keyUsage(...bits)] : []),
      ...(purposes.length > 0 ? [extendedKeyUsage(purposes)] : []),
      extension('2.5.29.19', true, der.sequence()),
      extension('2.5.29.35', false, der.sequence(der.implicit(0, keyId(publicKeyInfo(caCert.publicKey))))),
      ...alternativeNames(names),
    ],
  });
}

/** The name a certificate (DER, as TLS hands it over) was issued to: user and groups of a client. */
export function subjectOf(certificate: Uint8Array): Required<Subject> {
  return decodeSubject(der.readDer(subjectBytes(certificate)));
}

interface Body {
  issuer: Buffer;
  subject: Buffer;
  spki: Buffer;
  serial: Buffer;
  notBeforeMs: number;
  notAfterMs: number;
  extensions: Buffer[];
}

function signed(key: KeyObject, body: Body): string {
  const { algorithm, digest } = signatureAlgorithmFor(key);
  const tbs = der.sequence(
    der.explicit(0, der.integer(2)), // version 3
    der.integer(body.serial),
    algorithm,
    body.issuer,
    der.sequence(der.time(body.notBeforeMs), der.time(body.notAfterMs)),
    body.subject,
    body.spki,
    der.explicit(3, der.sequence(...body.extensions)),
  );
  return toPem('CERTIFICATE', der.sequence(tbs, algorithm, der.bitString(sign(digest, tbs, key))));
}

/** 127 bits of chance, positive and never zero, as RFC 5280 (4.1.2.2) asks. */
function serial(random: Random): Buffer {
  const bytes = Buffer.from(random.bytes(16));
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes;
}

const KEY_USAGE = { digitalSignature: 0, keyEncipherment: 2, certSign: 5 } as const;
const EXTENDED: Record<Usage, string> = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' };

function keyUsage(...bits: number[]): Buffer {
  return extension('2.5.29.15', true, der.namedBits(bits));
}

function extendedKeyUsage(purposes: readonly string[]): Buffer {
  return extension('2.5.29.37', false, der.sequence(...purposes.map(der.oid)));
}

function subjectKeyId(spki: Buffer): Buffer {
  return extension('2.5.29.14', false, der.octetString(keyId(spki)));
}

function alternativeNames(names: AlternativeNames): Buffer[] {
  const { dns = [], ips = [], emails = [], uris = [] } = names;
  const some = dns.length + ips.length + emails.length + uris.length > 0;
  return some ? [extension('2.5.29.17', false, encodeAlternativeNames(names))] : [];
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return der.sequence(der.oid(id), ...(critical ? [der.boolean(true)] : []), der.octetString(value));
}

function publicKeyInfo(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' });
}

/** SHA-1 of the public key's bits: a name, not a defence (RFC 5280, 4.2.1.2). */
function keyId(spki: Buffer): Buffer {
  const bits = der.readBitStringBytes(der.expectTag(der.readDer(spki).children[1], der.TAG.bitString));
  return createHash('sha1').update(bits).digest();
}

/** Copied byte by byte into what the authority issues: verifiers compare issuer and subject as bytes. */
function subjectBytes(certificate: Uint8Array): Buffer {
  const tbs = der.readDer(certificate).children[0];
  const fields = tbs?.children ?? [];
  const versioned = fields[0]?.tag === 0xa0 ? 1 : 0;
  // serial, signature, issuer, validity, subject
  return der.expectTag(fields[versioned + 4], der.TAG.sequence).raw;
}

/** The DER of the first certificate in a PEM text. */
export function certificateBytes(pem: string): Buffer {
  return fromPem('CERTIFICATE', pem);
}
