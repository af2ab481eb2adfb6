// `skiff down`: ends the cluster with its pods. With --purge the machine is as before `up`, but for packages and what
// the operator wrote himself. Orderly first, through containerd, so that networks and mounts are given back by those
// who made them; then by force what is left. May be run again at any time.
import { join } from 'node:path';
import { RuntimeClient } from '../../agent/cri/runtime.ts';
import { ungrant } from '../../agent/shutdown/logind.ts';
import { silent } from '../../api/log.ts';
import { systemClock as clock } from '../../api/system.ts';
import { settings } from '../command.ts';
import { UsageError } from '../config.ts';
import { defaultContainerdOptions, startContainerd } from '../containerd.ts';
import { runningInstance } from '../instance.ts';
import type { Command } from '../main.ts';
import { upOptions, type Values } from '../options.ts';
import * as resolve from '../resolve.ts';
import * as sweep from '../sweep.ts';

const END_TIMEOUT_MS = 60_000;
const PODS_TIMEOUT_MS = 120_000;
const AT_ONCE = 4;
const UNGRANT_MS = 10_000;

type UpValues = Values<typeof upOptions>;

const say = (line: string) => void process.stdout.write(`skiff: ${line}\n`);

export const run: Command = async (argv) => {
  const purge = argv.includes('--purge');
  const rest = argv.filter((arg) => arg !== '--purge');
  const values = await settings(
    'down',
    'ends the cluster and its pods; --purge also removes all it made',
    upOptions,
    rest,
  );
  if (values === undefined) return 0;
  if (process.getuid?.() !== 0) throw new UsageError('removing containers needs root: use sudo');
  await endInstance(values.runDir);
  const podUids = await removePods(values);
  await removeRemains(values);
  if (!purge) return 0;
  const complete = await removeFolders(values, podUids);
  say(complete ? 'nothing of skiff is left but the host packages' : 'some of it could not be removed (see above)');
  return complete ? 0 : 1;
};

async function endInstance(runDir: string): Promise<void> {
  const pid = await runningInstance(runDir);
  if (pid === undefined) return;
  process.kill(pid, 'SIGTERM');
  if (!(await sweep.untilGone([pid], clock, END_TIMEOUT_MS))) throw new Error(`skiff up (pid ${pid}) does not end`);
  say(`ended skiff up (pid ${pid})`);
}

/** Answers with the pods there were: their logs and volumes carry the same ids. */
async function removePods(values: UpValues): Promise<Set<string>> {
  const uids = new Set(await sweep.namesIn(join(values.kubeletDir, 'pods')));
  const options = {
    ...defaultContainerdOptions(values),
    socket: resolve.runtimeSocketOf(values),
    cniConfDir: resolve.cniConfDirOf(values),
    cniBinDirs: [values.cniBinDir, '/opt/cni/bin'],
  };
  if (!(await sweep.isThere(options.root))) return uids;
  const deadline = clock.deadline(PODS_TIMEOUT_MS);
  try {
    await using _containerd = await startContainerd(options, { clock, log: silent }, deadline);
    using runtime = new RuntimeClient(options.socket, clock);
    const sandboxes = await runtime.listSandboxes({}, deadline);
    for (const { metadata } of sandboxes) uids.add(metadata.uid);
    const queue = sandboxes.values();
    const worker = async () => {
      for (const { id } of queue) {
        await runtime.stopSandbox(id, deadline);
        await runtime.removeSandbox(id, deadline);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    if (sandboxes.length > 0) say(`removed ${some(sandboxes.length, 'pod')}`);
  } catch (err) {
    say(
      `not all pods could be removed in an orderly way (${(err as Error).message}); what is left is removed by force`,
    );
  }
  return uids;
}

async function removeRemains(values: UpValues): Promise<void> {
  const socket = resolve.runtimeSocketOf(values);
  const killed = await sweep.killShims(socket, clock);
  if (killed.processes > 0) say(`killed ${some(killed.processes, 'process')} of containers`);
  await sweep.removeShimSockets(socket, killed.sandboxIds);
  await sweep.removeCniResults(killed.sandboxIds, defaultContainerdOptions(values).state);
  for (const name of await sweep.removeNetworks(killed.networks)) say(`removed the network namespace ${name}`);
  const { unmounted } = await sweep.unmountBelow(mountFolders(values));
  if (unmounted.length > 0) say(`unmounted ${some(unmounted.length, 'mount')}`);
  for (const what of await sweep.removeTables()) say(`removed ${what}`);
  await sweep.removeAddresses(values.serviceCidr, values.clusterDns);
  const delay = await ungrant(clock.deadline(UNGRANT_MS));
  if (delay !== undefined) say(`removed ${delay}`);
  const cgroups = await sweep.removeCgroups(values.cgroupRoot, clock);
  if (cgroups > 0) say(`removed ${some(cgroups, 'control group')}`);
}

async function removeFolders(values: UpValues, podUids: ReadonlySet<string>): Promise<boolean> {
  const { stuck } = await sweep.unmountBelow(mountFolders(values));
  for (const point of stuck)
    say(`${point} is still mounted, so what is around it stays: end what uses it and run this again`);
  if (stuck.length > 0) return false;
  const logs = await sweep.removeLogs(values.podLogsDir, values.containerLogsDir, podUids);
  if (logs > 0) say(`removed the logs of ${some(logs, 'pod')}`);
  for (const uid of podUids) await sweep.removeFolder(join(values.kubeletDir, 'pods', uid));
  const { configDir, dataDir, runDir } = values;
  const ours = [
    dataDir,
    runDir,
    resolve.pkiDirOf(values),
    resolve.cniConfDirOf(values),
    resolve.adminKubeconfigOf(values),
  ];
  for (const path of ours) {
    const how = await sweep.removeFolder(path);
    if (how !== 'nothing') say(`${how} ${path}`);
  }
  const shared = ['pods', 'plugins_registry', 'plugins', 'device-plugins', ''].map((name) =>
    join(values.kubeletDir, name),
  );
  const inConfig = ['certs.d', 'manifests'].map((name) => join(configDir, name));
  for (const path of [...shared, values.podLogsDir, values.containerLogsDir, ...inConfig]) {
    await sweep.removeIfEmpty(path);
  }
  if (await sweep.removeIfEmpty(configDir)) say(`removed ${configDir}`);
  else
    for (const name of await sweep.namesIn(configDir)) say(`kept ${join(configDir, name)}, which skiff did not write`);
  const left = await Promise.all([dataDir, runDir].map(async (path) => (await sweep.namesIn(path)).length > 0));
  return !left.includes(true);
}

function some(count: number, what: string): string {
  return `${count} ${count === 1 ? what : what.endsWith('s') ? `${what}es` : `${what}s`}`;
}

function mountFolders({ dataDir, runDir, kubeletDir }: UpValues): string[] {
  return [dataDir, runDir, kubeletDir];
}
