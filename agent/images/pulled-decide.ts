// Who may use an image that is here: what was pulled with a secret is not for pods that have none (upstream's
// KubeletEnsureSecretPulledImages). Pure; pulled-records.ts keeps what is decided upon.
import { imageParts } from './image-name.ts';
import { type Credential, credentialHash } from './keyring.ts';

export const POLICIES = [
  'NeverVerify',
  'NeverVerifyPreloadedImages',
  'NeverVerifyAllowlistedImages',
  'AlwaysVerify',
] as const;
export type VerificationPolicy = (typeof POLICIES)[number];

export interface VerificationSettings {
  readonly policy: VerificationPolicy;
  /** Image names without tag; a `/*` at the end covers what is below. */
  readonly allowlist: readonly string[];
}

export interface SecretUsed {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly credentialHash: string;
}
export type AccountUsed = Omit<SecretUsed, 'credentialHash'>;

export interface PulledWith {
  readonly nodePodsAccessible?: boolean;
  readonly kubernetesSecrets?: readonly SecretUsed[];
  readonly kubernetesServiceAccounts?: readonly AccountUsed[];
}

/** The file's form is upstream's: a node may change hands. */
export interface PulledRecord {
  readonly kind: 'ImagePulledRecord';
  readonly apiVersion: string;
  readonly lastUpdatedTime: string;
  readonly imageRef: string;
  readonly credentialMapping: Readonly<Record<string, PulledWith>>;
}

/** So many credentials are remembered for one name of one image. */
const USED_MAX = 100;

/** As records name it. */
export function recordedName(image: string): string {
  return imageParts(image).repository;
}

export function mustVerify(image: string, pulledHere: boolean, { policy, allowlist }: VerificationSettings): boolean {
  switch (policy) {
    case 'NeverVerify':
      return false;
    case 'NeverVerifyPreloadedImages':
      return pulledHere;
    case 'NeverVerifyAllowlistedImages':
      return pulledHere || !allowlist.some((pattern) => isListed(pattern, recordedName(image)));
    case 'AlwaysVerify':
      return true;
  }
}

function isListed(pattern: string, repository: string): boolean {
  if (pattern.endsWith('/*')) return repository.startsWith(pattern.slice(0, -1));
  return pattern === repository;
}

/** Everybody on the node may use it under this name. */
export function isOpen(record: PulledRecord, image: string): boolean {
  return record.credentialMapping[recordedName(image)]?.nodePodsAccessible === true;
}

/** The credential by which a pod may use what is here without asking the registry again. */
export function opens(record: PulledRecord, image: string, credentials: readonly Credential[]): Credential | undefined {
  const used = record.credentialMapping[recordedName(image)];
  return credentials.find(({ auth, source }) => {
    if (source.from === 'node') return false;
    const same = (other: AccountUsed) =>
      other.uid === source.uid && other.namespace === source.namespace && other.name === source.name;
    if (source.from === 'serviceAccount') return used?.kubernetesServiceAccounts?.some(same) === true;
    const hash = credentialHash(auth);
    return used?.kubernetesSecrets?.some((other) => other.credentialHash === hash || same(other)) === true;
  });
}

/** The record after a pull with this credential (undefined: without any); the same object if nothing is new. */
export function recorded(
  before: PulledRecord | undefined,
  image: string,
  imageRef: string,
  credential: Credential | undefined,
  now: string,
): PulledRecord {
  const name = recordedName(image);
  const had = before?.credentialMapping[name];
  const next = merged(had, credential);
  if (before !== undefined && next === had) return before;
  return {
    kind: 'ImagePulledRecord',
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    lastUpdatedTime: now,
    imageRef,
    credentialMapping: { ...before?.credentialMapping, [name]: next! },
  };
}

function merged(had: PulledWith | undefined, credential: Credential | undefined): PulledWith | undefined {
  if (had?.nodePodsAccessible) return had;
  if (credential === undefined || credential.source.from === 'node') return { nodePodsAccessible: true };
  const { uid, namespace, name } = credential.source;
  const other = (each: AccountUsed) => each.uid !== uid || each.namespace !== namespace || each.name !== name;
  if (credential.source.from === 'serviceAccount') {
    const accounts = had?.kubernetesServiceAccounts ?? [];
    if (!accounts.every(other)) return had;
    return { ...had, kubernetesServiceAccounts: [...accounts, { uid, namespace, name }].slice(-USED_MAX) };
  }
  const used = { uid, namespace, name, credentialHash: credentialHash(credential.auth) };
  const secrets = had?.kubernetesSecrets ?? [];
  if (secrets.some((each) => !other(each) && each.credentialHash === used.credentialHash)) return had;
  return { ...had, kubernetesSecrets: [...secrets.filter(other), used].slice(-USED_MAX) };
}
