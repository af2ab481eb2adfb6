// /checkpoint: a running container's memory and files, written to a file by runtimes that can.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { timestamp } from '../../api/clock.ts';
import { CriError } from '../cri/call.ts';
import { type Answer, json } from './answer.ts';
import { runningInstance, specOf } from './container-choice.ts';
import type { ServerDeps } from './deps.ts';
import { instancesOf } from './pod-lookup.ts';
import { Problem } from './problem.ts';
import type { ContainerTarget } from './route.ts';

export async function checkpoint(
  { namespace, pod: name, container }: ContainerTarget,
  query: URLSearchParams,
  kubeletDir: string,
  { pods, runtime, clock }: ServerDeps,
  signal: AbortSignal,
): Promise<Answer> {
  const pod = pods.pod(namespace, name);
  if (pod === undefined) throw new Problem(404, 'pod does not exist');
  if (specOf(pod, container) === undefined) throw new Problem(404, `container ${container} does not exist`);
  const timeout = Number(query.get('timeout') ?? 0);
  if (!Number.isSafeInteger(timeout) || timeout < 0) throw new Problem(400, 'cannot parse value of timeout parameter');
  const id = runningInstance(container, await instancesOf(pod, runtime, signal));
  const dir = join(kubeletDir, 'checkpoints');
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const location = join(dir, `checkpoint-${name}_${namespace}-${container}-${timestamp(clock.now())}.tar`);
  try {
    await runtime.checkpoint(id, location, timeout, signal);
  } catch (cause) {
    if (!(cause instanceof CriError)) throw cause;
    const why = `checkpointing of ${namespace}/${name}/${container} failed (${cause.code}: ${cause.detail})`;
    throw new Problem(500, why, {}, { cause });
  }
  return json({ items: [location] });
}
