// Flow schemas and priority levels that every cluster begins with: whose requests wait for whose. Facts of the
// compatibility target; an operator's changes stay when the object says that it does not update itself.
import type { Subject } from '../../api/types/flowcontrol/flow-schema.ts';

export const AUTOUPDATE_SPEC = 'apf.kubernetes.io/autoupdate-spec';

interface Rules {
  readonly nonResourceRules?: readonly unknown[];
  readonly resourceRules?: readonly unknown[];
}

const EVERYTHING: Rules = {
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }],
};
const leases = (verbs: string[]) => ({
  verbs,
  apiGroups: ['coordination.k8s.io'],
  resources: ['leases'],
  namespaces: ['*'],
});
const NODES = {
  verbs: ['*'],
  apiGroups: [''],
  resources: ['nodes', 'nodes/status'],
  clusterScope: true,
  namespaces: ['*'],
};
const HEALTH = { verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] };

const user = (name: string): Subject => ({ kind: 'User', user: { name } });
const group = (name: string): Subject => ({ kind: 'Group', group: { name } });
const everyAccountOf = (namespace: string): Subject => ({
  kind: 'ServiceAccount',
  serviceAccount: { name: '*', namespace },
});
const MANAGER = user('system:kube-controller-manager');
const SCHEDULER = user('system:kube-scheduler');
const EVERYBODY = [group('system:unauthenticated'), group('system:authenticated')];

type Distinguisher = 'ByUser' | 'ByNamespace' | undefined;
type Row = readonly [name: string, level: string, precedence: number, Distinguisher, readonly Subject[], Rules];

const SCHEMAS: readonly Row[] = [
  ['exempt', 'exempt', 1, undefined, [group('system:masters')], EVERYTHING],
  ['probes', 'exempt', 2, undefined, EVERYBODY, { nonResourceRules: [HEALTH] }],
  [
    'system-leader-election',
    'leader-election',
    100,
    'ByUser',
    [MANAGER, SCHEDULER, everyAccountOf('kube-system')],
    { resourceRules: [leases(['get', 'create', 'update'])] },
  ],
  ['system-node-high', 'node-high', 400, 'ByUser', [group('system:nodes')], { resourceRules: [NODES, leases(['*'])] }],
  ['system-nodes', 'system', 500, 'ByUser', [group('system:nodes')], EVERYTHING],
  ['kube-controller-manager', 'workload-high', 800, 'ByNamespace', [MANAGER], EVERYTHING],
  ['kube-scheduler', 'workload-high', 800, 'ByNamespace', [SCHEDULER], EVERYTHING],
  ['kube-system-service-accounts', 'workload-high', 900, 'ByNamespace', [everyAccountOf('kube-system')], EVERYTHING],
  ['service-accounts', 'workload-low', 9000, 'ByUser', [group('system:serviceaccounts')], EVERYTHING],
  ['global-default', 'global-default', 9900, 'ByUser', EVERYBODY, EVERYTHING],
  ['catch-all', 'catch-all', 10000, 'ByUser', EVERYBODY, EVERYTHING],
];

export function defaultFlowSchemas() {
  return SCHEMAS.map(([name, level, matchingPrecedence, distinguisher, subjects, rules]) => ({
    metadata: { name, annotations: { [AUTOUPDATE_SPEC]: 'true' } },
    spec: {
      priorityLevelConfiguration: { name: level },
      matchingPrecedence,
      ...(distinguisher !== undefined && { distinguisherMethod: { type: distinguisher } }),
      rules: [{ subjects, ...rules }],
    },
  }));
}

/** Shares, what others may borrow of them, and the queues: how many, and over how many one flow is dealt. */
const LEVELS = [
  ['leader-election', 10, 0, { queues: 16, handSize: 4 }],
  ['node-high', 40, 25, { queues: 64, handSize: 6 }],
  ['system', 30, 33, { queues: 64, handSize: 6 }],
  ['workload-high', 40, 50, { queues: 128, handSize: 6 }],
  ['workload-low', 100, 90, { queues: 128, handSize: 6 }],
  ['global-default', 20, 50, { queues: 128, handSize: 6 }],
  ['catch-all', 5, 0, undefined],
] as const;
const QUEUE_LENGTH = 50;

export function defaultPriorityLevels() {
  const named = (name: string) => ({ name, annotations: { [AUTOUPDATE_SPEC]: 'true' } });
  const exempt = {
    metadata: named('exempt'),
    spec: { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
  };
  const limited = LEVELS.map(([name, nominalConcurrencyShares, lendablePercent, queues]) => ({
    metadata: named(name),
    spec: {
      type: 'Limited',
      limited: {
        nominalConcurrencyShares,
        lendablePercent,
        limitResponse:
          queues === undefined
            ? { type: 'Reject' }
            : { type: 'Queue', queuing: { ...queues, queueLengthLimit: QUEUE_LENGTH } },
      },
    },
  }));
  return [exempt, ...limited];
}
