// What a node should hold against what it holds, one line for each difference, and how it is mended. Pure:
// check-node-collect.ts makes the picture, check-node-mend.ts carries out what is decided here.
//
// Missing things are never made here: the agent makes them when it looks. Leftovers are what it cannot see any more.

export interface WantedPod {
  readonly uid: string;
  /** namespace/name */
  readonly name: string;
  readonly hostNetwork: boolean;
  /** Succeeded or Failed. */
  readonly over: boolean;
}

export interface FoundSandbox {
  readonly id: string;
  readonly uid: string;
  readonly name: string;
  readonly ready: boolean;
  /** Made from a file of the node: the API need not know it. */
  readonly fromFile: boolean;
  readonly hostNetwork: boolean;
  readonly ips: readonly string[];
}

export interface NodePicture {
  readonly wanted: readonly WantedPod[];
  readonly sandboxes: readonly FoundSandbox[];
  readonly containers: readonly { readonly id: string; readonly name: string; readonly sandboxId: string }[];
  readonly cgroups: readonly { readonly path: string; readonly uid: string }[];
  /** Innermost first. */
  readonly mounts: readonly { readonly path: string; readonly uid: string }[];
  readonly folders: readonly { readonly path: string; readonly uid: string }[];
  /** Addresses that host-local has given out. */
  readonly addresses: readonly { readonly file: string; readonly ip: string; readonly sandboxId: string }[];
  /** Addresses our tables let in; undefined where there is no table. */
  readonly letIn: ReadonlySet<string> | undefined;
}

export type Mend =
  | { readonly do: 'removeContainer'; readonly id: string }
  | { readonly do: 'removeSandbox'; readonly id: string }
  | { readonly do: 'unmount'; readonly path: string }
  | { readonly do: 'removeCgroup'; readonly path: string }
  | { readonly do: 'removeFolder'; readonly path: string }
  | { readonly do: 'freeAddress'; readonly file: string }
  | { readonly do: 'shutOut'; readonly ip: string };

export interface Difference {
  readonly says: string;
  readonly mend?: Mend;
}

/** In the order in which they can be mended: what runs before what it holds. */
export function compareNode(picture: NodePicture): Difference[] {
  const { wanted, sandboxes, letIn } = picture;
  const known = new Set([...wanted, ...sandboxes.filter(({ fromFile }) => fromFile)].map(({ uid }) => uid));
  const stays = ({ uid }: { readonly uid: string }) => known.has(uid);
  const ids = new Set(sandboxes.map(({ id }) => id));
  const own = sandboxes.filter(({ ready, hostNetwork }) => ready && !hostNetwork);
  const live = new Set(own.flatMap(({ ips }) => ips));
  const reserved = new Set(picture.addresses.map(({ ip }) => ip));

  const missing = wanted
    .filter(({ uid, over }) => !over && !sandboxes.some((sandbox) => sandbox.uid === uid && sandbox.ready))
    .map(({ name, uid }): Difference => ({ says: `pod ${name} (${uid}) is wanted here and has no sandbox that runs` }));
  const orphans = picture.containers.filter(({ sandboxId }) => !ids.has(sandboxId));
  return [
    ...missing,
    ...orphans.map(({ id, name }) =>
      left(`container ${name} (${short(id)}) has no sandbox`, { do: 'removeContainer', id }),
    ),
    ...sandboxes
      .filter((sandbox) => !stays(sandbox))
      .map(({ id, name }) =>
        left(`sandbox ${short(id)} of pod ${name}, which nobody wants`, { do: 'removeSandbox', id }),
      ),
    ...picture.mounts
      .filter((mount) => !stays(mount))
      .map(({ path }) => left(`mount ${path} of a pod nobody wants`, { do: 'unmount', path })),
    ...picture.cgroups
      .filter((group) => !stays(group))
      .map(({ path }) => left(`control group ${path} of a pod nobody wants`, { do: 'removeCgroup', path })),
    ...picture.folders
      .filter((folder) => !stays(folder))
      .map(({ path }) => left(`folder ${path} of a pod nobody wants`, { do: 'removeFolder', path })),
    ...picture.addresses
      .filter(({ sandboxId }) => !ids.has(sandboxId))
      .map(({ ip, file }) => left(`address ${ip} is given to a sandbox that is gone`, { do: 'freeAddress', file })),
    ...[...live]
      .filter((ip) => !reserved.has(ip))
      .map((ip): Difference => ({ says: `address ${ip} is in use and not reserved: another pod may get it` })),
    ...[...(letIn ?? [])]
      .filter((ip) => !live.has(ip))
      .map((ip) => left(`address ${ip} is let in by the tables and belongs to no pod`, { do: 'shutOut', ip })),
    ...[...live]
      .filter((ip) => letIn !== undefined && !letIn.has(ip))
      .map((ip): Difference => ({ says: `address ${ip} of a running pod is not let in by the tables` })),
  ];
}

/** What both looks saw: a pod on its way in or out is no difference. */
export function lasting(first: readonly Difference[], second: readonly Difference[]): Difference[] {
  const before = new Set(first.map(({ says }) => says));
  return second.filter(({ says }) => before.has(says));
}

function left(says: string, mend: Mend): Difference {
  return { says, mend };
}

const short = (id: string) => id.slice(0, 12);
