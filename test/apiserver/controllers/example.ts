// Objects for controller tests, as short as they can be said.
import type { Deployment } from '../../../api/types/apps/deployment.ts';
import type { ReplicaSet } from '../../../api/types/apps/replica-set.ts';
import type { Pod } from '../../../api/types/core/pod.ts';

export const reserved = { serviceCidrs: ['10.43.0.0/16'], apiAddress: '127.0.0.1', localNode: 'localhost' };

const BORN = '2026-01-01T00:00:00Z';

export interface PodParts {
  phase?: string;
  ready?: boolean | string;
  node?: string;
  owner?: string;
  deleting?: boolean;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  restarts?: number;
  created?: string;
}

export function aPod(name: string, parts: PodParts = {}): Pod {
  const {
    phase = 'Running',
    ready = true,
    node,
    owner,
    deleting,
    labels,
    annotations,
    restarts = 0,
    created = BORN,
  } = parts;
  const lastTransitionTime = typeof ready === 'string' ? ready : BORN;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'ns',
      uid: `uid-${name}`,
      resourceVersion: '1',
      creationTimestamp: created,
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ...(deleting && { deletionTimestamp: BORN }),
      ...(owner && {
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, uid: `uid-${owner}`, controller: true },
        ],
      }),
    },
    spec: { containers: [{ name: 'app' }], ...(node && { nodeName: node }) },
    status: {
      phase,
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime }],
      containerStatuses: [{ name: 'app', restartCount: restarts }],
    },
  } as unknown as Pod;
}

export interface SetParts {
  replicas?: number;
  available?: number;
  image?: string;
  revision?: number;
  created?: string;
  desired?: number;
  max?: number;
}

export function aSet(name: string, parts: SetParts = {}): ReplicaSet {
  const { replicas = 1, available = replicas, image = 'app:1', revision = 1, created = BORN, desired, max } = parts;
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name,
      namespace: 'ns',
      uid: `uid-${name}`,
      resourceVersion: '1',
      creationTimestamp: created,
      generation: 1,
      annotations: {
        'deployment.kubernetes.io/revision': String(revision),
        ...(desired !== undefined && { 'deployment.kubernetes.io/desired-replicas': String(desired) }),
        ...(max !== undefined && { 'deployment.kubernetes.io/max-replicas': String(max) }),
      },
      labels: { app: 'd', 'pod-template-hash': name },
    },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'd', 'pod-template-hash': name } },
      template: templateOf(image, { 'pod-template-hash': name }),
    },
    status: { replicas, readyReplicas: available, availableReplicas: available, observedGeneration: 1 },
  } as unknown as ReplicaSet;
}

function templateOf(image: string, labels: Record<string, string> = {}) {
  return { metadata: { labels: { app: 'd', ...labels } }, spec: { containers: [{ name: 'app', image }] } };
}

export function aDeployment(
  parts: Partial<Deployment['spec']> & { image?: string; status?: Partial<Deployment['status']> } = {},
): Deployment {
  const { image = 'app:1', status = {}, ...spec } = parts;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: 'd',
      namespace: 'ns',
      uid: 'uid-d',
      resourceVersion: '1',
      creationTimestamp: BORN,
      generation: 1,
    },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: 'd' } },
      template: templateOf(image),
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      ...spec,
    },
    status: { replicas: 0, ...status },
  } as unknown as Deployment;
}
