// What the driver is asked, as far as it looks at it (proto/csi.proto in the loader's names).

export type Strings = Record<string, string>;

export interface Capability {
  readonly block: object | null;
  readonly mount: { readonly fsType: string; readonly mountFlags: string[]; readonly volumeMountGroup: string } | null;
  readonly accessMode: { readonly mode: string } | null;
}

export interface Range {
  readonly requiredBytes: string;
  readonly limitBytes: string;
}

/** The union of all requests: a service reads what its method has. */
export interface Request {
  readonly name: string;
  readonly volumeId: string;
  readonly nodeId: string;
  readonly stagingTargetPath: string;
  readonly targetPath: string;
  readonly volumePath: string;
  readonly readonly: boolean;
  readonly capacityRange: Range | null;
  readonly volumeCapability: Capability | null;
  readonly volumeCapabilities: Capability[];
  readonly accessibilityRequirements: { readonly preferred: { segments: Strings }[] } | null;
  readonly publishContext: Strings;
  readonly volumeContext: Strings;
  readonly parameters: Strings;
  readonly secrets: Strings;
}

export type Method = (request: Request) => Promise<object>;

/** Fails a call with a code of gRPC. */
export class Refusal extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export const CODE = { invalid: 3, notFound: 5, exists: 6, exhausted: 8, precondition: 9, internal: 13 } as const;

export interface Fault {
  /** Such as `NodeStageVolume`. */
  readonly method: string;
  /** The call fails with it; without one it succeeds, late. */
  readonly code?: number;
  readonly message?: string;
  readonly delayMs?: number;
  /** What was asked for is done all the same: the answer is lost. */
  readonly done?: boolean;
  /** How many calls; all of them if not said. */
  readonly times?: number;
}
