// Conversations with kubelets: plain requests (logs, proxied pages) and upgraded ones (exec, attach, port-forward),
// carried byte by byte. What the kubelet refuses is told to the client as it was said.
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ApiError, badRequest, internalError } from '../../api/status.ts';
import type { NodeConnections } from '../registry/node-connections.ts';
import type { ApiRequest, ConnectResponse } from '../registry/request.ts';
import { type Req, type Res, writeHead } from './answer.ts';

const CONNECT_MS = 10_000;
/** Headers that belong to one connection, and credentials that are not the kubelet's business. */
const NOT_FORWARDED = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'te',
  'trailer',
  'host',
  'authorization',
  'proxy-authorization',
  'http2-settings',
]);

function optionsFor({ url, kubelet }: ConnectResponse, nodes: NodeConnections): RequestOptions {
  const tls = kubelet ? nodes.tls : undefined;
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port,
    path: url.pathname + url.search,
    timeout: CONNECT_MS,
    agent: false,
    ...tls,
  };
}

function forwarded(headers: Req['headers']): Record<string, string | string[]> {
  const entries = Object.entries(headers).filter(
    ([name, value]) =>
      value !== undefined && !name.startsWith(':') && !name.startsWith('impersonate-') && !NOT_FORWARDED.has(name),
  );
  return Object.fromEntries(entries) as Record<string, string | string[]>;
}

const start = ({ url }: ConnectResponse) => (url.protocol === 'https:' ? httpsRequest : httpRequest);

export async function proxyRequest(
  req: Req,
  res: Res,
  request: ApiRequest,
  response: ConnectResponse,
  nodes: NodeConnections,
): Promise<void> {
  const { signal } = request;
  const headers = forwarded(req.headers);
  const outgoing = start(response)({ ...optionsFor(response, nodes), method: req.method, headers, signal });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.once('error', reject);
  });
  outgoing.end(request.body && 'bytes' in request.body ? request.body.bytes : undefined);
  const incoming = await answered.catch((err: Error) => {
    signal.throwIfAborted();
    throw unreachable(response.url, err);
  });
  if (response.url.pathname.startsWith('/containerLogs/') && (incoming.statusCode ?? 502) >= 400)
    throw await said(incoming);
  writeHead(res, incoming.statusCode ?? 502, forwarded(incoming.headers));
  await pipeline(incoming, res as NodeJS.WritableStream, { signal });
}

const SOCKET_LISTENERS_MAX = 30;
const SAID_MAX_BYTES = 2_048;

/** Kubelets complain in plain text; clients of logs expect a Status. */
async function said(incoming: IncomingMessage): Promise<ApiError> {
  let text = '';
  for await (const chunk of incoming) {
    text += chunk;
    if (text.length >= SAID_MAX_BYTES) break;
  }
  const message = text.slice(0, SAID_MAX_BYTES);
  return incoming.statusCode === 400 ? badRequest(message) : internalError(message);
}

function unreachable(url: URL, err: Error): ApiError {
  const message = `error trying to reach service: ${err.message}`;
  return new ApiError(503, 'ServiceUnavailable', message, { causes: [{ message: `at ${url.host}` }] });
}

export async function proxyUpgrade(
  req: Req,
  socket: Duplex,
  head: Buffer,
  response: ConnectResponse,
  nodes: NodeConnections,
  signal: AbortSignal,
): Promise<void> {
  const headers = { ...forwarded(req.headers), connection: 'Upgrade', upgrade: String(req.headers['upgrade']) };
  const outgoing = start(response)({ ...optionsFor(response, nodes), method: req.method, headers, signal });
  const answer = new Promise<{ incoming: IncomingMessage; upstream?: Duplex; rest?: Buffer }>((resolve, reject) => {
    outgoing.once('upgrade', (incoming, upstream, rest) => resolve({ incoming, upstream, rest }));
    outgoing.once('response', (incoming) => resolve({ incoming }));
    outgoing.once('error', reject);
  });
  outgoing.end();
  const { incoming, upstream, rest } = await answer.catch((err: Error) => {
    throw unreachable(response.url, err);
  });
  socket.write(rawHead(incoming));
  if (upstream === undefined) {
    await pipeline(incoming, socket, { signal });
    return;
  }
  if (rest?.length) socket.write(rest);
  if (head.length > 0) upstream.write(head);
  // Two pipelines listen to each socket, beside TLS and HTTP: more than Node takes for a leak, and no leak.
  for (const end of [socket, upstream]) end.setMaxListeners(SOCKET_LISTENERS_MAX);
  // Each direction ends on its own: a client that closed its input still reads the output.
  await Promise.allSettled([pipeline(socket, upstream, { signal }), pipeline(upstream, socket, { signal })]);
}

function rawHead({ statusCode, statusMessage, rawHeaders }: IncomingMessage): string {
  const lines = [`HTTP/1.1 ${statusCode} ${statusMessage}`];
  for (let i = 0; i < rawHeaders.length; i += 2) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}
