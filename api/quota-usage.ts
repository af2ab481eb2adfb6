// What an object takes of a resource quota, and whether a quota speaks of it at all. Pure: admission asks it before
// an object is stored, the quota controller for those that are.
import { addQuantities, compareQuantities, formatQuantity, parseQuantity, type Quantity } from './quantity.ts';
import type { KubeObject } from './schema/kind.ts';
import type { ResourceQuota } from './types/core/limit-range.ts';
import type { PersistentVolumeClaim } from './types/core/persistent-volume-claim.ts';
import type { Pod } from './types/core/pod.ts';
import type { Service } from './types/core/service.ts';

export type Usage = Readonly<Record<string, string>>;
type Amounts = Readonly<Record<string, string>>;

interface Named {
  readonly group: string;
  readonly plural: string;
}

/** Core resources that have a short name beside `count/<plural>`. */
const SHORT_COUNTS = new Set([
  'pods',
  'services',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
]);
const COMPUTE = ['cpu', 'memory', 'ephemeral-storage'];
const CLASS = 'storageclass.storage.k8s.io';

/** `count/deployments.apps`, `count/pods`. */
export function countName({ group, plural }: Named): string {
  return group === '' ? `count/${plural}` : `count/${plural}.${group}`;
}

/** Which resource a quota's name speaks of: its plural and group. */
export function resourceNamed(name: string): Named {
  if (name.startsWith('count/')) {
    const [plural = '', ...group] = name.slice('count/'.length).split('.');
    return { plural, group: group.join('.') };
  }
  if (SHORT_COUNTS.has(name)) return { plural: name, group: '' };
  if (name.startsWith('services.')) return { plural: 'services', group: '' };
  if (name === 'requests.storage' || name.includes(`.${CLASS}/`))
    return { plural: 'persistentvolumeclaims', group: '' };
  return { plural: 'pods', group: '' };
}

export function usageOf(of: Named, object: KubeObject, nowMs: number): Usage {
  const usage: Record<string, string> = { [countName(of)]: '1' };
  if (of.group !== '') return usage;
  if (of.plural === 'pods') return { ...usage, ...podUsage(object as Pod, nowMs) };
  if (SHORT_COUNTS.has(of.plural)) usage[of.plural] = '1';
  if (of.plural === 'services') return { ...usage, ...serviceUsage(object as Service) };
  if (of.plural === 'persistentvolumeclaims') return { ...usage, ...claimUsage(object as PersistentVolumeClaim) };
  return usage;
}

function serviceUsage({ spec }: Service): Usage {
  const { type, ports = [], allocateLoadBalancerNodePorts } = spec;
  if (type === 'NodePort') return { 'services.nodeports': String(ports.length) };
  if (type !== 'LoadBalancer') return {};
  const taken = allocateLoadBalancerNodePorts === false ? ports.filter(({ nodePort }) => nodePort) : ports;
  return { 'services.nodeports': String(taken.length), 'services.loadbalancers': '1' };
}

function claimUsage({ metadata, spec, status }: PersistentVolumeClaim): Usage {
  const asked = spec.resources?.requests?.['storage'] ?? '0';
  const allocated = status?.allocatedResources?.['storage'] ?? '0';
  const storage = compareQuantities(allocated, asked) > 0 ? allocated : asked;
  const name = metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec.storageClassName;
  return {
    'requests.storage': storage,
    ...(name && { [`${name}.${CLASS}/requests.storage`]: storage, [`${name}.${CLASS}/persistentvolumeclaims`]: '1' }),
  };
}

/** A pod that is over takes nothing but its place in the store; one that should be gone by now neither. */
export function isCounted({ metadata, status }: Pod, nowMs: number): boolean {
  if (status?.phase === 'Failed' || status?.phase === 'Succeeded') return false;
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata;
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return true;
  return nowMs <= Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000;
}

function podUsage(pod: Pod, nowMs: number): Usage {
  if (!isCounted(pod, nowMs)) return {};
  const usage: Record<string, string> = { pods: '1' };
  for (const [name, amount] of Object.entries(podTotal(pod, 'requests'))) {
    usage[`requests.${name}`] = amount;
    if (COMPUTE.includes(name) || name.startsWith('hugepages-')) usage[name] = amount;
  }
  for (const [name, amount] of Object.entries(podTotal(pod, 'limits'))) {
    if (COMPUTE.includes(name)) usage[`limits.${name}`] = amount;
  }
  return usage;
}

/** Containers together, or the most an init container takes beside the sidecars before it; plus overhead. */
export function podTotal({ spec }: Pod, kind: 'requests' | 'limits'): Amounts {
  const amountsOf = ({ resources }: { resources?: { requests?: Amounts; limits?: Amounts } }) =>
    resources?.[kind] ?? {};
  let running: Amounts = {};
  for (const container of spec.containers ?? []) running = plus(running, amountsOf(container));
  let sidecars: Amounts = {};
  let startup: Amounts = {};
  for (const container of spec.initContainers ?? []) {
    const own = plus(sidecars, amountsOf(container));
    if (container.restartPolicy === 'Always') sidecars = own;
    startup = most(startup, own);
  }
  const total = { ...most(plus(running, sidecars), startup), ...amountsOf(spec) };
  return plus(total, spec.overhead ?? {}, kind === 'limits');
}

/** @param onlyKnown leaves out what the left side does not bound: overhead alone is no limit */
function plus(a: Amounts, b: Amounts, onlyKnown = false): Amounts {
  const sum: Record<string, string> = { ...a };
  for (const [name, amount] of Object.entries(b)) {
    if (onlyKnown && a[name] === undefined) continue;
    sum[name] = a[name] === undefined ? amount : formatQuantity(addQuantities(a[name], amount));
  }
  return sum;
}

function most(a: Amounts, b: Amounts): Amounts {
  const result: Record<string, string> = { ...a };
  for (const [name, amount] of Object.entries(b)) {
    if (a[name] === undefined || compareQuantities(amount, a[name]) > 0) result[name] = amount;
  }
  return result;
}

/** The sum of what these objects take, under the names asked for. */
export function totalUsage(usages: Iterable<Usage>, names: readonly string[]): Record<string, string> {
  const sums = new Map<string, Quantity>(names.map((name) => [name, parseQuantity('0')]));
  for (const usage of usages) {
    for (const name of names) {
      const amount = usage[name];
      if (amount !== undefined) sums.set(name, addQuantities(sums.get(name)!, amount));
    }
  }
  return Object.fromEntries(Array.from(sums, ([name, sum]) => [name, formatQuantity(sum)]));
}

type ScopeTest = { scopeName: string; operator: string; values?: readonly string[] };

/** Whether a quota with scopes means this pod. A quota with scopes means nothing but pods. */
export function isInScope({ spec }: ResourceQuota, of: Named, object: KubeObject): boolean {
  const tests: ScopeTest[] = [
    ...(spec.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })),
    ...(spec.scopeSelector?.matchExpressions ?? []),
  ];
  if (tests.length === 0) return true;
  return of.group === '' && of.plural === 'pods' && tests.every((test) => matchesScope(test, object as Pod));
}

function matchesScope({ scopeName, operator, values = [] }: ScopeTest, pod: Pod): boolean {
  const { activeDeadlineSeconds, priorityClassName = '', affinity } = pod.spec;
  switch (scopeName) {
    case 'Terminating':
      return activeDeadlineSeconds !== undefined;
    case 'NotTerminating':
      return activeDeadlineSeconds === undefined;
    case 'BestEffort':
      return isBestEffort(pod);
    case 'NotBestEffort':
      return !isBestEffort(pod);
    case 'CrossNamespacePodAffinity': {
      const { podAffinity, podAntiAffinity } = affinity ?? {};
      const terms = [podAffinity, podAntiAffinity].flatMap((each) => [
        ...(each?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
        ...(each?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
      ]);
      return terms.some(({ namespaces, namespaceSelector }) => namespaceSelector !== undefined || namespaces?.length);
    }
    case 'PriorityClass':
      if (operator === 'Exists') return priorityClassName !== '';
      if (operator === 'DoesNotExist') return priorityClassName === '';
      return values.includes(priorityClassName) === (operator === 'In');
    default:
      return false;
  }
}

function isBestEffort({ spec }: Pod): boolean {
  const asksForNothing = ({ resources }: { resources?: { requests?: Amounts; limits?: Amounts } }) => {
    const all = [...Object.entries(resources?.requests ?? {}), ...Object.entries(resources?.limits ?? {})];
    return !all.some(([name, amount]) => (name === 'cpu' || name === 'memory') && compareQuantities(amount, '0') > 0);
  };
  return [...spec.containers, ...(spec.initContainers ?? []), spec].every(asksForNothing);
}
