// Volumes of a pod.
import { dns1123Label, dns1123Subdomain } from '../../../api/names.ts';
import { compareQuantities } from '../../../api/quantity.ts';
import type { FieldProblem } from '../../../api/status.ts';
import type { Volume } from '../../../api/types/core/volume.ts';
import { claimSpecProblems } from './claims.ts';
import { annotationProblems, labelProblems } from './object-meta.ts';
import { duplicate, forbidden, invalidValue, required } from './problems.ts';
import { projectionsProblems } from './projections.ts';
import { each, requiredName, requiredOneOf } from './values.ts';
import { filesProblems, itemsProblems, modeProblems } from './volume-files.ts';
import { ISCSI_MAX, ISCSI_TOO_LONG, sourceProblems } from './volume-sources.ts';

export interface KnownVolumes {
  readonly problems: FieldProblem[];
  readonly volumes: ReadonlyMap<string, { readonly isClaim: boolean }>;
}

/** `pod` is the name of a real pod: claims made for it are named after it. */
export function volumesProblems(volumes: readonly Volume[] | undefined, path: string, pod = ''): KnownVolumes {
  const known = new Map<string, { isClaim: boolean }>();
  let created: Set<string> | undefined;
  const isMade = (claim: string) => {
    created ??= new Set(volumes!.filter(({ ephemeral }) => ephemeral).map(({ name }) => `${pod}-${name}`));
    return pod !== '' && created.has(claim);
  };
  const problems = each(volumes, path, (volume, at) => {
    const { name } = volume;
    const wrong = volumeProblems(volume, at, pod);
    wrong.push(...requiredName(`${at}.name`, name, dns1123Label));
    if (known.has(name)) wrong.push(duplicate(`${at}.name`, name));
    if (wrong.length === 0) known.set(name, { isClaim: Boolean(volume.persistentVolumeClaim ?? volume.ephemeral) });
    const claim = volume.persistentVolumeClaim?.claimName;
    if (claim !== undefined && isMade(claim)) {
      const why = 'must not reference a PVC that gets created for an ephemeral volume';
      wrong.push(invalidValue(`${at}.persistentVolumeClaim.claimName`, claim, why));
    }
    return wrong;
  });
  return { problems, volumes: known };
}

/** A pod has exactly one source for each volume; the first is looked at, the others are refused. */
function volumeProblems(volume: Volume, path: string, pod: string): FieldProblem[] {
  const { name, iscsi } = volume;
  const problems: FieldProblem[] = [];
  let first: (typeof SOURCES)[number] | undefined;
  for (const source of SOURCES) {
    if (volume[source] === undefined) continue;
    if (first !== undefined) {
      problems.push(forbidden(`${path}.${SAID_AS[source] ?? source}`, 'may not specify more than 1 volume type'));
    } else problems.push(...ownProblems(volume, source, `${path}.${LOOKED_AT_AS[source] ?? source}`));
    first ??= source;
    if (source === 'iscsi' && iscsi?.initiatorName !== undefined) {
      if (`${name}:${iscsi.targetPortal}`.length > ISCSI_MAX) {
        problems.push(invalidValue(`${path}.name`, name, ISCSI_TOO_LONG));
      }
    }
    if (source === 'ephemeral' && first === source && pod !== '' && name) {
      const claim = `${pod}-${name}`;
      const wrong = dns1123Subdomain(claim);
      problems.push(
        ...wrong.map((why) => invalidValue(`${path}.name`, name, `PVC name ${JSON.stringify(claim)}: ${why}`)),
      );
    }
  }
  return first === undefined ? [required(path, 'must specify a volume type')] : problems;
}

/** Where upstream's paths are not the names of the fields. */
const SAID_AS: Readonly<Record<string, string>> = { cephfs: 'cephFS', downwardAPI: 'downwarAPI' };
const LOOKED_AT_AS: Readonly<Record<string, string>> = { gcePersistentDisk: 'persistentDisk' };

/** In the order in which they are looked for. */
const SOURCES = [
  'emptyDir',
  'hostPath',
  'gitRepo',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'secret',
  'nfs',
  'iscsi',
  'glusterfs',
  'flocker',
  'persistentVolumeClaim',
  'rbd',
  'cinder',
  'cephfs',
  'quobyte',
  'downwardAPI',
  'fc',
  'flexVolume',
  'configMap',
  'azureFile',
  'vsphereVolume',
  'photonPersistentDisk',
  'portworxVolume',
  'azureDisk',
  'storageos',
  'projected',
  'scaleIO',
  'csi',
  'ephemeral',
  'image',
] as const;

function ownProblems(volume: Volume, source: (typeof SOURCES)[number], path: string): FieldProblem[] {
  switch (source) {
    case 'emptyDir': {
      const { sizeLimit } = volume.emptyDir!;
      if (sizeLimit === undefined || compareQuantities(sizeLimit, '0') >= 0) return [];
      return [forbidden(`${path}.sizeLimit`, 'SizeLimit field must be a valid resource quantity')];
    }
    case 'secret': {
      const { secretName, defaultMode, items } = volume.secret!;
      const problems = secretName ? [] : [required(`${path}.secretName`)];
      return [...problems, ...modeProblems(defaultMode, `${path}.defaultMode`), ...itemsProblems(items, path)];
    }
    case 'configMap': {
      const { name, defaultMode, items } = volume.configMap!;
      const problems = name ? [] : [required(`${path}.name`)];
      problems.push(...modeProblems(defaultMode, `${path}.defaultMode`), ...itemsProblems(items, path));
      return problems;
    }
    case 'downwardAPI': {
      const { defaultMode, items } = volume.downwardAPI!;
      return [...modeProblems(defaultMode, `${path}.defaultMode`), ...filesProblems(items, path)];
    }
    case 'projected': {
      const { sources, defaultMode } = volume.projected!;
      return [...modeProblems(defaultMode, `${path}.defaultMode`), ...projectionsProblems(sources, path)];
    }
    case 'persistentVolumeClaim':
      return volume.persistentVolumeClaim!.claimName ? [] : [required(`${path}.claimName`)];
    case 'ephemeral': {
      const template = volume.ephemeral!.volumeClaimTemplate;
      if (template === undefined) return [required(`${path}.volumeClaimTemplate`)];
      const at = `${path}.volumeClaimTemplate`;
      return [
        ...annotationProblems(template.metadata?.annotations, `${at}.metadata.annotations`),
        ...labelProblems(template.metadata?.labels, `${at}.metadata.labels`),
        ...onlyLabels(template.metadata ?? {}, `${at}.metadata`),
        ...claimSpecProblems(template.spec, `${at}.spec`),
      ];
    }
    case 'image': {
      const { reference, pullPolicy } = volume.image!;
      const problems = reference ? [] : [required(`${path}.reference`)];
      return [...problems, ...requiredOneOf(`${path}.pullPolicy`, pullPolicy, ['Always', 'IfNotPresent', 'Never'])];
    }
    default:
      return sourceProblems(volume, source, path);
  }
}

/** Claims are named by the server; of what else a template says only labels and annotations are used. */
function onlyLabels(metadata: object, path: string): FieldProblem[] {
  return Object.entries(metadata)
    .filter(([field, value]) => field !== 'labels' && field !== 'annotations' && value !== undefined && value !== null)
    .map(([field]) => forbidden(`${path}.${field}`, 'cannot be set'));
}
