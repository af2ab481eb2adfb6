// Which algorithm a key signs with, as certificates and requests name it.
import { type KeyObject, verify } from 'node:crypto';
import * as der from './der.ts';

interface SignatureAlgorithm {
  readonly id: string;
  readonly keyType: string;
  /** What crypto.sign calls the digest; Ed25519 brings its own. */
  readonly digest: string | null;
  /** RSA's identifiers carry an explicit NULL (RFC 4055, 5); the others nothing. */
  readonly parameters: boolean;
}

// The first of a key type is the one we sign with; all are accepted from others. SHA-1 is not.
const ALGORITHMS: readonly SignatureAlgorithm[] = [
  { id: '1.2.840.10045.4.3.2', keyType: 'ec', digest: 'sha256', parameters: false },
  { id: '1.2.840.10045.4.3.3', keyType: 'ec', digest: 'sha384', parameters: false },
  { id: '1.2.840.10045.4.3.4', keyType: 'ec', digest: 'sha512', parameters: false },
  { id: '1.2.840.113549.1.1.11', keyType: 'rsa', digest: 'sha256', parameters: true },
  { id: '1.2.840.113549.1.1.12', keyType: 'rsa', digest: 'sha384', parameters: true },
  { id: '1.2.840.113549.1.1.13', keyType: 'rsa', digest: 'sha512', parameters: true },
  { id: '1.3.101.112', keyType: 'ed25519', digest: null, parameters: false },
];

export function signatureAlgorithmFor(key: KeyObject): { algorithm: Buffer; digest: string | null } {
  const found = ALGORITHMS.find(({ keyType }) => keyType === key.asymmetricKeyType);
  if (found === undefined) throw new TypeError(`cannot sign with a key of type ${key.asymmetricKeyType}`);
  const { id, digest, parameters } = found;
  return { algorithm: der.sequence(der.oid(id), ...(parameters ? [der.nothing()] : [])), digest };
}

/** False for a wrong signature and for algorithms that are not in the table. */
export function isSignedBy(key: KeyObject, algorithm: der.DerNode, data: Buffer, signature: Buffer): boolean {
  const id = der.readOid(der.expectTag(algorithm.children[0], der.TAG.oid));
  const found = ALGORITHMS.find((known) => known.id === id && known.keyType === key.asymmetricKeyType);
  return found !== undefined && verify(found.digest, data, key, signature);
}
