// Makes the claims of volumes that live as long as their pod: the pod owns them.
import { itself, on, runController } from '../../api/client/controller.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import type { ResourceDefinition } from '../../api/resource.ts';
import { clone } from '../../api/schema/clone.ts';
import { isAlreadyExists } from '../../api/status.ts';
import type { PersistentVolumeClaim } from '../../api/types/core/persistent-volume-claim.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import { pods } from '../../api/types/core/resources.ts';
import { persistentVolumeClaims } from '../../api/types/core/storage-resources.ts';
import { ephemeralClaim } from './claims-of-pod.ts';
import type { Controller } from './deps.ts';
import { controllerOf, ownerReference } from './ownership.ts';
import { isActive } from './pod-facts.ts';

export const ephemeralVolumeController: Controller = ({ client, informers, recorder, clock, log }) => {
  const podInformer = informers.of(pods);
  const claimInformer = informers.of(persistentVolumeClaims);

  async function reconcile(key: string, signal: AbortSignal): Promise<Next> {
    const pod = podInformer.get(key);
    if (pod === undefined || !isActive(pod)) return AT_REST;
    for (const volume of pod.spec.volumes ?? []) {
      if (volume.ephemeral !== undefined) await ensure(pod, volume, signal);
    }
    return AT_REST;
  }

  async function ensure(
    pod: Pod,
    { name: volume, ephemeral }: NonNullable<Pod['spec']['volumes']>[number],
    signal: AbortSignal,
  ): Promise<void> {
    const { namespace } = pod.metadata;
    const name = ephemeralClaim(pod, volume);
    const known = claimInformer.get(`${namespace}/${name}`);
    const template = ephemeral?.volumeClaimTemplate;
    if (known !== undefined && controllerOf(known)?.uid !== pod.metadata.uid) {
      // Mounting somebody else's data would be worse than waiting.
      const why = `PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`;
      recorder.event(pod, 'Warning', 'FailedBinding', `ephemeral volume ${volume}: ${why}`);
    }
    if (known !== undefined || template === undefined) return;
    const { labels, annotations } = template.metadata ?? {};
    const metadata = {
      ...{ name, namespace },
      ...(labels && { labels: { ...labels } }),
      ...(annotations && { annotations: { ...annotations } }),
      ownerReferences: [ownerReference(pod, pods as unknown as ResourceDefinition)],
    };
    const spec = clone(template.spec) as PersistentVolumeClaim['spec'];
    try {
      await client.create(persistentVolumeClaims, { metadata, spec }, {}, signal);
    } catch (err) {
      if (!isAlreadyExists(err)) throw err; // the cache will show whose it is
    }
  }

  const hasEphemeral = ({ spec }: Pod) => (spec.volumes ?? []).some(({ ephemeral }) => ephemeral !== undefined);
  const sources = [
    on(podInformer, (key, now) => (now !== undefined && hasEphemeral(now) ? itself(key) : [])),
    on(claimInformer, (_key, now, before) => {
      const owner = controllerOf((now ?? before)!);
      return owner?.kind === 'Pod' ? [`${(now ?? before)!.metadata.namespace}/${owner.name}`] : [];
    }),
  ];
  return (signal) => runController({ name: 'ephemeral-volume', sources, reconcile, clock, log }, signal);
};
