// skiff's own containerd: its own configuration, folders and socket, so that another containerd or Docker on the machine
// is not touched. Starts it, or adopts the one that an earlier run left; ends it, while shims and containers run on.
// Whether and when to start it again is the owner's decision: `exited` says when it is gone.
import { spawn } from 'node:child_process';
import { chmod, copyFile, mkdir, open, readFile, stat, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../api/clock.ts';
import type { Logger } from '../api/log.ts';
import { containerdConfig, lastComplaint, planStart, socketPathProblem } from './containerd-config.ts';
import {
  findCniBinDir,
  findProgram,
  findRunning,
  isAlive,
  lookAtHost,
  overlayWorks,
  searchPath,
} from './containerd-host.ts';
import { probeCri, socketAnswers } from './containerd-probe.ts';
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
const WATCH_MS = 200;
const STOP_TIMEOUT_MS = 10_000;
const LOG_CHECK_MS = 10_000;
const LOG_TAIL_BYTES = 16 * 1024;

export class Containerd implements AsyncDisposable {
  readonly socket: string;
  readonly pid: number;
  readonly adopted: boolean;
  /** As the runtime names it, e.g. `1.6.20~ds1`. */
  readonly version: string;
  readonly snapshotter: 'overlayfs' | 'native';
  /** Resolves when the process is gone, whoever ended it. */
  readonly exited: Promise<void>;
  readonly clock: Clock;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  readonly #keeper: Promise<void>;
  readonly #running: Running;

  constructor(
    running: Running,
    ready: { version: string; snapshotter: 'overlayfs' | 'native' },
    opts: ContainerdOptions,
    deps: ContainerdDeps,
  ) {
    this.#running = running;
    this.socket = opts.socket;
    this.pid = running.pid;
    this.adopted = running.adopted;
    this.exited = running.exited;
    this.version = ready.version;
    this.snapshotter = ready.snapshotter;
    this.clock = deps.clock;
    this.#log = deps.log;
    this.#keeper = this.#boundLog(opts.logFile, opts.logMaxBytes, this.#stop.signal);
  }

  async #boundLog(file: string, maxBytes: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await rotateWithin(file, maxBytes).catch((err) => this.#log.warn({ err, file }, 'containerd log not rotated'));
      await this.clock.sleep(LOG_CHECK_MS, signal).catch(() => signal.aborted);
    }
  }

  /** SIGTERM, and SIGKILL for one that hangs: containers belong to their shims and do not notice either. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all([this.#keeper, endProcess(this.#running, { clock: this.clock, log: this.#log })]);
  }
}

interface Running {
  pid: number;
  adopted: boolean;
  exited: Promise<void>;
  /** Ends the watch over a process that is left alone. */
  release(): void;
}

function adopt(pid: number, clock: Clock): Running {
  const watch = new AbortController();
  return { pid, adopted: true, exited: whenGone(pid, clock, watch.signal), release: () => watch.abort() };
}

export async function startContainerd(
  opts: ContainerdOptions,
  deps: ContainerdDeps,
  signal: AbortSignal,
): Promise<Containerd> {
  const binary = await findProgram(opts.containerdBinary);
  if (binary === undefined)
    throw new ContainerdError(`${opts.containerdBinary} is not installed: the package is called containerd`);
  const { config, snapshotter } = await makeConfig(opts, signal);
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
  if (plan.do === 'replace') await endProcess(adopt(plan.pid, deps.clock), deps);
  if (snapshotter === 'native') deps.log.warn({ root: opts.root }, 'overlayfs does not work here: layers are copied');
  const running = plan.do === 'adopt' ? adopt(plan.pid, deps.clock) : await launch(binary, config, opts);
  try {
    const { version } = await untilReady(running, opts, deps.clock, signal);
    deps.log.info({ pid: running.pid, version, snapshotter, adopted: running.adopted }, 'containerd is ready');
    return new Containerd(running, { version, snapshotter }, opts, deps);
  } catch (err) {
    // One we started and that never became ready is ours to end; one that ran before we came is not.
    if (running.adopted) running.release();
    else await endProcess(running, deps);
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

async function launch(binary: string, config: string, opts: ContainerdOptions): Promise<Running> {
  for (const file of [opts.configFile, opts.logFile, opts.socket])
    await mkdir(dirname(file), { recursive: true, mode: 0o711 });
  await mkdir(opts.certsDir, { recursive: true });
  await mkdir(opts.cniConfDir, { recursive: true });
  await writeFileAtomically(opts.configFile, config, 0o600);
  await rotateWithin(opts.logFile, opts.logMaxBytes);
  // A file and not a pipe: containerd goes on writing when we are killed.
  await using output = await open(opts.logFile, 'a', 0o600);
  await chmod(opts.logFile, 0o600);
  const child = spawn(binary, ['--config', opts.configFile], {
    // Of a session of its own: Ctrl-C on our terminal is for us to handle.
    detached: true,
    stdio: ['ignore', output.fd, output.fd],
    env: childEnvironment(process.env),
  });
  const { promise: exited, resolve } = Promise.withResolvers<void>();
  child.once('exit', () => resolve());
  const { promise: spawned, resolve: started, reject } = Promise.withResolvers<void>();
  child.once('spawn', started);
  child.once('error', (cause) => reject(new ContainerdError(`${binary} does not start: ${cause.message}`, { cause })));
  await spawned;
  return { pid: child.pid!, adopted: false, exited, release: () => child.unref() };
}

/** Shims and their containers' runtime inherit it, so nothing of ours that they do not need. */
function childEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const passed = /^(https?_proxy|no_proxy|all_proxy|ssl_cert_file|ssl_cert_dir|lang|tmpdir)$/i;
  return { ...Object.fromEntries(Object.entries(env).filter(([name]) => passed.test(name))), PATH: searchPath() };
}

async function untilReady(running: Running, opts: ContainerdOptions, clock: Clock, signal: AbortSignal) {
  const deadline = AbortSignal.any([signal, clock.deadline(opts.startTimeoutMs)]);
  let gone = false;
  void running.exited.then(() => {
    gone = true;
  });
  let last = 'nothing listens on its socket';
  try {
    for (;;) {
      const probe = await probeCri(opts.socket, deadline);
      if (probe.is === 'ready') return probe;
      if (probe.is === 'broken') throw await complaint(`containerd runs without CRI (${probe.why})`, opts);
      if (gone) throw await complaint('containerd ended while starting', opts);
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

async function endProcess({ pid, exited }: Running, { clock, log }: ContainerdDeps): Promise<void> {
  const waiting = new AbortController();
  const patience = clock.sleep(STOP_TIMEOUT_MS, waiting.signal).then(
    () => 'late' as const,
    () => 'ended' as const,
  );
  if (await isAlive(pid)) process.kill(pid, 'SIGTERM');
  const first = await Promise.race([exited.then(() => 'ended' as const), patience]);
  waiting.abort();
  if (first === 'ended') return;
  log.warn({ pid, afterMs: STOP_TIMEOUT_MS }, 'containerd did not end on SIGTERM and is killed');
  if (await isAlive(pid)) process.kill(pid, 'SIGKILL');
  await exited;
}

/** A process that is not our child tells nobody when it ends. Stays open when the watch is given up. */
async function whenGone(pid: number, clock: Clock, signal: AbortSignal): Promise<void> {
  while (await isAlive(pid)) {
    const waited = await clock.sleep(WATCH_MS, signal).then(
      () => true,
      () => false,
    );
    if (!waited) return Promise.withResolvers<void>().promise;
  }
}

/** Keeps one older file beside the current one. The writer appends, so its file is emptied, not replaced. */
export async function rotateWithin(file: string, maxBytes: number): Promise<void> {
  const size = await stat(file).then(
    ({ size }) => size,
    () => 0,
  );
  if (size <= maxBytes) return;
  await copyFile(file, `${file}.1`);
  await truncate(file);
}

export async function readTail(file: string, bytes: number): Promise<string> {
  const text = await readFile(file).catch(() => Buffer.alloc(0));
  return text.subarray(Math.max(0, text.length - bytes)).toString('utf8');
}
