// Looks at everything a node holds of pods: the runtime, control groups, mounts, folders, addresses, tables. What is
// there is read before what is wanted, so that a pod that came in between is not taken for a leftover.
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { hierarchiesOf } from '../agent/cgroups/tree.ts';
import type { AgentConfig } from '../agent/config.ts';
import type { RuntimeClient } from '../agent/cri/runtime.ts';
import { parseTable } from '../agent/network/nft.ts';
import { TABLE } from '../agent/network/ruleset.ts';
import { ANNOTATION, LABEL } from '../agent/pods/names.ts';
import type { Pod } from '../api/types/core/pod.ts';
import type { FoundSandbox, NodePicture, WantedPod } from './check-node-compare.ts';

const run = promisify(execFile);
const NFT_MS = 20_000;
const NFT_BYTES = 256 * 2 ** 20;

export interface CollectDeps {
  readonly config: Pick<AgentConfig, 'kubeletDir' | 'cgroupRoot' | 'cni'>;
  readonly runtime: RuntimeClient;
  /** The pods that the API has on this node. */
  readonly pods: (signal: AbortSignal) => Promise<readonly Pod[]>;
}

export async function collectNode({ config, runtime, pods }: CollectDeps, signal: AbortSignal): Promise<NodePicture> {
  const [mounts, folders, cgroups, addresses, letIn] = await Promise.all([
    mountsOfPods(config.kubeletDir),
    foldersOfPods(config.kubeletDir),
    cgroupsOfPods(config.cgroupRoot),
    givenAddresses(join(config.cni.stateDir, TABLE)),
    letInAddresses(signal),
  ]);
  const containers = await runtime.listContainers({}, signal);
  const sandboxes = await sandboxesOf(runtime, signal);
  const ours = containers.filter(({ labels }) => labels[LABEL.podUid] !== undefined);
  return {
    ...{ mounts, folders, cgroups, addresses, letIn, sandboxes },
    containers: ours.map(({ id, podSandboxId, labels, metadata }) => ({
      ...{ id, sandboxId: podSandboxId, name: labels[LABEL.container] ?? metadata.name },
    })),
    wanted: (await pods(signal)).map(wantedPod),
  };
}

function wantedPod({ metadata, spec, status }: Pod): WantedPod {
  return {
    // What stands for a pod from a file is known here by the file.
    uid: metadata.annotations?.[ANNOTATION.configMirror] ?? metadata.uid,
    name: `${metadata.namespace}/${metadata.name}`,
    hostNetwork: spec.hostNetwork === true,
    over: status.phase === 'Succeeded' || status.phase === 'Failed' || metadata.deletionTimestamp !== undefined,
  };
}

async function sandboxesOf(runtime: RuntimeClient, signal: AbortSignal): Promise<FoundSandbox[]> {
  const found: FoundSandbox[] = [];
  for (const { id, state, labels, annotations } of await runtime.listSandboxes({}, signal)) {
    const uid = labels[LABEL.podUid];
    if (uid === undefined) continue; // made by somebody else
    const ready = state === 'SANDBOX_READY';
    const status = ready ? await runtime.sandboxStatus(id, signal).catch(() => undefined) : undefined;
    const ips = [status?.network?.ip ?? '', ...(status?.network?.additionalIps ?? []).map(({ ip }) => ip)];
    const own = ips.filter((ip) => ip !== '');
    found.push({
      ...{ id, uid, ready, ips: own, hostNetwork: own.length === 0 },
      name: `${labels[LABEL.podNamespace]}/${labels[LABEL.podName]}`,
      fromFile: annotations[ANNOTATION.configSource] === 'file',
    });
  }
  return found;
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

async function foldersOfPods(kubeletDir: string) {
  const dir = join(kubeletDir, 'pods');
  return (await namesIn(dir)).map((uid) => ({ path: join(dir, uid), uid }));
}

/** Both ways of naming: pod<uid>, and kubepods-burstable-pod<uid with underscores>.slice. */
async function cgroupsOfPods(root: string) {
  const { all } = hierarchiesOf(await readFile('/proc/self/mountinfo', 'utf8'));
  const found: { path: string; uid: string }[] = [];
  const look = async (dir: string, depth: number): Promise<void> => {
    for (const name of await namesIn(dir)) {
      const path = join(dir, name);
      const uid = /(?:^|-)pod([0-9a-f_-]+)(?:\.slice)?$/.exec(name)?.[1];
      if (uid !== undefined) found.push({ path, uid: name.endsWith('.slice') ? uid.replaceAll('_', '-') : uid });
      else if (depth > 0 && /(besteffort|burstable)/.test(name)) await look(path, depth - 1);
    }
  };
  for (const mount of all) for (const top of ['kubepods', 'kubepods.slice']) await look(join(mount, root, top), 1);
  return found;
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

async function letInAddresses(signal: AbortSignal): Promise<ReadonlySet<string> | undefined> {
  const all = new Set<string>();
  let seen = false;
  for (const family of ['ip', 'ip6']) {
    try {
      const args = ['-j', 'list', 'set', family, TABLE, 'known-pods'];
      const { stdout } = await run('nft', args, { signal, timeout: NFT_MS, maxBuffer: NFT_BYTES });
      for (const ip of parseTable(stdout).elements.get('known-pods')?.keys() ?? []) all.add(ip);
      seen = true;
    } catch (cause) {
      signal.throwIfAborted();
      const { stderr = '' } = cause as { stderr?: string };
      if (!stderr.includes('No such file'))
        throw new Error(`nft cannot be asked: ${stderr || String(cause)}`, { cause });
    }
  }
  return seen ? all : undefined;
}

function namesIn(dir: string): Promise<string[]> {
  return readdir(dir).catch((err: { code?: string }) => {
    if (err.code === 'ENOENT' || err.code === 'ENOTDIR') return [];
    throw err;
  });
}
