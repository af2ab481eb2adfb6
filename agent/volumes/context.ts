// What every kind of volume is given to set itself up.
import type { Client } from '../../api/client/client.ts';
import type { Clock } from '../../api/clock.ts';
import type { Random } from '../../api/random.ts';
import type { Node } from '../../api/types/core/node.ts';
import type { Pod } from '../../api/types/core/pod.ts';
import type { Volume } from '../../api/types/core/volume.ts';
import type { PodCsi } from '../csi/csi-volumes.ts';
import type { PodFacts } from '../pods/field-ref.ts';
import type { Objects } from '../pods/objects.ts';
import type { ImageViews } from './image-volume.ts';
import type { LocalDirs } from './local-dirs.ts';
import type { Tokens } from './service-account-token.ts';

export interface VolumeDeps {
  readonly client: Client;
  readonly objects: Objects;
  readonly tokens: Tokens;
  readonly clock: Clock;
  readonly random: Random;
  readonly localDirs: Pick<LocalDirs, 'note'>;
  readonly imageViews: Pick<ImageViews, 'setUp' | 'tearDown'>;
  /** What storage drivers mount. */
  readonly csi: PodCsi;
  /** What the API says of this node; undefined while it has not been heard. */
  readonly node: () => Pick<Node['metadata'], 'name' | 'labels'> | undefined;
  /** The runtime can make everything below a mount read-only. */
  readonly recursiveReadOnly: boolean;
  /** What volumes may tell a container about its pod; `podIps` are not known yet. */
  readonly facts: () => PodFacts;
}

export interface VolumeContext extends VolumeDeps {
  readonly pod: Pod;
  readonly volume: Volume;
  /** Filled by volumes that are devices of the node: by the pod's name for them. */
  readonly devices: Map<string, string>;
  /** Where the volume is to appear. */
  readonly dir: string;
  /** A start wants the newest objects; a refresh takes what was read within the last minute. */
  readonly newest: boolean;
  readonly signal: AbortSignal;
}

export function fsGroupOf({ spec }: Pod): number | undefined {
  return spec.securityContext?.fsGroup;
}
