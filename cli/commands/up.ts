// `skiff up`: a cluster on this machine, in the foreground. Certificates, server, containerd and agent in this order;
// then it watches over them until it is told to end, and ends them in the opposite order. Pods are containerd's shims'
// business and notice none of it, so that the next `up` finds them running.
import { join } from 'node:path';
import { durationMs } from '../../agent/pods/duration.ts';
import { type Logger, silent } from '../../api/log.ts';
import { systemClock, systemRandom } from '../../api/system.ts';
import { occupied } from '../bootstrap/ports.mjs';
import { Child, ownCommand } from '../child.ts';
import { endSignal, settings } from '../command.ts';
import { toArgs, UsageError } from '../config.ts';
import { type Containerd, type ContainerdOptions, defaultContainerdOptions, startContainerd } from '../containerd.ts';
import { type DnsSockets, HANDED_OVER, openDnsSockets } from '../dns-sockets.ts';
import { writeFileAtomically } from '../files.ts';
import { leaveNote, runningInstance } from '../instance.ts';
import { kubeconfig } from '../kubeconfig.ts';
import { machineFacts } from '../machine.ts';
import type { Command } from '../main.ts';
import { importPauseImage } from '../oci-import.ts';
import { agentOptions, serverOptions, upOptions, type Values } from '../options.ts';
import { ensurePki, readAdmin } from '../pki.ts';
import { ENVIRONMENT } from '../process-memory.ts';
import { ApiProbe } from '../readiness.ts';
import * as resolve from '../resolve.ts';

const READY_POLL_MS = 25;
const SERVING_TIMEOUT_MS = 3_000;
// A process that dies at once this often will not come up: its words are of more use than another attempt.
const FAILURES_MAX = 3;
const LOG_MAX_BYTES = 20 * 1024 * 1024;
const CONTAINERD_RETRY_MS = 2_000;
const LEFTOVERS_TIMEOUT_MS = 25_000;
const LEFTOVERS_POLL_MS = 100;

const say = (line: string) => void process.stdout.write(`skiff: ${line}\n`);
const clock = systemClock;

/** What containerd's keeper has to say of importance, among our own lines. */
const aloud: Logger = {
  ...silent,
  child: () => aloud,
  warn: (_fields, message) => say(message),
  error: (_fields, message) => say(message),
};

export const run: Command = async (argv) => {
  const given = await settings('up', 'runs a cluster on this machine, in the foreground', upOptions, argv);
  if (given === undefined) return 0;
  if (process.getuid?.() !== 0) throw new UsageError('containers need root: use sudo');
  const machine = machineFacts();
  const nodeName = resolve.nodeNameOf(given, machine);
  const nodeIp = resolve.nodeIpsOf(given, machine);
  const values = { ...given, nodeName, nodeIp, localNode: given.localNode ?? nodeName };
  resolve.serverConfig(values, machine); // what contradicts itself is refused before anything is made
  resolve.agentConfig(values, machine);
  await checkFree(values);
  const end = endSignal();
  try {
    await runCluster(values, machine.hostname, end);
  } catch (err) {
    if (!end.aborted) throw err;
  }
  say(
    'ended. Pods run on: `npm start` (or `skiff up`) finds them, `npm run down` (or `skiff down --purge`) removes everything.',
  );
  return 0;
};

type UpValues = Values<typeof upOptions>;

async function runCluster(values: UpValues, hostname: string, end: AbortSignal): Promise<void> {
  const startedMs = clock.now();
  await using _note = await leaveNote(values.runDir);
  const kubeconfigFile = await prepareCredentials(values, hostname);
  // The server needs no containerd: both start at the same time.
  await using server = startChild('server', serverOptions, values);
  await using _containerd = await keepContainerd(values, end);
  await using probe = await ApiProbe.open(resolve.serverUrlOf(values), resolve.pkiDirOf(values), clock);
  await untilServing(probe, end);
  await using sockets = await openDns(values);
  await using agent = startChild('agent', agentOptions, values, sockets);
  await untilReady(probe, values, [server, agent], startedMs, end);
  const seconds = ((clock.now() - startedMs) / 1000).toFixed(1);
  say(`the cluster is up after ${seconds} s: node ${values.nodeName} is Ready`);
  process.stdout.write(`${whatToType(kubeconfigFile)}\n`);
  if (!end.aborted) await new Promise((done) => end.addEventListener('abort', done, { once: true }));
  say('ending the agent, containerd and the server');
}

async function checkFree(values: UpValues): Promise<void> {
  const other = await runningInstance(values.runDir);
  if (other !== undefined)
    throw new UsageError(`skiff runs already (pid ${other}): end it with Ctrl-C there, or with skiff down`);
  const ports = [values.port, values.kubeletPort, values.proxyHealthPort].filter((port) => port !== 0);
  let [held] = occupied(ports);
  // Processes of an `up` that was killed end by themselves, a moment later.
  for (
    const deadline = clock.deadline(LEFTOVERS_TIMEOUT_MS);
    held?.isSkiff && !deadline.aborted;
    [held] = occupied(ports)
  ) {
    await clock.sleep(LEFTOVERS_POLL_MS);
  }
  if (held === undefined) return;
  const flag =
    held.port === values.port ? 'port' : held.port === values.kubeletPort ? 'kubelet-port' : 'proxy-health-port';
  throw new UsageError(`port ${held.port} is in use by ${held.holder}: end that, or choose another with --${flag}`);
}

async function prepareCredentials(values: UpValues, hostname: string): Promise<string> {
  const { nodeName = hostname, nodeIp: nodeIps, serviceCidr: serviceCidrs, clusterDomain, advertiseAddress } = values;
  const names = {
    hostname,
    nodeName,
    nodeIps,
    serviceCidrs,
    clusterDomain,
    apiNames: advertiseAddress ? [advertiseAddress] : [],
  };
  const dir = resolve.pkiDirOf(values);
  const issued = await ensurePki(dir, names, { random: systemRandom, nowMs: clock.now() });
  if (issued.length > 0) say(`issued certificates in ${dir}: ${issued.map(({ spec }) => spec.name).join(', ')}`);
  const file = resolve.adminKubeconfigOf(values);
  await writeFileAtomically(
    file,
    kubeconfig({ server: resolve.serverUrlOf(values), ...(await readAdmin(dir)) }),
    0o600,
  );
  return file;
}

/** Starts containerd, and starts it again whenever it ends by itself. */
async function keepContainerd(values: UpValues, end: AbortSignal): Promise<AsyncDisposable> {
  const options: ContainerdOptions = {
    ...defaultContainerdOptions(values),
    socket: resolve.runtimeSocketOf(values),
    cniConfDir: resolve.cniConfDirOf(values),
    cniBinDirs: [values.cniBinDir, '/opt/cni/bin'],
  };
  const start = async (): Promise<Containerd> => {
    const started = await startContainerd(options, { clock, log: aloud }, end);
    await importPauseImage(options.sandboxImage, started, end);
    return started;
  };
  let current = await start();
  const { pid, version, adopted } = current;
  say(
    `containerd ${version} ${adopted ? 'was running and is adopted' : 'runs'} (pid ${pid}, socket ${options.socket})`,
  );
  const stopped = new AbortController();
  const keep = async () => {
    const stop = new Promise<'stop'>((done) =>
      stopped.signal.addEventListener('abort', () => done('stop'), { once: true }),
    );
    while ((await Promise.race([current.exited, stop])) !== 'stop') {
      say(`containerd ended; starting it again, log ${options.logFile}`);
      await current[Symbol.asyncDispose]();
      for (let again: Containerd | undefined; again === undefined && !end.aborted; ) {
        again = await start().catch((err: Error) => void say(`containerd does not start: ${err.message}`));
        if (again !== undefined) current = again;
        else await clock.sleep(CONTAINERD_RETRY_MS, end).catch(() => {}); // woken early only to end
      }
      if (end.aborted) return;
    }
  };
  const keeper = keep();
  return {
    async [Symbol.asyncDispose]() {
      stopped.abort();
      await keeper;
      await current[Symbol.asyncDispose]();
    },
  };
}

/** Questions of pods wait in them while the agent restarts. */
async function openDns({ clusterDns, serviceCidr: [services = ''] }: UpValues): Promise<DnsSockets | undefined> {
  const address = clusterDns.find((ip) => ip.includes(':') === services.includes(':'));
  if (address === undefined) return undefined;
  try {
    return await openDnsSockets(address);
  } catch (err) {
    say(`cluster DNS does not wait while the agent restarts: ${(err as Error).message.split('\n')[0]}`);
    return undefined;
  }
}

function startChild(
  name: 'server' | 'agent',
  table: typeof serverOptions | typeof agentOptions,
  values: UpValues,
  sockets?: DnsSockets,
): Child {
  const logFile = join(values.dataDir, `log/${name}.log`);
  const command = ownCommand(name, toArgs(table, values));
  const env = { ...ENVIRONMENT, ...(sockets && HANDED_OVER) };
  const options = { name, command, env, fds: sockets?.fds, logFile, logMaxBytes: LOG_MAX_BYTES };
  const child = new Child(options, { clock, say });
  say(`the ${name} is starting, log ${logFile}`);
  return child;
}

/** An agent that finds no server tries again a second later. But nodes live without one, so it is not waited for long. */
async function untilServing(probe: ApiProbe, end: AbortSignal): Promise<void> {
  const deadline = AbortSignal.any([end, clock.deadline(SERVING_TIMEOUT_MS)]);
  while (!deadline.aborted && (await probe.get('/readyz', end)).status !== 200) {
    await clock.sleep(READY_POLL_MS, deadline).catch(() => {}); // the loop's condition tells
  }
}

async function untilReady(
  probe: ApiProbe,
  values: UpValues,
  children: readonly Child[],
  sinceMs: number,
  end: AbortSignal,
): Promise<void> {
  const deadline = AbortSignal.any([end, clock.deadline(durationMs(values.readyTimeout)!)]);
  let waitingFor = 'nothing was asked yet';
  while (!deadline.aborted) {
    const failed = children.find(({ failures }) => failures >= FAILURES_MAX);
    if (failed !== undefined) throw new Error(`gave up after ${FAILURES_MAX} attempts: ${failed.lastWords}`);
    const state = await probe.readiness(values.nodeName!, sinceMs, end);
    if (state.ready) return;
    waitingFor = state.waitingFor;
    await clock.sleep(READY_POLL_MS, deadline).catch(() => {}); // the loop's condition tells
  }
  end.throwIfAborted();
  throw new Error(`not ready after ${values.readyTimeout}: ${waitingFor} (logs in ${join(values.dataDir, 'log')})`);
}

function whatToType(kubeconfigFile: string): string {
  return `
  In another terminal, as root:

    export KUBECONFIG=${kubeconfigFile}
    kubectl get nodes -o wide
    kubectl create deployment web --image=nginx --replicas=3
    kubectl expose deployment web --port=80
    kubectl get pods -o wide

  Ctrl-C here ends the processes; pods run on.
`;
}
