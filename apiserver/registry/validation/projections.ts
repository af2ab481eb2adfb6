// Volumes made of several sources: no two of them write the same file.
import { dns1123Subdomain } from '../../../api/names.ts';
import type { FieldProblem } from '../../../api/status.ts';
import { ClusterTrustBundleProjection, type VolumeProjection } from '../../../api/types/core/projected-volume.ts';
import { signerProblems } from './certificates.ts';
import { goJson } from './go-value.ts';
import { labelSelectorProblems } from './label-selector.ts';
import { localPlainPath } from './paths.ts';
import { forbidden, invalidValue, notSupported, Printed, required } from './problems.ts';
import { filesProblems, itemsProblems } from './volume-files.ts';

const TOKEN_MIN_SECONDS = 600;
const TOKEN_MAX_SECONDS = 2 ** 32;
const CERTIFICATE_MIN_SECONDS = 3600;
const CERTIFICATE_MAX_SECONDS = 91 * 24 * 3600;
const KUBERNETES_CERTIFICATE_MAX_SECONDS = 24 * 3600;
const KEY_TYPES = ['RSA3072', 'RSA4096', 'ECDSAP256', 'ECDSAP384', 'ECDSAP521', 'ED25519'];

/** Whether a file is taken already; if not, it is from then on. */
type Taken = (file: string, shown?: string) => FieldProblem[];

export function projectionsProblems(sources: readonly VolumeProjection[] | undefined, path: string): FieldProblem[] {
  const paths = new Set<string>();
  const taken: Taken = (file, shown = file) => {
    if (!file) return [];
    const known = paths.has(file);
    paths.add(file);
    return known ? [invalidValue(path, shown, 'conflicting duplicate paths')] : [];
  };
  return (sources ?? []).flatMap((source, i) => {
    const at = `${path}.sources[${i}]`;
    const { secret, configMap, downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate } = source;
    const problems: FieldProblem[] = [];
    for (const [kind, of] of Object.entries({ secret, configMap })) {
      if (of === undefined) continue;
      if (!of.name) problems.push(required(`${at}.${kind}.name`));
      for (const [n, item] of (of.items ?? []).entries()) {
        problems.push(...itemsProblems([item], `${at}.${kind}`, n), ...taken(item.path, of.name ?? ''));
      }
    }
    for (const item of downwardAPI?.items ?? []) {
      problems.push(...filesProblems([item], `${at}.downwardAPI`), ...taken(item.path));
    }
    if (serviceAccountToken) problems.push(...tokenProblems(serviceAccountToken, path, `${at}.serviceAccountToken`));
    if (clusterTrustBundle) problems.push(...bundleProblems(clusterTrustBundle, `${at}.clusterTrustBundle`, taken));
    if (podCertificate) problems.push(...certificateProblems(podCertificate, `${at}.podCertificate`, taken));
    const count = Object.values(source).filter((one) => one !== undefined).length;
    if (count > 1) problems.push(forbidden(at, 'may not specify more than 1 volume type per source'));
    return problems;
  });
}

type Token = NonNullable<VolumeProjection['serviceAccountToken']>;

/** Of the token's file upstream names the volume, not the source. */
function tokenProblems({ expirationSeconds: seconds = 3600, path: file }: Token, path: string, at: string) {
  const problems: FieldProblem[] = [];
  const where = `${at}.expirationSeconds`;
  if (seconds < TOKEN_MIN_SECONDS) {
    problems.push(invalidValue(where, seconds, 'may not specify a duration less than 10 minutes'));
  }
  if (seconds > TOKEN_MAX_SECONDS) {
    problems.push(invalidValue(where, seconds, 'may not specify a duration larger than 2^32 seconds'));
  }
  return [...problems, ...(file ? localPlainPath(`${path}.path`, file) : [required(`${path}.path`)])];
}

type Bundle = NonNullable<VolumeProjection['clusterTrustBundle']>;

function bundleProblems(bundle: Bundle, at: string, taken: Taken): FieldProblem[] {
  const { name, signerName, labelSelector, path: file } = bundle;
  const problems: FieldProblem[] = [];
  if (name !== undefined && signerName !== undefined) {
    const shown = new Printed(goJson(ClusterTrustBundleProjection, bundle));
    problems.push(invalidValue(at, shown, 'only one of name and signerName may be used'));
  } else if (name !== undefined) {
    if (name === '') problems.push(required(`${at}.name`, 'must be a valid object name'));
    // Of a bundle that belongs to a signer the name begins with the signer's.
    for (const why of dns1123Subdomain(name.slice(name.lastIndexOf(':') + 1))) {
      problems.push(invalidValue(`${at}.name`, name, `not a valid clustertrustbundlename: ${why}`));
    }
    if (labelSelector !== undefined) {
      const why = 'labelSelector must be unset if name is specified';
      problems.push(invalidValue(`${at}.labelSelector`, labelSelector, why));
    }
  } else if (signerName !== undefined) {
    if (signerName === '') problems.push(required(`${at}.signerName`, 'must be a valid signer name'));
    problems.push(...signerProblems(signerName, `${at}.signerName`));
    problems.push(...labelSelectorProblems(labelSelector, `${at}.labelSelector`));
  } else problems.push(required(at, 'either name or signerName must be specified'));
  if (!file) problems.push(required(`${at}.path`));
  return [...problems, ...localPlainPath(`${at}.path`, file ?? ''), ...taken(file)];
}

type Certificate = NonNullable<VolumeProjection['podCertificate']>;

function certificateProblems(certificate: Certificate, at: string, taken: Taken): FieldProblem[] {
  const { signerName, keyType, maxExpirationSeconds: seconds } = certificate;
  const problems = signerProblems(signerName, `${at}.signerName`);
  if (!KEY_TYPES.includes(keyType)) problems.push(notSupported(`${at}.keyType`, keyType ?? '', KEY_TYPES));
  const where = `${at}.maxExpirationSeconds`;
  const isOurs = /^([^/]*\.)?kubernetes\.io\//.test(signerName ?? '');
  const max = isOurs ? KUBERNETES_CERTIFICATE_MAX_SECONDS : CERTIFICATE_MAX_SECONDS;
  if (seconds !== undefined && seconds < CERTIFICATE_MIN_SECONDS) {
    const why = `if provided, maxExpirationSeconds must be >= ${CERTIFICATE_MIN_SECONDS}`;
    problems.push(invalidValue(where, seconds, why));
  }
  if (seconds !== undefined && seconds > max) {
    problems.push(invalidValue(where, seconds, `if provided, maxExpirationSeconds must be <= ${max}`));
  }
  const fields = ['credentialBundlePath', 'keyPath', 'certificateChainPath'] as const;
  for (const field of fields) {
    const file = certificate[field];
    if (file) problems.push(...localPlainPath(`${at}.${field}`, file), ...taken(file));
  }
  if (fields.some((field) => certificate[field])) return problems;
  const why = 'specify at least one of credentialBundlePath, keyPath, and certificateChainPath';
  return [...problems, required(at, why)];
}
