// skiff's own containerd: its own configuration, folders and socket, so that another containerd or Docker on the machine
// is not touched. Starts it, or adopts the one that an earlier run left; ends it, while shims and containers run on.
// Whether and when to start it again is the owner's decision: `exited` says when it is gone.
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../api/clock.ts';
import type { Logger } from '../api/log.ts';
import {
  containerdConfig,
  lastComplaint,
  planStart,
  type Snapshotter,
  socketPathProblem,
} from './containerd-config.ts';
import { findCniBinDir, findProgram, findRunning, lookAtHost, overlayWorks } from './containerd-host.ts';
import { probeCri, socketAnswers } from './containerd-probe.ts';
import { ContainerdProcess, readTail, rotateWithin } from './containerd-process.ts';
import { readFileIfThere, writeFileAtomically } from './files.ts';

export interface ContainerdOptions {
  root: string;
  state: string;
  socket: string;
  configFile: string;
  logFile: string;
  certsDir: string;
  cniConfDir: string;
  /** Searched in this order; the first that has the plugins is used. */
  cniBinDirs: readonly string[];
  sandboxImage: string;
  streamAddress: string;
  maxConcurrentDownloads: number;
  logLevel: 'debug' | 'info' | 'warn' | 'error';
  logMaxBytes: number;
  startTimeoutMs: number;
  containerdBinary: string;
  runcBinary: string;
}

export interface ContainerdDeps {
  clock: Clock;
  log: Logger;
}

/** One line that says what is wrong and where; meant to be shown to a person as it is. */
export class ContainerdError extends Error {}

export const PAUSE_IMAGE = 'skiff.local/pause:1';

/** Everything under skiff's three folders, as `skiff up` uses them. */
export function defaultContainerdOptions(dirs: {
  dataDir: string;
  runDir: string;
  configDir: string;
}): ContainerdOptions {
  return {
    root: `${dirs.dataDir}/containerd`,
    state: `${dirs.runDir}/containerd`,
    socket: `${dirs.runDir}/containerd/containerd.sock`,
    configFile: `${dirs.dataDir}/containerd.toml`,
    logFile: `${dirs.dataDir}/log/containerd.log`,
    certsDir: `${dirs.configDir}/certs.d`,
    cniConfDir: `${dirs.dataDir}/cni/net.d`,
    cniBinDirs: ['/usr/lib/cni', '/opt/cni/bin'],
    sandboxImage: PAUSE_IMAGE,
    streamAddress: '127.0.0.1',
    maxConcurrentDownloads: 3,
    logLevel: 'info',
    logMaxBytes: 10 * 1024 * 1024,
    startTimeoutMs: 30_000,
    containerdBinary: 'containerd',
    runcBinary: 'runc',
  };
}

const POLL_MS = 20;
const LOG_CHECK_MS = 10_000;
const LOG_TAIL_BYTES = 16 * 1024;

export class Containerd implements AsyncDisposable {
  readonly socket: string;
  /** As the runtime names it, e.g. `1.6.20~ds1`. */
  readonly version: string;
  readonly snapshotter: Snapshotter;
  readonly clock: Clock;
  readonly #process: ContainerdProcess;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  readonly #keeper: Promise<void>;

  constructor(
    running: ContainerdProcess,
    ready: { version: string; snapshotter: Snapshotter },
    opts: ContainerdOptions,
    deps: ContainerdDeps,
  ) {
    this.#process = running;
    this.socket = opts.socket;
    this.version = ready.version;
    this.snapshotter = ready.snapshotter;
    this.clock = deps.clock;
    this.#log = deps.log;
    this.#keeper = this.#boundLog(opts.logFile, opts.logMaxBytes, this.#stop.signal);
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** It ran already, started by an earlier run of ours. */
  get adopted(): boolean {
    return this.#process.adopted;
  }

  /** Resolves when the process is gone, whoever ended it. */
  get exited(): Promise<void> {
    return this.#process.exited;
  }

  async #boundLog(file: string, maxBytes: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await rotateWithin(file, maxBytes).catch((err) => this.#log.warn({ err, file }, 'containerd log not rotated'));
      await this.clock.sleep(LOG_CHECK_MS, signal).catch(() => signal.aborted);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all([this.#keeper, this.#process.end({ clock: this.clock, log: this.#log })]);
  }
}

export async function startContainerd(
  opts: ContainerdOptions,
  deps: ContainerdDeps,
  signal: AbortSignal,
): Promise<Containerd> {
  const binary = await findProgram(opts.containerdBinary);
  if (binary === undefined) {
    throw new ContainerdError(`${opts.containerdBinary} is not installed: the package is called containerd`);
  }
  const { config, snapshotter } = await makeConfig(opts, signal);
  if (snapshotter === 'native') deps.log.warn({ root: opts.root }, 'overlayfs does not work here: layers are copied');
  const before = await readFileIfThere(opts.configFile);
  const plan = planStart(
    {
      runningPid: await findRunning(opts.configFile),
      sameConfig: before === config,
      socketAnswers: await socketAnswers(opts.socket),
    },
    opts.socket,
  );
  if (plan.do === 'refuse') throw new ContainerdError(plan.why);
  if (plan.do === 'replace') await (await ContainerdProcess.adopt(plan.pid, deps.clock)).end(deps);
  const running =
    plan.do === 'adopt' ? await ContainerdProcess.adopt(plan.pid, deps.clock) : await launch(binary, config, opts);
  try {
    const { version } = await untilReady(running, opts, deps.clock, signal);
    deps.log.info({ pid: running.pid, version, snapshotter, adopted: running.adopted }, 'containerd is ready');
    return new Containerd(running, { version, snapshotter }, opts, deps);
  } catch (err) {
    // One we started and that never became ready is ours to end; one that ran before we came is not.
    if (running.adopted) running.release();
    else await running.end(deps);
    throw err;
  }
}

async function makeConfig(opts: ContainerdOptions, signal: AbortSignal) {
  const problem = socketPathProblem(opts.socket);
  if (problem !== undefined) throw new ContainerdError(problem);
  const [runcBinary, cniBinDir, host, overlay] = await Promise.all([
    findProgram(opts.runcBinary),
    findCniBinDir(opts.cniBinDirs),
    lookAtHost(),
    overlayWorks(opts.root, signal),
  ]);
  if (runcBinary === undefined)
    throw new ContainerdError(`${opts.runcBinary} is not installed: the package is called runc`);
  if (cniBinDir === undefined) {
    const where = opts.cniBinDirs.join(' and ');
    throw new ContainerdError(`no CNI plugins in ${where}: the package is called containernetworking-plugins`);
  }
  const snapshotter = overlay ? 'overlayfs' : 'native';
  return { config: containerdConfig({ ...opts, ...host, runcBinary, cniBinDir, snapshotter }), snapshotter } as const;
}

async function launch(binary: string, config: string, opts: ContainerdOptions): Promise<ContainerdProcess> {
  await mkdir(dirname(opts.socket), { recursive: true, mode: 0o711 });
  for (const dir of [opts.certsDir, opts.cniConfDir]) await mkdir(dir, { recursive: true });
  await writeFileAtomically(opts.configFile, config, 0o600);
  await rotateWithin(opts.logFile, opts.logMaxBytes);
  return ContainerdProcess.launch(binary, opts.configFile, opts.logFile).catch((cause: Error) => {
    throw new ContainerdError(`${binary} does not start: ${cause.message}`, { cause });
  });
}

async function untilReady(running: ContainerdProcess, opts: ContainerdOptions, clock: Clock, signal: AbortSignal) {
  const deadline = AbortSignal.any([signal, clock.deadline(opts.startTimeoutMs)]);
  let last = 'nothing listens on its socket';
  try {
    for (;;) {
      const probe = await probeCri(opts.socket, deadline);
      if (probe.is === 'ready') return probe;
      if (probe.is === 'broken') throw await complaint(`containerd runs without CRI (${probe.why})`, opts);
      if (running.gone) throw await complaint('containerd ended while starting', opts);
      last = probe.why;
      await clock.sleep(POLL_MS, deadline);
    }
  } catch (err) {
    signal.throwIfAborted();
    if (err instanceof ContainerdError) throw err;
    throw await complaint(
      `containerd did not answer on ${opts.socket} within ${opts.startTimeoutMs / 1000} s (${last})`,
      opts,
    );
  }
}

async function complaint(what: string, opts: ContainerdOptions): Promise<ContainerdError> {
  const said = lastComplaint(await readTail(opts.logFile, LOG_TAIL_BYTES));
  return new ContainerdError(
    `${what}${said === undefined ? '' : `: ${said}`} (configuration ${opts.configFile}, log ${opts.logFile})`,
  );
}
