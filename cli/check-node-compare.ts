// What a node should hold against what it holds, one line for each difference, and how it is mended. Pure:
// check-node-collect.ts makes the picture, check-node-mend.ts carries out what is decided here.
//
// Pods that are missing are never made here: the agent makes them when it looks. Leftovers are what it cannot see any
// more, and tables are mended in the agent's own way.
import type { NftOp } from '../agent/network/nft.ts';
import type { RuntimeHoldings } from './check-node-runtime.ts';
import type { TableDifference } from './check-node-tables.ts';

export interface WantedPod {
  readonly uid: string;
  /** namespace/name */
  readonly name: string;
  readonly hostNetwork: boolean;
  /** Succeeded or Failed: it holds nothing but its last words and its logs. */
  readonly over: boolean;
  /** Deleted, and not gone yet. */
  readonly leaving?: boolean;
}

export interface FoundSandbox {
  readonly id: string;
  readonly uid: string;
  readonly name: string;
  readonly ready: boolean;
  /** Where its network namespace is or was; undefined if that is not known. */
  readonly network?: string | undefined;
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
  /** Volumes of storage drivers, as they are noted and as they are mounted for the whole node. */
  readonly storage: {
    readonly staged: readonly {
      readonly name: string;
      readonly driver: string;
      readonly path: string;
      readonly used: boolean;
    }[];
    /** Mounted in the drivers' folders and noted nowhere. */
    readonly unnoted: readonly string[];
  };
  readonly folders: readonly { readonly path: string; readonly uid: string }[];
  /** Folders of logs, and what the agent remembers of pods. */
  readonly files: readonly { readonly path: string; readonly uid: string }[];
  /** Groups of single containers and sandboxes, in those of their pods. */
  readonly innerCgroups: readonly { readonly path: string; readonly id: string }[];
  /** Every container and sandbox that CRI has, whoever made it. */
  readonly runtimeIds: ReadonlySet<string>;
  readonly runtime: RuntimeHoldings;
  /** Addresses that host-local has given out. */
  readonly addresses: readonly { readonly file: string; readonly ip: string; readonly sandboxId: string }[];
  /** Addresses our tables let in; undefined where there is no table. */
  readonly letIn: ReadonlySet<string> | undefined;
  readonly tables: readonly TableDifference[];
}

export type Mend =
  | { readonly do: 'removeContainer'; readonly id: string }
  | { readonly do: 'stopSandbox' | 'removeSandbox'; readonly id: string }
  | { readonly do: 'unmount'; readonly path: string }
  | { readonly do: 'removeCgroup'; readonly path: string }
  | { readonly do: 'removeFolder'; readonly path: string }
  | { readonly do: 'removeFile'; readonly path: string }
  | { readonly do: 'shutOut'; readonly ip: string }
  | { readonly do: 'changeTable'; readonly family: 'ip' | 'ip6'; readonly ops: readonly NftOp[] }
  | { readonly do: 'endTask'; readonly id: string }
  | { readonly do: 'removeRecord'; readonly id: string }
  | { readonly do: 'removeSnapshot'; readonly key: string }
  | { readonly do: 'killShim'; readonly pids: readonly number[] }
  | { readonly do: 'removeNetwork'; readonly path: string };

export interface Difference {
  readonly says: string;
  readonly mend?: Mend;
}

/** In the order in which they can be mended: what runs before what it holds. */
export function compareNode(picture: NodePicture): Difference[] {
  const { wanted, sandboxes, runtimeIds } = picture;
  const known = new Map(wanted.map((pod) => [pod.uid, pod]));
  const unwanted = ({ uid }: { readonly uid: string }) => !known.has(uid);
  const nobodys = (what: string) => `${what} of a pod nobody wants`;
  const gone = ({ id }: { readonly id: string }) => !runtimeIds.has(id);
  const missing = wanted
    .filter(({ over, leaving }) => !over && !leaving)
    .filter(({ uid }) => !sandboxes.some((sandbox) => sandbox.uid === uid && sandbox.ready))
    .map(({ name, uid }): Difference => ({ says: `pod ${name} (${uid}) is wanted here and has no sandbox that runs` }));
  const ids = new Set(sandboxes.map(({ id }) => id));
  const orphans = picture.containers.filter(({ sandboxId }) => !ids.has(sandboxId));
  return [
    ...missing,
    ...stillRunning(picture, known),
    ...orphans.map(({ id, name }) =>
      left(`container ${name} (${short(id)}) has no sandbox`, { do: 'removeContainer', id }),
    ),
    ...sandboxes
      .filter(unwanted)
      .map(({ id, name }) =>
        left(`sandbox ${short(id)} of pod ${name}, which nobody wants`, { do: 'removeSandbox', id }),
      ),
    ...beneathCri(picture),
    ...picture.mounts
      .filter(unwanted)
      .map(({ path }) =>
        isDrivers(path) ? byDriver(nobodys(`mount ${path}`)) : left(nobodys(`mount ${path}`), { do: 'unmount', path }),
      ),
    ...picture.runtime.views
      .filter(unwanted)
      .map(({ key }) => left(nobodys(`view of an image ${key}`), { do: 'removeSnapshot', key })),
    ...picture.storage.staged
      .filter(({ used }) => !used)
      .map(({ name, driver, path }) => byDriver(`volume ${name} of driver ${driver} is at ${path} and no pod uses it`)),
    ...picture.storage.unnoted.map(
      (path): Difference => ({ says: `mount ${path} is in a driver's folder and noted nowhere` }),
    ),
    ...picture.innerCgroups
      .filter(gone)
      .map(({ path, id }) =>
        left(`control group ${path} of container ${short(id)}, which is gone`, { do: 'removeCgroup', path }),
      ),
    ...picture.cgroups
      .filter(unwanted)
      .map(({ path }) => left(nobodys(`control group ${path}`), { do: 'removeCgroup', path })),
    ...picture.folders
      .filter(unwanted)
      .map(({ path }) => left(nobodys(`folder ${path}`), { do: 'removeFolder', path })),
    ...picture.files.filter(unwanted).map(({ path }) => left(nobodys(path), { do: 'removeFile', path })),
    ...addressDifferences(picture),
    ...picture.tables.map(({ says, family, ops }) => left(says, { do: 'changeTable', family, ops })),
  ];
}

/** Pods that are over keep their containers for their logs, and nothing that others could use. */
function stillRunning(
  { sandboxes, mounts, cgroups }: NodePicture,
  known: ReadonlyMap<string, WantedPod>,
): Difference[] {
  const over = ({ uid }: { readonly uid: string }) => known.get(uid)?.over === true;
  return [
    ...sandboxes
      .filter((sandbox) => sandbox.ready && over(sandbox))
      .map(({ id, name }): Difference => ({ says: `sandbox ${short(id)} runs although pod ${name} is over` })),
    ...[...mounts, ...cgroups]
      .filter(over)
      .map(({ path, uid }): Difference => ({ says: `${path} is there although pod ${known.get(uid)!.name} is over` })),
  ];
}

/** What containerd holds and CRI has forgotten. */
function beneathCri({ runtime, runtimeIds, sandboxes }: NodePicture): Difference[] {
  const gone = (id: string) => !runtimeIds.has(id);
  const networks = new Map(sandboxes.map((sandbox) => [sandbox.network, sandbox]));
  return [
    ...runtime.tasks
      .filter(gone)
      .map((id) => left(`task ${short(id)} runs and CRI does not know it`, { do: 'endTask', id })),
    ...runtime.shims
      .filter(({ id }) => gone(id))
      .map(({ id, pids }) => left(`shim of sandbox ${short(id)}, which is gone`, { do: 'killShim', pids })),
    ...runtime.containers
      .filter(gone)
      .map((id) => left(`containerd has container ${short(id)} and CRI does not know it`, { do: 'removeRecord', id })),
    ...runtime.mounts
      .filter(({ id }) => gone(id))
      .map(({ path }) => left(`mount ${path} of a container that is gone`, { do: 'unmount', path })),
    ...runtime.snapshots
      .filter(gone)
      .map((key) => left(`snapshot ${short(key)} is of a container that is gone`, { do: 'removeSnapshot', key })),
    ...runtime.networks.flatMap((path): Difference[] => {
      const of = networks.get(path);
      if (of === undefined) return [left(`network namespace ${path} is of no sandbox`, { do: 'removeNetwork', path })];
      // Stopping is for this: it gives back what a sandbox that died did not.
      const says = `network namespace ${path} is of sandbox ${short(of.id)}, which has ended`;
      return of.ready ? [] : [left(says, { do: 'stopSandbox', id: of.id })];
    }),
    ...runtime.notes
      .filter(({ id }) => gone(id))
      .map(({ path }) => left(`note ${path} is of a sandbox that is gone`, { do: 'removeFile', path })),
  ];
}

function addressDifferences({ sandboxes, addresses, letIn }: NodePicture): Difference[] {
  const own = sandboxes.filter(({ ready, hostNetwork }) => ready && !hostNetwork);
  const live = new Set(own.flatMap(({ ips }) => ips));
  const state = new Map(sandboxes.map(({ id, ready }) => [id, ready]));
  const reserved = new Set(addresses.map(({ ip }) => ip));
  return [
    ...addresses
      .filter(({ sandboxId }) => !state.has(sandboxId))
      .map(({ ip, file }) =>
        left(`address ${ip} is given to a sandbox that is gone`, { do: 'removeFile', path: file }),
      ),
    ...addresses
      .filter(({ sandboxId }) => state.get(sandboxId) === false)
      .map(({ ip, sandboxId }) =>
        left(`address ${ip} is given to sandbox ${short(sandboxId)}, which has ended`, {
          do: 'stopSandbox',
          id: sandboxId,
        }),
      ),
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

/** Mounts that a storage driver made for a pod. */
function isDrivers(path: string): boolean {
  return path.includes('/volumes/kubernetes.io~csi/');
}

/** Taken down behind its back, a driver would go on believing in it: the agent asks it, as long as it takes. */
function byDriver(says: string): Difference {
  return { says: `${says} (the agent lets its driver take it down)` };
}

function left(says: string, mend: Mend): Difference {
  return { says, mend };
}

const short = (id: string) => id.slice(0, 12);
