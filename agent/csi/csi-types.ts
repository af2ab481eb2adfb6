// What is said to a driver and heard from it, in the loader's names for proto/csi.proto.

export type Strings = Readonly<Record<string, string>>;

export type NodeCapability =
  | 'STAGE_UNSTAGE_VOLUME'
  | 'GET_VOLUME_STATS'
  | 'EXPAND_VOLUME'
  | 'VOLUME_CONDITION'
  | 'SINGLE_NODE_MULTI_WRITER'
  | 'VOLUME_MOUNT_GROUP';

export type AccessMode =
  | 'UNKNOWN'
  | 'SINGLE_NODE_WRITER'
  | 'SINGLE_NODE_SINGLE_WRITER'
  | 'SINGLE_NODE_MULTI_WRITER'
  | 'MULTI_NODE_READER_ONLY'
  | 'MULTI_NODE_MULTI_WRITER';

export interface VolumeCapability {
  readonly block?: Record<string, never>;
  readonly mount?: {
    readonly fsType: string;
    readonly mountFlags: readonly string[];
    readonly volumeMountGroup: string;
  };
  readonly accessMode: { readonly mode: AccessMode };
}

export interface StageRequest {
  readonly volumeId: string;
  readonly publishContext: Strings;
  readonly stagingTargetPath: string;
  readonly volumeCapability: VolumeCapability;
  readonly secrets: Strings;
  readonly volumeContext: Strings;
}

export interface PublishRequest extends StageRequest {
  readonly targetPath: string;
  readonly readonly: boolean;
}

export interface ExpandRequest {
  readonly volumeId: string;
  readonly volumePath: string;
  readonly stagingTargetPath: string;
  readonly capacityRange: { readonly requiredBytes: number };
  readonly volumeCapability: VolumeCapability;
  readonly secrets: Strings;
}

export interface NodeInfo {
  readonly nodeId: string;
  /** 0: the driver names no limit. */
  readonly maxVolumes: number;
  readonly topology: Strings;
}

export interface Usage {
  readonly total: number;
  readonly used: number;
  readonly available: number;
}

export interface VolumeStats {
  readonly bytes: Usage | undefined;
  readonly inodes: Usage | undefined;
  readonly condition: { readonly abnormal: boolean; readonly message: string } | undefined;
}
