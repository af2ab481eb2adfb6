// Whose log or whose process is meant: the current instance of a container, or the one before. Pure; the wording is
// upstream's, for it is what people see.
import type { Container as ContainerSpec } from '../../api/types/core/container.ts';
import type { ContainerStatus } from '../../api/types/core/container-status.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { Container } from '../cri/types.ts';
import { Problem, quoted } from './problem.ts';

export interface Instance {
  readonly id: string;
  readonly name: string;
  readonly attempt: number;
  readonly state: Container['state'];
}

export function specOf({ spec }: Pod, name: string): Pick<ContainerSpec, 'name' | 'tty'> | undefined {
  const all = [...spec.containers, ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])];
  return all.find((each) => each.name === name);
}

/** The id of the instance whose log is wanted. Status says which; the runtime, where status is behind. */
export function loggedInstance(pod: Pod, container: string, instances: readonly Instance[], previous: boolean): string {
  const status = statusOf(pod, container);
  const told = status === undefined ? undefined : idFrom(status, previous);
  if (told !== undefined) return told;
  const of = `container ${quoted(container)} in pod ${quoted(pod.metadata.name)}`;
  if (previous) throw new Problem(400, `previous terminated ${of} not found`);
  const newest = newestOf(instances, container);
  if (newest !== undefined && newest.state !== 'CONTAINER_CREATED') return newest.id;
  if (status === undefined) throw new Problem(400, `${of} is not available`);
  const { waiting, terminated } = status.state ?? {};
  if (terminated !== undefined) throw new Problem(400, `${of} is terminated`);
  if (waiting === undefined) throw new Problem(400, `${of} is waiting to start - no logs yet`);
  throw new Problem(400, `${of} is waiting to start: ${WAITING[waiting.reason ?? ''] ?? waiting.reason}`);
}

const WAITING: Readonly<Record<string, string>> = {
  ErrImagePull: "image can't be pulled",
  ImagePullBackOff: 'trying and failing to pull image',
};

/** The running instance that a command or a terminal goes to. */
export function runningInstance(container: string, instances: readonly Instance[]): string {
  const newest = newestOf(instances, container);
  if (newest?.state === 'CONTAINER_RUNNING') return newest.id;
  throw new Problem(500, `container not found (${quoted(container)})`);
}

function newestOf(instances: readonly Instance[], name: string): Instance | undefined {
  return instances.filter((each) => each.name === name).sort((a, b) => b.attempt - a.attempt)[0];
}

function statusOf({ status }: Pod, name: string): ContainerStatus | undefined {
  const { containerStatuses = [], initContainerStatuses = [], ephemeralContainerStatuses = [] } = status ?? {};
  return [...containerStatuses, ...initContainerStatuses, ...ephemeralContainerStatuses].find(
    (each) => each.name === name,
  );
}

function idFrom({ state = {}, lastState = {}, containerID }: ContainerStatus, previous: boolean): string | undefined {
  const last = lastState.terminated?.containerID;
  if (previous) return bare(last);
  if (state.running !== undefined) return bare(containerID);
  return bare(state.terminated?.containerID) ?? bare(last);
}

/** `containerd://0123` to `0123`. */
function bare(id: string | undefined): string | undefined {
  return id === undefined || id === '' ? undefined : id.slice(id.indexOf('://') + 3);
}
