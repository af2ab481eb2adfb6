// One credential provider program: asked by JSON on its standard input, for images that its patterns cover, and not
// again as long as its answer holds. Whatever goes wrong with it is logged and gives no credentials: the pull then
// says what the registry thinks of that.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { ServiceAccount } from '../../api/types/core/service-account.ts';
import { durationMs } from '../pods/duration.ts';
import {
  authOf,
  type CredentialSource,
  type DockerEntry,
  type KeyedCredential,
  matchesImage,
  parsedSecretly,
} from './keyring.ts';
import type { CredentialProvider } from './provider-config.ts';

const EXEC_MS = 60_000;
const ANSWER_MAX_BYTES = 1 << 20;
const REMEMBERED_MAX = 1_000;

export interface ProviderDeps {
  readonly binDir: string;
  readonly serviceAccount: (namespace: string, name: string, signal: AbortSignal) => Promise<ServiceAccount>;
  readonly token: (pod: Pod, audience: string, seconds: number, signal: AbortSignal) => Promise<string>;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Answer {
  readonly by: 'Image' | 'Registry' | 'Global';
  readonly keepMs: number;
  readonly auth: Readonly<Record<string, DockerEntry>>;
}

interface Remembered {
  readonly auth: Answer['auth'];
  readonly untilMs: number;
}

interface Asking {
  readonly source: CredentialSource;
  /** In front of every key of what is remembered: whom an answer is for. */
  readonly who: string;
  readonly token?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

const NODE: Asking = { source: { from: 'node' }, who: '' };

export class Provider {
  readonly #config: CredentialProvider;
  readonly #deps: ProviderDeps;
  readonly #remembered = new Map<string, Remembered>();
  readonly #under = new Map<string, Promise<Answer>>();

  constructor(config: CredentialProvider, deps: ProviderDeps) {
    this.#config = config;
    this.#deps = deps;
  }

  async credentials(pod: Pod, repository: string, signal: AbortSignal): Promise<KeyedCredential[]> {
    const { matchImages, name } = this.#config;
    if (!matchImages.some((pattern) => matchesImage(pattern, repository))) return [];
    try {
      const asking = await this.#asking(pod, signal);
      if (asking === undefined) return [];
      const auth = this.#recall(repository, asking) ?? (await this.#ask(repository, asking, signal));
      return Object.entries(auth).flatMap(([key, entry]): KeyedCredential[] => {
        const made = authOf(entry);
        return made === undefined ? [] : [[key, { auth: made, source: asking.source }]];
      });
    } catch (err) {
      signal.throwIfAborted();
      this.#deps.log.warn({ err, provider: name, image: repository }, 'no credentials from the provider');
      return [];
    }
  }

  /** Undefined: the pod's account does not allow the provider to be asked. */
  async #asking(pod: Pod, signal: AbortSignal): Promise<Asking | undefined> {
    const { token: attributes } = this.#config;
    if (attributes === undefined) return NODE;
    const { namespace = '' } = pod.metadata;
    const name = pod.spec.serviceAccountName ?? '';
    // A static pod has none.
    if (name === '') return attributes.requireServiceAccount ? undefined : NODE;
    const { metadata } = await this.#deps.serviceAccount(namespace, name, signal);
    const had = metadata.annotations ?? {};
    if (attributes.requiredAnnotations.some((key) => had[key] === undefined)) return undefined;
    const keys = [...attributes.requiredAnnotations, ...attributes.optionalAnnotations];
    const annotations = Object.fromEntries(keys.flatMap((key) => (had[key] === undefined ? [] : [[key, had[key]]])));
    const token = await this.#deps.token(pod, attributes.audience, 3_600, signal);
    const { uid } = metadata;
    const account = [namespace, name, uid, Object.entries(annotations).sort()];
    const who = createHash('sha256').update(
      JSON.stringify(attributes.cacheType === 'Token' ? [account, token] : account),
    );
    return { source: { from: 'serviceAccount', uid, namespace, name }, who: who.digest('hex'), token, annotations };
  }

  #recall(repository: string, { who }: Asking): Answer['auth'] | undefined {
    const nowMs = this.#deps.clock.monotonic();
    for (const key of [repository, registryOf(repository), 'global']) {
      const found = this.#remembered.get(`${who} ${key}`);
      if (found !== undefined && nowMs <= found.untilMs) return found.auth;
    }
    return undefined;
  }

  async #ask(repository: string, asking: Asking, signal: AbortSignal): Promise<Answer['auth']> {
    // Pods that want the same image at once ask once: one that goes does not take the answer from the others.
    const key = `${asking.who} ${repository}`;
    const under = this.#under.get(key) ?? this.#exec(repository, asking).finally(() => this.#under.delete(key));
    this.#under.set(key, under);
    const { by, keepMs, auth } = await unlessAborted(under, signal);
    if (keepMs <= 0) return auth;
    const place = { Image: repository, Registry: registryOf(repository), Global: 'global' }[by];
    this.#remembered.delete(`${asking.who} ${place}`);
    this.#remembered.set(`${asking.who} ${place}`, { auth, untilMs: this.#deps.clock.monotonic() + keepMs });
    if (this.#remembered.size > REMEMBERED_MAX) this.#remembered.delete(this.#remembered.keys().next().value!);
    return auth;
  }

  async #exec(image: string, { token, annotations }: Asking): Promise<Answer> {
    const { name, apiVersion, args, env, defaultCacheMs } = this.#config;
    const request = {
      kind: 'CredentialProviderRequest',
      apiVersion,
      image,
      ...(token !== undefined && { serviceAccountToken: token, serviceAccountAnnotations: annotations }),
    };
    const program = join(this.#deps.binDir, name);
    // Killed, not asked to end: one that hangs may also not listen.
    const options = {
      killSignal: 'SIGKILL' as const,
      env: { ...process.env, ...env },
      timeout: EXEC_MS,
      maxBuffer: ANSWER_MAX_BYTES,
    };
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const child = execFile(program, [...args], options, (err, stdout, stderr) => {
      if (err === null) resolve(stdout);
      else reject(new Error(`credential provider ${name}: ${stderr.trim() || err.message}`, { cause: err }));
    });
    // One that ends without reading says why on its way out; EPIPE adds nothing.
    child.stdin?.on('error', () => {});
    child.stdin?.end(JSON.stringify(request));
    return answerOf(await promise, apiVersion, defaultCacheMs);
  }
}

/** Whoever gives up stops waiting; the work itself ends by its own deadline. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

export function answerOf(text: string, apiVersion: string, defaultCacheMs: number): Answer {
  const said = parsedSecretly(text) as Record<string, unknown>;
  const { kind, cacheKeyType: by, cacheDuration, auth = {} } = said;
  if (kind !== 'CredentialProviderResponse' || said['apiVersion'] !== apiVersion) {
    throw new Error(`the answer is ${said['apiVersion']} ${kind}, wanted ${apiVersion} CredentialProviderResponse`);
  }
  if (by !== 'Image' && by !== 'Registry' && by !== 'Global') throw new Error(`unknown cacheKeyType ${by}`);
  const keepMs =
    cacheDuration === undefined || cacheDuration === null ? defaultCacheMs : durationMs(String(cacheDuration));
  if (keepMs === undefined) throw new Error(`cacheDuration ${cacheDuration} is no duration`);
  if (typeof auth !== 'object') throw new Error('auth is not a map');
  return { by, keepMs, auth: (auth ?? {}) as Answer['auth'] };
}

function registryOf(repository: string): string {
  return repository.split('/')[0]!;
}
