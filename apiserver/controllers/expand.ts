// Claims that ask for more than they have: drivers' own resizers make volumes grow, and the claim says that it waits
// for one. Only our own local folders, which have no size of their own, grow here.
import { itself, on, runController } from '../../api/client/controller.ts';
import { AT_REST, type Next } from '../../api/client/work-queue.ts';
import { LOCAL_DIR, PROVISIONED_BY } from '../../api/local-dir.ts';
import { compareQuantities } from '../../api/quantity.ts';
import type { PersistentVolumeClaim } from '../../api/types/core/persistent-volume-claim.ts';
import { persistentVolumeClaims, persistentVolumes } from '../../api/types/core/storage-resources.ts';
import type { Controller } from './deps.ts';

/** What a bound claim asks for beyond what it has. */
export function askedMore({ spec, status }: PersistentVolumeClaim): string | undefined {
  const asked = spec.resources?.requests?.['storage'];
  const has = status.capacity?.['storage'];
  if (status.phase !== 'Bound' || asked === undefined || has === undefined) return undefined;
  return compareQuantities(asked, has) > 0 ? asked : undefined;
}

export const expandController: Controller = ({ client, informers, recorder, clock, log }) => {
  const claims = informers.of(persistentVolumeClaims);
  const volumes = informers.of(persistentVolumes);
  /** What was told last, by UID: said again only when it asks for something else. */
  const told = new Map<string, string>();

  async function reconcile(key: string, signal: AbortSignal): Promise<Next> {
    const claim = claims.get(key);
    const storage = claim && askedMore(claim);
    const volume = claim && volumes.get(claim.spec.volumeName ?? '');
    if (claim === undefined || storage === undefined || volume === undefined) return AT_REST;
    if (volume.metadata.annotations?.[PROVISIONED_BY] === LOCAL_DIR) {
      if (compareQuantities(volume.spec.capacity?.['storage'] ?? '0', storage) < 0) {
        const body = { spec: { capacity: { storage } } };
        await client.patch(persistentVolumes, { name: volume.metadata.name }, { type: 'merge', body }, {}, signal);
      }
      const body = { metadata: { uid: claim.metadata.uid }, status: { capacity: { storage } } };
      const { namespace, name } = claim.metadata;
      const options = { subresource: 'status' };
      await client.patch(persistentVolumeClaims, { namespace, name }, { type: 'merge', body }, options, signal);
      return AT_REST;
    }
    if (told.get(claim.metadata.uid) === storage) return AT_REST;
    told.set(claim.metadata.uid, storage);
    const message = 'waiting for an external controller to expand this PVC';
    recorder.event(claim, 'Normal', 'ExternalExpanding', message);
    return AT_REST;
  }

  const sources = [
    on(claims, (key, now, before) => {
      if (now === undefined && before !== undefined) told.delete(before.metadata.uid);
      return itself(key);
    }),
  ];
  return (signal) => runController({ name: 'expand', sources, reconcile, clock, log }, signal);
};
