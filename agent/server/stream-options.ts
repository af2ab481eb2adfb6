// What a client wants of exec, attach and port-forward. Pure: the query, and which protocols the runtime speaks.
import type { IncomingHttpHeaders } from 'node:http';
import { flagOf } from './log-options.ts';
import { Problem, quoted } from './problem.ts';

export interface Streams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** Kubelets are asked for `input`, the API for `stdin`: both are understood. */
export function streamsOf(query: URLSearchParams): Streams {
  const either = (one: string, other: string) => flagOf(query.get(one)) || flagOf(query.get(other));
  const tty = flagOf(query.get('tty'));
  const stdin = either('input', 'stdin');
  const stdout = either('output', 'stdout');
  // A terminal has one output.
  const stderr = !tty && either('error', 'stderr');
  if (!stdin && !stdout && !stderr) throw new Problem(400, 'you must specify at least 1 of stdin, stdout, stderr');
  return { stdin, stdout, stderr, tty };
}

export function commandOf(query: URLSearchParams): string[] {
  const command = query.getAll('command');
  if (command.length === 0) throw new Problem(400, 'you must specify a command');
  return command;
}

/** WebSocket clients name their ports beforehand, SPDY clients with every stream. */
export function portsOf(query: URLSearchParams, websocket: boolean): number[] {
  if (!websocket) return [];
  const texts = query.getAll('port').flatMap((each) => each.split(','));
  if (texts.length === 0) throw new Problem(400, 'query parameter "port" is required');
  return texts.map((text) => {
    const port = Number(text);
    if (!/^\d+$/.test(text) || port > 65_535) throw new Problem(400, `unable to parse ${quoted(text)} as a port`);
    if (port === 0) throw new Problem(400, `port ${quoted(text)} must be > 0`);
    return port;
  });
}

/** WebSocket protocols that the runtime does not speak: exec and attach with the first, port-forward with the second. */
export type Translated = 'v5.channel.k8s.io' | 'SPDY/3.1+portforward.k8s.io';
export type Protocol = 'spdy' | 'websocket' | Translated;

const BY_NAME: Readonly<Record<string, 'spdy' | 'websocket'>> = { 'spdy/3.1': 'spdy', websocket: 'websocket' };
const CHANNELS = ['channel.k8s.io', 'base64.channel.k8s.io', 'v4.channel.k8s.io', 'v4.base64.channel.k8s.io'];

/** The runtime's streaming server speaks SPDY/3.1 and WebSocket up to v4; what is newer is preferred and translated. */
export function protocolOf(headers: IncomingHttpHeaders, portForward: boolean): Protocol {
  const name = headers.upgrade?.toLowerCase() ?? '';
  const wanted = (headers.connection ?? '')
    .toLowerCase()
    .split(',')
    .some((each) => each.trim() === 'upgrade');
  const protocol = wanted ? BY_NAME[name] : undefined;
  if (protocol === undefined) throw new Problem(400, 'Upgrade request required');
  if (protocol === 'spdy') return protocol;
  const offered = listOf(headers['sec-websocket-protocol']);
  const newer: Translated = portForward ? 'SPDY/3.1+portforward.k8s.io' : 'v5.channel.k8s.io';
  if (offered.includes(newer)) return newer;
  if (offered.length > 0 && !offered.some((each) => CHANNELS.includes(each))) {
    const known = [newer, ...CHANNELS].join(', ');
    throw new Problem(400, `unable to upgrade: none of the subprotocols ${offered.join(', ')} is known here: ${known}`);
  }
  return protocol;
}

function listOf(header: string | undefined): string[] {
  return (header ?? '').split(',').flatMap((each) => (each.trim() === '' ? [] : [each.trim()]));
}
