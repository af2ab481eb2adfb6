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

export const MIN_TLS = 'TLSv1.2';
const LOOK_EVERY_MS = 30_000;

export async function readTls({ certFile, keyFile, clientCaFile }: TlsFiles): Promise<SecureContextOptions> {
  const [cert, key, ca] = await Promise.all([certFile, keyFile, clientCaFile].map((path) => readFile(path, 'utf8')));
  const options: SecureContextOptions = { cert, key, ca, minVersion: MIN_TLS };
  createSecureContext(options); // throws for a key of another certificate
  return options;
}

/** Until the signal aborts. `take` is given what is new. */
export async function watchTls(
  files: TlsFiles,
  current: SecureContextOptions,
  take: (options: SecureContextOptions) => void,
  { clock, log }: { clock: Clock; log: Logger },
  signal: AbortSignal,
): Promise<void> {
  let known = JSON.stringify(current);
  while (!signal.aborted) {
    await clock.sleep(LOOK_EVERY_MS, signal).catch(() => {}); // woken early only to end
    if (signal.aborted) return;
    try {
      const found = await readTls(files);
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
