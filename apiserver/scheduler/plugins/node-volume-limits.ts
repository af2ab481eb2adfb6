// A node can hold so many volumes of a driver and no more.
import type { NodeInfo } from '../node-info.ts';
import { nodeChanged, type Plugin, refusal, storageChanged } from '../plugin.ts';
import type { ClaimUse } from '../pod-info.ts';
import type { VolumeFacts } from '../volume-facts.ts';

const FULL = refusal('node(s) exceed max volume count', true);

export const nodeVolumeLimits: Plugin = {
  name: 'NodeVolumeLimits',

  filter({ claims }, { volumes }) {
    if (claims.length === 0 || volumes.limits.size === 0) return undefined;
    return { test: (node) => (exceeds(claims, node, volumes) ? FULL : undefined) };
  },

  wokenBy: (event, pod) =>
    storageChanged(event, pod, 'claim', 'volume', 'limits') ||
    (event.on === 'storage' && event.what === 'attachment' && event.isGone) ||
    nodeChanged(event) ||
    (event.on === 'pod-gone' && event.pod.claims.length > 0),
};

function exceeds(claims: readonly ClaimUse[], { name, claims: used }: NodeInfo, volumes: VolumeFacts): boolean {
  const limits = volumes.limits.get(name);
  if (limits === undefined || limits.size === 0) return false;
  const here = byDriver(used.keys(), volumes);
  // What was of pods that are gone takes its place until it is detached.
  for (const attached of volumes.attached.get(name)?.values() ?? []) {
    const { driver = '', handle = '' } = volumes.volumes.get(attached) ?? {};
    if (driver !== '') here.set(driver, (here.get(driver) ?? new Set()).add(handle));
  }
  const wanted = byDriver(
    claims.map(({ key }) => key),
    volumes,
  );
  for (const [driver, ids] of wanted) {
    const limit = limits.get(driver);
    const attached = here.get(driver) ?? new Set<string>();
    const more = [...ids].filter((id) => !attached.has(id)).length;
    if (limit !== undefined && more > 0 && attached.size + more > limit) return true;
  }
  return false;
}

/** Volumes by their handle, claims whose volume is still to be made by their own key. */
function byDriver(
  claims: Iterable<string>,
  { claims: known, volumes, classes }: VolumeFacts,
): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const key of claims) {
    const claim = known.get(key);
    const volume = volumes.get(claim?.volumeName ?? '');
    const driver = volume?.driver || classes.get(claim?.className ?? '')?.provisioner;
    if (!driver) continue;
    found.set(driver, (found.get(driver) ?? new Set()).add(volume?.handle || key));
  }
  return found;
}
