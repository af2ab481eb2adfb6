// Everything a pod may show to registries for one image: its pull secrets first, then what the node has (a docker
// configuration in the kubelet's folder) and what the providers know.
import { readFile } from 'node:fs/promises';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { Objects } from '../pods/objects.ts';
import { imageParts } from './image-name.ts';
import { type Credential, credentialsFor, entriesOf, type KeyedCredential } from './keyring.ts';
import type { Provider } from './provider.ts';
import { pullSecretsOf } from './pull-secrets.ts';

/** As long as upstream remembers it. */
const NODE_FRESH_MS = 5 * 60_000;

export interface Credentials {
  /** All that fit, best first; none is an anonymous pull. */
  readonly found: readonly Credential[];
  /** Pull secrets that do not exist. */
  readonly missing: readonly string[];
}

export interface CredentialDeps {
  readonly objects: Objects;
  readonly providers: readonly Provider[];
  /** <kubeletDir>/config.json */
  readonly nodeConfig: string;
  readonly clock: Clock;
  readonly log: Logger;
}

export type FindCredentials = (pod: Pod, image: string, signal: AbortSignal) => Promise<Credentials>;

export function credentialFinder({ objects, providers, nodeConfig, clock, log }: CredentialDeps): FindCredentials {
  let node: { known: readonly KeyedCredential[]; atMs: number } | undefined;
  const nodeKeys = async () => {
    if (node === undefined || clock.monotonic() - node.atMs > NODE_FRESH_MS) {
      node = { known: await readNodeConfig(nodeConfig, log), atMs: clock.monotonic() };
    }
    return node.known;
  };
  return async (pod, image, signal) => {
    const { repository } = imageParts(image);
    const [{ known, missing }, ofNode, ...ofProviders] = await Promise.all([
      pullSecretsOf(pod, objects, signal),
      nodeKeys(),
      ...providers.map((provider) => provider.credentials(pod, repository, signal)),
    ]);
    const keyrings = [known, [...ofProviders.flat(), ...ofNode]];
    return { found: keyrings.flatMap((keyring) => credentialsFor(repository, keyring)), missing };
  };
}

async function readNodeConfig(path: string, log: Logger): Promise<readonly KeyedCredential[]> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return []; // most nodes have none
  try {
    return entriesOf(text, { from: 'node' });
  } catch (err) {
    log.warn({ err, path }, 'the credentials of the node cannot be read');
    return [];
  }
}
