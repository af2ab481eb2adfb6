// What the planner is shown: what the runtime has of a pod, and what this process knows besides. The runtime's part
// is read anew for every pass; the rest may be lost at any time (kill -9) and only costs a second look.

import type { ResizeAnswer } from './resize-decide.ts';
import type { Sightings } from './sightings.ts';

export interface ObservedSandbox {
  readonly id: string;
  readonly podName: string;
  readonly podNamespace: string;
  readonly attempt: number;
  readonly ready: boolean;
  readonly createdAtMs: number;
  readonly ips: readonly string[];
}

export interface ObservedContainer {
  readonly id: string;
  readonly name: string;
  readonly sandboxId: string;
  /** How many starts came before this one: the restart count. */
  readonly attempt: number;
  readonly state: 'created' | 'running' | 'exited' | 'unknown';
  readonly createdAtMs: number;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly exitCode: number;
  readonly reason: string;
  readonly message: string;
  readonly image: string;
  readonly imageId: string;
  /** Of the specification it was made from. */
  readonly hash: string;
  /** How long to wait after its end before the next start. */
  readonly backOffMs: number;
  readonly graceSeconds: number;
  /** What the runtime says it is limited to; 0 is no limit. */
  readonly resources?: { readonly cpuShares: number; readonly cpuQuota: number; readonly memoryLimit: number };
}

export interface RuntimeView {
  /** Newest first. */
  readonly sandboxes: readonly ObservedSandbox[];
  /** Every instance the runtime still has, newest first. */
  readonly containers: readonly ObservedContainer[];
}

/** A step that failed, by container (or '' for the pod): what status says and when to try again. */
export interface Failure {
  readonly reason: string;
  readonly message: string;
  readonly retryAtMs: number;
}

export type ImageState =
  /** `before` is how the last try ended, if it failed. */
  | { readonly state: 'pulling'; readonly before?: { readonly reason: string; readonly message: string } }
  | { readonly state: 'present'; readonly imageRef: string }
  | { readonly state: 'failed'; readonly reason: string; readonly message: string; readonly retryAtMs: number };

export interface ProbeView {
  /** The startup probe has succeeded, or there is none. */
  readonly started: boolean;
  readonly ready: boolean;
  /** Why the container must be restarted: a liveness or startup probe gave up. */
  readonly unhealthy?: string;
  readonly graceSeconds?: number;
}

/** This node has ended the pod for good: refused at the door, pushed out by another, evicted. */
export interface Ending {
  readonly phase: 'Succeeded' | 'Failed';
  readonly reason?: string;
  readonly message?: string;
  /** How long its processes get; the pod's own grace if not said. */
  readonly graceSeconds?: number;
  /** Why the node disturbed a pod that was well: the message of its DisruptionTarget condition. */
  readonly disruption?: string;
  /** It never was let in: of its containers there is nothing to tell. */
  readonly refused?: boolean;
}

/** What this process knows besides: see worker.ts. */
export interface Memory {
  readonly volumesReady: boolean;
  /** When what volumes are made of is to be looked at again. */
  readonly refreshAtMs: number;
  /** Whatever cannot be done for this pod on this node; such a pod is never started. */
  readonly refused?: { readonly reason: string; readonly message: string };
  /** It waits at the door: room is being made for it. */
  readonly held?: boolean;
  readonly ended?: Ending;
  /** What became of other resources that were asked for while it runs. */
  readonly resize?: ResizeAnswer;
  readonly images: ReadonlyMap<string, ImageState>;
  readonly failures: ReadonlyMap<string, Failure>;
  /** Containers being stopped, and when they will have been killed at the latest. */
  readonly stopping: ReadonlyMap<string, number>;
  /** Sandboxes whose address the node's network has let in. */
  readonly networked: ReadonlySet<string>;
  /** Containers whose postStart hook has not ended. */
  readonly hooked: ReadonlySet<string>;
  readonly probes: ReadonlyMap<string, ProbeView>;
  /** Volumes are unmounted and the cgroup is gone. */
  readonly cleaned: boolean;
  /** When things happened that carry a stamp of wall time: see sightings.ts. */
  readonly sightings?: Sightings;
}

export const NO_MEMORY: Memory = {
  volumesReady: false,
  refreshAtMs: Number.POSITIVE_INFINITY,
  images: new Map(),
  failures: new Map(),
  stopping: new Map(),
  networked: new Set(),
  hooked: new Set(),
  probes: new Map(),
  cleaned: false,
};

export interface World extends RuntimeView, Memory {}

/** The newest instance of a container, in whatever sandbox. */
export function newest(world: RuntimeView, name: string): ObservedContainer | undefined {
  return world.containers.find((container) => container.name === name);
}

/** The sandbox that counts: the newest one, if it is alive. */
export function liveSandbox(world: RuntimeView): ObservedSandbox | undefined {
  const [sandbox] = world.sandboxes;
  return sandbox?.ready ? sandbox : undefined;
}

/** Whether it is to be stopped when nobody needs it any more: one whose first process died still holds its network. */
export function isUp({ ready, ips }: ObservedSandbox): boolean {
  return ready || ips.length > 0;
}

/** The newest instance in this sandbox: one in an older sandbox says nothing about now. */
export function current(world: RuntimeView, sandbox: ObservedSandbox | undefined, name: string) {
  const last = newest(world, name);
  return sandbox !== undefined && last?.sandboxId === sandbox.id ? last : undefined;
}

export function isAlive({ state }: ObservedContainer): boolean {
  return state === 'running' || state === 'unknown';
}

/** No probe says otherwise: running is ready. */
export function probeOf(world: Memory, id: string): ProbeView {
  return world.probes.get(id) ?? { started: true, ready: true };
}
