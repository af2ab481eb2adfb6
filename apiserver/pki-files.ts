// The server's keys and certificates, from PEM files that others renew. The files are looked at again and again; what
// has changed is used for connections to come, and what cannot be read is left as it was.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Clock } from '../api/clock.ts';
import type { Logger } from '../api/log.ts';
import type { Authority } from '../api/pki/x509.ts';
import type { ServerPki } from './config.ts';
import type { TlsFiles } from './http/server.ts';
import type { KubeletTls, NodeConnections } from './registry/node-connections.ts';

const LOOK_EVERY_MS = 5_000;

interface Loaded {
  readonly serving: TlsFiles;
  readonly kubelet: KubeletTls;
  readonly authority: Authority | undefined;
}

export class PkiFiles implements NodeConnections {
  readonly #paths: ServerPki;
  #loaded: Loaded;
  #seen: string;
  readonly rootCa: string;
  readonly serviceAccountKey: string;

  private constructor(paths: ServerPki, loaded: Loaded, rootCa: string, serviceAccountKey: string) {
    this.#paths = paths;
    this.#loaded = loaded;
    this.#seen = fingerprint(loaded);
    this.rootCa = rootCa;
    this.serviceAccountKey = serviceAccountKey;
  }

  static async read(paths: ServerPki): Promise<PkiFiles> {
    const rootCa = await readFile(paths.rootCaFile, 'utf8');
    return new PkiFiles(paths, await load(paths), rootCa, await readFile(paths.serviceAccountKeyFile, 'utf8'));
  }

  get serving(): TlsFiles {
    return this.#loaded.serving;
  }

  /** Who signs requests; undefined where its key is not here. */
  get authority(): (() => Authority) | undefined {
    return this.#loaded.authority && (() => this.#loaded.authority!);
  }

  /** How kubelets are spoken to. */
  get tls(): KubeletTls {
    return this.#loaded.kubelet;
  }

  /** Until the signal aborts. `renewed` throws where a certificate and its key do not belong together yet. */
  async follow(renewed: (serving: TlsFiles) => void, clock: Clock, log: Logger, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, signal).catch(() => {}); // woken early only to end
      if (signal.aborted) return;
      try {
        const loaded = await load(this.#paths);
        const seen = fingerprint(loaded);
        if (seen === this.#seen) continue;
        renewed(loaded.serving);
        this.#loaded = loaded;
        this.#seen = seen;
        log.info({ file: this.#paths.certFile }, 'certificates renewed');
      } catch (err) {
        log.warn({ err }, 'certificates not renewed');
      }
    }
  }
}

async function load(paths: ServerPki): Promise<Loaded> {
  const { certFile, keyFile, clientCaFile, kubeletClientCertFile, kubeletClientKeyFile, kubeletCaFile } = paths;
  const [cert, key, clientCa, kubeletCert, kubeletKey, ca] = await Promise.all([
    ...[certFile, keyFile, clientCaFile, kubeletClientCertFile, kubeletClientKeyFile, kubeletCaFile].map((file) =>
      readFile(file),
    ),
  ]);
  return {
    serving: { cert: cert!, key: key!, clientCa: clientCa! },
    kubelet: { cert: kubeletCert!, key: kubeletKey!, ca: ca! },
    authority: await authorityOf(paths),
  };
}

async function authorityOf({ signingCertFile, signingKeyFile }: ServerPki): Promise<Authority | undefined> {
  if (signingCertFile === undefined || signingKeyFile === undefined) return undefined;
  try {
    const [certPem, keyPem] = await Promise.all([readFile(signingCertFile, 'utf8'), readFile(signingKeyFile, 'utf8')]);
    return { certPem, keyPem };
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw err;
  }
}

function fingerprint({ serving, kubelet, authority }: Loaded): string {
  const hash = createHash('sha256');
  for (const bytes of [...Object.values(serving), ...Object.values(kubelet), authority?.certPem ?? ''])
    hash.update(bytes);
  return hash.digest('hex');
}
