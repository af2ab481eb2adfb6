// Replication controllers: replica sets whose selector is a plain map, and whose status knows less.
import { labelMapMatcher } from '../../api/labels.ts';
import type { ResourceDefinition } from '../../api/resource.ts';
import type { ReplicaSet } from '../../api/types/apps/replica-set.ts';
import { replicationControllers } from '../../api/types/core/legacy-resources.ts';
import type { ReplicationController } from '../../api/types/core/replication-controller.ts';
import type { Controller } from './deps.ts';
import { keepReplicas, type ReplicaKind } from './replica-set.ts';

const KIND: ReplicaKind = {
  // The same fields under the same names, but for the selector, which nobody else reads.
  resource: replicationControllers as unknown as ResourceDefinition<ReplicaSet>,
  selectorOf: (set) => labelMapMatcher((set as unknown as ReplicationController).spec.selector),
  shape: ({ terminatingReplicas: _, ...status }) => status,
};

export const replicationControllerController: Controller = (deps) => keepReplicas(KIND, deps);
