// What the API is told about this node: pure, from the facts of the machine, its usage and its runtime. Reasons and
// messages are upstream's: controllers and people look for them.
import { timestamp } from '../../api/clock.ts';
import { quantityMilli, quantityValue } from '../../api/quantity.ts';
import type { ContainerImage, NodeCondition, NodeStatus } from '../../api/types/core/node.ts';
import type { Image, RuntimeCondition, RuntimeStatus } from '../cri/types.ts';
import type { Offer } from '../devices/inventory.ts';
import { inUnits, type Threshold } from '../pods/eviction/thresholds.ts';
import type { MachineFacts, Usage } from './facts.ts';

/** The version of the API this agent speaks, as `kubectl get nodes` shows it. */
export const KUBELET_VERSION = 'v1.36.2+skiff';
/** As many images as upstream reports, the largest first: the scheduler prefers nodes that have them. */
const IMAGES_MAX = 50;
const NAMES_MAX = 5;

export type RuntimeView =
  | { readonly state: 'down'; readonly why: string }
  | ({
      readonly state: 'up';
      readonly version: string;
      readonly conditions: readonly RuntimeCondition[];
    } & Partial<Pick<RuntimeStatus, 'runtimeHandlers' | 'features'>>);

export interface NodeInput {
  readonly name: string;
  readonly nodeIps: readonly string[];
  readonly kubeletPort: number;
  readonly maxPods: number;
  /** Kept back for the system and the agent, by resource. */
  readonly reserved: Readonly<Record<string, string>>;
  /** Below these pods are evicted: what is kept free is not offered to any. */
  readonly thresholds: readonly Threshold[];
  /** What the node is short of: MemoryPressure, DiskPressure, PIDPressure. */
  readonly pressures: readonly string[];
  /** The machine goes down. */
  readonly shuttingDown?: boolean;
  readonly facts: MachineFacts;
  /** What device plugins have, by resource. */
  readonly devices: Offer;
  readonly volumesInUse: readonly string[];
  readonly usage: Usage;
  readonly runtime: RuntimeView;
  readonly images: readonly Image[];
  readonly before: NodeStatus | undefined;
}

export function nodeStatus(input: NodeInput, nowMs: number): NodeStatus {
  const { name, nodeIps, kubeletPort, facts, runtime, images } = input;
  return {
    capacity: capacity(input),
    allocatable: allocatable(input),
    conditions: conditions(input).map((condition) => stamped(condition, input.before, nowMs)),
    addresses: [...nodeIps.map((address) => ({ type: 'InternalIP', address })), { type: 'Hostname', address: name }],
    daemonEndpoints: { kubeletEndpoint: { Port: kubeletPort } },
    nodeInfo: {
      machineID: facts.machineId,
      systemUUID: facts.systemUuid,
      bootID: facts.bootId,
      kernelVersion: facts.kernelVersion,
      osImage: facts.osImage,
      containerRuntimeVersion:
        runtime.state === 'up' ? runtime.version : (input.before?.nodeInfo?.containerRuntimeVersion ?? ''),
      kubeletVersion: KUBELET_VERSION,
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: facts.architecture,
      ...(facts.swapBytes > 0 && { swap: { capacity: facts.swapBytes } }),
    },
    images: imageList(images),
    ...runtimeCan(input),
    // A list that is not said stays as it was.
    volumesInUse: [...input.volumesInUse],
  };
}

/** What the runtime tells of itself: older ones tell nothing. While it is down what it said last stands. */
function runtimeCan({ runtime, before }: NodeInput): Pick<NodeStatus, 'runtimeHandlers' | 'features'> {
  if (runtime.state === 'down') {
    const { runtimeHandlers, features } = before ?? {};
    return { ...(runtimeHandlers && { runtimeHandlers }), ...(features && { features }) };
  }
  const { runtimeHandlers = [], features } = runtime;
  const handlers = runtimeHandlers.map(({ name, features: can }) => ({ name, ...(can && { features: { ...can } }) }));
  return {
    ...(handlers.length > 0 && { runtimeHandlers: handlers }),
    ...(features && { features: { ...features } }),
  };
}

function capacity({ facts, usage, maxPods, devices }: NodeInput): Record<string, string> {
  return {
    cpu: String(facts.cpus),
    'ephemeral-storage': `${Math.floor(usage.diskBytes / 1_024)}Ki`,
    ...hugepages(facts),
    memory: `${Math.floor(facts.memoryBytes / 1_024)}Ki`,
    pods: String(maxPods),
    ...devices.capacity,
  };
}

export function allocatable(input: NodeInput): Record<string, string> {
  const { facts, usage, maxPods } = input;
  const pages = Object.values(facts.hugepages).reduce((total, bytes) => total + bytes, 0);
  const memory = facts.memoryBytes - kept(input, 'memory', facts.memoryBytes) - pages;
  const disk = usage.diskBytes - kept(input, 'ephemeral-storage', usage.diskBytes);
  const milliCpu = Math.max(0, facts.cpus * 1_000 - quantityMilli(input.reserved['cpu'] ?? '0'));
  return {
    cpu: milliCpu % 1_000 === 0 ? String(milliCpu / 1_000) : `${milliCpu}m`,
    'ephemeral-storage': String(Math.max(0, Math.floor(disk))),
    ...hugepages(facts, input.reserved),
    memory: `${Math.floor(Math.max(0, memory) / 1_024)}Ki`,
    pods: String(maxPods),
    ...input.devices.allocatable,
  };
}

const FREE = { memory: 'memory.available', 'ephemeral-storage': 'nodefs.available' } as const;

/** Reserved, and what evictions keep free. */
function kept({ reserved, thresholds }: NodeInput, resource: keyof typeof FREE, capacity: number): number {
  const hard = thresholds.find(({ signal, graceMs }) => signal === FREE[resource] && graceMs === 0);
  return quantityValue(reserved[resource] ?? '0') + (hard === undefined ? 0 : inUnits(hard.amount, capacity));
}

function hugepages({ hugepages: pages }: MachineFacts, reserved: NodeInput['reserved'] = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(pages).map(([size, bytes]) => {
      const name = `hugepages-${size}`;
      const left = Math.max(0, bytes - quantityValue(reserved[name] ?? '0'));
      return [name, left === 0 ? '0' : `${left / 2 ** 20}Mi`];
    }),
  );
}

type Fact = Pick<NodeCondition, 'type' | 'status' | 'reason' | 'message'>;

function conditions({ pressures, runtime, shuttingDown = false }: NodeInput): Fact[] {
  const under = (condition: string) => pressures.includes(condition);
  return [
    pressure('MemoryPressure', under('MemoryPressure'), [
      ['KubeletHasInsufficientMemory', 'kubelet has insufficient memory available'],
      ['KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
    ]),
    pressure('DiskPressure', under('DiskPressure'), [
      ['KubeletHasDiskPressure', 'kubelet has disk pressure'],
      ['KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
    ]),
    pressure('PIDPressure', under('PIDPressure'), [
      ['KubeletHasInsufficientPID', 'kubelet has insufficient PID available'],
      ['KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
    ]),
    ready(runtime, shuttingDown),
  ];
}

type Words = readonly [reason: string, message: string];

function pressure(type: string, pressed: boolean, [bad, good]: readonly [Words, Words]): Fact {
  const [reason, message] = pressed ? bad : good;
  return { type, status: pressed ? 'True' : 'False', reason, message };
}

function ready(runtime: RuntimeView, shuttingDown: boolean): Fact {
  const type = 'Ready';
  const problems = [
    ...(runtime.state === 'down'
      ? [`container runtime is down: ${runtime.why}`]
      : runtime.conditions
          .filter(({ status }) => !status)
          .map((condition) => {
            const what =
              condition.type === 'NetworkReady' ? 'container runtime network not ready' : 'container runtime not ready';
            return `${what}: ${condition.type}=false reason:${condition.reason} message:${condition.message}`;
          })),
    ...(shuttingDown ? ['node is shutting down'] : []),
  ];
  if (problems.length === 0) {
    return { type, status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' };
  }
  const message = problems.length === 1 ? problems[0]! : `[${problems.join(', ')}]`;
  return { type, status: 'False', reason: 'KubeletNotReady', message };
}

function stamped(fact: Fact, before: NodeStatus | undefined, nowMs: number): NodeCondition {
  const last = before?.conditions?.find(({ type }) => type === fact.type);
  const now = timestamp(nowMs);
  const since = last?.status === fact.status ? (last.lastTransitionTime ?? now) : now;
  return { ...fact, lastHeartbeatTime: now, lastTransitionTime: since };
}

function imageList(images: readonly Image[]): ContainerImage[] {
  return [...images]
    .sort((a, b) => Number(b.size) - Number(a.size))
    .slice(0, IMAGES_MAX)
    .map(({ repoDigests, repoTags, size }) => ({
      names: [...repoDigests, ...repoTags].slice(0, NAMES_MAX),
      sizeBytes: Number(size),
    }))
    .filter(({ names }) => names.length > 0);
}

/** Whether two reports say the same, heartbeats aside. */
export function saysTheSame(a: NodeStatus, b: NodeStatus): boolean {
  return comparable(a) === comparable(b);
}

/** What an operator reads of a change, in upstream's words. */
export function transitions(name: string, before: NodeStatus | undefined, after: NodeStatus): string[][] {
  return (after.conditions ?? []).flatMap(({ type, status }) => {
    const had = before?.conditions?.find((condition) => condition.type === type)?.status;
    if (had === status) return [];
    const reason = EVENTS[type]?.[status === 'True' ? 0 : 1];
    return reason === undefined ? [] : [[reason, `Node ${name} status is now: ${reason}`]];
  });
}

const EVENTS: Readonly<Record<string, readonly [isTrue: string, isFalse: string]>> = {
  Ready: ['NodeReady', 'NodeNotReady'],
  MemoryPressure: ['NodeHasInsufficientMemory', 'NodeHasSufficientMemory'],
  DiskPressure: ['NodeHasDiskPressure', 'NodeHasNoDiskPressure'],
  PIDPressure: ['NodeHasInsufficientPID', 'NodeHasSufficientPID'],
};

function comparable(status: NodeStatus): string {
  const { capacity: has, allocatable: gives, addresses, nodeInfo, images, daemonEndpoints, volumesInUse = [] } = status;
  const { runtimeHandlers = [], features } = status;
  const facts = (status.conditions ?? []).map(({ type, status: is, reason, message }) => [type, is, reason, message]);
  return JSON.stringify([
    sorted(has),
    sorted(gives),
    addresses,
    sorted(nodeInfo),
    images,
    daemonEndpoints,
    facts,
    volumesInUse,
    runtimeHandlers.map((handler) => [handler.name, sorted(handler.features)]),
    sorted(features),
  ]);
}

function sorted(map: object | undefined): [string, unknown][] {
  return Object.entries(map ?? {})
    .filter(([, value]) => value !== '')
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
