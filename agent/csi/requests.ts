// What a driver is told of a volume: pure, from the objects of the API. Names and words are upstream's.
import type { PersistentVolume } from '../../api/types/core/persistent-volume.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { CSIDriver } from '../../api/types/storage/csi.ts';
import { fsGroupOf } from '../volumes/context.ts';
import type { AccessMode, NodeCapability, Strings, VolumeCapability } from './csi-types.ts';
import type { Use } from './layout.ts';

export const TOKENS = 'csi.storage.k8s.io/serviceAccount.tokens';

/** A driver that the cluster says nothing of is as these say. */
export interface DriverRules {
  readonly attachRequired: boolean;
  readonly podInfoOnMount: boolean;
  readonly lifecycles: readonly string[];
  readonly fsGroupPolicy: 'None' | 'File' | 'ReadWriteOnceWithFSType';
  readonly tokenRequests: readonly { readonly audience: string; readonly expirationSeconds?: number | undefined }[];
  readonly tokensInSecrets: boolean;
  readonly requiresRepublish: boolean;
  /** There is an object of the API that says so. */
  readonly known: boolean;
}

export function rulesOf(driver: CSIDriver | undefined): DriverRules {
  const { spec } = driver ?? {};
  const policy = spec?.fsGroupPolicy;
  return {
    attachRequired: spec?.attachRequired ?? true,
    podInfoOnMount: spec?.podInfoOnMount ?? false,
    lifecycles: spec?.volumeLifecycleModes?.length ? spec.volumeLifecycleModes : ['Persistent'],
    fsGroupPolicy: policy === 'None' || policy === 'File' ? policy : 'ReadWriteOnceWithFSType',
    tokenRequests: (spec?.tokenRequests ?? []).map(({ audience, expirationSeconds }) => ({
      audience,
      expirationSeconds: expirationSeconds === undefined ? undefined : Number(expirationSeconds),
    })),
    tokensInSecrets: spec?.serviceAccountTokenInSecrets ?? false,
    requiresRepublish: spec?.requiresRepublish ?? false,
    known: driver !== undefined,
  };
}

/** Why a volume of this lifecycle cannot be of this driver. */
export function lifecycleProblem(
  driver: string,
  lifecycle: string,
  { lifecycles, known }: DriverRules,
): string | undefined {
  if (lifecycles.includes(lifecycle)) return undefined;
  if (!known) return `volume mode "${lifecycle}" not supported by driver ${driver} (no CSIDriver object)`;
  const list = `[${lifecycles.map((mode) => `"${mode}"`).join(' ')}]`;
  return `volume mode "${lifecycle}" not supported by driver ${driver} (only supports ${list})`;
}

export function accessMode(modes: readonly string[] | undefined, has: ReadonlySet<NodeCapability>): AccessMode {
  const finer = has.has('SINGLE_NODE_MULTI_WRITER');
  switch (modes?.[0] ?? 'ReadWriteOnce') {
    case 'ReadWriteOnce':
      return finer ? 'SINGLE_NODE_MULTI_WRITER' : 'SINGLE_NODE_WRITER';
    case 'ReadWriteOncePod':
      return finer ? 'SINGLE_NODE_SINGLE_WRITER' : 'SINGLE_NODE_WRITER';
    case 'ReadOnlyMany':
      return 'MULTI_NODE_READER_ONLY';
    case 'ReadWriteMany':
      return 'MULTI_NODE_MULTI_WRITER';
    default:
      return 'UNKNOWN';
  }
}

export interface Shape {
  readonly mode: Use['mode'];
  readonly fsType: string;
  readonly mountOptions: readonly string[];
  readonly accessModes: readonly string[] | undefined;
}

export function shapeOf({ spec }: PersistentVolume): Shape {
  return {
    mode: spec.volumeMode === 'Block' ? 'Block' : 'Filesystem',
    fsType: spec.csi?.fsType ?? '',
    mountOptions: spec.mountOptions ?? [],
    accessModes: spec.accessModes,
  };
}

/** The driver itself gives the volume to the pod's group where it can. */
export function capability(
  shape: Shape,
  has: ReadonlySet<NodeCapability>,
  group: number | undefined,
): VolumeCapability {
  const mode = { accessMode: { mode: accessMode(shape.accessModes, has) } };
  if (shape.mode === 'Block') return { block: {}, ...mode };
  const volumeMountGroup = group !== undefined && has.has('VOLUME_MOUNT_GROUP') ? String(group) : '';
  return { mount: { fsType: shape.fsType, mountFlags: shape.mountOptions, volumeMountGroup }, ...mode };
}

/** Whether we ourselves give what is in the volume to the pod's group. */
export function givesToGroup(
  shape: Shape,
  pod: Pod,
  readOnly: boolean,
  policy: DriverRules['fsGroupPolicy'],
  has: ReadonlySet<NodeCapability>,
): boolean {
  if (fsGroupOf(pod) === undefined || readOnly || shape.mode === 'Block') return false;
  if (has.has('VOLUME_MOUNT_GROUP') || policy === 'None') return false;
  if (policy === 'File') return true;
  const once = shape.accessModes?.some((mode) => mode === 'ReadWriteOnce' || mode === 'ReadWriteOncePod') ?? false;
  return shape.fsType !== '' && once;
}

export function podInfo(pod: Pod, lifecycle: Use['lifecycle'], { podInfoOnMount }: DriverRules): Strings {
  if (!podInfoOnMount) return {};
  const { name, namespace = '', uid } = pod.metadata;
  return {
    'csi.storage.k8s.io/pod.name': name,
    'csi.storage.k8s.io/pod.namespace': namespace,
    'csi.storage.k8s.io/pod.uid': uid,
    'csi.storage.k8s.io/serviceAccount.name': pod.spec.serviceAccountName ?? '',
    'csi.storage.k8s.io/ephemeral': String(lifecycle === 'Ephemeral'),
  };
}

export function secretData(data: Readonly<Record<string, string>> | undefined): Strings {
  return Object.fromEntries(
    Object.entries(data ?? {}).map(([key, base64]) => [key, Buffer.from(base64, 'base64').toString('utf8')]),
  );
}
