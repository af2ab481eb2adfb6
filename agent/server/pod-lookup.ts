// What the server asks of the pods room: which pods are here and what is known of their state. The containers
// themselves are the runtime's to tell.
import type { Pod } from '../../api/types/core/pod.ts';
import type { RuntimeClient } from '../cri/runtime.ts';
import type { Container, StringMap } from '../cri/types.ts';
import { ANNOTATION, LABEL } from '../pods/names.ts';
import type { Instance } from './container-choice.ts';

export interface PodLookup {
  /** With the newest status this node knows, which may be ahead of the API's. */
  pod(namespace: string, name: string): Pod | undefined;
  pods(): Iterable<Pod>;
}

export async function instancesOf(pod: Pod, runtime: RuntimeClient, signal: AbortSignal): Promise<Instance[]> {
  const containers = await runtime.listContainers({ [LABEL.podUid]: runtimeUid(pod) }, signal);
  return containers.filter(({ labels }) => belongs(labels, pod)).map(instanceOf);
}

export async function liveSandboxOf(
  pod: Pod,
  runtime: RuntimeClient,
  signal: AbortSignal,
): Promise<string | undefined> {
  const sandboxes = await runtime.listSandboxes({ [LABEL.podUid]: runtimeUid(pod) }, signal);
  const ready = sandboxes.filter(({ state, labels }) => state === 'SANDBOX_READY' && belongs(labels, pod));
  return ready.sort((a, b) => b.metadata.attempt - a.metadata.attempt)[0]?.id;
}

/** What stands in the API for a pod from a file has a UID of its own there; the runtime knows the file's. */
function runtimeUid({ metadata }: Pod): string {
  return metadata.annotations?.[ANNOTATION.configMirror] ?? metadata.uid;
}

/** Anybody can write an annotation: it must not lead to a pod of another name. */
function belongs(labels: StringMap, { metadata }: Pod): boolean {
  return labels[LABEL.podNamespace] === metadata.namespace && labels[LABEL.podName] === metadata.name;
}

function instanceOf({ id, state, metadata, labels }: Container): Instance {
  return { id, state, name: labels[LABEL.container] ?? metadata.name, attempt: metadata.attempt };
}
