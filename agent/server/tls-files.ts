// The serving certificate and the authority of clients, from files that may be replaced while we run: a look at them
// every now and then, and new connections get what is there. What cannot be used is said and the old one stays.
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientCaFile: string;
}

/** A certificate that somebody else keeps fresh, instead of files. */
export interface CertificateSource {
  pair(): { readonly cert: string; readonly key: string };
  /** Resolves at the next change. */
  changed(): Promise<void>;
}

export const MIN_TLS = 'TLSv1.2';
const LOOK_EVERY_MS = 30_000;

export async function readTls(
  { certFile, keyFile, clientCaFile }: TlsFiles,
  source?: CertificateSource,
): Promise<SecureContextOptions> {
  const files = source === undefined ? [certFile, keyFile] : [];
  const [ca, ...pair] = await Promise.all([clientCaFile, ...files].map((path) => readFile(path, 'utf8')));
  const { cert, key } = source?.pair() ?? { cert: pair[0], key: pair[1] };
  const options: SecureContextOptions = { cert, key, ca, minVersion: MIN_TLS };
  createSecureContext(options); // throws for a key of another certificate
  return options;
}

/** Until the signal aborts. `take` is given what is new. */
export async function watchTls(
  files: TlsFiles,
  current: SecureContextOptions,
  take: (options: SecureContextOptions) => void,
  { certificate, clock, log }: { certificate?: CertificateSource; clock: Clock; log: Logger },
  signal: AbortSignal,
): Promise<void> {
  let known = JSON.stringify(current);
  while (!signal.aborted) {
    const changed = new AbortController();
    void certificate?.changed().then(() => changed.abort());
    await clock.sleep(LOOK_EVERY_MS, AbortSignal.any([signal, changed.signal])).catch(() => {}); // woken early
    if (signal.aborted) return;
    try {
      const found = await readTls(files, certificate);
      const now = JSON.stringify(found);
      if (now === known) continue;
      known = now;
      take(found);
      log.info({ certFile: files.certFile }, 'serving certificate reloaded');
    } catch (err) {
      log.warn({ err }, 'serving certificate cannot be used, the old one stays');
    }
  }
}
