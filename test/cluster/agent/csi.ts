// What tests of storage drivers share.
import type { Node } from '../../../api/types/core/node.ts';
import type { CSIDriverSpec } from '../../../api/types/storage/csi.ts';
import type { Driver } from '../csi-driver/driver.ts';
import type { Cluster } from '../harness/cluster.ts';
import { waitFor } from '../harness/wait.ts';

export const CLAIMS = '/api/v1/namespaces/default/persistentvolumeclaims';

export function csiObject(name: string, spec: Partial<CSIDriverSpec> = {}): object {
  return { metadata: { name }, spec: { fsGroupPolicy: 'File', ...spec } };
}

export function csiClass(name: string, provisioner: string, more: object = {}): object {
  return { metadata: { name }, provisioner, allowVolumeExpansion: true, ...more };
}

/** A volume that an operator wrote down, and the claim for it. */
export function volumeAndClaim(name: string, driver: string, csi: object = {}, spec: object = {}): [object, object] {
  const common = { accessModes: ['ReadWriteOnce'], storageClassName: '', ...spec };
  return [
    {
      metadata: { name },
      spec: {
        ...common,
        capacity: { storage: '32Mi' },
        claimRef: { namespace: 'default', name },
        csi: { driver, volumeHandle: name, ...csi },
      },
    },
    { metadata: { name }, spec: { ...common, volumeName: name, resources: { requests: { storage: '32Mi' } } } },
  ];
}

/** Nothing of any driver is mounted in the node, and the node says so. */
export async function untilReleased(cluster: Cluster, driver: Driver, timeoutMs = 30_000): Promise<void> {
  const released = async () => {
    const { status } = await cluster.api.get<Node>(`/api/v1/nodes/${driver.node.name}`);
    const left = [...(status.volumesInUse ?? []), ...(status.volumesAttached ?? []).map(({ name }) => name)];
    if (left.length > 0) throw new Error(left.join());
    const mounts = await driver.mounts();
    if (mounts.length > 0) throw new Error(mounts.join('\n'));
    return true;
  };
  await waitFor('volumes to be released', released, { timeoutMs });
}

/** Neither a mount nor a note of one. The API lets go of a pod before its last traces are removed. */
export async function noMounts(driver: Driver): Promise<void> {
  const find = 'find /var/lib/kubelet -name vol_data.json -o -name globalmount; ls -A /var/lib/kubelet/pods';
  await waitFor('nothing to be left of volumes', async () => {
    const { stdout } = await driver.node.exec('sh', ['-c', find]);
    const left = [...(await driver.mounts()), stdout.trim()].join('\n');
    if (left !== '') throw new Error(left);
    return true;
  });
}
