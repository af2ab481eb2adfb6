// exec, attach, port-forward: the runtime is asked where its streaming server waits for this one conversation, and
// the client's connection is tunnelled there. `run` is exec without a conversation: a command and its output.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Pod } from '../../api/types/core/pod.ts';
import { send, text } from './answer.ts';
import { runningInstance, specOf } from './container-choice.ts';
import type { ServerDeps } from './deps.ts';
import { instancesOf, liveSandboxOf } from './pod-lookup.ts';
import { Problem } from './problem.ts';
import type { ContainerTarget, PodTarget, StreamRoute } from './route.ts';
import { commandOf, type Protocol, portsOf, protocolOf, type Streams, streamsOf } from './stream-options.ts';
import { translationOf } from './translation.ts';
import { tunnel } from './tunnel.ts';

export async function stream(
  req: IncomingMessage,
  socket: Socket,
  head: Buffer,
  route: StreamRoute,
  query: URLSearchParams,
  deps: ServerDeps,
  signal: AbortSignal,
): Promise<void> {
  const protocol = protocolOf(req.headers, route.to === 'portForward');
  const pod = podOf(route.target, deps);
  const url = new URL(await addressOf(route, pod, query, protocol, deps, signal));
  const plain = protocol === 'spdy' || protocol === 'websocket';
  const streams = route.to === 'portForward' ? undefined : streamsIn(pod, route, query);
  const translation = plain ? undefined : translationOf(protocol, streams);
  await tunnel({ req, client: socket, head }, url, translation, deps.clock, signal);
}

async function addressOf(
  route: StreamRoute,
  pod: Pod,
  query: URLSearchParams,
  protocol: Protocol,
  { runtime }: ServerDeps,
  signal: AbortSignal,
): Promise<string> {
  if (route.to === 'portForward') {
    const ports = portsOf(query, protocol === 'websocket');
    const sandbox = await liveSandboxOf(pod, runtime, signal);
    if (sandbox === undefined) throw new Problem(500, `pod not found ("${fullName(pod)}")`);
    return runtime.portForward(sandbox, ports, signal);
  }
  const streams = streamsIn(pod, route, query);
  const { container } = route.target;
  if (route.to === 'exec') {
    const cmd = commandOf(query);
    const containerId = runningInstance(container, await instancesOf(pod, runtime, signal));
    return runtime.exec({ containerId, cmd, ...streams }, signal);
  }
  const containerId = runningInstance(container, await instancesOf(pod, runtime, signal));
  return runtime.attach({ containerId, ...streams }, signal);
}

function streamsIn(pod: Pod, route: Exclude<StreamRoute, { to: 'portForward' }>, query: URLSearchParams): Streams {
  const streams = streamsOf(query);
  if (route.to === 'exec') return streams;
  const spec = specOf(pod, route.target.container);
  if (spec === undefined) {
    throw new Problem(500, `container ${route.target.container} not found in pod ${fullName(pod)}`);
  }
  // Whether there is a terminal was decided when the container was made.
  const tty = spec.tty === true;
  return { ...streams, tty, stderr: streams.stderr && !tty };
}

const RUN_SECONDS = 110;

export async function run(
  req: IncomingMessage,
  res: ServerResponse,
  target: ContainerTarget,
  query: URLSearchParams,
  deps: ServerDeps,
  signal: AbortSignal,
): Promise<void> {
  const pod = podOf(target, deps);
  const cmd = (query.get('cmd') ?? '').split(' ').filter((word) => word !== '');
  if (cmd.length === 0) throw new Problem(400, 'you must specify a command: cmd=');
  const id = runningInstance(target.container, await instancesOf(pod, deps.runtime, signal));
  const { stdout, stderr, exitCode } = await deps.runtime.execSync(id, cmd, RUN_SECONDS, signal);
  const output = Buffer.concat([stdout, stderr]);
  if (exitCode !== 0) throw new Problem(500, `command '${cmd.join(' ')}' exited with ${exitCode}: ${output}`);
  send(req, res, { ...text(''), body: output });
}

function podOf({ namespace, pod: name, uid }: PodTarget, { pods }: ServerDeps): Pod {
  const pod = pods.pod(namespace, name);
  if (pod === undefined || (uid !== undefined && pod.metadata.uid !== uid))
    throw new Problem(404, 'pod does not exist');
  return pod;
}

function fullName({ metadata }: Pod): string {
  return `${metadata.name}_${metadata.namespace}`;
}
