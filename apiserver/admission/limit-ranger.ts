// Limit ranges: what containers of a namespace get when they ask for nothing, and between which bounds containers,
// pods and claims must stay.
import { addQuantities, compareQuantities, formatQuantity, parseQuantity, quantityMilli } from '../../api/quantity.ts';
import { forbidden } from '../../api/status.ts';
import type { LimitRange } from '../../api/types/core/limit-range.ts';
import type { PersistentVolumeClaim } from '../../api/types/core/persistent-volume-claim.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { limitRanges } from '../../api/types/core/resources.ts';
import type { RegistryContext } from '../registry/registry.ts';
import type { AdmissionPlugin, Attributes } from './admission.ts';

type Item = LimitRange['spec']['limits'][number];
type Amounts = Readonly<Record<string, string>>;
interface Usage {
  readonly requests: Amounts;
  readonly limits: Amounts;
}
type Container = Pod['spec']['containers'][number];

const ANNOTATION = 'kubernetes.io/limit-ranger';

export const limitRanger: AdmissionPlugin = {
  name: 'LimitRanger',
  resources: ['pods', 'persistentvolumeclaims'],
  operations: ['CREATE', 'UPDATE'],
  admit(attributes, registry) {
    // What runs already keeps what it was given.
    if (attributes.operation !== 'CREATE' || attributes.resource.plural !== 'pods') return;
    for (const range of rangesOf(attributes, registry)) fillIn(attributes.object as unknown as Pod, range);
  },
  validate(attributes, registry) {
    const isPod = attributes.resource.plural === 'pods';
    if (isPod && attributes.operation !== 'CREATE') return;
    const problems = rangesOf(attributes, registry).flatMap(({ spec }) =>
      spec.limits.flatMap((item) =>
        isPod
          ? podProblems(attributes.object as unknown as Pod, item)
          : claimProblems(attributes.object as unknown as PersistentVolumeClaim, item),
      ),
    );
    if (problems.length === 0) return;
    const why = problems.length === 1 ? problems[0]! : `[${problems.join(', ')}]`;
    throw forbidden(attributes.resource, attributes.name, why);
  },
};

function rangesOf({ namespace }: Attributes, registry: RegistryContext): LimitRange[] {
  return [...registry.objects(limitRanges).list(namespace)];
}

// ------------------------------------------------------------------ what was left out

function fillIn({ spec, metadata }: Pod, range: LimitRange): void {
  const item = range.spec.limits.find(({ type }) => type === 'Container');
  if (item === undefined) return;
  const said = [
    ...(spec.containers ?? []).flatMap((container) => fillContainer(container, item, 'container')),
    ...(spec.initContainers ?? []).flatMap((container) => fillContainer(container, item, 'init container')),
  ];
  if (said.length === 0) return;
  metadata.annotations = { ...metadata.annotations, [ANNOTATION]: `LimitRanger plugin set: ${said.join('; ')}` };
}

function fillContainer(container: Container, item: Item, what: string): string[] {
  const { resources = {} } = container;
  const merge = (have: Amounts | undefined, defaults: Amounts | undefined) => {
    const added = Object.keys(defaults ?? {}).filter((name) => have?.[name] === undefined);
    return { all: { ...defaults, ...have }, added: added.sort() };
  };
  const requests = merge(resources.requests, item.defaultRequest);
  const limits = merge(resources.limits, item.default);
  if (requests.added.length === 0 && limits.added.length === 0) return [];
  container.resources = {
    ...resources,
    ...(Object.keys(requests.all).length > 0 && { requests: requests.all }),
    ...(Object.keys(limits.all).length > 0 && { limits: limits.all }),
  };
  const say = (kind: string, added: string[]) =>
    added.length > 0 ? [`${added.join(', ')} ${kind} for ${what} ${container.name}`] : [];
  return [...say('request', requests.added), ...say('limit', limits.added)];
}

// ------------------------------------------------------------------ what is out of bounds

function podProblems(pod: Pod, item: Item): string[] {
  const { containers, initContainers = [] } = pod.spec;
  if (item.type === 'Container') {
    return [...containers, ...initContainers].flatMap((container) => problemsOf(usageOf(container), item));
  }
  return item.type === 'Pod' ? problemsOf(podUsage(containers, initContainers), item) : [];
}

function claimProblems({ spec }: PersistentVolumeClaim, item: Item): string[] {
  if (item.type !== 'PersistentVolumeClaim') return [];
  const requests = spec.resources?.requests ?? {};
  const low = Object.entries(item.min ?? {}).flatMap(([name, min]) => below(name, min, requests[name], item.type));
  const high = Object.entries(item.max ?? {}).flatMap(([name, max]) => {
    const asked = requests[name];
    if (asked === undefined || compareQuantities(asked, max) <= 0) return [];
    return [`maximum ${name} usage per ${item.type} is ${max}, but request is ${asked}`];
  });
  return [...low, ...high];
}

const usageOf = ({ resources }: Container): Usage => ({
  requests: resources?.requests ?? {},
  limits: resources?.limits ?? {},
});

/** All containers together, or the largest of those that run before them. */
function podUsage(containers: readonly Container[], before: readonly Container[]): Usage {
  const combine = (pick: (usage: Usage) => Amounts): Amounts => {
    const total: Record<string, string> = {};
    for (const container of containers) {
      for (const [name, value] of Object.entries(pick(usageOf(container)))) {
        total[name] = total[name] === undefined ? value : formatQuantity(addQuantities(total[name], value));
      }
    }
    for (const container of before) {
      for (const [name, value] of Object.entries(pick(usageOf(container)))) {
        if (total[name] === undefined || compareQuantities(value, total[name]) > 0) total[name] = value;
      }
    }
    return total;
  };
  return { requests: combine(({ requests }) => requests), limits: combine(({ limits }) => limits) };
}

function problemsOf(
  { requests, limits }: Usage,
  { type, min = {}, max = {}, maxLimitRequestRatio = {} }: Item,
): string[] {
  return [
    ...Object.entries(min).flatMap(([name, bound]) => minProblems(name, bound, requests[name], limits[name], type)),
    ...Object.entries(max).flatMap(([name, bound]) => maxProblems(name, bound, requests[name], limits[name], type)),
    ...Object.entries(maxLimitRequestRatio).flatMap(([name, bound]) =>
      ratioProblems(name, bound, requests[name], limits[name], type),
    ),
  ];
}

type Amount = string | undefined;

function below(name: string, min: string, asked: Amount, type: string): string[] {
  const words = `minimum ${name} usage per ${type} is ${min}`;
  if (asked === undefined) return [`${words}.  No request is specified`];
  return compareQuantities(asked, min) < 0 ? [`${words}, but request is ${asked}`] : [];
}

function minProblems(name: string, min: string, request: Amount, limit: Amount, type: string): string[] {
  const problems = below(name, min, request, type);
  if (problems.length > 0) return problems;
  const words = `minimum ${name} usage per ${type} is ${min}`;
  return limit !== undefined && compareQuantities(limit, min) < 0 ? [`${words}, but limit is ${limit}`] : [];
}

function maxProblems(name: string, max: string, request: Amount, limit: Amount, type: string): string[] {
  const words = `maximum ${name} usage per ${type} is ${max}`;
  if (limit === undefined) return [`${words}.  No limit is specified`];
  if (compareQuantities(limit, max) > 0) return [`${words}, but limit is ${limit}`];
  return request !== undefined && compareQuantities(request, max) > 0 ? [`${words}, but request is ${request}`] : [];
}

function ratioProblems(name: string, max: string, request: Amount, limit: Amount, type: string): string[] {
  const words = `${name} max limit to request ratio per ${type} is ${max}`;
  const [from, to] = [request, limit].map((text) => (text === undefined ? 0 : quantityMilli(parseQuantity(text))));
  if (!from) return [`${words}, but no request is specified or request is 0`];
  if (!to) return [`${words}, but no limit is specified or limit is 0`];
  const ratio = to / from;
  return ratio > quantityMilli(parseQuantity(max)) / 1000
    ? [`${words}, but provided ratio is ${ratio.toFixed(6)}`]
    : [];
}
