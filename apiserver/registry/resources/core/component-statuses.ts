// Component statuses: the oldest form of health, computed when asked. A part that runs elsewhere shows that it lives by
// its leader's lease; one that runs in this process needs none.
import { apiVersionOf } from '../../../../api/resource.ts';
import { notFound } from '../../../../api/status.ts';
import { leases } from '../../../../api/types/coordination/resources.ts';
import type { ComponentStatus } from '../../../../api/types/core/component-status.ts';
import { componentStatuses } from '../../../../api/types/core/legacy-resources.ts';
import { asCached } from '../../objects.ts';
import type { RegistryContext } from '../../registry.ts';
import type { Strategy } from '../../strategy.ts';

const PARTS = { 'controller-manager': 'controllers', scheduler: 'scheduler' } as const;
const STORE = 'etcd-0';
const NAMES = [...Object.keys(PARTS), STORE].sort();
const ASKED_MAX_MS = 5_000;

export const componentStatusStrategy: Strategy<ComponentStatus> = {
  deprecated: 'v1 ComponentStatus is deprecated in v1.19+',
  handlers: {
    async get({ name }, registry) {
      if (!NAMES.includes(name)) throw notFound(componentStatuses, name);
      return { type: 'object', code: 200, object: await statusOf(name, registry) };
    },
    async list(_request, registry) {
      const items = await Promise.all(NAMES.map((name) => statusOf(name, registry)));
      return { type: 'list', items, revision: 0 };
    },
  },
};

async function statusOf(name: string, registry: RegistryContext) {
  const problem = name === STORE ? await storeProblem(registry) : partProblem(name as keyof typeof PARTS, registry);
  const status: ComponentStatus = {
    apiVersion: apiVersionOf(componentStatuses),
    kind: componentStatuses.kind,
    metadata: { name } as ComponentStatus['metadata'],
    conditions: [
      problem === undefined
        ? { type: 'Healthy', status: 'True', message: 'ok' }
        : { type: 'Healthy', status: 'False', message: problem },
    ],
  };
  return asCached(componentStatuses as never, status, 0);
}

async function storeProblem(registry: RegistryContext): Promise<string | undefined> {
  try {
    return (await registry.storeAnswers(registry.clock.deadline(ASKED_MAX_MS))) ? undefined : 'the store is empty';
  } catch {
    return 'the store does not answer';
  }
}

function partProblem(name: keyof typeof PARTS, registry: RegistryContext): string | undefined {
  if (registry.runs.includes(PARTS[name])) return undefined;
  const lease = `kube-${name}`;
  const spec = registry.objects(leases).get('kube-system', lease)?.spec;
  if (spec === undefined) return `no lease kube-system/${lease}`;
  const { renewTime, leaseDurationSeconds = 0 } = spec;
  const isFresh = renewTime !== undefined && Date.parse(renewTime) + leaseDurationSeconds * 1000 > registry.clock.now();
  return isFresh ? undefined : `the lease kube-system/${lease} ran out`;
}
