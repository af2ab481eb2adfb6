// Secrets and tokens as drivers get them.
import type { Pod } from '../../api/types/core/pod.ts';
import type { Objects } from '../pods/objects.ts';
import type { Tokens } from '../volumes/service-account-token.ts';
import { VolumeError } from '../volumes/types.ts';
import type { Strings } from './csi-types.ts';
import { type DriverRules, secretData } from './requests.ts';

/** `field` is the name upstream gives the reference in its complaints. */
export async function secretOf(
  ref: { readonly namespace?: string; readonly name?: string } | undefined,
  field: string,
  objects: Objects,
  signal: AbortSignal,
): Promise<Strings> {
  if (ref === undefined) return {};
  const { namespace = '', name = '' } = ref;
  const secret = await objects.secret(namespace, name, { newest: true }, signal);
  if (secret === undefined) {
    throw new VolumeError(`fetching ${field} ${namespace}/${name} failed: secrets "${name}" not found`);
  }
  return secretData(secret.data);
}

/** One token an audience, as JSON; undefined if the driver wants none. */
export async function tokensOf(
  pod: Pod,
  { tokenRequests }: DriverRules,
  tokens: Tokens,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (tokenRequests.length === 0) return undefined;
  const issued: Record<string, { token: string; expirationTimestamp: string }> = {};
  for (const { audience, expirationSeconds = 3_600 } of tokenRequests) {
    issued[audience] = await tokens.issue(pod, audience, expirationSeconds, signal);
  }
  return JSON.stringify(issued);
}
