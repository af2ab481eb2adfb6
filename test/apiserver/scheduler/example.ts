// Objects for tests of the scheduler, as short as they can be said.
import type { Node } from '../../../api/types/core/node.ts';
import type { Pod } from '../../../api/types/core/pod.ts';
import { type PodInfo, podInfo } from '../../../apiserver/scheduler/pod-info.ts';
import { Snapshot } from '../../../apiserver/scheduler/snapshot.ts';

const BORN = '2026-01-01T00:00:00Z';

export interface PodParts {
  cpu?: string;
  memory?: string;
  requests?: Record<string, string>;
  priority?: number;
  preemptionPolicy?: 'Never';
  labels?: Record<string, string>;
  namespace?: string;
  node?: string;
  nominated?: string;
  hostPort?: number;
  hostIP?: string;
  schedulerName?: string;
  gates?: string[];
  started?: string;
  /** Anything else of the specification. */
  spec?: Partial<Pod['spec']>;
}

export function aPod(name: string, parts: PodParts = {}): Pod {
  const { cpu, memory, requests, priority, labels, namespace = 'default', node, nominated, hostPort, hostIP } = parts;
  const asked = { ...(cpu && { cpu }), ...(memory && { memory }), ...requests };
  const ports = hostPort === undefined ? undefined : [{ containerPort: 80, hostPort, hostIP, protocol: 'TCP' }];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, uid: `uid-${name}`, ...(labels && { labels }), creationTimestamp: BORN },
    spec: {
      containers: [{ name: 'app', image: 'app:1', resources: { requests: asked }, ...(ports && { ports }) }],
      ...(priority !== undefined && { priority }),
      ...(parts.preemptionPolicy && { preemptionPolicy: parts.preemptionPolicy }),
      ...(node && { nodeName: node }),
      ...(parts.schedulerName && { schedulerName: parts.schedulerName }),
      ...(parts.gates && { schedulingGates: parts.gates.map((gate) => ({ name: gate })) }),
      ...parts.spec,
    },
    status: {
      phase: 'Pending',
      ...(nominated && { nominatedNodeName: nominated }),
      ...(parts.started && { startTime: parts.started }),
    },
  } as unknown as Pod;
}

export interface NodeParts {
  cpu?: string;
  memory?: string;
  pods?: string;
  allocatable?: Record<string, string>;
  labels?: Record<string, string>;
  taints?: { key: string; value?: string; effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute' }[];
  unschedulable?: boolean;
  images?: { names: string[]; sizeBytes: number }[];
}

export function aNode(name: string, parts: NodeParts = {}): Node {
  const { cpu = '4', memory = '8Gi', pods = '10', allocatable = {}, labels, taints, unschedulable, images } = parts;
  const has = { cpu, memory, pods, ...allocatable };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, uid: `uid-${name}`, labels: { 'kubernetes.io/hostname': name, ...labels } },
    spec: { ...(taints && { taints }), ...(unschedulable && { unschedulable }) },
    status: { capacity: has, allocatable: has, ...(images && { images }) },
  } as unknown as Node;
}

export interface Scene {
  nodes?: Record<string, NodeParts>;
  /** Each on the node it names. */
  pods?: Record<string, PodParts>;
}

export function aSnapshot({ nodes = { n1: {} }, pods = {} }: Scene = {}): Snapshot {
  const snapshot = new Snapshot();
  for (const [name, parts] of Object.entries(nodes)) snapshot.describeNode(aNode(name, parts));
  for (const [name, parts] of Object.entries(pods)) snapshot.setPod(infoOf(snapshot, name, parts));
  return snapshot;
}

export function infoOf(snapshot: Snapshot, name: string, parts: PodParts = {}): PodInfo {
  return podInfo(aPod(name, parts), snapshot.names);
}
