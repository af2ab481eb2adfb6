// Servers under load, each a process of its own: skiff as nodes run it (bundled, embedded store on disk, TLS), the
// floor beside it, and the process that asks. BENCH_CPU_PROF=<folder> runs the sources under the profiler instead.
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRandom } from '../../api/system.ts';
import { bundle } from '../../cli/bundle.ts';
import { ensurePki, pkiFiles } from '../../cli/pki.ts';
import { ENVIRONMENT, NODE_FLAGS } from '../../cli/process-memory.ts';
import { cpuSeconds, type Memory, memoryOf } from '../figures.ts';
import type { Job, Outcome } from './load.ts';

/** Runs that are worth quoting take ten times as long. */
export const LONG = process.env['BENCH_LONG'] === '1';
const PROFILE = process.env['BENCH_CPU_PROF'];
const STARTED_WITHIN_MS = 60_000;
const LOOP_DELAY = join(import.meta.dirname, 'loop-delay.mjs');

export interface Measured extends Outcome {
  /** Of the server, from the job's begin to its end; with a watch, from when all watched. */
  readonly cpuSeconds: number;
}

export interface Target extends AsyncDisposable {
  readonly startedMs: number;
  run(job: Job): Promise<Measured>;
  memory(): Memory;
  /** Of the event loop since this was asked last: how late a timer of a millisecond came. Servers only. */
  loopDelay(): Promise<LoopDelay>;
}

export interface LoopDelay {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface Bench extends AsyncDisposable {
  readonly folder: string;
  /** skiff, on the data in this folder of the bench. */
  server(data?: string, run?: string): Promise<Target>;
  floor(): Promise<Target>;
}

export async function openBench(): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'skiff-bench-'));
  const pki = join(folder, 'pki');
  const names = { hostname: 'localhost', nodeName: 'bench', nodeIps: ['127.0.0.1'], serviceCidrs: ['10.43.0.0/16'] };
  await ensurePki(pki, { ...names, clusterDomain: 'cluster.local' }, { random: systemRandom, nowMs: Date.now() });
  const { cert, key } = pkiFiles(pki);
  const client = [cert('ca'), cert('admin'), key('admin')];
  const dist = join(folder, 'dist');
  if (PROFILE === undefined) await bundle(dist);
  const server = async (data = 'data', run = 'api') => {
    await mkdir(join(folder, data), { recursive: true });
    const port = await freePort();
    const folders = ['config-dir', 'data-dir', 'run-dir'].map((flag) => `--${flag}=${join(folder, data)}`);
    const addresses = ['--bind-address=127.0.0.1', '--node-ip=127.0.0.1', `--port=${port}`, `--pki-dir=${pki}`];
    const args = [`--run=${run}`, ...addresses, ...folders, '--log-format=json'];
    const program =
      PROFILE === undefined
        ? [...NODE_FLAGS.server, '--import', LOOP_DELAY, join(dist, 'server.mjs')]
        : ['--cpu-prof', `--cpu-prof-dir=${PROFILE}`, join(import.meta.dirname, '../../cli/main.ts'), 'server'];
    return target([...program, ...args], 'serving the API', port, client);
  };
  const floor = async () => {
    const port = await freePort();
    const files = [cert('apiserver'), key('apiserver'), cert('ca')];
    return target([join(import.meta.dirname, 'floor.ts'), String(port), ...files], 'listening', port, client);
  };
  return { folder, server, floor, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

async function target(args: string[], ready: string, port: number, client: readonly string[]): Promise<Target> {
  const began = performance.now();
  const env = { ...process.env, ...ENVIRONMENT };
  const server = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'pipe'], env });
  const said = await saysWithin(server, ready);
  const startedMs = performance.now() - began;
  const load = fork(join(import.meta.dirname, 'load.ts'), [`https://127.0.0.1:${port}`, ...client]);
  await once(load, 'message');
  const pid = server.pid!;
  return {
    startedMs,
    memory: () => memoryOf(pid),
    async loopDelay() {
      const told = said.next(/^loop delay (.*)$/m);
      server.kill('SIGUSR2');
      return JSON.parse((await told)[1]!) as LoopDelay;
    },
    async run(job) {
      let before = cpuSeconds(pid);
      load.send(job);
      for (;;) {
        const [message] = (await once(load, 'message')) as [{ mark?: true; failed?: string; outcome?: Outcome }];
        if (message.mark) before = cpuSeconds(pid);
        if (message.failed !== undefined) throw new Error(`${message.failed}\n${said.text}`);
        if (message.outcome !== undefined) return { ...message.outcome, cpuSeconds: cpuSeconds(pid) - before };
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([ended(load), ended(server)]);
    },
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}

interface Said {
  text: string;
  /** The next line like this. */
  next(line: RegExp): Promise<RegExpExecArray>;
}

/** What it says goes on being read, and the end of it kept for when something fails. */
async function saysWithin(child: ChildProcess, words: string): Promise<Said> {
  const said: Said = {
    text: '',
    next: (line) =>
      new Promise((resolve) => {
        let heard = '';
        const hear = (chunk: Buffer) => {
          heard += chunk.toString();
          const found = line.exec(heard);
          if (found === null) return;
          child.stderr!.off('data', hear);
          resolve(found);
        };
        child.stderr!.on('data', hear);
      }),
  };
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`did not start:\n${said.text}`)), STARTED_WITHIN_MS);
    child.once('exit', (code) => reject(new Error(`ended with ${code}:\n${said.text}`)));
    child.stderr!.on('data', (chunk: Buffer) => {
      said.text = (said.text + chunk.toString()).slice(-4_000);
      if (!said.text.includes(words)) return;
      clearTimeout(timer);
      resolve();
    });
  });
  return said;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}
