// Resource quotas: what comes is charged to every quota of its namespace that speaks of it before it is stored, and
// refused where that would be too much. The controller counts anew and gives back what is gone or never came.
import {
  addQuantities,
  compareQuantities,
  formatQuantity,
  isZeroQuantity,
  subtractQuantities,
} from '../../api/quantity.ts';
import { isInScope, resourceNamed, type Usage, usageOf } from '../../api/quota-usage.ts';
import { apiVersionOf, groupResource } from '../../api/resource.ts';
import { forbidden, isConflict, isNotFound } from '../../api/status.ts';
import type { ResourceQuota } from '../../api/types/core/limit-range.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { resourceQuotas } from '../../api/types/core/resources.ts';
import { SERVER_ITSELF } from '../registry/identities.ts';
import { NO_OPTIONS } from '../registry/options.ts';
import type { RegistryContext } from '../registry/registry.ts';
import type { AdmissionPlugin, Attributes } from './admission.ts';

type Amounts = Record<string, string>;

/** Others may be charging the same quota. */
const ATTEMPTS = 20;
/** Kinds of which an update may take more. */
const GROWING = new Set(['services', 'persistentvolumeclaims']);
const COMPUTE = ['cpu', 'memory'].flatMap((name) => [name, `requests.${name}`, `limits.${name}`]);

export const resourceQuota: AdmissionPlugin = {
  name: 'ResourceQuota',
  operations: ['CREATE', 'UPDATE'],
  async validate(attributes, registry) {
    const { resource, namespace, operation } = attributes;
    if (namespace === '' || (operation === 'UPDATE' && !GROWING.has(groupResource(resource)))) return;
    if (!quotasFor(attributes, registry).next().done)
      await inTurn(registry, namespace, () => charge(attributes, registry));
  },
};

/** Charges to one namespace follow one another, so that they do not meet in the store. */
const turns = new WeakMap<RegistryContext, Map<string, Promise<void>>>();

async function inTurn(registry: RegistryContext, namespace: string, deed: () => Promise<void>): Promise<void> {
  const waiting = turns.get(registry) ?? new Map<string, Promise<void>>();
  turns.set(registry, waiting);
  const mine = (waiting.get(namespace) ?? Promise.resolve()).then(deed);
  const settled = mine.catch(() => {}); // whoever asked is told; the next in line is not concerned
  waiting.set(namespace, settled);
  await mine.finally(() => {
    if (waiting.get(namespace) === settled) waiting.delete(namespace);
  });
}

function* quotasFor({ resource, namespace, object }: Attributes, registry: RegistryContext): Generator<ResourceQuota> {
  for (const quota of registry.objects(resourceQuotas).list(namespace)) {
    const speaks = Object.keys(quota.status.hard ?? {}).some((name) => {
      const named = resourceNamed(name);
      return named.group === resource.group && named.plural === resource.plural;
    });
    if (speaks && isInScope(quota, resource, object!)) yield quota;
  }
}

async function charge(attributes: Attributes, registry: RegistryContext): Promise<void> {
  const { resource, object, old } = attributes;
  const nowMs = registry.clock.now();
  const usage = usageOf(resource, object!, nowMs);
  const more = old === undefined ? usage : difference(usage, usageOf(resource, old, nowMs));
  // Refused by one, it is charged to none.
  for (const quota of quotasFor(attributes, registry)) chargedTo(quota, more, attributes);
  if (attributes.dryRun) return;
  for (const { metadata } of [...quotasFor(attributes, registry)]) {
    for (let attempt = 1; ; attempt++) {
      const quota = registry.objects(resourceQuotas).get(metadata.namespace!, metadata.name);
      const used = quota && chargedTo(quota, more, attributes);
      if (quota === undefined || used === undefined) break;
      try {
        await write({ ...quota, status: { ...quota.status, used } }, attributes, registry);
        break;
      } catch (err) {
        if (isNotFound(err)) break;
        if (!isConflict(err) || attempt === ATTEMPTS) throw err;
      }
    }
  }
}

/** What the quota has used then; undefined when nothing changes. Throws where it is too much. */
function chargedTo({ metadata, status }: ResourceQuota, usage: Usage, attributes: Attributes): Amounts | undefined {
  const { resource, name, object } = attributes;
  const { hard = {}, used = {} } = status;
  const missing = groupResource(resource) === 'pods' ? unspecified(object as unknown as Pod, Object.keys(hard)) : '';
  if (missing !== '') throw forbidden(resource, name, `failed quota: ${metadata.name}: must specify ${missing}`);
  const asked = Object.fromEntries(
    Object.entries(usage).filter(([each, amount]) => hard[each] !== undefined && !isZeroQuantity(amount)),
  );
  const names = Object.keys(asked).sort();
  if (names.length === 0) return undefined;
  const unknown = names.filter((each) => used[each] === undefined);
  if (unknown.length > 0) {
    throw forbidden(resource, name, `status unknown for quota: ${metadata.name}, resources: ${unknown.join(',')}`);
  }
  const next = names.map((each) => [each, formatQuantity(addQuantities(used[each]!, asked[each]!))] as const);
  const over = next.filter(([each, sum]) => {
    const grows = compareQuantities(asked[each]!, '0') > 0;
    return grows && compareQuantities(sum, hard[each]!) > 0;
  });
  if (over.length > 0) {
    const list = (amounts: Usage) => over.map(([each]) => `${each}=${amounts[each]}`).join(',');
    const why = `requested: ${list(asked)}, used: ${list(used)}, limited: ${list(hard)}`;
    throw forbidden(resource, name, `exceeded quota: ${metadata.name}, ${why}`);
  }
  return { ...used, ...Object.fromEntries(next) };
}

function difference(now: Usage, before: Usage): Usage {
  const names = [...new Set([...Object.keys(now), ...Object.keys(before)])];
  return Object.fromEntries(
    names.map((name) => [name, formatQuantity(subtractQuantities(now[name] ?? '0', before[name] ?? '0'))]),
  );
}

/** Where compute is counted, every container has to say how much. */
function unspecified({ spec }: Pod, hard: readonly string[]): string {
  const wanted = COMPUTE.filter((name) => hard.includes(name)).sort();
  if (wanted.length === 0 || (spec as { resources?: object }).resources !== undefined) return '';
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  return wanted
    .map((name) => {
      const [kind, of] = name.includes('.') ? (name.split('.') as ['requests' | 'limits', string]) : ['requests', name];
      const silent = containers.filter(({ resources }) => resources?.[kind as 'requests']?.[of!] === undefined);
      return silent.length === 0 ? '' : `${name} for: ${silent.map((container) => container.name).join(',')}`;
    })
    .filter((text) => text !== '')
    .join('; ');
}

async function write(quota: ResourceQuota, { request }: Attributes, registry: RegistryContext): Promise<void> {
  const { namespace = '', name } = quota.metadata;
  const object = { ...quota, apiVersion: apiVersionOf(resourceQuotas), kind: resourceQuotas.kind };
  await registry.perform({
    ...{ verb: 'update', resource: resourceQuotas as never, subresource: 'status', namespace, name },
    ...{ options: NO_OPTIONS, body: { object: structuredClone(object) }, warnings: [], signal: request.signal },
    ...SERVER_ITSELF,
  });
}
