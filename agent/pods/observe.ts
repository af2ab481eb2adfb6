// Reads from the runtime what it has of a pod. What cannot change any more (a finished container, the address of a
// sandbox) is asked for once and remembered; the rest is asked anew for every look.
import { type FileHandle, open } from 'node:fs/promises';
import { ignoreNotFound, isCri } from '../cri/call.ts';
import type { RuntimeClient } from '../cri/runtime.ts';
import type { Container, ContainerStatus, Sandbox } from '../cri/types.ts';
import { ANNOTATION, LABEL, type PodFolders, terminationLogPath } from './names.ts';
import type { ObservedContainer, ObservedSandbox, RuntimeView } from './world.ts';

/** As much as upstream lets a container say at its end. */
const LAST_WORDS_BYTES = 4_096;
const LAST_LINES_BYTES = 2_048;
const LAST_LINES = 80;

export class Observer {
  readonly #runtime: RuntimeClient;
  readonly #folders: PodFolders;
  /** By pod: what is known for good of its containers and sandboxes. */
  readonly #known = new Map<string, { containers: Map<string, ObservedContainer>; ips: Map<string, string[]> }>();

  constructor(runtime: RuntimeClient, folders: PodFolders) {
    this.#runtime = runtime;
    this.#folders = folders;
  }

  async observe(uid: string, signal: AbortSignal): Promise<RuntimeView> {
    const labels = { [LABEL.podUid]: uid };
    const [sandboxes, containers] = await Promise.all([
      this.#runtime.listSandboxes(labels, signal),
      this.#runtime.listContainers(labels, signal),
    ]);
    const known = this.#known.get(uid) ?? { containers: new Map(), ips: new Map() };
    this.#known.set(uid, known);
    drop(known.containers, containers);
    drop(known.ips, sandboxes);
    return {
      sandboxes: newestFirst(
        await Promise.all(sandboxes.map((sandbox) => this.#sandbox(sandbox, known.ips, signal))),
        ({ attempt }) => attempt,
      ),
      containers: newestFirst(
        (
          await Promise.all(containers.map((container) => this.#container(uid, container, known.containers, signal)))
        ).filter((container) => container !== undefined),
        ({ attempt }) => attempt,
      ),
    };
  }

  /** Something was done to a running container: what is known of it no longer holds. */
  changed(uid: string, containerId: string): void {
    this.#known.get(uid)?.containers.delete(containerId);
  }

  forget(uid: string): void {
    this.#known.delete(uid);
  }

  async #sandbox(sandbox: Sandbox, ips: Map<string, string[]>, signal: AbortSignal): Promise<ObservedSandbox> {
    const { id, metadata, state, createdAt } = sandbox;
    const ready = state === 'SANDBOX_READY';
    // One that died holds its address until it is stopped: the runtime tells it until then.
    if (ready ? !ips.has(id) : ips.get(id)?.length !== 0) {
      // It may have gone since the list was made: the next look sees that.
      await ignoreNotFound(
        this.#runtime.sandboxStatus(id, signal).then(({ network }) => {
          const found = [network?.ip ?? '', ...(network?.additionalIps ?? []).map(({ ip }) => ip)];
          ips.set(
            id,
            found.filter((ip) => ip !== ''),
          );
        }),
      );
    }
    const { attempt, name: podName, namespace: podNamespace } = metadata;
    return { id, podName, podNamespace, attempt, ready, createdAtMs: millis(createdAt), ips: ips.get(id) ?? [] };
  }

  async #container(
    uid: string,
    { id, state, podSandboxId }: Container,
    known: Map<string, ObservedContainer>,
    signal: AbortSignal,
  ): Promise<ObservedContainer | undefined> {
    const before = known.get(id);
    if (before !== undefined && before.state === STATES[state]) return before;
    let status: ContainerStatus;
    try {
      status = await this.#runtime.containerStatus(id, signal);
    } catch (err) {
      if (isCri(err, 'NOT_FOUND')) return undefined; // removed since the list was made
      throw err;
    }
    const seen = observed(status, podSandboxId);
    const complete = seen.state === 'exited' ? { ...seen, message: await this.#lastWords(uid, seen, status) } : seen;
    known.set(id, complete);
    return complete;
  }

  /** What the container wrote for the one who asks why it ended. */
  async #lastWords(uid: string, seen: ObservedContainer, { annotations, logPath }: ContainerStatus): Promise<string> {
    const path = terminationLogPath(this.#folders, uid, seen.name, seen.attempt);
    const words = annotations[ANNOTATION.terminationMessagePath] ? await tail(path, LAST_WORDS_BYTES) : '';
    if (words !== '') return words;
    if (annotations[ANNOTATION.terminationMessagePolicy] === 'FallbackToLogsOnError' && seen.exitCode !== 0) {
      const lines = (await tail(logPath, LAST_LINES_BYTES + 8_192))
        .split('\n')
        .map((line) => line.split(' ').slice(3).join(' '));
      return lines
        .slice(-LAST_LINES - 1)
        .join('\n')
        .slice(-LAST_LINES_BYTES);
    }
    return seen.message;
  }
}

const STATES = {
  CONTAINER_CREATED: 'created',
  CONTAINER_RUNNING: 'running',
  CONTAINER_EXITED: 'exited',
  CONTAINER_UNKNOWN: 'unknown',
} as const;

/**
 * Whoever asked for the start was gone (killed) before the runtime had made the process: as good as never started. Had
 * it been made, the runtime would speak of starting the task: then nobody knows, and what may run once has had its turn.
 */
function neverRan({ state, reason, message }: ContainerStatus): boolean {
  if (state !== 'CONTAINER_EXITED' || reason !== 'StartError') return false;
  return message.startsWith('failed to create containerd task') && /context (canceled|deadline exceeded)/.test(message);
}

function observed(status: ContainerStatus, sandboxId: string): ObservedContainer {
  const { annotations } = status;
  return {
    id: status.id,
    name: status.labels[LABEL.container] ?? status.metadata.name,
    sandboxId,
    attempt: Number(annotations[ANNOTATION.restartCount] ?? status.metadata.attempt),
    state: neverRan(status) ? 'created' : STATES[status.state],
    createdAtMs: millis(status.createdAt),
    startedAtMs: millis(status.startedAt),
    finishedAtMs: millis(status.finishedAt),
    exitCode: status.exitCode,
    reason: status.reason,
    message: status.message,
    image: status.image?.image ?? '',
    imageId: status.imageRef,
    hash: annotations[ANNOTATION.hash] ?? '',
    backOffMs: Number(annotations[ANNOTATION.backOffMs] ?? 0),
    graceSeconds: Number(annotations[ANNOTATION.terminationGracePeriod] ?? 30),
    ...(status.resources?.linux && {
      resources: {
        cpuShares: Number(status.resources.linux.cpuShares),
        cpuQuota: Number(status.resources.linux.cpuQuota),
        memoryLimit: Number(status.resources.linux.memoryLimitInBytes),
      },
    }),
  };
}

/** Nanoseconds as text to milliseconds: the digits in front, for a double cannot hold all of them. */
function millis(nanoseconds: string): number {
  return Number(nanoseconds.slice(0, -6) || 0);
}

function newestFirst<T extends { createdAtMs: number }>(list: T[], attempt: (item: T) => number): T[] {
  return list.sort((a, b) => attempt(b) - attempt(a) || b.createdAtMs - a.createdAtMs);
}

function drop(known: Map<string, unknown>, still: readonly { id: string }[]): void {
  const ids = new Set(still.map(({ id }) => id));
  for (const id of [...known.keys()]) if (!ids.has(id)) known.delete(id);
}

async function tail(path: string, bytes: number): Promise<string> {
  let file: FileHandle;
  try {
    file = await open(path);
  } catch {
    return ''; // nothing was written: nothing to say
  }
  try {
    const { size } = await file.stat();
    const length = Math.min(size, bytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.subarray(0, bytesRead).toString('utf8');
  } finally {
    await file.close();
  }
}
