// One signing request: a fresh key, the request, and the wait for whoever approves and signs it.
import type { Client } from '../../api/client/client.ts';
import type { Clock } from '../../api/clock.ts';
import { newSigningRequest } from '../../api/pki/csr.ts';
import type { Subject } from '../../api/pki/names.ts';
import { newKey } from '../../api/pki/x509.ts';
import { certificateSigningRequests } from '../../api/types/certificates/resources.ts';
import { type Held, held } from './held.ts';
import type { Names } from './plan.ts';

export interface Wanted {
  readonly signerName: string;
  readonly usages: readonly string[];
  readonly subject: Required<Subject>;
  readonly names: Names;
}

const FIRST_LOOK_MS = 100;
const LOOK_MAX_MS = 10_000;

/** Waits for as long as the request is open: people may have to approve it. Throws when it was refused or is gone. */
export async function requestCertificate(
  client: Client,
  { signerName, usages, subject, names }: Wanted,
  clock: Clock,
  signal: AbortSignal,
): Promise<Held> {
  const keyPem = newKey();
  const request = Buffer.from(newSigningRequest(keyPem, subject, names)).toString('base64');
  const asked = { metadata: { generateName: 'csr-' }, spec: { request, signerName, usages: [...usages] }, status: {} };
  const { metadata } = await client.create(certificateSigningRequests, asked as never, {}, signal);
  const { name } = metadata;
  for (let waitMs = FIRST_LOOK_MS; ; waitMs = Math.min(LOOK_MAX_MS, waitMs * 2)) {
    await clock.sleep(waitMs, signal);
    const { status } = await client.get(certificateSigningRequests, { name }, {}, signal);
    if (status.certificate) return held(Buffer.from(status.certificate, 'base64').toString(), keyPem, true);
    const refusal = status.conditions?.find(({ type }) => type === 'Denied' || type === 'Failed');
    if (refusal === undefined) continue;
    throw new Error(
      `signing request ${name}: ${refusal.type} ${refusal.reason ?? ''} ${refusal.message ?? ''}`.trimEnd(),
    );
  }
}
