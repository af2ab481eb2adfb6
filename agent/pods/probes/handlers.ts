// The ways to ask a container something: over HTTP, by connecting, over gRPC, by running a command. Used by probes
// and by lifecycle hooks. The outcome is a value; what is wrong with the container is not an exception.
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import type { Clock } from '../../../api/clock.ts';
import type { Container } from '../../../api/types/core/container.ts';
import type { HTTPGetAction, LifecycleHandler, Probe } from '../../../api/types/core/probe.ts';
import { isCri } from '../../cri/call.ts';
import type { RuntimeClient } from '../../cri/runtime.ts';
import { grpcHealth } from './grpc-health.ts';

export type Outcome =
  | { readonly result: 'success' | 'failure' | 'warning'; readonly output: string }
  /** The question could not be asked: it says nothing about the container. */
  | { readonly result: 'error'; readonly output: string };

export interface Target {
  readonly container: Container;
  readonly containerId: string;
  readonly podIp: string;
}

export interface AskDeps {
  readonly runtime: RuntimeClient;
  readonly clock: Clock;
}

const BODY_MAX_BYTES = 10 * 1_024;
const REDIRECTS_MAX = 10;
const USER_AGENT = 'kube-probe/1.36';

export async function ask(
  action: Probe | LifecycleHandler,
  target: Target,
  timeoutMs: number,
  deps: AskDeps,
  signal: AbortSignal,
): Promise<Outcome> {
  const expired = new AbortController();
  using _timer = deps.clock.after(timeoutMs, () => expired.abort());
  const both = AbortSignal.any([signal, expired.signal]);
  if (action.exec !== undefined) return execute(action.exec.command ?? [], target, timeoutMs, deps, signal);
  // Awaited here: the timer ends with this function.
  if (action.httpGet !== undefined) return await httpGet(action.httpGet, target, both);
  if (action.tcpSocket !== undefined) {
    const port = portOf(action.tcpSocket.port, target.container);
    if (port === undefined) return noPort(action.tcpSocket.port);
    return await tcp(action.tcpSocket.host || target.podIp, port, both);
  }
  if ('grpc' in action && action.grpc !== undefined) {
    return await grpcHealth(
      `${bracketed(target.podIp)}:${action.grpc.port}`,
      action.grpc.service ?? '',
      timeoutMs,
      both,
    );
  }
  if ('sleep' in action && action.sleep !== undefined) {
    await deps.clock.sleep(action.sleep.seconds * 1_000, signal);
    return { result: 'success', output: '' };
  }
  return { result: 'error', output: 'missing probe handler' };
}

async function execute(
  command: string[],
  { containerId }: Target,
  timeoutMs: number,
  { runtime }: AskDeps,
  signal: AbortSignal,
): Promise<Outcome> {
  const seconds = Math.max(1, Math.ceil(timeoutMs / 1_000));
  try {
    const { stdout, stderr, exitCode } = await runtime.execSync(containerId, command, seconds, signal);
    const output = Buffer.concat([stdout, stderr]).subarray(0, BODY_MAX_BYTES).toString('utf8');
    return { result: exitCode === 0 ? 'success' : 'failure', output };
  } catch (err) {
    signal.throwIfAborted();
    if (isCri(err, 'DEADLINE_EXCEEDED') || (isCri(err) && /timed out|timeout|deadline/i.test(err.detail))) {
      return { result: 'failure', output: `command timed out: "${command.join(' ')}" timed out after ${seconds}s` };
    }
    return { result: 'error', output: err instanceof Error ? err.message : String(err) };
  }
}

function httpGet(action: HTTPGetAction, { container, podIp }: Target, signal: AbortSignal): Promise<Outcome> {
  const port = portOf(action.port, container);
  if (port === undefined) return Promise.resolve(noPort(action.port));
  const scheme = (action.scheme ?? 'HTTP').toLowerCase();
  const path = action.path || '/';
  const url = `${scheme}://${bracketed(action.host || podIp)}:${port}${path.startsWith('/') ? path : `/${path}`}`;
  const headers: Record<string, string> = { 'user-agent': USER_AGENT, accept: '*/*', connection: 'close' };
  for (const { name, value } of action.httpHeaders ?? []) headers[name.toLowerCase()] = value;
  return fetchOnce(url, headers, signal, REDIRECTS_MAX);
}

async function fetchOnce(
  url: string,
  headers: Record<string, string>,
  signal: AbortSignal,
  redirectsLeft: number,
): Promise<Outcome> {
  let response: IncomingMessage;
  try {
    response = await send(url, { headers, signal, agent: false });
  } catch (err) {
    return { result: 'failure', output: `Get "${url}": ${dialError(url, err)}` };
  }
  const status = response.statusCode ?? 0;
  const { location } = response.headers;
  const body = await readBody(response);
  if (status >= 300 && status < 400 && location !== undefined) {
    const next = new URL(location, url);
    // Another host is not the container: it has answered, and that is as much as it can say.
    if (next.hostname !== new URL(url).hostname) return { result: 'warning', output: 'Probe terminated redirects' };
    if (redirectsLeft === 0) return { result: 'failure', output: `Get "${url}": stopped after 10 redirects` };
    return fetchOnce(next.href, headers, signal, redirectsLeft - 1);
  }
  if (status >= 200 && status < 400) return { result: 'success', output: body };
  return { result: 'failure', output: `HTTP probe failed with statuscode: ${status}` };
}

function send(url: string, options: RequestOptions): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const secure = url.startsWith('https:');
  // Nobody promised the container a certificate that this node could check.
  const request = secure ? httpsRequest(url, { ...options, rejectUnauthorized: false }) : httpRequest(url, options);
  request.on('response', resolve);
  request.on('error', reject);
  request.end();
  return promise;
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= BODY_MAX_BYTES) break; // leaving the loop closes the connection
    }
  } catch {
    // The status line was the answer; a body cut short changes nothing.
  }
  return Buffer.concat(chunks).subarray(0, BODY_MAX_BYTES).toString('utf8');
}

async function tcp(host: string, port: number, signal: AbortSignal): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const socket = connect({ host, port, signal });
  socket.on('connect', () => resolve({ result: 'success', output: '' }));
  socket.on('error', (err) =>
    resolve({ result: 'failure', output: dialError(`tcp://${bracketed(host)}:${port}`, err) }),
  );
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}

/** In the words that people search for. */
function dialError(url: string, err: unknown): string {
  const { host, port, protocol } = new URL(url);
  const address = host.includes(':') && port !== '' ? host : `${host}:${port || (protocol === 'https:' ? 443 : 80)}`;
  const { code, name, message } = err as { code?: string; name?: string; message?: string };
  if (name === 'AbortError' || code === 'ABORT_ERR') {
    return protocol === 'tcp:'
      ? `dial tcp ${address}: i/o timeout`
      : 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)';
  }
  if (code === 'ECONNREFUSED') return `dial tcp ${address}: connect: connection refused`;
  if (code === 'EHOSTUNREACH') return `dial tcp ${address}: connect: no route to host`;
  if (code === 'ENETUNREACH') return `dial tcp ${address}: connect: network is unreachable`;
  if (code === 'ECONNRESET') return `read tcp ${address}: connection reset by peer`;
  return message ?? String(err);
}

function portOf(port: number | string, { ports = [] }: Container): number | undefined {
  if (typeof port === 'number') return port;
  const named = ports.find(({ name }) => name === port)?.containerPort;
  return named ?? (/^[0-9]+$/.test(port) ? Number(port) : undefined);
}

function noPort(port: number | string): Outcome {
  return { result: 'error', output: `couldn't find port: ${port}` };
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
