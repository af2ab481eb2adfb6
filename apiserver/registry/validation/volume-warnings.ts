// What is allowed in a pod's volumes and yet not wise: types that are gone, files that lie over one another.
import type { Volume } from '../../../api/types/core/volume.ts';
import { claimSpecWarnings } from './storage-warnings.ts';

const OLD_VOLUMES: Readonly<Partial<Record<keyof Volume, string>>> = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  gitRepo: 'deprecated in v1.11, and disabled by default in v1.33+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
};

export function volumeWarnings(volumes: readonly Volume[] = [], path: string): string[] {
  return [
    ...volumes.flatMap((volume, i) => [
      ...Object.entries(OLD_VOLUMES)
        .filter(([source]) => volume[source as keyof Volume] !== undefined)
        .map(([source, why]) => `${path}[${i}].${source === 'storageos' ? 'storageOS' : source}: ${why}`),
      ...claimSpecWarnings(
        volume.ephemeral?.volumeClaimTemplate?.spec,
        `${path}[${i}].ephemeral.volumeClaimTemplate.spec`,
      ),
    ]),
    ...volumes.flatMap(overlapWarnings),
  ];
}

interface File {
  readonly path: string;
  /** Undefined: the volume has but one source. */
  readonly from?: string;
}
type Items = readonly { readonly path: string }[] | undefined;

const filesOf = (items: Items, from?: string): File[] =>
  (items ?? []).map(({ path }) => ({ path: path.replace(/\/+$/, ''), ...(from && { from }) }));
const textOf = ({ path, from }: File) => (from ? `${JSON.stringify(path)} (${from})` : JSON.stringify(path));

function overlapWarnings({ name, configMap, secret, downwardAPI, projected }: Volume): string[] {
  const volume = `volume ${JSON.stringify(name)}`;
  const single = (what: string, items: Items) => {
    const found = overlaps(filesOf(items));
    return found.length === 0 ? [] : [`${volume} (${what}): overlapping paths: ${found.join('; ')}`];
  };
  return [
    ...single(`ConfigMap ${JSON.stringify(configMap?.name ?? '')}`, configMap?.items),
    ...single(`Secret ${JSON.stringify(secret?.secretName ?? '')}`, secret?.items),
    ...single('DownwardAPI', downwardAPI?.items),
    ...(projected?.sources ?? [])
      .filter((source) => Object.keys(source).length === 0)
      .map(() => `${volume} (Projected) has no sources provided`),
    ...overlaps((projected?.sources ?? []).flatMap(projectedFiles)).map(
      (found) => `${volume} (Projected): overlapping paths: ${found}`,
    ),
  ];
}

type Source = NonNullable<NonNullable<Volume['projected']>['sources']>[number];

function projectedFiles(source: Source): File[] {
  const { configMap, secret, downwardAPI, serviceAccountToken, clusterTrustBundle } = source;
  if (configMap) return filesOf(configMap.items, `ConfigMap ${JSON.stringify(configMap.name ?? '')}`);
  if (secret) return filesOf(secret.items, `Secret ${JSON.stringify(secret.name ?? '')}`);
  if (downwardAPI) return filesOf(downwardAPI.items, 'DownwardAPI');
  if (serviceAccountToken) return filesOf([serviceAccountToken], 'ServiceAccountToken');
  if (!clusterTrustBundle) return [];
  const { name, signerName = '' } = clusterTrustBundle;
  return filesOf([clusterTrustBundle], `ClusterTrustBundle ${JSON.stringify(name ?? signerName)}`);
}

/** Files that others before them cover, or that are covered by them. */
function overlaps(files: readonly File[]): string[] {
  return files.flatMap((file, i) =>
    files
      .slice(0, i)
      .filter(({ path }) => path === file.path || path.startsWith(`${file.path}/`) || file.path.startsWith(`${path}/`))
      .map((before) => `${textOf(file)} with ${textOf(before)}`),
  );
}
