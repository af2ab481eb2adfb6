// Credentials as a request carries them: the connection's certificate, the bearer token, the impersonation headers.
import type { IncomingHttpHeaders } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { subjectOf } from '../../api/pki/x509.ts';
import { badRequest, unauthorized } from '../../api/status.ts';
import type { Credentials, Impersonation } from '../authn/authenticator.ts';
import type { Req } from './answer.ts';

type Certificate = Credentials['certificate'] | 'not believed';
const certificates = new WeakMap<object, { certificate: Certificate }>();

export function credentialsOf(req: Req, socket = req.socket as TLSSocket): Credentials {
  // One HTTP/2 session, or one HTTP/1.1 socket, is one TLS handshake: its certificate is read once.
  const connection = 'stream' in req ? (req.stream.session ?? socket) : socket;
  let known = certificates.get(connection);
  if (known === undefined) {
    known = { certificate: certificateOf(socket) };
    certificates.set(connection, known);
  }
  const bearer = bearerOf(req.headers);
  const impersonate = impersonationOf(req.headers);
  if (known.certificate === 'not believed') {
    if (bearer === undefined) throw unauthorized();
    return { bearer, impersonate };
  }
  return { certificate: known.certificate, bearer, impersonate };
}

function certificateOf(socket: TLSSocket): Certificate {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  return socket.authorized ? subjectOf(certificate.raw) : 'not believed';
}

function bearerOf({ authorization }: IncomingHttpHeaders): string | undefined {
  const [scheme, token] = authorization?.split(' ', 2) ?? [];
  return scheme?.toLowerCase() === 'bearer' && token ? token : undefined;
}

const EXTRA = 'impersonate-extra-';

function impersonationOf(headers: IncomingHttpHeaders): Impersonation | undefined {
  const one = (name: string) => (headers[name] === undefined ? undefined : String(headers[name]));
  const user = one('impersonate-user');
  const uid = one('impersonate-uid');
  const groups = listOf(headers['impersonate-group']);
  const extra: Record<string, string[]> = {};
  for (const name in headers) {
    if (name.startsWith(EXTRA)) extra[decodeURIComponent(name.slice(EXTRA.length))] = listOf(headers[name]);
  }
  if (user === undefined) {
    if (uid === undefined && groups.length === 0 && Object.keys(extra).length === 0) return undefined;
    throw badRequest('requested impersonation without impersonating a user');
  }
  return { user, uid, groups, extra };
}

/** A header that was sent several times comes joined. */
function listOf(value: string | string[] | undefined): string[] {
  const texts = value === undefined ? [] : Array.isArray(value) ? value : [value];
  return texts.flatMap((text) => text.split(',').map((each) => each.trim())).filter((each) => each !== '');
}
