// Whether a pod that was sent here may start: the node's own look at room, labels, ports, taints and pressure, for
// the scheduler may have looked at an older picture, and static pods pass no scheduler at all. Pure. Reasons and
// messages are upstream's: controllers that make pods anew and people go by them.

import { wantsNode } from '../../api/node-selector.ts';
import { type TaintLike, tolerates } from '../../api/tolerations.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { isMirror } from './mirror-pods.ts';
import { type Amounts, add, podRequests } from './pod-requests.ts';
import { CRITICAL_PRIORITY, qosClass } from './resources.ts';
import { isStatic } from './static-pods.ts';

export interface AdmissionNode {
  readonly name: string;
  /** Undefined while the API has not been heard: labels and taints are its word. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints: readonly TaintLike[];
  readonly allocatable: Amounts;
  /** Pressure the node is under: MemoryPressure, DiskPressure, PIDPressure. */
  readonly pressures: readonly string[];
}

export interface Shortage {
  readonly resource: string;
  readonly requested: number;
  readonly used: number;
  readonly capacity: number;
}

export interface Refusal {
  readonly reason: string;
  readonly message: string;
}

export interface Judgement {
  /** What cannot be helped. */
  readonly refusals: readonly Refusal[];
  /** What could be helped if others went. */
  readonly shortages: readonly Shortage[];
}

/** Whoever the node itself needs to work. */
export function isCritical(pod: Pod): boolean {
  return isStatic(pod) || isMirror(pod) || (pod.spec.priority ?? 0) >= CRITICAL_PRIORITY;
}

export function judge(pod: Pod, node: AdmissionNode, others: readonly Pod[]): Judgement {
  const pressed = pressure(pod, node.pressures);
  if (pressed !== undefined) return { refusals: [pressed], shortages: [] };
  const refusals: Refusal[] = [];
  const named = { name: node.name, labels: node.labels ?? {} };
  if (node.labels !== undefined && !wantsNode(pod.spec, named)) {
    refusals.push(failed('NodeAffinity', "node(s) didn't match Pod's node affinity/selector"));
  }
  if (pod.spec.nodeName && pod.spec.nodeName !== node.name) {
    refusals.push(failed('NodeName', "node(s) didn't match the requested node name"));
  }
  const taken = others.flatMap(hostPorts);
  if (hostPorts(pod).some((port) => taken.some((other) => collide(port, other)))) {
    refusals.push(failed('NodePorts', "node(s) didn't have free ports for the requested pod ports"));
  }
  const untolerated = node.taints.some(
    (taint) => taint.effect === 'NoExecute' && !(pod.spec.tolerations ?? []).some((each) => tolerates(each, taint)),
  );
  if (untolerated && !isStatic(pod)) {
    refusals.push(failed('TaintToleration', "node(s) had taints that the pod didn't tolerate"));
  }
  return { refusals, shortages: shortagesOf(pod, node.allocatable, others) };
}

export function shortagesOf(pod: Pod, allocatable: Amounts, others: readonly Pod[]): Shortage[] {
  const used = new Map<string, number>([['pods', others.length]]);
  for (const other of others) add(used, podRequests(other));
  const asked = [...podRequests(pod), ['pods', 1] as const];
  return asked.flatMap(([resource, requested]) => {
    const capacity = allocatable.get(resource);
    // What nobody here hands out (a resource of another node's making) is not ours to count.
    if (capacity === undefined || requested === 0) return [];
    const inUse = used.get(resource) ?? 0;
    return inUse + requested > capacity ? [{ resource, requested, used: inUse, capacity }] : [];
  });
}

export function shortageRefusal({ resource, requested, used, capacity }: Shortage): Refusal {
  const amounts = `requested: ${requested}, used: ${used}, capacity: ${capacity}`;
  return { reason: `OutOf${resource}`, message: `Node didn't have enough resource: ${resource}, ${amounts}` };
}

/** A node under pressure takes on only what it needs itself or what cannot make it worse. */
function pressure(pod: Pod, pressures: readonly string[]): Refusal | undefined {
  if (pressures.length === 0 || isCritical(pod)) return undefined;
  if (pressures.length === 1 && pressures[0] === 'MemoryPressure') {
    if (qosClass(pod) !== 'BestEffort') return undefined;
    const taint = { key: 'node.kubernetes.io/memory-pressure', effect: 'NoSchedule' };
    if ((pod.spec.tolerations ?? []).some((each) => tolerates(each, taint))) return undefined;
  }
  return { reason: 'Evicted', message: `The node had condition: [${pressures.join(' ')}]. ` };
}

function failed(predicate: string, why: string): Refusal {
  return { reason: predicate, message: `Predicate ${predicate} failed: ${why}` };
}

interface HostPort {
  readonly protocol: string;
  readonly ip: string;
  readonly port: number;
}

function hostPorts({ spec }: Pod): HostPort[] {
  const all = [
    ...spec.containers,
    ...(spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always'),
  ];
  return all.flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort = 0, hostIP, protocol = 'TCP' }) =>
      hostPort === 0 ? [] : [{ protocol, ip: hostIP || '0.0.0.0', port: hostPort }],
    ),
  );
}

function collide(a: HostPort, b: HostPort): boolean {
  if (a.port !== b.port || a.protocol !== b.protocol) return false;
  return a.ip === b.ip || a.ip === '0.0.0.0' || b.ip === '0.0.0.0';
}
