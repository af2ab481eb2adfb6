// Looks at everything a node holds of pods: the runtime, control groups, mounts, folders, addresses, tables. What is
// there is read before what is wanted, so that a pod that came in between is not taken for a leftover.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hierarchiesOf } from '../agent/cgroups/tree.ts';
import type { AgentConfig } from '../agent/config.ts';
import type { RuntimeClient } from '../agent/cri/runtime.ts';
import type { StringMap } from '../agent/cri/types.ts';
import { Layout, type Staged } from '../agent/csi/layout.ts';
import { readPodCidrs } from '../agent/network/cni.ts';
import { familiesOf, rulesets } from '../agent/network/network.ts';
import { localPod } from '../agent/network/network-input.ts';
import type { KernelState, Nft } from '../agent/network/nft.ts';
import { type RulesetConfig, TABLE, tableOf } from '../agent/network/ruleset.ts';
import { ANNOTATION, LABEL } from '../agent/pods/names.ts';
import { readStaticPods } from '../agent/pods/static-pods.ts';
import { mountsBelow } from '../agent/volumes/mounts.ts';
import type { Pod } from '../api/types/core/pod.ts';
import type { FoundSandbox, NodePicture, WantedPod } from './check-node-compare.ts';
import { holdingsOf } from './check-node-runtime.ts';
import { compareTable, desiredTable, type ServicesWorld, type TableDifference } from './check-node-tables.ts';

export interface CollectDeps {
  readonly config: AgentConfig;
  readonly runtime: RuntimeClient;
  readonly nft: Nft;
  /** What the API has of this node, or of the cluster. */
  readonly api: {
    pods(signal: AbortSignal): Promise<readonly Pod[]>;
    services(signal: AbortSignal): Promise<ServicesWorld>;
  };
}

export interface Collected extends NodePicture {
  readonly snapshotter: string;
}

export async function collectNode(deps: CollectDeps, signal: AbortSignal): Promise<Collected> {
  const { config, runtime, api } = deps;
  const [mounts, storage, folders, files, groups, addresses, kernel, held] = await Promise.all([
    mountsOfPods(config.kubeletDir),
    storageOf(config.kubeletDir),
    foldersOfPods(config.kubeletDir),
    filesOfPods(config),
    cgroupsOfPods(config.cgroupRoot),
    givenAddresses(join(config.cni.stateDir, TABLE)),
    tablesOf(deps, signal),
    holdingsOf(runtime, config.runtime.socket, signal),
  ]);
  const containers = await runtime.listContainers({}, signal);
  const [sandboxes, sandboxIds] = await sandboxesOf(runtime, signal);
  const ours = containers.filter(({ labels }) => labels[LABEL.podUid] !== undefined);
  const wanted = await wantedPods(deps, signal);
  const { snapshotter, ...holdings } = held;
  return {
    ...{ mounts, storage, folders, files, addresses, sandboxes, snapshotter },
    ...groups,
    containers: ours.map(({ id, podSandboxId, labels, metadata }) => ({
      ...{ id, sandboxId: podSandboxId, name: labels[LABEL.container] ?? metadata.name },
    })),
    runtimeIds: new Set([...sandboxIds, ...containers.map(({ id }) => id)]),
    runtime: holdings,
    wanted: wanted.map(({ view }) => view),
    letIn: letInAddresses(kernel),
    tables: await tableDifferences(kernel, sandboxes, wanted, config, await api.services(signal)),
  };
}

interface Wanted {
  readonly view: WantedPod;
  readonly pod: Pod;
}

/** Those of the API, and those from this node's own files, which run without anybody else's word. */
async function wantedPods({ config, api }: CollectDeps, signal: AbortSignal): Promise<Wanted[]> {
  const { pods: own } = await readStaticPods(config.staticPodsDir, config.nodeName);
  const others = (await api.pods(signal)).filter(({ metadata }) => {
    // What stands for a pod from a file is known here by the file.
    return metadata.annotations?.[ANNOTATION.configMirror] === undefined;
  });
  return [...own.values(), ...others].map((pod) => {
    const { metadata, spec, status } = pod;
    const view = {
      uid: metadata.uid,
      name: `${metadata.namespace}/${metadata.name}`,
      hostNetwork: spec.hostNetwork === true,
      over: status?.phase === 'Succeeded' || status?.phase === 'Failed',
      leaving: metadata.deletionTimestamp !== undefined,
    };
    return { view, pod };
  });
}

async function sandboxesOf(runtime: RuntimeClient, signal: AbortSignal): Promise<[FoundSandbox[], string[]]> {
  const found: FoundSandbox[] = [];
  const all = await runtime.listSandboxes({}, signal);
  for (const { id, state, labels } of all) {
    const uid = labels[LABEL.podUid];
    if (uid === undefined) continue; // made by somebody else
    const ready = state === 'SANDBOX_READY';
    const seen = await runtime.sandboxDetails(id, signal).catch(() => undefined); // gone since
    const network = seen?.status.network;
    const ips = [network?.ip ?? '', ...(network?.additionalIps ?? []).map(({ ip }) => ip)].filter((ip) => ip !== '');
    const name = `${labels[LABEL.podNamespace]}/${labels[LABEL.podName]}`;
    found.push({ id, uid, name, ready, ips, hostNetwork: ips.length === 0, network: networkOf(seen?.info) });
  }
  return [found, all.map(({ id }) => id)];
}

/** containerd tells a sandbox's specification as text. */
function networkOf(info: StringMap | undefined): string | undefined {
  type Info = { runtimeSpec?: { linux?: { namespaces?: { type: string; path?: string }[] } } };
  const { runtimeSpec } = JSON.parse(info?.['info'] ?? '{}') as Info;
  return runtimeSpec?.linux?.namespaces?.find(({ type }) => type === 'network')?.path;
}

interface Tables {
  readonly config: RulesetConfig;
  readonly kernel: KernelState | undefined;
}

async function tablesOf({ config, nft }: CollectDeps, signal: AbortSignal): Promise<Tables[]> {
  const ranges = rulesets(config, familiesOf(config), await readPodCidrs(config.cni.confDir));
  return Promise.all(
    ranges.map(async (each) => ({ config: each, kernel: await nft.read(tableOf(each.family), signal) })),
  );
}

/** Undefined where there is no table. */
function letInAddresses(tables: readonly Tables[]): ReadonlySet<string> | undefined {
  const sets = tables.flatMap(({ kernel }) => kernel?.elements.get('known-pods') ?? []);
  return sets.length === 0 ? undefined : new Set(sets.flatMap((set) => [...set.keys()]));
}

async function tableDifferences(
  tables: readonly Tables[],
  sandboxes: readonly FoundSandbox[],
  wanted: readonly Wanted[],
  { nodeName }: AgentConfig,
  world: ServicesWorld,
): Promise<TableDifference[]> {
  const live = sandboxes.filter(({ ready, hostNetwork }) => ready && !hostNetwork);
  const local = live.flatMap(({ uid, ips }) => {
    const pod = wanted.find(({ view }) => view.uid === uid)?.pod;
    return pod === undefined ? [{ ips, hostPorts: [] }] : [localPod(pod, ips)];
  });
  return tables.flatMap(({ config, kernel }) => {
    const desired = desiredTable(world, local, nodeName, config);
    // Who is let in is told in words of its own.
    return compareTable(kernel, desired, config).filter(
      ({ ops }) => !ops.every((op) => 'of' in op && op.of === 'known-pods'),
    );
  });
}

async function mountsOfPods(kubeletDir: string) {
  const below = `${join(kubeletDir, 'pods')}/`;
  const points = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').flatMap((line) => {
    const point = line
      .split(' ')[4]
      ?.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
    return point?.startsWith(below) ? [point] : [];
  });
  return points.reverse().map((path) => ({ path, uid: path.slice(below.length).split('/')[0]! }));
}

/** What the agent noted of volumes of drivers, against what is mounted in their folders. */
async function storageOf(kubeletDir: string): Promise<NodePicture['storage']> {
  const layout = new Layout(kubeletDir);
  const [uses, staged, mounted] = await Promise.all([
    layout.allUses(),
    layout.allStaged(),
    mountsBelow(join(kubeletDir, 'plugins', 'kubernetes.io', 'csi')),
  ]);
  const isUsed = ({ driver, handle, mode }: Staged) =>
    uses.some((use) => use.driver === driver && use.handle === handle && use.mode === mode);
  const noted = [...staged.map((each) => layout.staging(each)), ...uses.map((use) => layout.target(use))];
  return {
    staged: staged.map((each) => ({
      ...{ name: each.spec, driver: each.driver, path: layout.staging(each), used: isUsed(each) },
    })),
    unnoted: mounted.filter((path) => !noted.some((each) => path === each || path.startsWith(`${each}/`))),
  };
}

async function foldersOfPods(kubeletDir: string) {
  const dir = join(kubeletDir, 'pods');
  return (await namesIn(dir)).map((uid) => ({ path: join(dir, uid), uid }));
}

/** What the agent remembers of pods, and their logs. */
async function filesOfPods({ dataDir, podLogsDir }: AgentConfig) {
  const remembered = join(dataDir, 'pods');
  const notes = (await namesIn(remembered)).flatMap((name) => {
    return name.endsWith('.json') ? [{ path: join(remembered, name), uid: name.slice(0, -'.json'.length) }] : [];
  });
  const logs = (await namesIn(podLogsDir)).flatMap((name) => {
    const uid = name.split('_')[2]; // what is not named like a pod's folder is somebody else's
    return uid === undefined ? [] : [{ path: join(podLogsDir, name), uid }];
  });
  return [...notes, ...logs];
}

/** Both ways of naming: pod<uid>, and kubepods-burstable-pod<uid with underscores>.slice; in them <id> or <...-id>.scope. */
async function cgroupsOfPods(root: string) {
  const { all } = hierarchiesOf(await readFile('/proc/self/mountinfo', 'utf8'));
  const cgroups: { path: string; uid: string }[] = [];
  const innerCgroups: { path: string; id: string }[] = [];
  const look = async (dir: string, depth: number): Promise<void> => {
    for (const name of await namesIn(dir)) {
      const path = join(dir, name);
      const uid = /(?:^|-)pod([0-9a-f_-]+)(?:\.slice)?$/.exec(name)?.[1];
      if (uid !== undefined) {
        cgroups.push({ path, uid: name.endsWith('.slice') ? uid.replaceAll('_', '-') : uid });
        for (const inner of await namesIn(path)) {
          const id = /(?:^|-)([0-9a-f]{64})(?:\.scope)?$/.exec(inner)?.[1];
          if (id !== undefined) innerCgroups.push({ path: join(path, inner), id });
        }
      } else if (depth > 0 && /(besteffort|burstable)/.test(name)) await look(path, depth - 1);
    }
  };
  for (const mount of all) for (const top of ['kubepods', 'kubepods.slice']) await look(join(mount, root, top), 1);
  return { cgroups, innerCgroups };
}

/** host-local keeps a file per address; its first line is the sandbox. */
async function givenAddresses(dir: string) {
  const found: { file: string; ip: string; sandboxId: string }[] = [];
  for (const name of await namesIn(dir)) {
    if (!/^[0-9a-fA-F.:]+$/.test(name) || !/[.:]/.test(name)) continue; // its lock and its notes
    const file = join(dir, name);
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text !== undefined) found.push({ file, ip: name, sandboxId: text.split(/\r?\n/)[0]!.trim() });
  }
  return found;
}

function namesIn(dir: string): Promise<string[]> {
  return readdir(dir).catch((err: { code?: string }) => {
    if (err.code === 'ENOENT' || err.code === 'ENOTDIR') return [];
    throw err;
  });
}
