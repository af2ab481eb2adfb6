// Makes and starts one container: reads what its specification refers to, prepares its files, and hands the result
// to the runtime. Every failure comes out as a StartError with the reason that status shows.
import { chmod, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Container } from '../../api/types/core/container.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { CriError } from '../cri/call.ts';
import type { Mount, PodSandboxConfig } from '../cri/types.ts';
import { containerConfig } from './container-config.ts';
import type { PodDeps } from './deps.ts';
import { buildEnv, ConfigError } from './env.ts';
import { readEnvSources } from './env-sources.ts';
import { hostsFile } from './hosts-file.ts';
import {
  containerLogLink,
  containerLogPath,
  etcHostsPath,
  type PodName,
  podLogDir,
  terminationLogPath,
} from './names.ts';
import { containerResources } from './resources.ts';
import { podName } from './sandbox-config.ts';
import type { ImageUser } from './security.ts';
import { serviceEnv } from './service-env.ts';
import type { ObservedSandbox } from './world.ts';

export class StartError extends Error {
  override readonly name = 'StartError';
  readonly reason: string;
  /** The container exists although it did not start: the runtime keeps what happened. */
  readonly made: boolean;

  constructor(reason: string, message: string, made: boolean, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
    this.made = made;
  }
}

export interface StartRequest {
  readonly pod: Pod;
  readonly container: Container;
  readonly sandbox: ObservedSandbox;
  readonly sandboxConfig: PodSandboxConfig;
  readonly attempt: number;
  readonly backOffMs: number;
  readonly imageRef: string;
  /** The container whose processes this one is to see. */
  readonly targetId: string | undefined;
  /** No process starts before its address may talk. */
  readonly networkOpen: Promise<void> | undefined;
}

/** Returns the container's id. */
export async function startContainer(request: StartRequest, deps: PodDeps, signal: AbortSignal): Promise<string> {
  const { pod, container } = request;
  const id = await make(request, deps, signal);
  deps.event(pod, container, 'Normal', 'Created', `Created container: ${container.name}`);
  await request.networkOpen;
  const linked = linkLog(request, id, deps);
  try {
    await deps.runtime.startContainer(id, signal);
  } catch (err) {
    signal.throwIfAborted();
    throw new StartError('RunContainerError', said(err), true, { cause: err });
  } finally {
    await linked;
  }
  deps.event(pod, container, 'Normal', 'Started', `Started container ${container.name}`);
  return id;
}

async function make(request: StartRequest, deps: PodDeps, signal: AbortSignal): Promise<string> {
  const { pod, container, sandbox, sandboxConfig, attempt, backOffMs, imageRef } = request;
  const { node } = deps;
  let config: ReturnType<typeof containerConfig>;
  try {
    const user = imageUser(imageRef, deps, signal);
    user.catch(() => {}); // awaited below
    const known = await deps.services(signal);
    if (known === undefined) {
      throw new ConfigError('services have not yet been read at least once, cannot construct envvars');
    }
    const services = serviceEnv(known, pod.metadata.namespace ?? '', pod.spec.enableServiceLinks !== false);
    const readFile = (volume: string, path: string) => deps.volumes.fileIn(pod, volume, path);
    const sources = await readEnvSources(pod, container, deps.objects, services, readFile, signal);
    const podIps = pod.spec.hostNetwork ? node.hostIps : sandbox.ips;
    const facts = { podIps, hostIps: node.hostIps, allocatable: node.allocatable() };
    const env = buildEnv(pod, container, sources, facts);
    const logDir = join(podLogDir(deps.folders, podName(pod)), container.name);
    const [volumes, files] = await Promise.all([
      deps.volumes.mounts(pod, container, env, signal),
      ownFiles(request, podIps, deps),
      mkdir(logDir, { recursive: true }),
    ]);
    const mounts = [...volumes, ...files];
    config = containerConfig(pod, container, {
      grant: await deps.grants.of(pod, container, signal),
      attempt,
      backOffMs,
      imageRef,
      imageUser: await user,
      sources,
      facts,
      mounts,
      devices: deps.volumes.devices(pod, container),
      resources: containerResources(pod, container, node.memory),
      seccompDir: deps.seccompDir,
      targetId: request.targetId,
    });
  } catch (err) {
    signal.throwIfAborted();
    const message = err instanceof ConfigError ? err.message : said(err);
    throw new StartError('CreateContainerConfigError', message, false, { cause: err });
  }
  try {
    return await deps.runtime.createContainer(sandbox.id, config, sandboxConfig, signal);
  } catch (err) {
    signal.throwIfAborted();
    throw new StartError('CreateContainerError', said(err), false, { cause: err });
  }
}

export function said(err: unknown): string {
  if (err instanceof CriError) return err.detail;
  return err instanceof Error ? err.message : String(err);
}

async function imageUser(imageRef: string, { images }: PodDeps, signal: AbortSignal): Promise<ImageUser> {
  const image = await images.status(imageRef, signal);
  if (image === undefined) throw new ConfigError(`image ${imageRef} is no longer on this node`);
  if (image.uid !== null) return { uid: Number(image.uid.value) };
  return image.username === '' ? { uid: 0 } : { name: image.username };
}

/** /etc/hosts and the place for last words, unless the container brings its own. */
async function ownFiles(request: StartRequest, podIps: readonly string[], deps: PodDeps): Promise<Mount[]> {
  const { pod, container, attempt } = request;
  const { uid } = pod.metadata;
  const taken = new Set((container.volumeMounts ?? []).map(({ mountPath }) => mountPath));
  const mounts: Mount[] = [];
  if (!taken.has('/etc/hosts')) {
    const path = etcHostsPath(deps.folders, uid);
    const hostFile = pod.spec.hostNetwork ? await readFile('/etc/hosts', 'utf8').catch(() => '') : '';
    await replaceFile(path, hostsFile(pod, podIps, deps.names.clusterDomain, hostFile), 0o644);
    mounts.push({ containerPath: '/etc/hosts', hostPath: path });
  }
  if (container.terminationMessagePath && !taken.has(container.terminationMessagePath)) {
    const path = terminationLogPath(deps.folders, uid, container.name, attempt);
    // Whoever the container runs as may write it.
    await replaceFile(path, '', 0o666);
    mounts.push({ containerPath: container.terminationMessagePath, hostPath: path });
  }
  return mounts;
}

/** Running containers keep the file they were given; a half-written one is never seen. */
async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  if ((await readFile(path, 'utf8').catch(() => undefined)) === text && text !== '') return;
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.new`;
  await writeFile(draft, text, { mode });
  await chmod(draft, mode);
  await rename(draft, path);
}

/** /var/log/containers is where log collectors look. */
async function linkLog({ pod, container, attempt }: StartRequest, id: string, { folders, log }: PodDeps) {
  const name = podName(pod);
  const link = containerLogLink(folders, name, container.name, id);
  const target = join(podLogDir(folders, name), containerLogPath(container.name, attempt));
  try {
    await mkdir(dirname(link), { recursive: true });
    await symlink(target, link);
  } catch (err) {
    log.warn({ err, link }, 'log not linked');
  }
}

/** `containers` maps ids to names. */
export async function unlinkLogs(pod: PodName, containers: ReadonlyMap<string, string>, { folders }: PodDeps) {
  await Promise.all(
    Array.from(containers, ([id, name]) => rm(containerLogLink(folders, pod, name, id), { force: true })),
  );
}
