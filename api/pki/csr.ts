// Certificate signing requests (PKCS#10, RFC 2986): made by nodes that join, read and verified by the signer.
// A request comes from a stranger: it is bounded, its signature is checked, and everything it asks for is visible
// in the parsed form, so that a signer can refuse what it does not know.
import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import * as der from './der.ts';
import {
  type AlternativeNames,
  type DecodedNames,
  decodeAlternativeNames,
  decodeSubject,
  encodeAlternativeNames,
  encodeSubject,
  type Subject,
} from './names.ts';
import { fromPem, toPem } from './pem.ts';
import { isSignedBy, signatureAlgorithmFor } from './signature.ts';

export interface SigningRequest {
  readonly subject: Required<Subject>;
  /** As it stands in the request (DER): a signer copies it, with attributes that are not read here. */
  readonly subjectBytes: Buffer;
  readonly publicKey: KeyObject;
  readonly names: DecodedNames;
  /** Object identifiers of requested extensions other than the alternative names. */
  readonly otherExtensions: readonly string[];
}

const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';
const ALTERNATIVE_NAMES = '2.5.29.17';
const REQUEST_BYTES_MAX = 64 * 1024;
const NO_NAMES: DecodedNames = { dns: [], ips: [], emails: [], uris: [], others: 0 };

export function newSigningRequest(keyPem: string, subject: Subject, names: AlternativeNames = {}): string {
  const key = createPrivateKey(keyPem);
  const { algorithm, digest } = signatureAlgorithmFor(key);
  const info = der.sequence(
    der.integer(0),
    encodeSubject(subject),
    createPublicKey(key).export({ type: 'spki', format: 'der' }),
    der.explicit(0, ...extensionRequest(names)),
  );
  return toPem('CERTIFICATE REQUEST', der.sequence(info, algorithm, der.bitString(sign(digest, info, key))));
}

/** Throws a DerError or TypeError whose message is fit for the user. */
export function parseSigningRequest(pem: string): SigningRequest {
  if (pem.length > REQUEST_BYTES_MAX) throw new der.DerError(`a request has at most ${REQUEST_BYTES_MAX} bytes`);
  const request = der.expectTag(der.readDer(fromPem('CERTIFICATE REQUEST', pem)), der.TAG.sequence);
  const [info, algorithm, signature] = request.children;
  const [version, subject, spki, attributes] = der.expectTag(info, der.TAG.sequence).children;
  der.expectTag(version, der.TAG.integer);
  const publicKey = createPublicKey({ key: der.expectTag(spki, der.TAG.sequence).raw, format: 'der', type: 'spki' });
  const signatureBytes = der.readBitStringBytes(der.expectTag(signature, der.TAG.bitString));
  if (!isSignedBy(publicKey, der.expectTag(algorithm, der.TAG.sequence), info!.raw, signatureBytes)) {
    throw new der.DerError('the signature of the request is not that of its key');
  }
  const extensions = requestedExtensions(attributes);
  const names = extensions.find(({ id }) => id === ALTERNATIVE_NAMES);
  return {
    subject: decodeSubject(der.expectTag(subject, der.TAG.sequence)),
    subjectBytes: subject!.raw,
    publicKey,
    names: names === undefined ? NO_NAMES : decodeAlternativeNames(der.readDer(names.value)),
    otherExtensions: extensions.map(({ id }) => id).filter((id) => id !== ALTERNATIVE_NAMES),
  };
}

function extensionRequest(asked: AlternativeNames): Buffer[] {
  if (!Object.values(asked).some((some) => some.length > 0)) return [];
  const names = der.octetString(encodeAlternativeNames(asked));
  const extensions = der.sequence(der.sequence(der.oid(ALTERNATIVE_NAMES), names));
  return [der.sequence(der.oid(EXTENSION_REQUEST), der.set(extensions))];
}

function requestedExtensions(attributes: der.DerNode | undefined): { id: string; value: Buffer }[] {
  const requests = (attributes?.children ?? []).filter(
    ({ children: [id] }) => id && der.readOid(id) === EXTENSION_REQUEST,
  );
  const extensions = requests.flatMap(
    ({ children: [, values] }) => der.expectTag(values, der.TAG.set).children[0]?.children ?? [],
  );
  return extensions.map(({ children }) => ({
    id: der.readOid(der.expectTag(children[0], der.TAG.oid)),
    value: der.expectTag(children.at(-1), der.TAG.octetString).content,
  }));
}
