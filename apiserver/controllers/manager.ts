// All controllers of the control plane, each under an identity of its own, on shared informers.
import type { Client } from '../../api/client/client.ts';
import { Recorder } from '../../api/client/events.ts';
import { Informers } from '../../api/client/informers.ts';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import type { Random } from '../../api/random.ts';
import { accountTokenController } from './account-token.ts';
import { attachDetachController } from './attach-detach.ts';
import { certificateController } from './certificate.ts';
import { clusterRoleAggregationController } from './cluster-role-aggregation.ts';
import { cronJobController } from './cron-job.ts';
import { daemonSetController } from './daemon-set.ts';
import { deploymentController } from './deployment.ts';
import type { Controller, ControllerSettings } from './deps.ts';
import { disruptionController } from './disruption.ts';
import { endpointSliceController } from './endpoint-slice.ts';
import { endpointSliceMirroringController } from './endpoint-slice-mirroring.ts';
import { endpointsController } from './endpoints.ts';
import { ephemeralVolumeController } from './ephemeral-volume.ts';
import { expandController } from './expand.ts';
import { garbageCollector } from './garbage-collector.ts';
import { horizontalPodAutoscalerController } from './horizontal-pod-autoscaler.ts';
import { jobController } from './job.ts';
import { kubeletServingController } from './kubelet-serving.ts';
import { namespaceController } from './namespace.ts';
import { nodeIpamController } from './node-ipam.ts';
import { nodeLifecycleController } from './node-lifecycle.ts';
import { persistentVolumeController } from './persistent-volume.ts';
import { podGcController } from './pod-gc.ts';
import { replicaSetController } from './replica-set.ts';
import { replicationControllerController } from './replication-controller.ts';
import { resourceClaimController } from './resource-claim.ts';
import { resourceQuotaController } from './resource-quota.ts';
import { rootCaController } from './root-ca.ts';
import { serviceAccountController } from './service-account.ts';
import { statefulSetController } from './stateful-set.ts';
import { taintEvictionController } from './taint-eviction.ts';
import { tokenCleaner } from './token-cleaner.ts';
import { ttlAfterFinishedController } from './ttl-after-finished.ts';
import {
  attributesClassProtectionController,
  claimProtectionController,
  volumeProtectionController,
} from './volume-protection.ts';

export interface ManagerDeps {
  /** Reads for everybody. */
  readonly reader: Client;
  /** A client that acts as the controller of this name. */
  readonly clientFor: (controller: string) => Client;
  readonly settings: ControllerSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** By the name of the service account it works under; events and logs show it too. */
const CONTROLLERS: Readonly<Record<string, Controller>> = {
  'certificate-controller': certificateController,
  'attachdetach-controller': attachDetachController,
  'clusterrole-aggregation-controller': clusterRoleAggregationController,
  'cronjob-controller': cronJobController,
  'daemon-set-controller': daemonSetController,
  'deployment-controller': deploymentController,
  'disruption-controller': disruptionController,
  'endpoint-controller': endpointsController,
  'endpointslice-controller': endpointSliceController,
  'endpointslicemirroring-controller': endpointSliceMirroringController,
  'ephemeral-volume-controller': ephemeralVolumeController,
  'expand-controller': expandController,
  'generic-garbage-collector': garbageCollector,
  'horizontal-pod-autoscaler': horizontalPodAutoscalerController,
  'job-controller': jobController,
  'kubelet-serving-controller': kubeletServingController,
  'namespace-controller': namespaceController,
  'node-controller': nodeLifecycleController,
  'node-ipam-controller': nodeIpamController,
  'persistent-volume-binder': persistentVolumeController,
  'pod-garbage-collector': podGcController,
  'pv-protection-controller': volumeProtectionController,
  'pvc-protection-controller': claimProtectionController,
  'replicaset-controller': replicaSetController,
  'replication-controller': replicationControllerController,
  'resource-claim-controller': resourceClaimController,
  'resourcequota-controller': resourceQuotaController,
  'root-ca-cert-publisher': rootCaController,
  'service-account-controller': serviceAccountController,
  'statefulset-controller': statefulSetController,
  'taint-eviction-controller': taintEvictionController,
  'token-cleaner': tokenCleaner,
  'tokens-controller': accountTokenController,
  'ttl-after-finished-controller': ttlAfterFinishedController,
  'volumeattributesclass-protection-controller': attributesClassProtectionController,
};

/** Where upstream's events name another source than the account. */
const EVENT_SOURCES: Readonly<Record<string, string>> = {
  'daemon-set-controller': 'daemonset-controller',
  'disruption-controller': 'controllermanager',
  'ephemeral-volume-controller': 'ephemeral_volume',
  'expand-controller': 'volume_expand',
  'persistent-volume-binder': 'persistentvolume-controller',
  'resource-claim-controller': 'resource_claim',
};

/** Runs until the signal aborts and returns when every controller has ended. One that fails ends them all. */
export async function runControllers(
  { reader, clientFor, settings, clock, random, log }: ManagerDeps,
  signal: AbortSignal,
  controllers = CONTROLLERS,
): Promise<void> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const informers = new Informers(reader, { clock, log });
  await using recorders = new AsyncDisposableStack();
  const runs = Object.entries(controllers).map(([name, controller]) => {
    const client = clientFor(name);
    const recorder = recorders.use(new Recorder({ client, component: EVENT_SOURCES[name] ?? name, clock, log }));
    return controller({ client, settings, informers, recorder, clock, random, log });
  });
  const all = [informers.run(either), ...runs.map((run) => run(either))];
  await Promise.all(all.map((each) => each.catch((err) => failed.abort(err))));
  // What was interrupted by the end is no failure.
  if (!signal.aborted) failed.signal.throwIfAborted();
}
