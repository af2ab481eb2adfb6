// `kubectl logs`: finds the container's instance and its file, and lets the answer flow as fast as the client reads.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isCri } from '../cri/call.ts';
import { loggedInstance, specOf } from './container-choice.ts';
import type { ServerDeps } from './deps.ts';
import { logOptionsOf } from './log-options.ts';
import { openLog, readLog } from './log-reader.ts';
import { instancesOf } from './pod-lookup.ts';
import { Problem, quoted } from './problem.ts';
import type { ContainerTarget } from './route.ts';

export async function containerLogs(
  req: IncomingMessage,
  res: ServerResponse,
  { namespace, pod: podName, container }: ContainerTarget,
  query: URLSearchParams,
  deps: ServerDeps,
  signal: AbortSignal,
): Promise<void> {
  const { clock, runtime } = deps;
  const options = logOptionsOf(query, clock.now());
  const pod = deps.pods.pod(namespace, podName);
  if (pod === undefined) throw new Problem(404, `pod ${quoted(podName)} does not exist`);
  if (specOf(pod, container) === undefined) {
    throw new Problem(404, `container ${quoted(container)} not found in pod ${quoted(podName)}`);
  }
  const id = loggedInstance(pod, container, await instancesOf(pod, runtime, signal), options.previous);
  const unavailable = (cause: unknown) =>
    new Problem(400, `unable to retrieve container logs for containerd://${id}`, {}, { cause });
  const { logPath } = await runtime.containerStatus(id, signal).catch((err) => {
    throw isCri(err, 'NOT_FOUND') ? unavailable(err) : err;
  });
  await using log = await openLog(logPath, options).catch((err) => {
    throw unavailable(err);
  });
  res.writeHead(200, { 'content-type': 'text/plain' });
  if (req.method === 'HEAD') {
    res.end();
    return;
  }
  // A follower sees that it was let in before the container says anything.
  res.flushHeaders();
  const alive = async () => {
    try {
      const { state } = await runtime.containerStatus(id, signal);
      return state === 'CONTAINER_RUNNING' || state === 'CONTAINER_CREATED';
    } catch (err) {
      // A runtime that is away for a moment says nothing about the container.
      return !isCri(err, 'NOT_FOUND');
    }
  };
  await pipeline(Readable.from(readLog(log, options, alive, clock, signal), { objectMode: false }), res);
}
